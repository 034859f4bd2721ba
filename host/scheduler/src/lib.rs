//! Carries out plans: plan → jobs → attempts → events.
//!
//! [`Scheduler`] is the coordinator of a store: it has threads that take jobs from a `Queue`, an `Executor` that they call, and a
//! `RunRecord`. What to do next is decided by the `engine`, a state machine without threads, clock or disk: results go in,
//! jobs and changes of the record come out. Nothing that the engine knows has to survive: after a crash it is fed the plan
//! and the results that are stored, and goes on from there.

mod backoff;
mod dispatch;
mod engine;
mod history;
mod request;
mod scheduler;
mod settings;
mod shared;
#[cfg(test)]
mod tests;
mod worker;

pub use engine::TaskJob;
pub use history::{HistoryError, check_history};
pub use request::{InvalidRequest, Reused, RunRequest};
pub use scheduler::{RunEnd, Scheduler, SchedulerError, jobs_of_run};
pub use settings::{ServiceLimit, Settings, Stop};
