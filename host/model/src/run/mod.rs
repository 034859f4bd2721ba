//! Runs of integration scenarios: the plan, the jobs that it becomes, the states of each part, and the documents and events
//! that say so.
//!
//! A [`RunOutline`] is made once and never changes; its digest is part of the run's [`RunId`]. A task of its plan becomes one
//! [`Job`] (one for each cell of a matrix), a job has one or more attempts and exactly one [`TaskResult`]. Everything that is
//! shown ([`RunDocument`]) follows from the outline, the results and the queue.

mod artifact;
mod document;
mod event;
mod id;
mod job;
mod limits;
mod outline;
mod state;
mod value;

pub use artifact::{Artifact, Usage};
pub use document::{AttemptDocument, RunDocument, RunList, RunSummary, ScenarioDocument, TaskDocument};
pub use event::{Budget, BudgetUse, Change, ProgressEvent};
pub use id::{InvalidRunId, RunId, TaskId};
pub use job::{Ending, ErrorClass, Job, JobKey, PluginCall, PluginRef, RemoteJob, TaskResult, Verb, WaitingState};
pub use limits::{Budgets, Concurrency, OnFull, Priority};
pub use outline::{RunOutline, ScenarioOutline, TaskOutline, WriteOutline};
pub use state::{Cause, RunState, StateRecord};
pub use value::ParamValue;

pub use crate::stored::Version;

/// Tasks of one run with the cells of their matrices: each is a row in the store and some hundred bytes of memory.
pub const RUN_TASKS: usize = 100_000;

/// The state that a waiting job keeps between two calls of its plugin.
pub const WAITING_STATE_BYTES: usize = 64 << 10;

/// One result of a task after which other tasks are started. What is larger is an artifact.
pub const RESULT_BYTES: usize = 1 << 20;

/// All parameters of one task after substitution: a result that refers to results could double with every task.
pub const PARAMETERS_BYTES: usize = 4 << 20;
