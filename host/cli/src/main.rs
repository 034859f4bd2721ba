//! Reception.
fn main() {}
