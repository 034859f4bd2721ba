//! `yaml.marshal`, `yaml.unmarshal`, `yaml.is_valid`: YAML as OPA writes and reads it, with Go's library.

use assay_gocompat::{
    yaml_reader,
    yaml_writer::{self, Dialect},
};
use regorus::Value;

use super::errors::BuiltinError;
use super::json_text::{from_json, to_json};
use super::operands::{some, string, text, too_long, too_many};
use super::types::{ANY, Type};
use super::{Builtin, Outcome, builtin, limits};
use crate::engine::bytes::bytes_of;

pub(super) const TABLE: &[Builtin] = &[
    builtin!("yaml.marshal"(value: ANY) -> Type::String => marshal),
    builtin!("yaml.unmarshal"(whole: Type::String) -> ANY => |whole: &Value| read(string(whole, 1)?).map(Some)),
    builtin!("yaml.is_valid"(whole: Type::String) -> Type::Boolean => is_valid),
];

fn is_valid(whole: &Value) -> Outcome {
    let Value::String(text) = whole else { return some(false) };
    match read(text) {
        // A limit is an error, and does not mean that the string is invalid.
        Err(error) if error.halt => Err(error),
        read => some(read.is_ok()),
    }
}

fn read(whole: &str) -> Result<Value, BuiltinError> {
    let bytes = bytes_of(whole);
    let whole =
        std::str::from_utf8(&bytes).map_err(|_error| BuiltinError::failed("yaml: invalid Unicode character"))?;
    // Each value but the first stands behind one of these.
    let mark = |byte: &u8| matches!(byte, b'[' | b'{' | b',' | b':' | b'-' | b'\n');
    if whole.len() > limits::ELEMENTS && whole.bytes().filter(mark).count() > limits::ELEMENTS {
        return Err(too_many());
    }
    // As in OPA, the last of two equal keys counts in JSON.
    if let Ok(document) = serde_json::from_str(whole) {
        return from_json(document);
    }
    from_json(yaml_reader::parse(whole).map_err(|error| BuiltinError::failed(format!("yaml: {error}")))?)
}

/// Characters that Go's reader of YAML refuses, through which OPA's values go.
const fn is_refused(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

fn has_refused(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains(is_refused),
        serde_json::Value::Array(items) => items.iter().any(has_refused),
        serde_json::Value::Object(fields) => {
            fields.iter().any(|(key, value)| key.contains(is_refused) || has_refused(value))
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => false,
    }
}

fn marshal(value: &Value) -> Outcome {
    let json = to_json(value)?;
    if has_refused(&json) {
        return Err(BuiltinError::failed("yaml: control characters are not allowed"));
    }
    // It grows by its indentation, which is bounded by the nesting.
    let written = yaml_writer::to_string(&json, Dialect::Go);
    if written.len() > limits::TEXT_BYTES {
        return Err(too_long());
    }
    text(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, yaml: &str) {
        let value = Value::from_json_str(json).unwrap();
        assert_eq!(marshal(&value).unwrap().unwrap(), Value::from(yaml));
        assert_eq!(read(yaml).unwrap(), value);
    }

    #[test]
    fn a_document_is_written_in_block_style_and_reads_back() {
        check(
            r#"[{"foo": [1, 2, {"a": {}}], "bar": "x"}, [], ["a", ["b"]]]"#,
            "- bar: x\n  foo:\n  - 1\n  - 2\n  - a: {}\n- []\n- - a\n  - - b\n",
        );
        check(
            r#"{"a": "true", "b": "a: b", "c": "one\ntwo\n", "d": "", "e": null, "f": 1.5, "g": {"h": "1"}}"#,
            "a: \"true\"\nb: 'a: b'\nc: |\n  one\n  two\nd: \"\"\ne: null\nf: 1.5\ng:\n  h: \"1\"\n",
        );
    }

    #[test]
    fn a_line_break_of_another_kind_reads_back() {
        check(r#"["a\u0085b"]"#, "- \"a\\Nb\"\n");
    }
}
