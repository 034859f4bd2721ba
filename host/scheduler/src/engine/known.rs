//! What the expressions of a task can refer to: results and states of the tasks before it.

use assay_konflux::plan::late::{Known, Value};
use assay_model::run::{ParamValue, RunState};

use super::{
    activity::{Task, is_failure},
    scenario::Scenario,
};

/// A scenario with the parameter of its Snapshot.
pub(super) struct KnownTasks<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) snapshot: &'a str,
}

impl KnownTasks<'_> {
    fn states(&self, task: &str) -> Vec<RunState> {
        self.scenario.members(task).filter_map(Task::ended).map(|ended| ended.state).collect()
    }
}

impl Known for KnownTasks<'_> {
    fn result(&self, task: &str, result: &str) -> Option<Value> {
        let members: Vec<&Task> = self.scenario.members(task).collect();
        match members.as_slice() {
            [one] if one.plan.cell.is_none() => one.ended()?.result(result).map(value),
            cells => {
                let texts = cells.iter().map(|cell| match cell.ended()?.result(result)? {
                    ParamValue::Text(text) => Some(text.clone()),
                    ParamValue::Items(_) | ParamValue::Fields(_) => None,
                });
                texts.collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty()).map(Value::List)
            }
        }
    }

    fn status(&self, task: &str) -> String {
        let states = self.states(task);
        let status = if states.iter().any(|state| is_failure(*state)) {
            "Failed"
        } else if states.iter().any(|state| state.is_passed()) {
            "Succeeded"
        } else {
            "None"
        };
        status.to_owned()
    }

    fn reason(&self, task: &str) -> String {
        let states = self.states(task);
        if states.contains(&RunState::TimedOut) {
            return "TaskRunTimeout".to_owned();
        }
        if states.contains(&RunState::Canceled) {
            return "TaskRunCancelled".to_owned();
        }
        self.status(task)
    }

    fn all_status(&self) -> String {
        let tasks = || self.scenario.tasks.iter().filter(|task| !task.is_finally());
        let has = |wanted: &dyn Fn(RunState) -> bool| tasks().filter_map(Task::ended).any(|ended| wanted(ended.state));
        let status = if tasks().any(Task::has_failed) {
            "Failed"
        } else if !has(&|state| state != RunState::Skipped) {
            "None"
        } else if has(&|state| state == RunState::Skipped) {
            "Completed"
        } else {
            "Succeeded"
        };
        status.to_owned()
    }

    fn snapshot(&self) -> &str {
        self.snapshot
    }
}

pub(super) fn value(value: &ParamValue) -> Value {
    match value {
        ParamValue::Text(text) => Value::Text(text.clone()),
        ParamValue::Items(items) => Value::List(items.clone()),
        ParamValue::Fields(fields) => Value::Object(fields.clone()),
    }
}

pub(super) fn param(value: Value) -> ParamValue {
    match value {
        Value::Text(text) => ParamValue::Text(text),
        Value::List(items) => ParamValue::Items(items),
        Value::Object(fields) => ParamValue::Fields(fields),
    }
}
