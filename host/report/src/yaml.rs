//! `yaml`: the JSON report as Go writes YAML, byte for byte as `ec` does; see [`Dialect::Careful`] for where it is stricter.

use assay_gocompat::yaml_writer::{self, Dialect};
use assay_model::event::{RunFinished, RunStarted};
use serde_json::Value;

use crate::{Options, json, sanitize};

/// The report in full, as YAML.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    Ok(to_string(&shown(json::value(head, end, options)?)))
}

/// The document with what a terminal or a pipeline could obey shown as in `text`, where YAML's own escapes leave it.
pub(crate) fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(sanitize::beyond_yaml(&text).into_owned()),
        Value::Array(items) => Value::Array(items.into_iter().map(shown).collect()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(key, value)| (sanitize::beyond_yaml(&key).into_owned(), shown(value))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// A document as YAML. Objects and lists may nest as deeply as JSON that was read.
pub fn to_string(value: &Value) -> String {
    yaml_writer::to_string(value, Dialect::Careful)
}

#[cfg(test)]
mod tests {
    use assay_model::{finding::Finding, yaml};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Format, test_data};

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
            let text = test_data::written(
                format,
                options,
                &[test_data::component("cart").violation(finding.clone()).evaluated()],
            );
            assert!(!text.is_empty(), "{format}");
        }
    }

    #[test]
    fn hostile_texts_are_read_back_as_they_were() {
        for message in test_data::hostile_messages() {
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
