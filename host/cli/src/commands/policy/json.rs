//! [`pretty`]: JSON over lines, as `opa` prints it: two spaces, Go's escapes.

use assay_gocompat::json;
use serde_json::Value;

/// The text of a value, without a line break at its end.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text
}

/// The text of a value on one line.
pub(super) fn compact(value: &Value) -> String {
    // A value that serde_json made is one that it can write.
    json::to_string(value).unwrap_or_default()
}

fn write(to: &mut String, value: &Value, depth: usize) {
    let open = |to: &mut String, depth: usize| {
        to.push('\n');
        to.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            to.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                open(to, depth + 1);
                write(to, item, depth + 1);
            }
            open(to, depth);
            to.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            to.push('{');
            for (at, (key, item)) in fields.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                open(to, depth + 1);
                to.push_str(&compact(&Value::String(key.clone())));
                to.push_str(": ");
                write(to, item, depth + 1);
            }
            open(to, depth);
            to.push('}');
        }
        other => to.push_str(&compact(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_indented_as_go_does_it() {
        let value = json!({"a": [], "b": {}, "c": [1, "<"], "d": null});
        assert_eq!(
            pretty(&value),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    \"\\u003c\"\n  ],\n  \"d\": null\n}"
        );
    }
}
