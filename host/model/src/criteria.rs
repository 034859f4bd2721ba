//! Which rules count: include and exclude with their scores.
