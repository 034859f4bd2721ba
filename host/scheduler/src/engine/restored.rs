//! [`Restored`]: what is stored of a run that was interrupted, as far as the engine needs it.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::{
    port::{RunRecord, StoreError, TaskProgress},
    run::{JobKey, RunId, RunState, TaskId, TaskResult},
};

use super::activity::Ended;
use crate::request::RunRequest;

/// How far the tasks of a run are. Of a result there is only what its scenario refers to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restored {
    /// The results that something refers to, by scenario.
    names: BTreeMap<String, BTreeSet<String>>,
    /// The tasks that have a result.
    pub(super) ended: BTreeMap<TaskId, Ended>,
    /// The jobs in the queue.
    pub(super) jobs: BTreeMap<TaskId, JobKey>,
}

impl Restored {
    /// Nothing of a run that this request is for.
    pub(crate) fn nothing(request: &RunRequest) -> Self {
        let names = request.plan.scenarios.iter().map(|scenario| (scenario.name.clone(), scenario.result_names()));
        Self { names: names.collect(), ..Self::default() }
    }

    /// What is stored of the run of this request.
    pub(crate) fn load(record: &dyn RunRecord, id: &RunId, request: &RunRequest) -> Result<Self, StoreError> {
        let mut restored = Self::nothing(request);
        record.visit_tasks(id, &mut |task, progress| match progress {
            TaskProgress::Done(_, result) => restored.add_result(task, &result),
            TaskProgress::Queued(key) => restored.add_job(task, key),
        })?;
        Ok(restored)
    }

    pub(crate) fn add_result(&mut self, task: TaskId, result: &TaskResult) {
        // Of a scenario that is not in the plan nothing is referred to.
        let nothing = BTreeSet::new();
        let names = self.names.get(&task.scenario).unwrap_or(&nothing);
        self.ended.insert(task, Ended::of(result, names));
    }

    pub(crate) fn add_job(&mut self, task: TaskId, key: JobKey) {
        self.jobs.insert(task, key);
    }

    /// The states of the tasks that have a result.
    pub(super) fn states(&self) -> BTreeMap<TaskId, RunState> {
        self.ended.iter().map(|(task, ended)| (task.clone(), ended.state)).collect()
    }
}
