//! A run that was interrupted goes on from what is stored.

use assay_model::run::TaskId;

use super::{
    super::{
        Now, Output, Restored,
        activity::{Offered, Progress, Task, TaskRef},
    },
    Queued, Run,
};

impl Run {
    /// Takes over results and jobs. Returns the jobs that are in the queue.
    pub(in crate::engine) fn restore(&mut self, stored: &Restored, now: Now, output: &mut Output) -> Queued {
        let mut queued = Vec::new();
        for index in 0..self.scenarios.len() {
            // Cells have names of their own, which are known once the matrix is expanded again.
            loop {
                self.restore_tasks(index, stored, now, &mut queued);
                let Some(at) = self.expanded_before(index, stored) else { break };
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

    /// Drops what tasks that have ended were called with.
    pub(in crate::engine) fn forget_inputs(&mut self) {
        let tasks = self.scenarios.iter_mut().flat_map(|scenario| &mut scenario.tasks);
        tasks.filter(|task| task.is_ended()).for_each(Task::forget_inputs);
    }

    fn restore_tasks(&mut self, index: usize, stored: &Restored, now: Now, queued: &mut Queued) {
        let run = self.index;
        let Some(scenario) = self.scenarios.get_mut(index) else { return };
        let name = scenario.name.clone();
        for (number, task) in scenario.tasks.iter_mut().enumerate() {
            if !matches!(task.progress, Progress::Blocked) {
                continue;
            }
            let id = TaskId::new(name.as_str(), task.plan.name.as_str());
            if let Some(ended) = stored.ended.get(&id) {
                task.progress = Progress::Ended(ended.clone());
            } else if let Some(key) = stored.jobs.get(&id) {
                queued.push((key.clone(), TaskRef { run, scenario: index, task: number }));
                task.progress = Progress::Offered(Box::new(Offered::new(key.clone(), now.elapsed)));
            }
        }
    }

    /// A task with a matrix that has cells in the store.
    fn expanded_before(&self, index: usize, stored: &Restored) -> Option<TaskRef> {
        let scenario = self.scenarios.get(index)?;
        let is_cell = |id: &TaskId, task: &str| {
            let cell = id.task.strip_prefix(task).and_then(|rest| rest.strip_prefix('-'));
            id.scenario == scenario.name && cell.is_some_and(|cell| cell.parse::<u32>().is_ok())
        };
        let found = scenario.tasks.iter().position(|task| {
            let name = &task.plan.pipeline_task;
            let is_whole = task.plan.matrix.is_some() && matches!(task.progress, Progress::Blocked);
            is_whole && stored.ended.keys().chain(stored.jobs.keys()).any(|id| is_cell(id, name))
        });
        found.map(|task| TaskRef { run: self.index, scenario: index, task })
    }
}
