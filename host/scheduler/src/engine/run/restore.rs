//! A run that was interrupted goes on from what is stored.

use std::collections::BTreeMap;

use assay_model::run::{Job, TaskId, TaskResult};

use super::{
    super::{
        Now, Output, Restored,
        activity::{Ended, Progress, TaskRef},
    },
    Queued, Run,
};

impl Run {
    /// Takes over results and jobs. Returns the jobs that are in the queue.
    pub(in crate::engine) fn restore(&mut self, stored: Restored, now: Now, output: &mut Output) -> Queued {
        let results: BTreeMap<TaskId, TaskResult> = stored.results.into_iter().collect();
        let jobs: BTreeMap<TaskId, Job> = stored.jobs.into_iter().map(|job| (job.task.clone(), job)).collect();
        let mut queued = Vec::new();
        for index in 0..self.scenarios.len() {
            // Cells have names of their own, which are known once the matrix is expanded again.
            loop {
                self.restore_tasks(index, &results, &jobs, now, &mut queued);
                let Some(at) = self.expanded_before(index, &results, &jobs) else { break };
                match self.cells(at) {
                    Ok(cells) if !cells.is_empty() => self.put_cells(at, cells),
                    Ok(_) | Err(_) => break,
                }
            }
            if let Some(scenario) = self.scenarios.get_mut(index) {
                scenario.recount();
                scenario.freed = (0..scenario.tasks.len()).collect();
                if scenario.is_stopping {
                    self.skip_rest(index, now, output);
                }
            }
        }
        queued
    }

    fn restore_tasks(
        &mut self,
        index: usize,
        results: &BTreeMap<TaskId, TaskResult>,
        jobs: &BTreeMap<TaskId, Job>,
        now: Now,
        queued: &mut Queued,
    ) {
        let run = self.index;
        let Some(scenario) = self.scenarios.get_mut(index) else { return };
        let name = scenario.name.clone();
        for (number, task) in scenario.tasks.iter_mut().enumerate() {
            if !matches!(task.progress, Progress::Blocked) {
                continue;
            }
            let id = TaskId::new(name.as_str(), task.plan.name.as_str());
            if let Some(result) = results.get(&id) {
                task.progress = Progress::Ended(Ended::of(result, &scenario.result_names));
            } else if let Some(job) = jobs.get(&id) {
                queued.push((job.key.clone(), TaskRef { run, scenario: index, task: number }));
                task.progress = Progress::Offered {
                    key: job.key.clone(),
                    since: now.elapsed,
                    started: None,
                    attempt: 0,
                    is_waiting: false,
                    is_abandoned: false,
                };
            }
        }
    }

    /// A task with a matrix that has cells in the store.
    fn expanded_before(
        &self,
        index: usize,
        results: &BTreeMap<TaskId, TaskResult>,
        jobs: &BTreeMap<TaskId, Job>,
    ) -> Option<TaskRef> {
        let scenario = self.scenarios.get(index)?;
        let is_cell = |id: &TaskId, task: &str| {
            let cell = id.task.strip_prefix(task).and_then(|rest| rest.strip_prefix('-'));
            id.scenario == scenario.name && cell.is_some_and(|cell| cell.parse::<u32>().is_ok())
        };
        let found = scenario.tasks.iter().position(|task| {
            let name = &task.plan.pipeline_task;
            let is_whole = task.plan.matrix.is_some() && matches!(task.progress, Progress::Blocked);
            is_whole && results.keys().chain(jobs.keys()).any(|id| is_cell(id, name))
        });
        found.map(|task| TaskRef { run: self.index, scenario: index, task })
    }
}
