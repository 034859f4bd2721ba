//! What the engine knows about tasks and scenarios while they go on.

use std::{collections::BTreeSet, time::Duration};

use assay_konflux::plan::{OnError, Section, TaskPlan};
use assay_model::run::{Cause, JobKey, ParamValue, RunState, TaskResult};

/// Which task: numbers of the run, the scenario in it and the task in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskRef {
    pub(super) run: usize,
    pub(super) scenario: usize,
    pub(super) task: usize,
}

/// Where a task is.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// Tasks before it have not ended.
    Blocked,
    /// It could start.
    Ready {
        /// Since when.
        since: Duration,
    },
    /// Its job is offered.
    Offered(Box<Offered>),
    /// It has a matrix and stands for its cells.
    Expanded,
    /// It ended.
    Ended(Ended),
}

/// A task whose job is offered. Boxed, as of many tasks few are.
#[derive(Clone, Debug)]
pub(super) struct Offered {
    /// The job.
    pub(super) key: JobKey,
    /// Since when it could start.
    pub(super) since: Duration,
    /// Since when a worker has it, or had it first.
    pub(super) started: Option<Duration>,
    /// The attempt that a worker has or had last.
    pub(super) attempt: u32,
    /// Whether a third party works on it.
    pub(super) is_waiting: bool,
    /// Whether it is to end early.
    pub(super) is_abandoned: bool,
}

impl Offered {
    pub(super) const fn new(key: JobKey, since: Duration) -> Self {
        Self { key, since, started: None, attempt: 0, is_waiting: false, is_abandoned: false }
    }
}

/// How a task ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) state: RunState,
    /// Those that the scenario refers to, by name.
    pub(super) results: Box<[(String, ParamValue)]>,
    /// Boxed, as most have none.
    pub(super) cause: Option<Box<Cause>>,
}

impl Ended {
    pub(super) fn without_results(state: RunState) -> Self {
        Self { state, results: Box::default(), cause: None }
    }

    /// `names` are the results that are kept: what a run holds must not grow with what its tasks say.
    pub(super) fn of(result: &TaskResult, names: &BTreeSet<String>) -> Self {
        let cause = result.cause.clone().map(Box::new);
        let results = result.results.iter().filter(|(name, _)| names.contains(*name));
        let results = results.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { state: result.state, results, cause }
    }

    /// A result that the scenario refers to.
    pub(super) fn result(&self, name: &str) -> Option<&ParamValue> {
        self.results.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// A task of the plan, or a cell of a matrix that was expanded.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) plan: TaskPlan,
    pub(super) progress: Progress,
    /// Whether it has a matrix whose cells stand beside it.
    pub(super) has_cells: bool,
}

impl Task {
    pub(super) const fn new(plan: TaskPlan) -> Self {
        Self { plan, progress: Progress::Blocked, has_cells: false }
    }

    pub(super) const fn is_finally(&self) -> bool {
        matches!(self.plan.section, Section::Finally)
    }

    pub(super) const fn ended(&self) -> Option<&Ended> {
        match &self.progress {
            Progress::Ended(ended) => Some(ended),
            _ => None,
        }
    }

    pub(super) const fn is_ended(&self) -> bool {
        matches!(self.progress, Progress::Ended(_))
    }

    /// Drops what it would be called with, once it will not be.
    pub(super) fn forget_inputs(&mut self) {
        (self.plan.params, self.plan.when, self.plan.matrix) = (Vec::new(), Vec::new(), None);
    }

    /// Whether its failure fails the pipeline and keeps other tasks from starting.
    pub(super) fn has_failed(&self) -> bool {
        let is_strict = matches!(self.plan.on_error, OnError::StopAndFail);
        is_strict && self.ended().is_some_and(|ended| is_failure(ended.state))
    }
}

pub(super) const fn is_failure(state: RunState) -> bool {
    matches!(state, RunState::Failed | RunState::Error | RunState::TimedOut | RunState::Canceled)
}

/// How far a scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Scenarios before it have not ended.
    Pending,
    /// Its concurrency group is full.
    Queued,
    /// Its tasks.
    Tasks,
    /// Its tasks under `finally`.
    Finally,
    /// It ended.
    Ended,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run may have ten thousand tasks, and all are in memory while it goes on.
    #[test]
    fn a_task_is_small_without_its_texts() {
        assert!(size_of::<Progress>() <= 32, "{}", size_of::<Progress>());
        assert!(size_of::<Task>() <= 232, "{}", size_of::<Task>());
    }
}
