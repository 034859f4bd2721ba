//! Collects evidence about components and evaluates them concurrently, and reports progress as events.
//!
//! In reading order: [`Job`] is what to do, [`Evaluators`] are the policies, [`run()`] does it (resolves every image,
//! collects evidence about each while the policies load, then evaluates), [`RunHandle`] stops it early, and `outcome`
//! makes one component's [`Outcome`](assay_model::outcome::Outcome).
//!
//! Invariant: this crate knows ports only. It does not depend on registries, policy languages or plugins,
//! prints nothing, and its results do not depend on the number of workers.

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
