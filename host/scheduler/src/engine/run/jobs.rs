//! The jobs of a run's tasks, to look for what third parties do for them.

use std::collections::BTreeMap;

use assay_model::run::{Job, RunState, TaskId};

use super::{super::activity::TaskRef, Run};

/// A task of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskJob {
    /// The task.
    pub task: TaskId,
    /// The plugin, by the name that the plan has for it.
    pub plugin: String,
    /// The state that is stored, if it has a result.
    pub ended: Option<RunState>,
    /// The job, if its parameters are known.
    pub job: Option<Job>,
}

impl Run {
    /// Every task with the job that it is, as far as its parameters are known.
    pub(in crate::engine) fn known_jobs(&self, ended: &BTreeMap<TaskId, RunState>) -> Vec<TaskJob> {
        let mut jobs = Vec::new();
        for (index, scenario) in self.scenarios.iter().enumerate() {
            for (number, task) in scenario.tasks.iter().enumerate().filter(|(_, task)| !task.has_cells) {
                let id = scenario.task_id(task);
                let at = TaskRef { run: self.index, scenario: index, task: number };
                // A matrix whose cells are not known is no task that could be called.
                let call = if task.plan.matrix.is_none() { self.call(at).ok() } else { None };
                let job = call.and_then(|call| {
                    let (priority, tenant) = (self.request.priority, self.request.tenant.clone());
                    Job::new(self.id.clone(), id.clone(), priority, tenant, call).ok()
                });
                let ended = ended.get(&id).copied();
                jobs.push(TaskJob { task: id, plugin: self.plugin_name(at).to_owned(), ended, job });
            }
        }
        jobs
    }
}
