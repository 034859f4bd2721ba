//! Checks of pipelines and tasks: order, references, the size of a matrix.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use assay_model::nearest::nearest;

use super::{
    pipeline::{ParamSpec, Pipeline, PipelineTask, RawValue, Target},
    variable::{Variable, variables},
};
use crate::{
    graph,
    issue::{Issues, short},
    plan::{Section, late::MATRIX_CELLS},
    template::{Step, walk, written},
};

/// Checks the order of tasks, what they refer to, and their matrices.
pub fn pipeline(pipeline: &Pipeline, issues: &mut Issues) {
    let names: BTreeSet<&str> = pipeline.tasks.iter().map(|task| task.name.as_str()).collect();
    let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for task in &pipeline.tasks {
        for (at, before) in task.run_after.iter().enumerate() {
            if !names.contains(before.as_str()) {
                let near = nearest(before, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                let message = format!("there is no task `{}`", short(before));
                issues.error(
                    format!("{}.runAfter[{at}]", task.path),
                    "unknown-task",
                    message,
                    near.unwrap_or_default(),
                );
            }
        }
        check_matrix(task, issues);
    }
    let waits: Vec<(&PipelineTask, BTreeSet<String>)> =
        pipeline.tasks.iter().map(|task| (task, before(task))).collect();
    for (task, before) in &waits {
        for other in before.iter().filter(|other| !names.contains(other.as_str()) && !task.run_after.contains(other)) {
            let near = nearest(other.as_str(), names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let message = format!("it takes a result of `{}`, and there is no such task", short(other));
            issues.error(task.path.as_str(), "unknown-task", message, near.unwrap_or_default());
        }
        edges.insert(&task.name, before.iter().map(String::as_str).collect());
    }
    let finals: BTreeSet<&str> =
        pipeline.tasks.iter().filter(|task| task.section == Section::Finally).map(|task| task.name.as_str()).collect();
    for task in pipeline.tasks.iter().filter(|task| task.section == Section::Tasks) {
        for other in edges.get(task.name.as_str()).into_iter().flatten().filter(|other| finals.contains(**other)) {
            let message = format!("it waits for `{}`, which runs after all tasks", short(other));
            issues.error(task.path.as_str(), "finally", message, format!("move `{}` to `tasks`", short(other)));
        }
    }
    if let Some(cycle) = graph::find_cycle(&edges) {
        let first = cycle.first().map(String::as_str).unwrap_or_default();
        let path = pipeline.tasks.iter().find(|task| task.name == first).map_or("", |task| task.path.as_str());
        let message = format!("the tasks wait for each other: {}", graph::written(&cycle));
        issues.error(path, "cycle", message, "remove one `runAfter` or result of the cycle");
    }
}

/// The tasks that a task waits for: `runAfter`, and those whose results it takes.
#[must_use]
pub(crate) fn before(task: &PipelineTask) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = task.run_after.iter().cloned().collect();
    let values = task.params.iter().chain(&task.matrix).flat_map(|(_, value)| value.strings());
    let when = task.when.iter().flat_map(|when| std::iter::once(&when.input).chain(&when.values).map(String::as_str));
    let include = task.include.iter().flatten().map(|(_, value)| value.as_str());
    for text in values.chain(when).chain(include) {
        names.extend(variables(text).filter_map(|found| match found.variable {
            Variable::Result(reference) => Some(reference.task),
            _ => None,
        }));
    }
    names
}

fn check_matrix(task: &PipelineTask, issues: &mut Issues) {
    let mut count = 1_usize;
    for (_, value) in &task.matrix {
        // A list that is a parameter or a result is counted when it is known.
        let known = match value {
            RawValue::List(items) if !items.iter().any(|item| item.contains("[*])")) => items.len(),
            RawValue::List(_) | RawValue::Text(_) | RawValue::Object(_) => 1,
        };
        count = count.saturating_mul(known.max(1));
    }
    if count.max(task.include.len()) > MATRIX_CELLS {
        let message = format!("the matrix has {count} combinations, more than the {MATRIX_CELLS} allowed");
        issues.error(format!("{}.matrix", task.path), "matrix", message, "split the task");
    }
}

/// Fields that are for people.
const PROSE: [&str; 2] = ["description", "displayName"];

fn is_prose(path: &[Step<'_>]) -> bool {
    matches!(path.last(), Some(Step::Field(name)) if PROSE.contains(name))
}

/// Notes each `$(params.NAME)` without a parameter of that name in the tasks of a pipeline.
pub fn params_of_pipeline(
    spec: &Map<String, Value>,
    path: &str,
    declared: &[ParamSpec],
    also: &BTreeSet<String>,
    issues: &mut Issues,
) {
    let mut known: BTreeSet<String> = also.clone();
    known.extend(declared.iter().map(|param| param.name.clone()));
    for field in ["tasks", "finally"] {
        let Some(Value::Array(tasks)) = spec.get(field) else { continue };
        for (at, task) in tasks.iter().enumerate() {
            let place = format!("{path}.{field}[{at}]");
            // A task of its own may use the pipeline's parameters and its own.
            let mut own = known.clone();
            for embedded in ["taskSpec", "pipelineSpec"] {
                let params = task.get(embedded).and_then(|spec| spec.get("params")).and_then(Value::as_array);
                let names = params.into_iter().flatten().filter_map(|param| param.get("name").and_then(Value::as_str));
                own.extend(names.map(str::to_owned));
            }
            let fields = task.as_object().into_iter().flatten();
            for (name, value) in fields.filter(|(name, _)| !PROSE.contains(&name.as_str())) {
                let known = if ["taskSpec", "pipelineSpec"].contains(&name.as_str()) { &own } else { &known };
                params_of(value, &format!("{place}.{name}"), known, issues);
            }
        }
    }
}

/// Notes each `$(params.NAME)` in the strings of a value without a parameter of that name.
pub fn params_of(value: &Value, path: &str, known: &BTreeSet<String>, issues: &mut Issues) {
    walk(value, &mut Vec::new(), &mut |steps, text| {
        if is_prose(steps) {
            return;
        }
        for found in variables(text) {
            let Variable::Param(name, _) = found.variable else { continue };
            let of_object = name.split_once('.').map(|(object, _)| object);
            if known.contains(&name) || of_object.is_some_and(|object| known.contains(object)) {
                continue;
            }
            let place = written(steps);
            let place = match (path.is_empty(), place.starts_with('[')) {
                (true, _) => place,
                (false, true) => format!("{path}{place}"),
                (false, false) if place.is_empty() => path.to_owned(),
                (false, false) => format!("{path}.{place}"),
            };
            let near = nearest(name.as_str(), known.iter().map(String::as_str));
            let near = near.map(|near| format!("did you mean `$(params.{near})`?"));
            let message = format!("there is no parameter `{}` for `$(params.{0})`", short(&name));
            let suggestion = near.unwrap_or_else(|| "declare it in `params`".to_owned());
            // Tekton does not look for parameters there, and mounts of such a name may be optional.
            if steps.contains(&Step::Field("volumes")) || place.contains(".volumes[") {
                issues.warn(place, "unknown-param", message, suggestion);
            } else {
                issues.error(place, "unknown-param", message, suggestion);
            }
        }
    });
}

/// The tasks of a pipeline that only Tekton runs.
#[must_use]
pub fn tekton_tasks(pipeline: &Pipeline) -> Vec<&PipelineTask> {
    pipeline.tasks.iter().filter(|task| matches!(task.target, Target::Steps(_))).collect()
}
