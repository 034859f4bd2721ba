//! Runs of integration scenarios: the plan, the jobs that it becomes, the states of each part, and the documents and events
//! that say so.
//!
//! A [`RunPlan`] is made once and never changes; its digest is part of the run's [`RunId`]. A task of it becomes one [`Job`]
//! (one for each cell of a matrix), a job has one or more attempts and exactly one [`TaskResult`]. Everything that is shown
//! ([`RunDocument`]) follows from the plan, the results and the queue.

mod document;
mod event;
mod id;
mod job;
mod plan;
mod state;

pub use document::{
    Artifact, AttemptDocument, RunDocument, RunList, RunSummary, ScenarioDocument, TaskDocument, Usage,
};
pub use event::{Budget, BudgetUse, Change, ProgressEvent};
pub use id::{InvalidRunId, RunId, TaskId};
pub use job::{ErrorClass, Job, JobKey, PluginCall, PluginRef, TaskResult, Verb, WaitingState};
pub use plan::{
    Budgets, Concurrency, Matrix, MatrixInclude, OnError, OnFull, ParamValue, Parent, PipelinePlan, Priority, RunPlan,
    ScenarioPlan, TaskPlan, When, WhenOperator,
};
pub use state::{Cause, RunState, StateRecord};

/// Cells of one matrix, as in Tekton: each is a job of its own.
pub const MATRIX_CELLS: usize = 256;

/// Tasks of one run with the cells of their matrices: each is a row in the store and some hundred bytes of memory.
pub const RUN_TASKS: usize = 100_000;

/// The state that a waiting job keeps between two calls of its plugin.
pub const WAITING_STATE_BYTES: usize = 64 << 10;

/// One result of a task after which other tasks are started. What is larger is an artifact.
pub const RESULT_BYTES: usize = 1 << 20;

/// All parameters of one task after substitution: a result that refers to results could double with every task.
pub const PARAMETERS_BYTES: usize = 4 << 20;
