//! One test binary that drives the built program, and holds the house to its plan.
//!
//! One binary, because each one links everything again. `arrows` and `tidy` check the source tree; the others are
//! sentences about `assay` as a user meets it: real files, a real registry on port 0, the real exit code. `world` and
//! `registry` are what they judge and where it comes from.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod arrows;
mod bad_input;
mod conftest;
mod ec_cases;
mod example;
mod plugins;
mod policies;
mod recorded;
mod registry;
mod remote;
mod reports;
mod shared;
mod sources;
mod tidy;
mod verdicts;
mod world;
