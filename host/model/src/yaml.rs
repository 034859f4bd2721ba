//! The one reader of YAML and JSON text in assay.
//!
//! YAML is version 1.2 with the core schema: only `true` and `false` are booleans, so `n`, `on` and `yes` are texts
//! and `012` is the number twelve. (`ec` reads YAML 1.1.) A YAML number is a 64-bit integer or float, and a float
//! without a fraction becomes an integer, as it does on its way through Go's JSON. JSON text is read as JSON, with every digit of its numbers
//! kept. Duplicate keys, more than one document, and nesting or aliases beyond [`limits`] are errors.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{Budget, DuplicateKeyPolicy, Options};

use crate::{limits, yaml_go::json_float};

/// The text is neither JSON nor YAML; says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(String);

impl TextError {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }
}

/// Reads a JSON or YAML document. An empty document is null.
pub fn parse(text: &str) -> Result<Value, TextError> {
    if text.trim_start().starts_with(['{', '[', '"']) {
        // YAML is nearly a superset of JSON, but its reader would not keep the digits of a number.
        if let Ok(value) = serde_json::from_str(text) {
            return Ok(value);
        }
    }
    parse_yaml(text)
}

/// Reads the first document of a text that may hold several, which is all that `ec` reads of a file.
pub fn parse_first(text: &str) -> Result<Value, TextError> {
    parse(text).or_else(|error| {
        let text = text.strip_prefix("---\n").unwrap_or(text);
        text.split_once("\n---").map_or(Err(error), |(first, _)| parse(first))
    })
}

fn parse_yaml(text: &str) -> Result<Value, TextError> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    let mut budget = Budget::default();
    // Rule data of two million nodes is 64 MiB of text, which is where the file limits stand.
    budget.max_nodes = 8_000_000;
    budget.max_events = 32_000_000;
    budget.max_depth = limits::NESTING;
    budget.flow_nesting_limit = limits::NESTING;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.strict_booleans = true;
    options.underscored_numbers_as_strings = true;
    options.with_snippet = false;
    serde_saphyr::from_str_with_options(text, options)
        .map(|Yaml(value)| value)
        .map_err(|error| TextError(said(error.to_string().lines().next().unwrap_or_default())))
}

/// What the reader says, without what only programmers can do about it.
fn said(text: &str) -> String {
    let text = text.replace(", set DuplicateKeyPolicy in Options if acceptable", "");
    match text.strip_prefix("budget breached: Documents ").and_then(|rest| rest.split_once('}')) {
        Some((_, place)) => format!("a second document begins{place}"),
        None => text,
    }
}

/// A JSON value read from YAML.
struct Yaml(Value);

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Values).map(Self)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        json_float(value).ok_or_else(|| E::custom(format_args!("{value} is not a number that JSON has")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Yaml(item)) = from.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((key, Yaml(value))) = from.next_entry::<String, Yaml>()? {
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_words_of_yaml_1_1_are_texts_and_numbers_are_decimal() {
        for (text, value) in [
            ("n", json!("n")),
            ("y", json!("y")),
            ("no", json!("no")),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("off", json!("off")),
            ("Yes", json!("Yes")),
            ("true", json!(true)),
            ("False", json!(false)),
            ("012", json!(12)),
            ("1.0", json!(1)),
            ("1e3", json!(1000)),
            ("0o14", json!(12)),
            ("0x1f", json!(31)),
            ("~", json!(null)),
            ("null", json!(null)),
            ("1.5", json!(1.5)),
            ("2024-01-01", json!("2024-01-01")),
            ("2024-01-01T00:00:00Z", json!("2024-01-01T00:00:00Z")),
            ("12:30:45", json!("12:30:45")),
            ("1_000", json!("1_000")),
            ("'true'", json!("true")),
            ("\"12\"", json!("12")),
        ] {
            assert_eq!(parse(&format!("k: {text}")).unwrap(), json!({ "k": value }), "{text}");
        }
    }

    #[test]
    fn json_keeps_the_digits_of_its_numbers() {
        let value = parse(r#"{"a": 1.0, "b": 123456789012345678901234567890}"#).unwrap();
        assert_eq!(value.to_string(), r#"{"a":1.0,"b":123456789012345678901234567890}"#);
    }

    #[test]
    fn broken_text_is_an_error_with_a_place() {
        for bad in ["{", "a: [1", "a: 1\na: 2", "a: b: c", "- 1\n- : :\n  x", "\u{0}", "a: *nope"] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(!error.is_empty() && !error.contains('\n'), "{bad:?}: {error}");
        }
        let second = parse("a: 1\n---\nb: 2").unwrap_err().to_string();
        assert!(second.starts_with("a second document begins at line "), "{second}");
        let twice = parse("a: 1\na: 2").unwrap_err().to_string();
        assert_eq!(twice, "duplicate mapping key: a at line 2, column 1");
    }

    #[test]
    fn nesting_and_alias_bombs_are_refused() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000))).is_err());
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let refs = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
        }
        assert!(parse(&bomb).is_err());
    }
}
