//! [`Scenario`]: one scenario of a run while it goes on.

use std::{collections::BTreeSet, time::Duration};

use assay_konflux::plan::ScenarioPlan;
use assay_model::run::{BudgetUse, Cause, RunState, TaskId};

use super::{
    activity::{Phase, Task},
    groups::Groups,
};
use crate::request::InvalidRequest;

/// One scenario.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) plan: ScenarioPlan,
    pub(super) tasks: Vec<Task>,
    /// The results that something in it refers to.
    pub(super) result_names: BTreeSet<String>,
    pub(super) groups: Groups,
    /// How many groups each task waits for.
    pub(super) waits: Vec<usize>,
    pub(super) phase: Phase,
    /// Tasks and tasks under `finally` that have not ended.
    pub(super) open: [usize; 2],
    /// No further task starts, apart from those under `finally`.
    pub(super) is_stopping: bool,
    /// Tasks that may have become ready.
    pub(super) freed: Vec<usize>,
    /// Tasks with a matrix that stand for cells which have not all ended.
    pub(super) expanded: Vec<usize>,
    /// Since when the first task runs.
    pub(super) started: Option<Duration>,
    /// Since when the tasks under `finally` run.
    pub(super) finally_started: Option<Duration>,
    /// The budget that was used up.
    pub(super) exceeded: Option<BudgetUse>,
    /// Why it was canceled.
    pub(super) canceled: Option<Cause>,
    /// How it ended.
    pub(super) end: Option<(RunState, Option<Cause>)>,
}

impl Scenario {
    pub(super) fn new(mut plan: ScenarioPlan) -> Result<Self, InvalidRequest> {
        let result_names = plan.result_names();
        let tasks = std::mem::take(&mut plan.tasks).into_iter().map(Task::new).collect();
        let mut scenario = Self {
            name: plan.name.clone(),
            plan,
            tasks,
            result_names,
            groups: Groups::default(),
            waits: Vec::new(),
            phase: Phase::Pending,
            open: [0, 0],
            is_stopping: false,
            freed: Vec::new(),
            expanded: Vec::new(),
            started: None,
            finally_started: None,
            exceeded: None,
            canceled: None,
            end: None,
        };
        scenario.recount();
        let mut names = BTreeSet::new();
        for task in &scenario.tasks {
            let name = &task.plan.name;
            if !names.insert(name.as_str()) {
                let text = format!("the scenario `{}` has two tasks `{name}`", scenario.name);
                return Err(InvalidRequest::Malformed(text));
            }
            let is_missing = |before: &&String| scenario.groups.get(&scenario.tasks, before).is_none();
            if let Some(before) = task.plan.after.iter().find(is_missing) {
                let text = format!(
                    "the task `{name}` of the scenario `{}` runs after `{before}`, which is not there",
                    scenario.name
                );
                return Err(InvalidRequest::Malformed(text));
            }
        }
        Ok(scenario)
    }

    /// The tasks of a name in the pipeline: one, or the cells of its matrix.
    pub(super) fn members(&self, name: &str) -> impl Iterator<Item = &Task> {
        self.groups.members(&self.tasks, name)
    }

    pub(super) fn task_id(&self, task: &Task) -> TaskId {
        TaskId::new(self.name.as_str(), task.plan.name.as_str())
    }
}
