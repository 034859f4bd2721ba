//! The one reader of YAML and JSON text in assay.
//!
//! YAML is version 1.2 with the core schema: only `true` and `false` are booleans, so `n`, `on` and `yes` are strings
//! and `012` is the number twelve. (`ec` reads YAML 1.1.) A YAML number is a 64-bit integer or float, and a float
//! without a fraction becomes an integer, as it does on its way through Go's JSON. JSON text is read as JSON, with
//! every digit of its numbers kept. Duplicate keys, more than one document, nesting or aliases beyond [`limits`], and a
//! value that would take more memory than it may, are errors.

mod common;
mod lines;
mod values;

use assay_gocompat::yaml_reader::ReadError;
use serde::de::DeserializeSeed;
use serde_json::Value;
use serde_saphyr::{Budget, DuplicateKeyPolicy, Options};

use crate::{
    limits,
    memory::Memory,
    strict::{self, Reading},
};

pub use values::{Scalar, Values};

/// The text is neither JSON nor YAML; says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(String);

impl TextError {
    /// Whether the text may be YAML, and is refused for a key that is duplicated or for its size or depth, where other
    /// readers take it.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let words = [
            "duplicate mapping key",
            "is duplicated",
            "a key is `",
            "budget breached",
            "recursion limit",
            "alias replay",
            "bytes of memory",
        ];
        words.iter().any(|word| self.0.contains(word))
    }
}

impl From<ReadError> for TextError {
    fn from(error: ReadError) -> Self {
        Self(error.to_string())
    }
}

/// Reads a JSON or YAML document of the user's own. An empty document is null.
pub fn parse(text: &str) -> Result<Value, TextError> {
    parse_within(text, &Memory::of(limits::DOCUMENT_MEMORY))
}

/// Reads a JSON or YAML document that takes no more memory than is left. An empty document is null.
pub fn parse_within(text: &str, memory: &Memory) -> Result<Value, TextError> {
    if text.trim_start().starts_with(['{', '[', '"']) {
        // YAML is nearly a superset of JSON, but its reader would not keep the digits of a number.
        let left = memory.left();
        match strict::value(text, memory) {
            Ok(value) => return Ok(value),
            // It is JSON, and is refused.
            Err(error) if error.is_data() => return Err(TextError(error.to_string())),
            Err(_) => memory.give_back(left),
        }
    }
    parse_yaml(text, memory)
}

/// Reads the first document of a text that may hold several, which is all that `ec` reads of a file, within what is left
/// of the memory.
pub fn parse_first_within(text: &str, memory: &Memory) -> Result<Value, TextError> {
    parse_within(text, memory).or_else(|error| {
        let text = text.strip_prefix("---\n").unwrap_or(text);
        match text.split_once("\n---") {
            Some((first, _)) if !memory.is_exhausted() => parse_within(first, memory),
            _ => Err(error),
        }
    })
}

/// Reads the first document of a text that may hold several.
pub fn parse_first(text: &str) -> Result<Value, TextError> {
    parse_first_within(text, &Memory::of(limits::DOCUMENT_MEMORY))
}

/// Rule data of two million nodes is 64 MiB of text, which is where the file limits stand.
const NODES: usize = 8_000_000;

fn parse_yaml(text: &str, memory: &Memory) -> Result<Value, TextError> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    let left = memory.left();
    if let Some(value) = read_common(text, memory, &mut values::Json) {
        return Ok(value);
    }
    memory.give_back(left);
    parse_general(text, memory)
}

fn read_common<V: Values>(text: &str, memory: &Memory, values: &mut V) -> Option<V::Value> {
    let (left, nodes) = (memory.left(), NODES.min(memory.nodes()));
    lines::read(text, nodes, memory, values).or_else(|| {
        memory.give_back(left);
        common::read(text, nodes, memory, values)
    })
}

/// Reads common YAML as values of any type: what [`parse`] reads of the document, as those values, or none if it is less common, or
/// wrong, or JSON.
pub fn parse_common<V: Values>(text: &str, values: &mut V) -> Option<V::Value> {
    let first = text.trim_start().bytes().next()?;
    if matches!(first, b'{' | b'[' | b'"') {
        return None;
    }
    read_common(text, &Memory::of(limits::DOCUMENT_MEMORY), values)
}

/// Reads any YAML, and reports errors.
fn parse_general(text: &str, memory: &Memory) -> Result<Value, TextError> {
    let mut budget = Budget::default();
    budget.max_nodes = NODES.min(memory.nodes());
    budget.max_events = budget.max_nodes.saturating_mul(4);
    budget.max_depth = limits::NESTING;
    budget.flow_nesting_limit = limits::NESTING;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.strict_booleans = true;
    options.underscored_numbers_as_strings = true;
    options.with_snippet = false;
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |from| Reading::yaml(memory).deserialize(from))
        .map_err(|error| {
            let text = error.to_string();
            // What the reader keeps for itself, such as a list in place of a key, counts as well.
            if ["budget breached: Nodes", "budget breached: Events"].iter().any(|breach| text.starts_with(breach)) {
                return TextError(memory.exhaust().to_string());
            }
            TextError(message(text.lines().next().unwrap_or_default()))
        })
}

/// What the reader says, without what only programmers can do about it.
fn message(text: &str) -> String {
    let text = text.replace(", set DuplicateKeyPolicy in Options if acceptable", "");
    match text.strip_prefix("budget breached: Documents ").and_then(|rest| rest.split_once('}')) {
        Some((_, place)) => format!("a second document begins{place}"),
        None => text,
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
    fn json_with_equal_keys_or_more_after_it_is_an_error_as_in_yaml() {
        for bad in [
            r#"{"a": 1, "a": 2}"#,
            r#"{"b": [{"a": 1, "\u0061": 2}]}"#,
            "{a: 1, \"a\": 2}",
            "1: x\n\"1\": y",
            "? null\n: x\n\"null\": y",
            "{\"a\": 1} x",
            "{\"a\": 1} {\"a\": 2}",
            "{\"a\": 1}\n---\n{\"a\": 2}",
            "{\"a\": 1}\n...\nx",
            "\"$serde_json::private::Number\": \"1\"",
            r#"{"\u0024serde_json::private::RawValue": "1"}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for refused in [r#"{"a": 1, "a": 2}"#, "a: 1\na: 2", "1: x\n\"1\": y", &deep] {
            assert!(parse(refused).unwrap_err().is_refusal(), "{refused}");
        }
        for broken in ["[1", "a: b: c", "{} x", "a: *nope"] {
            assert!(!parse(broken).unwrap_err().is_refusal(), "{broken}");
        }
        assert!(parse(r#"{"a": 1, "a": 2}"#).unwrap_err().to_string().contains("the key `a` is duplicated"));
        // A key of a mapping that is merged in is the same key, and its own value counts.
        assert_eq!(parse("a: &a {x: 1, y: 1}\nb:\n  <<: *a\n  x: 2").unwrap()["b"], json!({"x": 2, "y": 1}));
        assert_eq!(parse("{\"a\": 1} # said").unwrap(), json!({"a": 1}));
        assert_eq!(parse("# nothing\n").unwrap(), json!(null));
    }

    #[test]
    fn a_document_takes_no_more_memory_than_is_left() {
        let aliases = format!("a: &a [{}1]\nb: [{}*a]", "1, ".repeat(100), "*a, ".repeat(100));
        let texts = format!("- {}", "x".repeat(2 << 20));
        let keys: Vec<_> = (0..10_000).map(|n| format!("\"{n}\": 0")).collect();
        for dense in [
            format!("[{}1]", "1,".repeat(10_000)),
            format!("- [{}1]", "1,".repeat(10_000)),
            format!("- {{{}}}", keys.join(", ")),
            "- 1\n".repeat(10_000),
            "- []\n".repeat(10_000),
            texts,
        ] {
            let shown: String = dense.chars().take(20).collect();
            let memory = Memory::of(1 << 20);
            let error = parse_within(&dense, &memory).unwrap_err().to_string();
            assert!(error.contains("more than 1048576 bytes of memory") && memory.is_exhausted(), "{shown}: {error}");
            assert!(parse_first_within(&dense, &Memory::of(1 << 20)).is_err(), "{shown}");
            assert!(parse_within(&dense, &Memory::of(8 << 20)).is_ok(), "{shown}");
        }
        assert!(parse_within(&aliases, &Memory::of(1 << 20)).is_err());
        // A list in place of a key is kept by the reader before it is refused.
        let memory = Memory::of(1 << 20);
        assert!(parse_within(&format!("? [{}1]\n: x", "1,".repeat(50_000)), &memory).is_err());
        assert!(memory.is_exhausted());
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
