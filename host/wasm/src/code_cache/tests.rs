//! A folder with code, and what may be wrong with it.
