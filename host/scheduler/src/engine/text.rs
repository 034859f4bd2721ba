//! The sentences of causes and of what is next, with their codes.

use assay_model::run::{BudgetUse, Cause, RunId};

pub(super) fn not_needed(task: &str) -> Cause {
    Cause::new("when", &format!("a condition of the task `{task}` does not hold"))
}

pub(super) fn stopping() -> Cause {
    Cause::new("stopping", "another task of the scenario failed before this one could start")
        .hint("see the task that failed; `onError: continue` lets the others go on")
}

pub(super) fn parent_failed(parent: &str) -> Cause {
    Cause::new("parent-failed", &format!("Cancelled on account of required {parent} failing"))
        .hint("the scenario is set to fail fast in `testGraph`; repair the one before it")
}

pub(super) fn reused(run: &RunId) -> Cause {
    Cause::new("cached", &format!("the result of the run `{run}` counts: what the scenario depends on is the same"))
}

pub(super) fn waits_for_parents(parents: &[&str]) -> Cause {
    Cause::new("predecessors", &format!("it runs after {}", parents.join(", ")))
}

pub(super) fn group_full(group: &str, max: u32) -> Cause {
    Cause::new("concurrency-group", &format!("the concurrency group `{group}` is full ({max} at a time)"))
}

pub(super) fn replaced(group: &str) -> Cause {
    Cause::new("superseded", &format!("a newer scenario of the concurrency group `{group}` replaced it"))
}

pub(super) fn budget(budget: BudgetUse) -> Cause {
    let limit = budget.limit_ms.unwrap_or_default();
    Cause::new("timeout", &format!("the time limit `{}` of {} ms was used up", budget.name.as_str(), limit))
        .hint("raise the limit, or find out what took so long in the log")
}

pub(super) fn no_task() -> Cause {
    Cause::new("no-task", "no task of the scenario was needed, so nothing was tested")
}

pub(super) fn failed_task(task: &str, cause: Option<&Cause>) -> Cause {
    let why = cause.map(|cause| format!(": {}", cause.message)).unwrap_or_default();
    let code = cause.map_or("task", |cause| cause.code.as_str());
    let failed = Cause::new(code, &format!("the task `{task}` did not pass{why}"));
    match cause.and_then(|cause| cause.hint.as_deref()) {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

/// `before` is how many waited when the task began to.
pub(super) fn service_full(group: &str, max: u32, before: usize) -> Cause {
    let place = match before {
        0 => "the task is the next one".to_owned(),
        before => format!("{before} tasks waited before this one when it began to wait"),
    };
    let message = format!("the service `{group}` has {max} jobs already, as many as are allowed at a time; {place}");
    Cause::new("service-full", &message)
}
