//! [`Executor`]: one call of a plugin.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::queue::StoreError;
use crate::run::{Artifact, Cause, ErrorClass, Job, ParamValue, RunState, Usage, Verb, WaitingState};

/// What a call is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorCall<'a> {
    /// The job.
    pub job: &'a Job,
    /// Which call.
    pub verb: Verb,
    /// The attempt, from one.
    pub attempt: u32,
    /// What the plugin kept from the step before.
    pub waiting: Option<&'a WaitingState>,
    /// The longest time that the call may take.
    pub limit: Duration,
}

/// What a call may do while it lasts.
pub trait ExecutorContext: Send + Sync {
    /// Adds to the task's log.
    ///
    /// # Errors
    /// The store cannot take it.
    fn log(&self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Whether the call is to end at once; nobody waits for its result.
    fn is_canceled(&self) -> bool;

    /// Becomes true when [`is_canceled`](Self::is_canceled) does, for what cannot keep the context.
    fn cancellation(&self) -> Arc<AtomicBool>;
}

/// The verdict of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskVerdict {
    /// `passed`, `warned`, `failed`, `error` or `skipped`; `canceled` if somebody did that at the third party.
    pub state: RunState,
    /// Why, unless it passed.
    pub cause: Option<Cause>,
    /// Named results.
    pub results: BTreeMap<String, ParamValue>,
    /// Files, which are in the blob store.
    pub artifacts: Vec<Artifact>,
    /// What it used.
    pub usage: Usage,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// The task has ended.
    Done(TaskVerdict),
    /// A third party works on it.
    Waiting {
        /// What to go on with.
        state: WaitingState,
        /// Not before this time has passed.
        after: Duration,
    },
    /// A call that cancels was answered: nothing of the job goes on.
    Canceled {
        /// Why the third party refused, which it does for what has ended.
        refused: Option<String>,
    },
    /// No verdict.
    Error {
        /// What kind of error, from which follows whether there is another attempt.
        class: ErrorClass,
        /// The fact.
        cause: Cause,
        /// Not before this time has passed, if the other side said so.
        after: Option<Duration>,
    },
}

/// Calls plugins, from any thread. A call never outlives its limit by much, whatever the plugin does.
pub trait Executor: Send + Sync {
    /// Makes one call.
    fn execute(&self, call: &ExecutorCall<'_>, context: &dyn ExecutorContext) -> CallResult;
}
