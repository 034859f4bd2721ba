//! [`RecordedRuns`]: what the store of a folder says about runs; [`cancel_run`] and [`collect_runs`] change it.

use std::time::Duration;

use assay_model::{
    outcome::Verdict,
    port::{LogPart, Queue as _, RecordChange, RunRecord as _, StoreError},
    run::{Cause, ProgressEvent, RunDocument, RunId, RunList, RunState, ScenarioDocument, StateRecord, TaskId},
};
use assay_store::{Collected, RetentionPolicy, Store, StoreMode, StoreOptions};
use camino::Utf8Path;
use serde::Serialize;

use crate::error::{RequestError, RequestErrorKind};

impl From<StoreError> for RequestError {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::NewerVersion(_) | StoreError::InUse(_) | StoreError::NotFound(_) | StoreError::Invalid(_) => {
                RequestErrorKind::Store
            }
            StoreError::Unwritable(_) | StoreError::Damaged(_) | StoreError::Failed(_) => {
                RequestErrorKind::StoreUnavailable
            }
        };
        Self::of(kind, error.to_string())
    }
}

/// The record in a folder, read beside the process that runs jobs there.
#[derive(Debug)]
pub struct RecordedRuns(Store);

/// Why a run is in its state: one entry for each part that did not pass, or that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunExplanation {
    /// The run.
    pub id: RunId,
    /// Its state.
    pub state: RunState,
    /// Its verdict.
    pub verdict: Option<Verdict>,
    /// One sentence.
    pub summary: String,
    /// The parts.
    pub reasons: Vec<RunReason>,
}

/// One part of a run that decides about its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunReason {
    /// The scenario.
    pub scenario: String,
    /// The task, if it is one's.
    pub task: Option<String>,
    /// Whether the verdict does not depend on the scenario.
    pub optional: bool,
    /// The state.
    pub state: RunState,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// Why.
    pub cause: Option<Cause>,
    /// What happens next.
    pub next: Option<String>,
    /// The attempts that were made.
    pub attempts: usize,
}

impl RecordedRuns {
    /// Opens the store of a folder for reading.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(folder: &Utf8Path) -> Result<Self, RequestError> {
        Ok(Self(Store::open(folder, StoreOptions::new(StoreMode::ReadOnly))?))
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.0
    }

    /// A page of runs, the newest first. `after` is the `next` of the page before.
    ///
    /// # Errors
    /// `after` is not one, or the store cannot be read.
    pub fn list(&self, after: Option<&str>, limit: usize) -> Result<RunList, RequestError> {
        Ok(self.0.list(after, limit)?)
    }

    /// All that is known about a run.
    ///
    /// # Errors
    /// There is no such run, or the store cannot be read.
    pub fn document(&self, id: &RunId) -> Result<RunDocument, RequestError> {
        Ok(self.0.document(id)?)
    }

    /// The tasks of a run with this name: `TASK` or `SCENARIO/TASK`, or all that have been started.
    ///
    /// # Errors
    /// There is no such run or task, or more than one task has the name.
    pub fn tasks(&self, id: &RunId, name: Option<&str>) -> Result<Vec<TaskId>, RequestError> {
        let document = self.document(id)?;
        let all = document.scenarios.iter().flat_map(|scenario| {
            scenario
                .tasks
                .iter()
                .map(|task| (TaskId::new(scenario.name.as_str(), task.name.as_str()), !task.attempts.is_empty()))
        });
        let Some(name) = name else {
            return Ok(all.filter(|(_, is_started)| *is_started).map(|(task, _)| task).collect());
        };
        let found: Vec<TaskId> =
            all.map(|(task, _)| task).filter(|task| task.task == name || task.to_string() == name).collect();
        match found.as_slice() {
            [] => Err(RequestError::of(RequestErrorKind::Store, format!("the run `{id}` has no task `{name}`"))
                .hint(format!("list them with `assay runs show {id}`"))),
            [_] => Ok(found),
            [first, ..] => Err(RequestError::of(
                RequestErrorKind::Store,
                format!("{} tasks of the run `{id}` have the name `{name}`", found.len()),
            )
            .hint(format!("name the scenario as well, as in `{first}`"))),
        }
    }

    /// Part of a task's log.
    ///
    /// # Errors
    /// The task was not started, or the store cannot be read.
    pub fn log(&self, id: &RunId, task: &TaskId, offset: u64, limit: usize) -> Result<LogPart, RequestError> {
        Ok(self.0.read_log(id, task, offset, limit)?)
    }

    /// Events of a run after the one with that number, each with its number.
    ///
    /// # Errors
    /// There is no such run, or the store cannot be read.
    pub fn events(&self, id: &RunId, after: u64, limit: usize) -> Result<Vec<(u64, ProgressEvent)>, RequestError> {
        Ok(self.0.events(id, after, limit)?)
    }

    /// Why a run is in its state.
    ///
    /// # Errors
    /// There is no such run, or the store cannot be read.
    pub fn explain(&self, id: &RunId) -> Result<RunExplanation, RequestError> {
        Ok(explain(self.document(id)?))
    }
}

fn explain(document: RunDocument) -> RunExplanation {
    let reasons: Vec<RunReason> = document.scenarios.iter().flat_map(reasons).collect();
    let RunDocument { id, state, verdict, cause, .. } = document;
    let required = reasons.iter().filter(|reason| reason.task.is_none() && !reason.optional).count();
    let summary = match (state.is_final(), &cause) {
        (true, Some(cause)) => format!("the run ended as `{}`: {}", state.as_str(), cause.message),
        (true, None) => format!("the run ended as `{}`", state.as_str()),
        (false, _) => format!("the run is `{}`; {required} required scenarios have not passed yet", state.as_str()),
    };
    RunExplanation { id, state, verdict, summary, reasons }
}

fn reasons(scenario: &ScenarioDocument) -> Vec<RunReason> {
    if scenario.state == RunState::Passed {
        return Vec::new();
    }
    let whole = RunReason {
        scenario: scenario.name.clone(),
        task: None,
        optional: scenario.optional,
        state: scenario.state,
        since: Some(scenario.since.to_string()),
        cause: scenario.cause.clone(),
        next: scenario.next.clone(),
        attempts: 0,
    };
    let tasks = scenario.tasks.iter().filter(|task| task.state != RunState::Passed).map(|task| RunReason {
        scenario: scenario.name.clone(),
        task: Some(task.name.clone()),
        optional: scenario.optional,
        state: task.state,
        since: task.since.map(|since| since.to_string()),
        cause: task.cause.clone(),
        next: task.next.clone(),
        attempts: task.attempts.len(),
    });
    std::iter::once(whole).chain(tasks).collect()
}

/// What came of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanceledRun {
    /// It was requested from the process that runs it.
    Requested,
    /// No process runs it: it is canceled now.
    Canceled,
    /// It had ended before.
    AlreadyEnded,
}

/// Cancels a run: by the process that runs it, or here if none does.
///
/// # Errors
/// There is no such run; the store cannot be written; or a third party works on a task of a run that no process runs, and
/// only running it again reaches the third party.
pub fn cancel_run(folder: &Utf8Path, id: &RunId, reason: &str) -> Result<CanceledRun, RequestError> {
    let runs = RecordedRuns::open(folder)?;
    if runs.document(id)?.state.is_final() {
        return Ok(CanceledRun::AlreadyEnded);
    }
    drop(runs);
    match Store::open(folder, StoreOptions::new(StoreMode::Coordinator)) {
        Ok(store) => cancel_here(&store, id, reason),
        Err(StoreError::InUse(_)) => {
            Store::open(folder, StoreOptions::new(StoreMode::Client))?.request_cancel(id, reason)?;
            Ok(CanceledRun::Requested)
        }
        Err(error) => Err(error.into()),
    }
}

fn cancel_here(store: &Store, id: &RunId, reason: &str) -> Result<CanceledRun, RequestError> {
    let document = store.document(id)?;
    let tasks =
        || document.scenarios.iter().flat_map(|scenario| scenario.tasks.iter().map(move |task| (scenario, task)));
    if let Some((scenario, task)) = tasks().find(|(_, task)| task.state == RunState::Waiting) {
        // The wish is kept, so that the process that runs it next cancels it.
        store.request_cancel(id, reason)?;
        let fact = format!(
            "a third party works on the task `{}/{}`, and no process runs that could cancel it there",
            scenario.name, task.name
        );
        return Err(RequestError::of(RequestErrorKind::Store, fact)
            .hint("run the same `assay run` command again: it cancels the run at once"));
    }
    store.withdraw(id)?;
    let record =
        || StateRecord::new(RunState::Canceled, jiff::Timestamp::now()).because(Cause::new("canceled", reason));
    let mut changes: Vec<RecordChange> = tasks()
        .filter(|(_, task)| !task.state.is_final())
        .map(|(scenario, task)| RecordChange::Task {
            run: id.clone(),
            task: TaskId::new(scenario.name.as_str(), task.name.as_str()),
            state: record(),
        })
        .collect();
    let open = document.scenarios.iter().filter(|scenario| !scenario.state.is_final());
    changes.extend(open.map(|scenario| RecordChange::Scenario {
        run: id.clone(),
        scenario: scenario.name.clone(),
        state: record(),
    }));
    changes.push(RecordChange::Run { run: id.clone(), state: record(), verdict: Some(Verdict::Error) });
    store.apply(changes)?;
    Ok(CanceledRun::Canceled)
}

/// What is kept: younger ones than the age, and of the rest none beyond the count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Older runs and Snapshots go.
    pub max_age: Option<Duration>,
    /// Only so many stay.
    pub max_count: Option<u64>,
}

/// Removes runs, Snapshots and files that are not to be kept, or says which these are.
///
/// # Errors
/// The store cannot be written.
pub fn collect_runs(folder: &Utf8Path, retention: Retention, is_dry_run: bool) -> Result<Collected, RequestError> {
    let Retention { max_age, max_count } = retention;
    let mode = if is_dry_run { StoreMode::ReadOnly } else { StoreMode::Client };
    let store = Store::open(folder, StoreOptions::new(mode))?;
    Ok(store.collect_garbage(&RetentionPolicy { max_age, max_count }, is_dry_run)?)
}

/// Pins a run, so that it is never removed, or does away with the pin.
///
/// # Errors
/// There is no such run, or the store cannot be written.
pub fn pin_run(folder: &Utf8Path, id: &RunId, pin: bool) -> Result<(), RequestError> {
    Ok(Store::open(folder, StoreOptions::new(StoreMode::Client))?.pin_run(id, pin)?)
}
