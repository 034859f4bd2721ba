//! Gathers and judges components in parallel, and hands on what happened as events.
//!
//! In reading order: [`Job`] is what is to be done, [`Judges`] by whom, [`run()`] does it (locate every image, gather
//! each while the judges are made, then judge), [`Control`] stops it early, and `outcome` makes one component's [`Outcome`](assay_model::outcome::Outcome).
//!
//! Invariant: this crate knows ports only. It never learns what a registry, a policy language or a plugin is, it
//! prints nothing, and what it gives out does not depend on the number of workers.

mod control;
mod expand;
mod job;
mod making;
mod outcome;
mod run;
#[cfg(test)]
mod tests;

pub use control::{Control, Inbox};
pub use job::{Clock, Inaccessible, Job, Judges};
pub use run::{RunError, run};
