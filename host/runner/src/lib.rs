//! Gathers and judges components in parallel, and hands on what happened as events.
//!
//! In reading order: [`Job`] is what is to be done, [`Evaluators`] by whom, [`run()`] does it (locate every image, gather
//! each while the judges are made, then judge), [`RunHandle`] stops it early, and `outcome` makes one component's [`Outcome`](assay_model::outcome::Outcome).
//!
//! Invariant: this crate knows ports only. It never learns what a registry, a policy language or a plugin is, it
//! prints nothing, and what it gives out does not depend on the number of workers.

mod error;
mod expand;
mod job;
mod outcome;
mod pending_evaluators;
mod progress;
mod run;
mod run_handle;
#[cfg(test)]
mod tests;

pub use error::RunError;
pub use job::{Clock, Evaluators, Job, UnreachablePolicy};
pub use run::run;
pub use run_handle::{EventReceiver, RunHandle};
