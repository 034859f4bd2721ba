//! Fields of a document by their types; one of another type is an error with its path.

use serde_json::{Map, Value};

use assay_model::nearest::nearest;

use crate::issue::{Issues, short};

/// What a JSON value is, in words for messages.
pub(crate) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn found<'v>(object: &'v Map<String, Value>, field: &str) -> Option<&'v Value> {
    object.get(field).filter(|value| !value.is_null())
}

fn wrong(issues: &mut Issues, path: &str, field: &str, value: &Value, wanted: &str) {
    let suggestion = match value {
        Value::Number(_) if wanted == "a string" => format!("quote it: \"{value}\""),
        Value::Bool(_) if wanted == "a string" => {
            "quote it: `true`, `yes`, `y`, `on` and their opposites are booleans in YAML".to_owned()
        }
        _ => String::new(),
    };
    issues.error(join(path, field), "type", format!("it is {}, not {wanted}", kind(value)), suggestion);
}

/// The path of a field.
pub(crate) fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// A string; an empty one counts as absent, as in Go.
pub(crate) fn text<'v>(
    object: &'v Map<String, Value>,
    path: &str,
    field: &str,
    issues: &mut Issues,
) -> Option<&'v str> {
    match found(object, field)? {
        Value::String(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
        other => {
            wrong(issues, path, field, other, "a string");
            None
        }
    }
}

/// A list; empty when absent.
pub(crate) fn list<'v>(object: &'v Map<String, Value>, path: &str, field: &str, issues: &mut Issues) -> &'v [Value] {
    match found(object, field) {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(other) => {
            wrong(issues, path, field, other, "a list");
            &[]
        }
    }
}

/// An object.
pub(crate) fn object<'v>(
    object: &'v Map<String, Value>,
    path: &str,
    field: &str,
    issues: &mut Issues,
) -> Option<&'v Map<String, Value>> {
    match found(object, field)? {
        Value::Object(fields) => Some(fields),
        other => {
            wrong(issues, path, field, other, "an object");
            None
        }
    }
}

/// A boolean; false when absent.
pub(crate) fn boolean(object: &Map<String, Value>, path: &str, field: &str, issues: &mut Issues) -> bool {
    match found(object, field) {
        None => false,
        Some(Value::Bool(is_so)) => *is_so,
        Some(other) => {
            wrong(issues, path, field, other, "true or false");
            false
        }
    }
}

/// The items of a list that are objects, with their paths.
pub(crate) fn objects<'v>(
    from: &'v Map<String, Value>,
    path: &str,
    field: &str,
    issues: &mut Issues,
) -> Vec<(String, &'v Map<String, Value>)> {
    let mut out = Vec::new();
    for (at, item) in list(from, path, field, issues).iter().enumerate() {
        let place = format!("{}[{at}]", join(path, field));
        match item {
            Value::Object(fields) => out.push((place, fields)),
            other => issues.error(place, "type", format!("it is {}, not an object", kind(other)), ""),
        }
    }
    out
}

/// The items of a list that are strings.
pub(crate) fn texts(from: &Map<String, Value>, path: &str, field: &str, issues: &mut Issues) -> Vec<String> {
    let mut out = Vec::new();
    for (at, item) in list(from, path, field, issues).iter().enumerate() {
        match item {
            Value::String(text) => out.push(text.clone()),
            other => {
                let place = format!("{}[{at}]", join(path, field));
                issues.error(place, "type", format!("it is {}, not a string", kind(other)), "");
            }
        }
    }
    out
}

/// Warns of fields that nobody reads: a misspelled one has no effect.
pub(crate) fn warn_of_unknown(object: &Map<String, Value>, path: &str, known: &[&str], issues: &mut Issues) {
    for field in object.keys().filter(|field| !known.contains(&field.as_str())) {
        let suggestion = nearest(field, known.iter().copied());
        let suggestion = suggestion.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
        let message = format!("nothing reads the field `{}`", short(field));
        issues.warn(join(path, &short(field)), "unknown-field", message, suggestion);
    }
}
