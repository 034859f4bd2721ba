//! [`RunRecord`]: what is kept of runs: plans, states, events, logs.

use std::io;

use super::queue::StoreError;
use crate::{
    outcome::Verdict,
    run::{
        Job, JobKey, ProgressEvent, RunDocument, RunId, RunList, RunOutline, RunState, StateRecord, TaskId, TaskResult,
        WriteOutline,
    },
};

/// What came of creating a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// It is there already, in this state.
    Existing(RunState),
}

/// A change to the record of a run. Changes of one call become visible together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordChange {
    /// The state of the run.
    Run {
        /// The run.
        run: RunId,
        /// The state.
        state: StateRecord,
        /// The verdict, once it ended.
        verdict: Option<Verdict>,
    },
    /// The state of a scenario.
    Scenario {
        /// The run.
        run: RunId,
        /// The scenario.
        scenario: String,
        /// The state.
        state: StateRecord,
    },
    /// The state of a task that has no job: what it waits for, or why it never got one.
    Task {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
        /// The state.
        state: StateRecord,
    },
    /// Something happened.
    Event(ProgressEvent),
}

/// How far a task of a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskProgress {
    /// It has a result.
    Done(JobKey, TaskResult),
    /// Its job is in the queue.
    Queued(JobKey),
}

/// Part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The offset after them.
    pub next: u64,
    /// Whether the task has ended, so that nothing follows once `next` is the end.
    pub is_complete: bool,
}

/// The record of runs.
pub trait RunRecord: Send + Sync {
    /// Stores a plan, unless a run with this ID is there.
    ///
    /// # Errors
    /// The store cannot take it.
    fn create(&self, id: &RunId, outline: &dyn WriteOutline) -> Result<Created, StoreError>;

    /// Makes changes, all or none of them. A final state of a run, a scenario or a task is never replaced by another one.
    ///
    /// # Errors
    /// The store cannot take them.
    fn apply(&self, changes: Vec<RecordChange>) -> Result<(), StoreError>;

    /// Reads the JSON of a run's outline, which may have many megabytes, part by part. The reader does not call the record.
    ///
    /// # Errors
    /// There is no such run, or the store is damaged, which it is as well if the reader fails.
    fn read_outline(
        &self,
        id: &RunId,
        read: &mut dyn FnMut(&mut dyn io::Read) -> Result<(), serde_json::Error>,
    ) -> Result<(), StoreError>;

    /// The outline of a run with its plan.
    ///
    /// # Errors
    /// There is no such run, or the store is damaged.
    fn outline(&self, id: &RunId) -> Result<RunOutline, StoreError> {
        let mut outline = None;
        self.read_outline(id, &mut |from| serde_json::from_reader(from).map(|found| outline = Some(found)))?;
        outline.ok_or_else(|| StoreError::Failed(format!("the outline of the run `{id}` was not read")))
    }

    /// What a run needs in order to go on beside its plan: the tasks that have a result or a job in the queue, one at a time,
    /// since what plugins said may be large. The visitor does not call the record.
    ///
    /// # Errors
    /// There is no such run, or the store is damaged.
    fn visit_tasks(&self, id: &RunId, visit: &mut dyn FnMut(TaskId, TaskProgress)) -> Result<(), StoreError>;

    /// The runs with this text in [`RunOutline::supersedes`] that have not ended.
    ///
    /// # Errors
    /// The store fails.
    fn unfinished_of(&self, supersedes: &str) -> Result<Vec<RunId>, StoreError>;

    /// The runs that someone requested to cancel, with the reasons.
    ///
    /// # Errors
    /// The store fails.
    fn cancellations(&self) -> Result<Vec<(RunId, String)>, StoreError>;

    /// Requests that a run be canceled.
    ///
    /// # Errors
    /// There is no such run.
    fn request_cancel(&self, id: &RunId, reason: &str) -> Result<(), StoreError>;

    /// A page of runs, the newest first; `after` is the `next` of the page before.
    ///
    /// # Errors
    /// `after` is not one, or the store is damaged.
    fn list(&self, after: Option<&str>, limit: usize) -> Result<RunList, StoreError>;

    /// All that is known about a run.
    ///
    /// # Errors
    /// There is no such run, or the store is damaged.
    fn document(&self, id: &RunId) -> Result<RunDocument, StoreError>;

    /// Events of a run after the one with that number, from one; each with its number.
    ///
    /// # Errors
    /// There is no such run, or the store is damaged.
    fn events(&self, id: &RunId, after: u64, limit: usize) -> Result<Vec<(u64, ProgressEvent)>, StoreError>;

    /// Adds to the log of an attempt. What was added is there after the process was killed.
    ///
    /// # Errors
    /// The store cannot take it.
    fn append_log(&self, job: &Job, attempt: u32, bytes: &[u8]) -> Result<(), StoreError>;

    /// Part of the log of a task, over all its attempts.
    ///
    /// # Errors
    /// There is no such task.
    fn read_log(&self, id: &RunId, task: &TaskId, offset: u64, limit: usize) -> Result<LogPart, StoreError>;
}
