//! [`check_history`]: whether the record of a run that ended is one that can have come about.

use std::collections::BTreeSet;

use assay_model::{
    outcome::Verdict,
    port::{RunRecord, StoreError, TaskProgress},
    run::{RunId, RunState, ScenarioDocument, TaskDocument, TaskId},
};

/// What is wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record contradicts itself.
    #[error("the record of the run `{run}` contradicts itself: {what}")]
    Contradiction {
        /// The run.
        run: RunId,
        /// How.
        what: String,
    },
}

/// Checks that every task of the plan has exactly one end, that no result is without a task, that attempts are numbered and
/// ended, and that the states of scenarios and the verdict follow from those below.
///
/// # Errors
/// One of these does not hold, or the run has not ended.
pub fn check_history(record: &dyn RunRecord, id: &RunId) -> Result<(), HistoryError> {
    let document = record.document(id)?;
    let (mut queued, mut results, mut twice, mut open) = (0, BTreeSet::new(), None, None);
    record.visit_tasks(id, &mut |task, progress| match progress {
        TaskProgress::Queued(_) => queued += 1,
        TaskProgress::Done(key, result) => {
            if !result.state.is_final() {
                open = Some(key);
            }
            if !results.insert(task.clone()) {
                twice = Some(task);
            }
        }
    })?;
    let wrong = |what: String| HistoryError::Contradiction { run: id.clone(), what };
    if !document.state.is_final() || document.ended.is_none() {
        return Err(wrong(format!("it is `{}`, which is not an end", document.state.as_str())));
    }
    if queued > 0 {
        return Err(wrong(format!("{queued} jobs are still queued")));
    }
    if let Some(task) = twice {
        return Err(wrong(format!("the task `{task}` has two results")));
    }
    if let Some(key) = open {
        return Err(wrong(format!("the result {key:?} is not an end")));
    }
    let mut shown = 0;
    for scenario in &document.scenarios {
        check_scenario(scenario).map_err(wrong)?;
        let with_result = scenario
            .tasks
            .iter()
            .filter(|task| results.contains(&TaskId::new(scenario.name.as_str(), task.name.as_str())));
        shown += with_result.count();
    }
    if shown != results.len() {
        return Err(wrong(format!("{} results belong to no task", results.len().abs_diff(shown))));
    }
    let required = document.scenarios.iter().filter(|scenario| !scenario.optional);
    let verdict = required.map(|scenario| scenario.state.verdict()).max().unwrap_or(Verdict::Allowed);
    let verdict = if document.state == RunState::Canceled { Verdict::Error } else { verdict };
    if document.verdict != Some(verdict) {
        return Err(wrong(format!(
            "the verdict is {:?}, and {verdict:?} follows from its scenarios",
            document.verdict
        )));
    }
    Ok(())
}

fn check_scenario(scenario: &ScenarioDocument) -> Result<(), String> {
    let name = &scenario.name;
    if !scenario.state.is_final() {
        return Err(format!("the scenario `{name}` is `{}`, which is not an end", scenario.state.as_str()));
    }
    if scenario.state != RunState::Passed && scenario.cause.is_none() {
        return Err(format!("the scenario `{name}` is `{}` without a cause", scenario.state.as_str()));
    }
    scenario.tasks.iter().try_for_each(|task| check_task(name, task))
}

fn check_task(scenario: &str, task: &TaskDocument) -> Result<(), String> {
    let TaskDocument { name, state, cause, attempts, next, .. } = task;
    if !state.is_final() {
        return Err(format!("the task `{scenario}/{name}` is `{}`, which is not an end", state.as_str()));
    }
    if next.is_some() {
        return Err(format!("the task `{scenario}/{name}` has ended, and something is next"));
    }
    let needs_cause = matches!(state, RunState::Error | RunState::TimedOut | RunState::Canceled);
    if needs_cause && cause.is_none() {
        return Err(format!("the task `{scenario}/{name}` is `{}` without a cause", state.as_str()));
    }
    for (number, attempt) in (1..).zip(attempts) {
        if attempt.number != number || attempt.ended.is_none() {
            return Err(format!("attempt {number} of the task `{scenario}/{name}` is missing or has not ended"));
        }
    }
    Ok(())
}
