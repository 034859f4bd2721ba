//! What Go's `fmt` makes of values, where reports have to look the same.

use serde_json::Value;

use crate::quote;

/// A value as `fmt`'s `%v` shows what JSON was read into.
#[must_use]
pub fn verb_v(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(verb_v).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            let fields: Vec<_> = fields.into_iter().map(|(key, value)| format!("{key}:{}", verb_v(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// A text as `fmt`'s `%q` shows it.
#[must_use]
pub fn verb_q(text: &str) -> String {
    let mut quoted = String::from("\"");
    quote::escape(&mut quoted, text);
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_look_as_in_go() {
        let value = json!({"b": [1, "x y", null, true], "a": {"k": 1.5}});
        assert_eq!(verb_v(&value), "map[a:map[k:1.5] b:[1 x y <nil> true]]");
        assert_eq!(verb_q("a\"b\\\n\u{1}é\u{200b}"), r#""a\"b\\\n\x01é\u200b""#);
    }
}
