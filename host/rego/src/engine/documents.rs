//! [`read`] and [`take`]: documents of JSON from outside as values.
//!
//! A number is kept with all its digits, and `1e2000000000` has more of them than there is memory: an exponent beyond
//! that of any float makes a document unreadable before its digits are made.

use assay_gocompat::json::string_end;
use regorus::Value;
use serde_json::Value as Json;

use super::builtins::limits::NUMBER_DIGITS;
use super::builtins::value_order::sorted;
use super::builtins::{from_json, number_text, read_json};
use super::bytes::{admitted_value, is_raw, shown};

/// The largest exponent of a number, either way.
const EXPONENT: u32 = 5_000;

/// A text of JSON as a value.
///
/// # Errors
/// What is wrong with the text.
pub fn read(text: &str) -> Result<Value, String> {
    let mut has_exponent = false;
    if let Some(number) = beyond(text, &mut has_exponent) {
        return Err(out_of_range(number));
    }
    if has_exponent {
        return read_json(text).map_err(|error| error.message);
    }
    let value = Value::from_json_str(text).map_err(|error| error.to_string())?;
    Ok(if may_be_raw(text) { admitted_value(value) } else { value })
}

/// Whether a text of JSON may hold, as it is or escaped, one of the code points that stand for bytes.
fn may_be_raw(text: &str) -> bool {
    let bytes = text.as_bytes();
    let high = |at: usize| bytes.get(at + 2..at + 6).is_some_and(|unit| unit.eq_ignore_ascii_case(b"dbff"));
    is_raw(text) || memchr::memmem::find_iter(bytes, b"\\u").any(high)
}

/// A document that was read elsewhere as a value.
///
/// # Errors
/// A number that cannot be kept.
pub(crate) fn take(document: Json) -> Result<Value, String> {
    let mut has_exponent = false;
    if let Some(number) = number_beyond(&document, &mut has_exponent) {
        return Err(out_of_range(&number));
    }
    if has_exponent {
        return from_json(document).map_err(|error| error.message);
    }
    serde_json::from_value(document).map(admitted_value).map_err(|error| error.to_string())
}

/// A value as a document for output: sets are lists in OPA's order, a key that is not a string is its JSON and stands where that
/// does as a text, and a byte that is not UTF-8 is a replacement character.
///
/// # Errors
/// A number that cannot be written.
pub(crate) fn given(value: &Value) -> Result<Json, serde_json::Error> {
    Ok(match value {
        Value::String(text) => Json::String(shown(text).into_owned()),
        Value::Array(items) => items.iter().map(given).collect::<Result<_, _>>()?,
        Value::Set(items) => sorted(items.iter()).into_iter().map(given).collect::<Result<_, _>>()?,
        Value::Object(fields) => {
            let mut all = serde_json::Map::with_capacity(fields.len());
            for (key, value) in fields.iter() {
                let key = match key {
                    Value::String(text) => shown(text).into_owned(),
                    other => serde_json::to_string(&given(other)?)?,
                };
                all.insert(key, given(value)?);
            }
            if fields.keys().any(|key| !matches!(key, Value::String(_))) {
                all.sort_keys();
            }
            Json::Object(all)
        }
        // As it is written: with a point if it came with one.
        Value::Number(_) => Json::Number(serde_json::from_str(&number_text(value))?),
        other => serde_json::to_value(other)?,
    })
}

fn out_of_range(number: &str) -> String {
    let start: String = number.chars().take(50).collect();
    let more = if start.len() < number.len() { "…" } else { "" };
    format!("the number {start}{more} is out of range")
}

fn number_beyond(document: &Json, has_exponent: &mut bool) -> Option<String> {
    match document {
        Json::Number(number) => {
            let text = number.to_string();
            beyond(&text, has_exponent).is_some().then_some(text)
        }
        Json::Array(elements) => elements.iter().find_map(|element| number_beyond(element, has_exponent)),
        Json::Object(fields) => fields.values().find_map(|field| number_beyond(field, has_exponent)),
        _ => None,
    }
}

/// The first number in a JSON string whose exponent is too large, and whether any number before it has one; strings in it are
/// skipped.
fn beyond<'t>(text: &'t str, has_exponent: &mut bool) -> Option<&'t str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b'0'..=b'9' => {
                let start = at;
                let part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                at += bytes.get(at..).unwrap_or_default().iter().take_while(part).count();
                let number = text.get(start..at).unwrap_or_default();
                if is_beyond(number) {
                    return Some(number);
                }
                *has_exponent |= number.contains(['e', 'E']);
            }
            _ => at += 1,
        }
    }
    None
}

/// Whether a number in a JSON string exceeds the maximum length; strings in it are skipped.
pub(crate) fn has_long_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut digits) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        if *byte == b'"' {
            at = string_end(bytes, at);
            digits = 0;
            continue;
        }
        digits = if matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') { digits + 1 } else { 0 };
        if digits > NUMBER_DIGITS {
            return true;
        }
        at += 1;
    }
    false
}

/// An upper bound of the values in a JSON string, skipping strings in it: a list is counted before it is built.
pub(crate) fn values_in(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut values) = (0, 1);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            byte => {
                values += usize::from(matches!(byte, b'[' | b'{' | b',' | b':'));
                at += 1;
            }
        }
    }
    values
}

/// Whether a number is longer, or its exponent larger, than any is allowed to be.
pub(crate) fn is_beyond(number: &str) -> bool {
    if number.len() > NUMBER_DIGITS {
        return true;
    }
    let Some((_, exponent)) = number.split_once(['e', 'E']) else { return false };
    let digits = exponent.trim_start_matches(['+', '-']).trim_start_matches('0');
    !digits.is_empty() && digits.parse::<u32>().map_or(true, |exponent| exponent > EXPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_would_fill_the_memory_is_refused_before_it_is_read() {
        for text in ["1e2000000000", "[1, {\"a\": -1.5E-99999999999999}]", "{\"\\\"\": 1e+5001}"] {
            assert!(read(text).unwrap_err().contains("out of range"), "{text}");
            let document = serde_json::from_str(text).unwrap();
            assert!(take(document).unwrap_err().contains("out of range"), "{text}");
        }
        for text in ["1e300", "\"1e2000000000\"", "[\"a\\\"1e99999\", 1e0000000000000003]", "12345678901234567890123"] {
            assert!(read(text).is_ok(), "{text}");
            assert!(take(serde_json::from_str(text).unwrap()).is_ok(), "{text}");
        }
        assert!(read("{").is_err());
    }

    #[test]
    fn keys_that_are_no_strings_are_sorted_as_texts() {
        let object = Value::from(std::collections::BTreeMap::from([
            (Value::from(2_u64), Value::Null),
            (Value::Bool(false), Value::Null),
            (Value::from("1"), Value::Null),
        ]));
        assert_eq!(given(&object).unwrap().to_string(), r#"{"1":null,"2":null,"false":null}"#);
        let outer = Value::from(std::collections::BTreeMap::from([(object, Value::Null)]));
        let keys: Vec<String> = given(&outer).unwrap().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, [r#"{"1":null,"2":null,"false":null}"#]);
    }

    #[test]
    fn a_number_keeps_its_point_and_an_exponent_is_one_of_a_float() {
        for text in ["[1, 1.0, -2.5]", "{\"a\":12.0}"] {
            assert_eq!(given(&read(text).unwrap()).unwrap(), serde_json::from_str::<Json>(text).unwrap(), "{text}");
        }
        for value in [read("[1e2, 100]"), take(serde_json::from_str("[1e2, 100]").unwrap())].map(Result::unwrap) {
            assert_eq!(given(&value).unwrap().to_string(), "[100.0,100]");
        }
    }

    #[test]
    fn a_number_of_megabytes_is_refused_before_it_is_read() {
        let long = "9".repeat(NUMBER_DIGITS + 1);
        for text in [long.clone(), format!("[-1.{long}]"), format!("{{\"a\": {long}e1}}")] {
            let message = read(&text).unwrap_err();
            assert!(message.contains("out of range") && message.len() < 200, "{message}");
            assert!(take(serde_json::from_str(&text).unwrap()).is_err());
        }
        assert!(read(&"9".repeat(NUMBER_DIGITS)).is_ok());
    }
}
