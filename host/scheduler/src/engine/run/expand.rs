//! Cells of a matrix whose lists are results of other tasks.

use assay_konflux::plan::{
    ParamPlan, Piece,
    late::{LateError, expand},
};
use assay_model::{
    port::RecordChange,
    run::{Cause, RunState, StateRecord, TaskId},
};

use super::{
    super::{
        Now, Output,
        activity::{Ended, Progress, Task, TaskRef},
        known::KnownTasks,
    },
    Run,
};

/// Whether a parameter is the Snapshot and nothing else.
pub(super) fn is_snapshot(plan: &ParamPlan) -> bool {
    matches!(plan, ParamPlan::Text(template) if matches!(template.pieces.as_slice(), [Piece::Snapshot]))
}

impl Run {
    /// Puts the cells of a task in its place. They become ready when the scenario goes on.
    pub(super) fn expand(&mut self, at: TaskRef, now: Now, output: &mut Output) {
        match self.cells(at) {
            Ok(cells) if cells.is_empty() => {
                let cause = Cause::new("no-cells", "its matrix has no combination");
                self.end_without_job(at, RunState::Skipped, cause, now, output);
            }
            Ok(cells) => self.put_cells(at, cells),
            Err(error) => self.end_unfillable(at, &error, now, output),
        }
    }

    pub(super) fn cells(&self, at: TaskRef) -> Result<Vec<Task>, LateError> {
        let Some(scenario) = self.scenarios.get(at.scenario) else { return Ok(Vec::new()) };
        let Some(task) = scenario.tasks.get(at.task) else { return Ok(Vec::new()) };
        let known = KnownTasks { scenario, snapshot: &self.request.plan.snapshot.param };
        let mut cells = expand(&task.plan, &known)?;
        for cell in &mut cells {
            // They held for the task.
            cell.when.clear();
        }
        Ok(cells.into_iter().map(Task::new).collect())
    }

    pub(super) fn put_cells(&mut self, at: TaskRef, cells: Vec<Task>) {
        let Some(scenario) = self.scenarios.get_mut(at.scenario) else { return };
        if let Some(task) = scenario.tasks.get_mut(at.task) {
            task.progress = Progress::Expanded;
            task.has_cells = true;
        }
        scenario.expanded.push(at.task);
        let first = scenario.tasks.len();
        scenario.tasks.extend(cells);
        scenario.recount();
        scenario.freed.extend(first..scenario.tasks.len());
    }

    /// A matrix stands for its cells: its state is that of the worst of them.
    pub(super) fn close_matrix(&mut self, scenario: usize, now: Now, output: &mut Output) {
        let id = self.id.clone();
        let Some(scenario) = self.scenarios.get_mut(scenario) else { return };
        let done: Vec<(usize, RunState)> = scenario
            .expanded
            .iter()
            .filter_map(|index| {
                let (index, task) = (*index, scenario.tasks.get(*index)?);
                let members = scenario.members(&task.plan.pipeline_task);
                let states = members.map(|member| Some(member.ended()?.state));
                let states = states.collect::<Option<Vec<_>>>()?;
                Some((index, states.into_iter().max_by_key(|state| super::finish::rank(*state))?))
            })
            .collect();
        scenario.expanded.retain(|index| done.iter().all(|(ended, _)| ended != index));
        for (index, state) in done {
            let Some(task) = scenario.tasks.get_mut(index) else { continue };
            task.progress = Progress::Ended(Ended::without_results(state));
            let name = task.plan.name.clone();
            let cause = (!state.is_passed()).then(|| Cause::new("cells", "not all cells of its matrix passed"));
            let state = StateRecord { cause, ..StateRecord::new(state, now.wall) };
            let task = TaskId::new(scenario.name.as_str(), name);
            output.changes.push(RecordChange::Task { run: id.clone(), task, state });
        }
    }
}
