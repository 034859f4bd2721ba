//! Values as Rego terms: how `sprintf`, `print` and string interpolation show them, and the words for their kinds.

use assay_gocompat::{float, quote::escape};
use regorus::Value;

use super::float_kind::is_float;
use super::limits::TEXT_BYTES;
use super::value_order::sorted;
use crate::engine::bytes::{bytes_of, is_raw};

/// The name of the type of a value in error messages and `type_name`.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Set(_) => "set",
        Value::Undefined => "undefined",
    }
}

/// From here on Go writes numbers with an exponent.
const WHOLE: f64 = 1e21;

/// Appends the value as a Rego term: `{"a": 1}`, `set()`, quoted strings. Beyond [`TEXT_BYTES`] it stops: the caller
/// refuses what is longer.
pub(crate) fn write_term(to: &mut String, value: &Value) {
    write_start(to, value, TEXT_BYTES);
}

/// The same up to about as many bytes as `most`.
pub(crate) fn write_start(to: &mut String, value: &Value, most: usize) {
    if to.len() > most {
        return;
    }
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(true) => to.push_str("true"),
        Value::Bool(false) => to.push_str("false"),
        Value::Number(_) => to.push_str(&number_text(value)),
        Value::String(text) => quote(to, text),
        Value::Array(array) => separated(to, "[", "]", array.iter(), |to, element| write_start(to, element, most)),
        Value::Set(set) if set.is_empty() => to.push_str("set()"),
        Value::Set(set) => {
            separated(to, "{", "}", sorted(set.iter()).into_iter(), |to, element| write_start(to, element, most));
        }
        Value::Object(object) => separated(to, "{", "}", sorted(object.keys_sorted()).into_iter(), |to, key| {
            write_start(to, key, most);
            to.push_str(": ");
            write_start(to, object.get(key).unwrap_or(&Value::Null), most);
        }),
        Value::Undefined => to.push_str("<undefined>"),
    }
}

/// The value as a Rego term.
pub(super) fn term(value: &Value) -> String {
    let mut text = String::new();
    write_term(&mut text, value);
    text
}

/// A text as it is, everything else as a Rego term.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => term(other),
    }
}

fn separated<T>(
    to: &mut String,
    open: &str,
    close: &str,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    to.push_str(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            to.push_str(", ");
        }
        write(to, item);
    }
    to.push_str(close);
}

/// The digits of a number: whole numbers in full, others as Go's JSON has them. What was written with a point keeps it.
pub(crate) fn number_text(value: &Value) -> String {
    let Value::Number(number) = value else { return String::new() };
    if is_float(value)
        && let Some(float) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < WHOLE)
    {
        return format!("{float:.1}");
    }
    if let (true, Some(word)) = (number.is_integer(), number.as_i64()) {
        return word.to_string();
    }
    if number.is_integer()
        && let Ok(big) = number.to_big()
    {
        return big.to_string();
    }
    number.as_f64().map_or_else(|| number.format_decimal(), float::json_text)
}

/// Appends the text in double quotes with Go's escapes, as Rego and `%q` show it.
pub(super) fn quote(to: &mut String, text: &str) {
    to.push('"');
    if is_raw(text) {
        for chunk in bytes_of(text).utf8_chunks() {
            escape(to, chunk.valid());
            chunk.invalid().iter().for_each(|byte| to.push_str(&format!("\\x{byte:02x}")));
        }
    } else {
        escape(to, text);
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_as_its_rego_term() {
        let value = Value::from_json_str(r#"{"b": [1, "x\ny", null], "a": {}, "c": 1.5}"#).unwrap();
        assert_eq!(term(&value), r#"{"a": {}, "b": [1, "x\ny", null], "c": 1.5}"#);
        assert_eq!(term(&Value::new_set()), "set()");
        let numbers = Value::from_json_str("[1, 1.0, -2.50, 0.0, 1e300, 12345678901234567890]").unwrap();
        assert!(term(&numbers).starts_with("[1, 1.0, -2.5, 0.0, "), "{}", term(&numbers));
    }
}
