//! [`with_whole_numbers`]: numbers as they are after Go read them as floats and wrote them again.

use regorus::{Value as RegoValue, value::Object};
use serde_json::{Number, Value};

use crate::engine::is_float;

/// Above this, whole numbers are not exact as floats, and stay as they are.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A document in which whole numbers have no fraction: `2.0` is `2`.
///
/// `ec` and OPA keep the digits of JSON, but what comes through YAML or through Go's `interface{}` (rule data, files of images)
/// was a float in between.
#[must_use]
pub fn with_whole_numbers(document: Value) -> Value {
    match document {
        Value::Number(number) => Value::Number(whole(&number).unwrap_or(number)),
        Value::Array(items) => Value::Array(items.into_iter().map(with_whole_numbers).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, with_whole_numbers(value))).collect())
        }
        other => other,
    }
}

/// The whole number that a float is, if it is one.
fn whole(number: &Number) -> Option<Number> {
    if number.is_i64() || number.is_u64() {
        return None;
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < EXACT)?;
    format!("{float:.0}").parse::<i64>().ok().map(Number::from)
}

/// The same for a value of Rego that was read from JSON.
#[must_use]
pub fn value_with_whole_numbers(value: RegoValue) -> RegoValue {
    if has_whole_float(&value) { replaced(&value) } else { value }
}

fn has_whole_float(value: &RegoValue) -> bool {
    match value {
        RegoValue::Number(number) => number.is_integer() && is_float(value),
        RegoValue::Array(items) => items.iter().any(has_whole_float),
        RegoValue::Object(fields) => fields.iter_sorted().any(|(_, field)| has_whole_float(field)),
        _ => false,
    }
}

fn replaced(value: &RegoValue) -> RegoValue {
    match value {
        RegoValue::Number(number) if number.is_integer() && is_float(value) => {
            number.as_i64().map_or_else(|| value.clone(), RegoValue::from)
        }
        RegoValue::Array(items) => RegoValue::from(items.iter().map(replaced).collect::<Vec<_>>()),
        RegoValue::Object(fields) => {
            fields.iter_sorted().map(|(name, field)| (name.clone(), replaced(field))).collect::<Object>().into_value()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_fraction_and_all_else_stays() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let text =
            r#"{"a": [1.0, 2e3, -0.0, 1.5, 7, 123456789012345678901234567890, 1e300, "1.0", null], "b": {"c": 2.00}}"#;
        let want = r#"{"a":[1,2000,0,1.5,7,123456789012345678901234567890,1e300,"1.0",null],"b":{"c":2}}"#;
        assert_eq!(with_whole_numbers(read(text)).to_string().replace("1e+300", "1e300"), want);
        let value = crate::engine::read(r#"{"a": [1.0, 2e3, 1.5, 7, "1.0"], "b": {"c": 2.00}}"#).unwrap();
        let shown = |value: &RegoValue| crate::engine::given(value).unwrap().to_string();
        assert_eq!(shown(&value_with_whole_numbers(value)), r#"{"a":[1,2000,1.5,7,"1.0"],"b":{"c":2}}"#);
    }
}
