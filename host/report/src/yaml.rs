//! `yaml`: the JSON report as Go writes YAML, byte for byte as `ec` does.
//!
//! The rules are those of `go.yaml.in/yaml/v2`, which `sigs.k8s.io/yaml` writes with: keys sorted as people sort them,
//! items not indented below their key, lines folded at the first white space after 80 characters, strings plain where
//! YAML 1.1 would read them as strings. One rule is stricter: a string with U+2028 or U+2029 is always escaped, since
//! YAML 1.2 does not take them for line breaks as Go does.

use assay_model::event::{RunEnd, RunHead};
use serde_json::{Map, Value};

use crate::{
    Options,
    go::{float, sorted_fields},
    json, plain,
    scalar::{self, Style},
};

/// The column after which a line is folded at the next white space.
const WIDTH: usize = 80;

/// A key longer than this stands on lines of its own, after `?`.
const SIMPLE_KEY_BYTES: usize = 128;

/// The report in full, as YAML.
pub(crate) fn page(head: &RunHead, end: &RunEnd, options: Options) -> Result<String, serde_json::Error> {
    Ok(to_string(&shown(json::value(head, end, options)?)))
}

/// The document with what a terminal or a pipeline could obey shown as in `text`, where YAML's own escapes leave it.
pub(crate) fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain::beyond_yaml(&text).into_owned()),
        Value::Array(items) => Value::Array(items.into_iter().map(shown).collect()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(key, value)| (plain::beyond_yaml(&key).into_owned(), shown(value))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// A document as YAML. Objects and lists may nest as deeply as JSON that was read.
pub fn to_string(value: &Value) -> String {
    let mut writer = Writer { text: String::new(), column: 0 };
    match value {
        Value::Object(fields) if !fields.is_empty() => writer.mapping(fields, 0, true),
        Value::Array(items) if !items.is_empty() => writer.sequence(items, 0, true),
        other => writer.leaf(other, 0),
    }
    writer.text.push('\n');
    writer.text
}

struct Writer {
    text: String,
    /// Characters on the current line.
    column: usize,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn character(&mut self, character: char) {
        self.text.push(character);
        self.column += 1;
    }

    fn new_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Fields at `indent`; the first one stands where the writer is when it is `inline`.
    fn mapping(&mut self, fields: &Map<String, Value>, indent: usize, mut inline: bool) {
        for (key, value) in sorted_fields(fields) {
            if !std::mem::take(&mut inline) {
                self.new_line(indent);
            }
            if key.len() <= SIMPLE_KEY_BYTES && !scalar::has_breaks(key) {
                self.scalar(key, indent, true);
                self.put(":");
                self.below_key(value, indent);
            } else {
                self.put("? ");
                self.scalar(key, indent, false);
                self.new_line(indent);
                self.put(": ");
                self.inline(value, indent);
            }
        }
    }

    fn below_key(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(fields) if !fields.is_empty() => self.mapping(fields, indent + 2, false),
            Value::Array(items) if !items.is_empty() => self.sequence(items, indent, false),
            other => {
                self.put(" ");
                self.leaf(other, indent);
            }
        }
    }

    /// Items at `indent`; the first one stands where the writer is when it is `inline`.
    fn sequence(&mut self, items: &[Value], indent: usize, mut inline: bool) {
        for item in items {
            if !std::mem::take(&mut inline) {
                self.new_line(indent);
            }
            self.put("- ");
            self.inline(item, indent);
        }
    }

    /// A value right after an indicator of two characters.
    fn inline(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(fields) if !fields.is_empty() => self.mapping(fields, indent + 2, true),
            Value::Array(items) if !items.is_empty() => self.sequence(items, indent + 2, true),
            other => self.leaf(other, indent),
        }
    }

    fn leaf(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(value) => self.put(if *value { "true" } else { "false" }),
            Value::Number(number) => {
                let text = number.to_string();
                // A whole number keeps its digits, however many they are.
                let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                let text = if is_whole { text } else { number.as_f64().map_or(text, float) };
                self.put(&text);
            }
            Value::String(text) => self.scalar(text, indent, false),
            Value::Array(_) => self.put("[]"),
            Value::Object(_) => self.put("{}"),
        }
    }

    /// A string below something at `indent`.
    fn scalar(&mut self, text: &str, indent: usize, is_key: bool) {
        let indent = indent + 2;
        match scalar::style(text, is_key) {
            Style::Plain => self.folded(text, indent, !is_key, "", |_| false),
            Style::Single => {
                self.put("'");
                self.folded(text, indent, !is_key, "'", |character| character == '\'');
                self.put("'");
            }
            Style::Double => self.double(text, indent, !is_key),
            Style::Literal => self.literal(text, indent),
        }
    }

    /// Text without line breaks, folded at single spaces; `escape` stands before each character that wants it.
    fn folded(&mut self, text: &str, indent: usize, may_fold: bool, escape: &str, wants: fn(char) -> bool) {
        let mut characters = text.chars().peekable();
        let mut spaces = false;
        let mut is_first = true;
        while let Some(character) = characters.next() {
            if character == ' ' {
                let next = characters.peek();
                let is_inside = next.is_some_and(|next| *next != ' ') && !is_first;
                if may_fold && !spaces && self.column > WIDTH && is_inside {
                    self.new_line(indent);
                } else {
                    self.character(' ');
                }
                spaces = true;
            } else {
                if wants(character) {
                    self.put(escape);
                }
                self.character(character);
                spaces = false;
            }
            is_first = false;
        }
    }

    fn double(&mut self, text: &str, indent: usize, may_fold: bool) {
        self.put("\"");
        let mut characters = text.chars().peekable();
        let mut spaces = false;
        let mut is_first = true;
        while let Some(character) = characters.next() {
            if let Some(escaped) = scalar::escaped(character) {
                self.put(&escaped);
                spaces = false;
            } else if character == ' ' {
                let next = characters.peek();
                if may_fold && !spaces && self.column > WIDTH && next.is_some() && !is_first {
                    self.new_line(indent);
                    if next == Some(&' ') {
                        self.put("\\");
                    }
                } else {
                    self.character(' ');
                }
                spaces = true;
            } else {
                self.character(character);
                spaces = false;
            }
            is_first = false;
        }
        self.put("\"");
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with([' ', '\n']) {
            self.put("2");
        }
        match text.strip_suffix('\n') {
            None => self.put("-"),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.put("+"),
            Some(_) => {}
        }
        let lines = text.strip_suffix('\n').unwrap_or(text);
        for line in lines.split('\n') {
            self.new_line(if line.is_empty() { 0 } else { indent });
            self.put(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_model::{finding::Finding, yaml};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Format, sample};

    fn check(value: &Value, text: &str) {
        assert_eq!(to_string(value), text);
    }

    #[test]
    fn lists_stand_below_their_key_and_empty_things_beside_it() {
        check(
            &json!({"b": [], "a": {"list": [{"x": 1, "y": [[1, [2]], {}]}, "s"]}, "n": null}),
            "a:\n  list:\n  - x: 1\n    \"y\":\n    - - 1\n      - - 2\n    - {}\n  - s\nb: []\n\"n\": null\n",
        );
        check(&json!([]), "[]\n");
        check(&json!("x"), "x\n");
        check(&json!([["a"]]), "- - a\n");
    }

    #[test]
    fn strings_that_yaml_would_read_as_something_else_are_quoted() {
        for (text, written) in [
            ("", "\"\""),
            ("yes", "\"yes\""),
            ("y", "\"y\""),
            ("yess", "yess"),
            ("null", "\"null\""),
            ("~", "\"~\""),
            ("12", "\"12\""),
            ("0x1f", "\"0x1f\""),
            ("1_000", "\"1_000\""),
            ("1.5e3", "\"1.5e3\""),
            ("1.2.3", "1.2.3"),
            (".5", "\".5\""),
            (".inf", "\".inf\""),
            ("12:30:45", "\"12:30:45\""),
            ("2026-01-02", "\"2026-01-02\""),
            ("2026-01-02T03:04:05Z", "\"2026-01-02T03:04:05Z\""),
            ("2026-01-02T03:04:05.123456789+01:00", "\"2026-01-02T03:04:05.123456789+01:00\""),
            ("2026-1", "2026-1"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("- a", "'- a'"),
            ("it's", "it's"),
            ("'s", "'''s'"),
            ("{x}", "'{x}'"),
            ("---", "'---'"),
            (" lead", "' lead'"),
            ("trail ", "'trail '"),
            ("tab\there", "\"tab\\there\""),
            ("\u{1b}[2J", "\"\\e[2J\""),
            ("\u{2028}", "\"\\L\""),
            ("\u{feff}\u{85}\u{7f}", "\"\\uFEFF\\N\\x7F\""),
            ("😀 é", "\"\\U0001F600 é\""),
            ("a\nb", "|-\n  a\n  b"),
            ("a\nb\n", "|\n  a\n  b"),
            ("a\n\n", "|+\n  a\n"),
            ("\na", "|2-\n\n  a"),
            ("a \nb", "\"a \\nb\""),
        ] {
            check(&json!({ "k": text }), &format!("k: {written}\n"));
        }
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        let number = |text: &str| to_string(&serde_json::from_str(text).unwrap());
        for (given, written) in [
            ("1", "1\n"),
            ("-5", "-5\n"),
            ("123456789012345678901234567890", "123456789012345678901234567890\n"),
            ("1.0", "1\n"),
            ("1.50", "1.5\n"),
            ("1e6", "1e+06\n"),
            ("1234567.5", "1.2345675e+06\n"),
            ("0.00001", "1e-05\n"),
            ("0.0001", "0.0001\n"),
            ("-2.5e-9", "-2.5e-09\n"),
        ] {
            assert_eq!(number(given), written, "{given}");
        }
    }

    #[test]
    fn a_long_key_stands_on_lines_of_its_own() {
        let key = "k".repeat(129);
        check(&json!({ key.clone(): {"a": 1, "b": 2} }), &format!("? {key}\n: a: 1\n  b: 2\n"));
        check(&json!({"a\nb": [1, 2]}), "? |-\n  a\n  b\n: - 1\n  - 2\n");
    }

    #[test]
    fn what_nests_as_deeply_as_a_policy_may_is_written() {
        let deep = (0..assay_model::limits::NESTING).fold(json!("x"), |inner, _| json!([inner]));
        let finding = Finding::new("a.b", "m").with("deep", deep);
        let options = Options { info: true, ..Options::default() };
        for format in Format::ALL {
            let text =
                sample::written(format, options, &[sample::component("cart").violation(finding.clone()).judged()]);
            assert!(!text.is_empty(), "{format}");
        }
    }

    #[test]
    fn hostile_texts_are_read_back_as_they_were() {
        for message in sample::hostile_messages() {
            let value = json!({"list": [message, {"msg": message}], "key": message});
            assert_eq!(yaml::parse(&to_string(&value)).unwrap(), value);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "(?s).{0,40}", words in "[a-z :#'\"\\\\\n\t-]{0,200}") {
            let value = json!({"plain": text, "list": [text, [words], {"deep": words}]});
            let written = to_string(&value);
            prop_assert_eq!(yaml::parse(&written).unwrap(), value, "{}", written);
        }
    }
}
