//! The short pipeline of our own, `assay.dev/v1` `Pipeline`, for people without Tekton:
//!
//! ```yaml
//! spec:
//!   params: {LEVEL: info}
//!   tasks:
//!     lint: {plugin: licenses, params: {level: $(params.LEVEL)}}
//!     e2e: {plugin: http-smoke, after: [lint], retries: 1, timeout: 5m, matrix: {arch: [amd64, arm64]}}
//!   finally:
//!     report: {plugin: oci-artifact}
//! ```

use serde_json::{Map, Value};

use super::pipeline::{ParamSpec, Pipeline, PipelineTask, RETRIES, RawValue, TASKS, Target, raw};
use crate::{
    fields::{self, join},
    issue::{Issues, short},
    plan::{OnError, Section},
    timeouts,
};

const FIELDS: [&str; 8] = ["plugin", "image", "params", "after", "retries", "timeout", "matrix", "continueOnError"];

/// Reads the spec of a short pipeline. What is wrong with it is noted; a field that does not exist is an error, since the
/// format is our own.
#[must_use]
pub fn read(spec: &Map<String, Value>, path: &str, issues: &mut Issues) -> Pipeline {
    refuse_unknown(spec, path, &["params", "tasks", "finally"], issues);
    let mut params = Vec::new();
    if let Some(object) = fields::object(spec, path, "params", issues) {
        for (name, value) in object {
            let default = (!value.is_null()).then(|| raw(value, &join(&join(path, "params"), name), issues)).flatten();
            let kind = default.as_ref().map(RawValue::kind);
            params.push(ParamSpec { name: name.clone(), default, kind });
        }
    }
    let mut tasks: Vec<PipelineTask> = Vec::new();
    for (field, section) in [("tasks", Section::Tasks), ("finally", Section::Finally)] {
        let Some(object) = fields::object(spec, path, field, issues) else { continue };
        for (name, task) in object {
            let place = format!("{}.{}", join(path, field), short(name));
            let Value::Object(task) = task else {
                issues.error(place, "type", format!("it is {}, not an object", fields::kind(task)), "");
                continue;
            };
            if tasks.iter().any(|other| other.name == *name) {
                issues.error(place.as_str(), "duplicate", format!("two tasks are named `{}`", short(name)), "");
            }
            if tasks.len() >= TASKS {
                issues.error(place, "limit", format!("the pipeline has more than {TASKS} tasks"), "");
                break;
            }
            tasks.push(read_task(name, task, &place, section, issues));
        }
    }
    Pipeline { params, tasks, results: Vec::new() }
}

fn refuse_unknown(object: &Map<String, Value>, path: &str, known: &[&str], issues: &mut Issues) {
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        let near = assay_model::nearest::nearest(name, known.iter().copied());
        let near = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
        issues.error(join(path, &short(name)), "unknown-field", format!("there is no field `{}`", short(name)), near);
    }
}

fn read_task(
    name: &str,
    task: &Map<String, Value>,
    place: &str,
    section: Section,
    issues: &mut Issues,
) -> PipelineTask {
    refuse_unknown(task, place, &FIELDS, issues);
    if !crate::names::is_dns_1123(name) {
        let message = format!("`{}` is not a task name: lowercase characters, digits and `-`", short(name));
        issues.error(place, "name", message, crate::names::as_label(name));
    }
    let target = match (fields::text(task, place, "plugin", issues), fields::text(task, place, "image", issues)) {
        (Some(plugin), None) => Target::Plugin(plugin.to_owned()),
        (None, Some(image)) => {
            if assay_model::image::PinnedImage::parse(image).is_err() {
                let message = format!("`{}` is not an image with a digest", short(image));
                issues.error(join(place, "image"), "digest", message, "REPOSITORY@sha256:…");
            }
            Target::PluginImage(image.to_owned())
        }
        _ => {
            issues.error(place, "task", "the task names neither or both of `plugin` and `image`", "plugin: NAME");
            Target::Plugin(String::new())
        }
    };
    let mut values = |field: &str| {
        let object = fields::object(task, place, field, issues);
        let mut out = Vec::new();
        for (name, value) in object.into_iter().flatten() {
            if let Some(value) = raw(value, &join(&join(place, field), name), issues) {
                out.push((name.clone(), value));
            }
        }
        out
    };
    let (params, matrix) = (values("params"), values("matrix"));
    let retries = match task.get("retries") {
        None | Some(Value::Null) => 0,
        Some(value) => {
            value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= RETRIES).unwrap_or_else(|| {
                issues.error(join(place, "retries"), "retries", format!("it is not a number from 0 to {RETRIES}"), "");
                0
            })
        }
    };
    let goes_on = fields::boolean(task, place, "continueOnError", issues);
    PipelineTask {
        name: name.to_owned(),
        path: place.to_owned(),
        section,
        target,
        run_after: fields::texts(task, place, "after", issues),
        when: Vec::new(),
        params,
        matrix,
        include: Vec::new(),
        retries,
        timeout: timeouts::field(task, place, "timeout", issues),
        on_error: if goes_on { OnError::Continue } else { OnError::StopAndFail },
    }
}
