//! Expressions of Helm, Go templates and Pipelines as Code that nobody has rendered.

use serde_json::Value;

use crate::issue::{Issues, short};

/// What Go's templates write for a value that is missing.
const NO_VALUE: &str = "<no value>";

/// The first `{{ … }}` of a text, shortened for a sentence.
#[must_use]
pub fn first_expression(text: &str) -> Option<String> {
    let (_, from) = text.split_once("{{")?;
    let line = from.lines().next().unwrap_or_default();
    let more = if from.starts_with('{') { "}" } else { "" };
    Some(match line.split_once("}}") {
        Some((inside, _)) => short(&format!("{{{{{inside}}}}}{more}")),
        None => short(&format!("{{{{{line}")),
    })
}

/// The line of the first expression, from 1.
#[must_use]
pub(crate) fn line_of_expression(text: &str) -> usize {
    text.split_once("{{").map_or(1, |(before, _)| before.matches('\n').count() + 1)
}

/// Variables of Pipelines as Code.
const PAC: [&str; 12] = [
    "revision",
    "source_url",
    "source_branch",
    "target_branch",
    "target_namespace",
    "repo_url",
    "repo_owner",
    "repo_name",
    "sender",
    "event_type",
    "pull_request_number",
    "git_auth_secret",
];

/// What to do about an expression.
pub(crate) fn suggestion(expression: &str) -> String {
    let name = expression.trim_matches(['{', '}', ' ', '-']);
    if PAC.contains(&name) || name.starts_with("body.") || name.starts_with("headers[") {
        return "render it first: `tkn pac resolve -f FILE` fills in the variables of Pipelines as Code".to_owned();
    }
    "render the template first, for example with `helm template`, and import what comes out".to_owned()
}

/// An error for each string of a value with an expression in it, except where `is_text` says that the field is text that
/// another program reads.
pub(crate) fn check(value: &Value, is_text: &dyn Fn(&[Step<'_>]) -> bool, issues: &mut Issues) {
    walk(value, &mut Vec::new(), &mut |path, text| {
        let expression = match first_expression(text) {
            Some(expression) => expression,
            None if text.contains(NO_VALUE) => NO_VALUE.to_owned(),
            None => return,
        };
        if is_text(path) {
            return;
        }
        let place = written(path);
        let message = if expression == NO_VALUE {
            format!("a template wrote `{NO_VALUE}` here, since a variable of it had no value")
        } else {
            format!("the template expression `{expression}` has not been rendered")
        };
        issues.error(place, "template", message, suggestion(&expression));
    });
}

/// A step on the way to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'v> {
    /// Into a field.
    Field(&'v str),
    /// Into an item of a list.
    Item(usize),
}

/// A path as it is written: `spec.tasks[0].name`.
pub(crate) fn written(path: &[Step<'_>]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Field(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            Step::Item(at) => out.push_str(&format!("[{at}]")),
        }
    }
    out
}

/// Each string of a value, keys among them, with the way to it. The reader limits how deep a value is.
pub(crate) fn walk<'v>(value: &'v Value, path: &mut Vec<Step<'v>>, each: &mut dyn FnMut(&[Step<'v>], &'v str)) {
    match value {
        Value::String(text) => each(path, text),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(Step::Item(at));
                walk(item, path, each);
                path.pop();
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                path.push(Step::Field(name));
                each(path, name);
                walk(field, path, each);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expression_is_shown_as_it_is_written() {
        for (text, want) in [
            ("a {{ .Values.name }} b {{ c }}", Some("{{ .Values.name }}")),
            ("{{{ .Name }}}", Some("{{{ .Name }}}")),
            ("{{- if x", Some("{{- if x")),
            ("a { b } c", None),
        ] {
            assert_eq!(first_expression(text).as_deref(), want, "{text}");
        }
        assert_eq!(line_of_expression("a\nb\n{{ c }}"), 3);
    }

    #[test]
    fn every_string_is_looked_at_and_names_of_fields_are_strings() {
        let value = json!({"metadata": {"labels": {"{{a}}": "x"}}, "spec": {"list": [{"b": "{{ b }}"}], "c": "<no value>", "script": "{{ d }}"}});
        let mut issues = Issues::default();
        check(&value, &|path| path.contains(&Step::Field("script")), &mut issues);
        let paths: Vec<_> = issues.errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(paths, ["metadata.labels.{{a}}", "spec.list[0].b", "spec.c"]);
    }
}
