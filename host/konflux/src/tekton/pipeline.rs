//! [`Pipeline`]: a pipeline as it is written, Tekton's (`tekton.dev/v1`, `v1beta1`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    fields::{self, join},
    issue::{Issues, short},
    plan::{OnError, Section},
    timeouts,
};

/// Tasks of one pipeline. Tekton's controller has trouble with hundreds.
pub const TASKS: usize = 10_000;

/// Retries of one task.
pub const RETRIES: u32 = 100;

/// A pipeline as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// What it takes.
    pub params: Vec<ParamSpec>,
    /// Tasks, then finally tasks.
    pub tasks: Vec<PipelineTask>,
    /// Its results with their values.
    pub results: Vec<(String, RawValue)>,
}

/// A parameter that a pipeline takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamSpec {
    /// Its name.
    pub name: String,
    /// Its value where none is given.
    pub default: Option<RawValue>,
    /// Its type, where it is stated or follows from the default.
    pub kind: Option<ParamKind>,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A string.
    Text,
    /// A list of strings.
    List,
    /// An object of strings.
    Object,
}

/// A value with its references unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawValue {
    /// A string.
    Text(String),
    /// A list.
    List(Vec<String>),
    /// An object.
    Object(BTreeMap<String, String>),
}

/// A task of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineTask {
    /// Its name.
    pub name: String,
    /// Where it is in the document.
    pub path: String,
    /// When it runs.
    pub section: Section,
    /// What it is.
    pub target: Target,
    /// Tasks before it.
    pub run_after: Vec<String>,
    /// Its conditions.
    pub when: Vec<RawWhen>,
    /// Its parameters.
    pub params: Vec<(String, RawValue)>,
    /// The lists of its matrix.
    pub matrix: Vec<(String, RawValue)>,
    /// The included combinations of its matrix.
    pub include: Vec<Vec<(String, String)>>,
    /// Attempts after the first.
    pub retries: u32,
    /// The limit of an attempt in milliseconds.
    pub timeout: Option<u64>,
    /// What its failure means.
    pub on_error: OnError,
}

/// A condition as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawWhen {
    /// What is looked for.
    pub input: String,
    /// Whether it must be there.
    pub is_in: bool,
    /// Where.
    pub values: Vec<String>,
}

/// What a task of a pipeline refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A plugin by name.
    Plugin(String),
    /// A plugin in a registry, by digest.
    PluginImage(String),
    /// A task of container steps, in words.
    Steps(String),
}

/// Reads the spec of a pipeline. What is wrong with it is noted.
#[must_use]
pub fn read(spec: &Map<String, Value>, path: &str, issues: &mut Issues) -> Pipeline {
    let params = read_params(spec, path, issues);
    let mut tasks = Vec::new();
    let mut names = BTreeSet::new();
    for (field, section) in [("tasks", Section::Tasks), ("finally", Section::Finally)] {
        for (place, object) in fields::objects(spec, path, field, issues) {
            if tasks.len() >= TASKS {
                issues.error(place, "limit", format!("the pipeline has more than {TASKS} tasks"), "");
                break;
            }
            let task = read_task(object, &place, section, issues);
            if !task.name.is_empty() && !names.insert(task.name.clone()) {
                issues.error(
                    join(&place, "name"),
                    "duplicate",
                    format!("two tasks are named `{}`", short(&task.name)),
                    "",
                );
            }
            tasks.push(task);
        }
    }
    let mut results = Vec::new();
    for (place, object) in fields::objects(spec, path, "results", issues) {
        let name = fields::text(object, &place, "name", issues).unwrap_or_default().to_owned();
        if let Some(value) = object.get("value").and_then(|value| raw(value, &join(&place, "value"), issues)) {
            results.push((name, value));
        }
    }
    tasks.shrink_to_fit();
    Pipeline { params, tasks, results }
}

/// The parameters that a spec declares.
pub(crate) fn read_params(spec: &Map<String, Value>, path: &str, issues: &mut Issues) -> Vec<ParamSpec> {
    let mut params: Vec<ParamSpec> = Vec::new();
    let mut names = BTreeSet::new();
    for (place, object) in fields::objects(spec, path, "params", issues) {
        let Some(name) = fields::text(object, &place, "name", issues) else {
            issues.error(join(&place, "name"), "required", "the parameter has no name", "");
            continue;
        };
        if !names.insert(name) {
            issues.error(join(&place, "name"), "duplicate", format!("two parameters are named `{}`", short(name)), "");
        }
        let default = object.get("default").filter(|value| !value.is_null());
        let default = default.and_then(|value| raw(value, &join(&place, "default"), issues));
        let kind = match fields::text(object, &place, "type", issues) {
            Some("string") => Some(ParamKind::Text),
            Some("array") => Some(ParamKind::List),
            Some("object") => Some(ParamKind::Object),
            Some(other) => {
                let message = format!("there is no type `{}`", short(other));
                issues.error(join(&place, "type"), "type", message, "string, array or object");
                None
            }
            None => default.as_ref().map(RawValue::kind),
        };
        params.push(ParamSpec { name: name.to_owned(), default, kind });
    }
    params
}

impl RawValue {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> ParamKind {
        match self {
            Self::Text(_) => ParamKind::Text,
            Self::List(_) => ParamKind::List,
            Self::Object(_) => ParamKind::Object,
        }
    }

    /// Its strings.
    pub(crate) fn strings(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::List(items) => items.iter().map(String::as_str).collect(),
            Self::Object(fields) => fields.values().map(String::as_str).collect(),
        }
    }
}

/// A value as Tekton reads it: a number or boolean is its text.
pub(crate) fn raw(value: &Value, path: &str, issues: &mut Issues) -> Option<RawValue> {
    Some(match value {
        Value::Null => RawValue::Text(String::new()),
        Value::Bool(_) | Value::Number(_) => RawValue::Text(value.to_string()),
        Value::String(text) => RawValue::Text(text.clone()),
        Value::Array(items) => RawValue::List(items.iter().map(as_text).collect()),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| (name.clone(), as_text(value));
            if let Some((name, value)) = fields.iter().find(|(_, value)| value.is_array() || value.is_object()) {
                let message = format!("it is {}, not a string", fields::kind(value));
                issues.error(join(path, &short(name)), "type", message, "");
                return None;
            }
            RawValue::Object(fields.iter().map(field).collect())
        }
    })
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn read_task(object: &Map<String, Value>, place: &str, section: Section, issues: &mut Issues) -> PipelineTask {
    let name = fields::text(object, place, "name", issues).unwrap_or_default().to_owned();
    if name.is_empty() {
        issues.error(join(place, "name"), "required", "the task has no name", "");
    } else if name.chars().any(char::is_control) {
        issues.error(join(place, "name"), "name", format!("`{}` is not a name", short(&name)), "");
    }
    let mut run_after = fields::texts(object, place, "runAfter", issues);
    if section == Section::Finally && !run_after.is_empty() {
        let message = "a finally task runs after all tasks, so its `runAfter` does not count";
        issues.warn(join(place, "runAfter"), "finally", message, "remove it");
        run_after.clear();
    }
    let (matrix, include) = read_matrix(object, place, issues);
    PipelineTask {
        target: read_target(object, place, issues),
        when: read_when(object, place, issues),
        params: read_values(object, place, "params", issues),
        matrix,
        include,
        retries: read_retries(object, place, issues),
        timeout: timeouts::field(object, place, "timeout", issues),
        on_error: read_on_error(object, place, issues),
        name,
        path: place.to_owned(),
        section,
        run_after,
    }
}

fn read_values(from: &Map<String, Value>, path: &str, field: &str, issues: &mut Issues) -> Vec<(String, RawValue)> {
    let mut out = Vec::new();
    for (place, object) in fields::objects(from, path, field, issues) {
        let Some(name) = fields::text(object, &place, "name", issues) else {
            issues.error(join(&place, "name"), "required", "the parameter has no name", "");
            continue;
        };
        let value = object.get("value").unwrap_or(&Value::Null);
        if let Some(value) = raw(value, &join(&place, "value"), issues) {
            out.push((name.to_owned(), value));
        }
    }
    // A pipeline may have many thousands of them.
    out.shrink_to_fit();
    out
}

type MatrixFields = (Vec<(String, RawValue)>, Vec<Vec<(String, String)>>);

fn read_matrix(object: &Map<String, Value>, place: &str, issues: &mut Issues) -> MatrixFields {
    let Some(matrix) = fields::object(object, place, "matrix", issues) else { return MatrixFields::default() };
    let place = join(place, "matrix");
    let mut include = Vec::new();
    for (at, item) in fields::objects(matrix, &place, "include", issues) {
        let values = read_values(item, &at, "params", issues);
        let text = |(name, value): (String, RawValue)| match value {
            RawValue::Text(text) => Some((name, text)),
            RawValue::List(_) | RawValue::Object(_) => None,
        };
        include.push(values.into_iter().filter_map(text).collect());
    }
    (read_values(matrix, &place, "params", issues), include)
}

fn read_when(object: &Map<String, Value>, place: &str, issues: &mut Issues) -> Vec<RawWhen> {
    let mut out = Vec::new();
    for (at, when) in fields::objects(object, place, "when", issues) {
        if when.contains_key("cel") {
            issues.warn(join(&at, "cel"), "cel", "CEL conditions are read by Tekton only", "use `input` and `values`");
            continue;
        }
        let is_in = match fields::text(when, &at, "operator", issues) {
            Some("in") | None => true,
            Some("notin") => false,
            Some(other) => {
                let message = format!("there is no operator `{}`", short(other));
                issues.error(join(&at, "operator"), "operator", message, "in or notin");
                true
            }
        };
        let input = when.get("input").map(as_text).unwrap_or_default();
        let values = fields::list(when, &at, "values", issues).iter().map(as_text).collect();
        out.push(RawWhen { input, is_in, values });
    }
    out
}

fn read_retries(object: &Map<String, Value>, place: &str, issues: &mut Issues) -> u32 {
    let Some(value) = object.get("retries").filter(|value| !value.is_null()) else { return 0 };
    match value.as_u64().and_then(|retries| u32::try_from(retries).ok()).filter(|retries| *retries <= RETRIES) {
        Some(retries) => retries,
        None => {
            let message = format!("it is not a number from 0 to {RETRIES}");
            issues.error(join(place, "retries"), "retries", message, "");
            0
        }
    }
}

fn read_on_error(object: &Map<String, Value>, place: &str, issues: &mut Issues) -> OnError {
    match fields::text(object, place, "onError", issues) {
        None | Some("stopAndFail") => OnError::StopAndFail,
        Some("continue") => OnError::Continue,
        Some(other) if other.starts_with("$(") => OnError::StopAndFail,
        Some(other) => {
            let message = format!("there is no `{}`", short(other));
            issues.error(join(place, "onError"), "on-error", message, "stopAndFail or continue");
            OnError::StopAndFail
        }
    }
}

fn read_target(object: &Map<String, Value>, place: &str, issues: &mut Issues) -> Target {
    let fields = ["taskRef", "taskSpec", "pipelineRef", "pipelineSpec"];
    let given: Vec<_> =
        fields.into_iter().filter(|field| object.get(*field).is_some_and(|value| !value.is_null())).collect();
    match given.as_slice() {
        ["taskRef"] => fields::object(object, place, "taskRef", issues)
            .map_or(Target::Steps("taskRef".to_owned()), |reference| {
                read_task_ref(reference, &join(place, "taskRef"), issues)
            }),
        [other] => Target::Steps((*other).to_owned()),
        [] => {
            let message = "the task has neither `taskRef` nor `taskSpec`";
            issues.warn(
                place,
                "task",
                message,
                "name a plugin: taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: …}",
            );
            Target::Steps(String::new())
        }
        [first, second, ..] => {
            issues.error(place, "task", format!("the task has both `{first}` and `{second}`"), "keep one of them");
            Target::Steps(String::new())
        }
    }
}

fn read_task_ref(reference: &Map<String, Value>, place: &str, issues: &mut Issues) -> Target {
    let name = fields::text(reference, place, "name", issues);
    let api_version = fields::text(reference, place, "apiVersion", issues).unwrap_or_default();
    let kind = fields::text(reference, place, "kind", issues).unwrap_or_default();
    let resolver = fields::text(reference, place, "resolver", issues);
    let bundle = fields::text(reference, place, "bundle", issues);
    let is_plugin = kind == "Plugin" || api_version.starts_with("assay.dev/");
    if is_plugin && api_version != "assay.dev/v1" {
        let message = format!("a plugin has the apiVersion assay.dev/v1, not `{}`", short(api_version));
        issues.error(join(place, "apiVersion"), "plugin", message, "assay.dev/v1");
    }
    match (is_plugin, resolver, name) {
        (true, None, Some(name)) => Target::Plugin(name.to_owned()),
        (true, None, None) => {
            issues.error(join(place, "name"), "required", "the plugin has no name", "a name of `plugins.toml`");
            Target::Plugin(String::new())
        }
        (_, Some("oci"), _) => read_image(reference, place, issues),
        (_, Some(resolver), _) => Target::Steps(format!("a task by the resolver `{}`", short(resolver))),
        (false, None, Some(name)) if bundle.is_some() => {
            Target::Steps(format!("the task `{}` of a bundle", short(name)))
        }
        (false, None, Some(name)) => Target::Steps(format!("the task `{}`", short(name))),
        (false, None, None) => Target::Steps("a task".to_owned()),
    }
}

/// The parameter of `resolver: oci`: an image with its digest.
fn read_image(reference: &Map<String, Value>, place: &str, issues: &mut Issues) -> Target {
    let values = read_values(reference, place, "params", issues);
    let image = values.iter().find_map(|(name, value)| match value {
        RawValue::Text(text) if ["image", "reference", "bundle"].contains(&name.as_str()) => Some(text.as_str()),
        _ => None,
    });
    match image {
        Some(image) if assay_model::image::PinnedImage::parse(image).is_ok() => Target::PluginImage(image.to_owned()),
        Some(image) => {
            let message =
                format!("`{}` is not an image with a digest, so it could change between two runs", short(image));
            issues.error(join(place, "params"), "digest", message, "REPOSITORY@sha256:…");
            Target::PluginImage(String::new())
        }
        None => {
            issues.error(join(place, "params"), "required", "`resolver: oci` needs the parameter `image`", "");
            Target::PluginImage(String::new())
        }
    }
}
