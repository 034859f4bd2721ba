//! The input document that policies see.
