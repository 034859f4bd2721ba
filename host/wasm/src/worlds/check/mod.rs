//! The world `check`: a plugin evaluates the evidence of one image and returns findings.

mod evaluator;
mod findings;
mod v0_1;
pub(crate) mod world;

pub use evaluator::{Check, CheckError, CheckOptions};

#[cfg(test)]
mod tests;
