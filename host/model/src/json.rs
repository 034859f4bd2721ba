//! How assay writes JSON: Go's `encoding/json`, because reports are compared with `ec`'s byte for byte.
//!
//! `<`, `>`, `&`, U+2028 and U+2029 are escaped; nothing else differs from `serde_json`'s compact form. Numbers leave
//! with the digits they came in with (`arbitrary_precision`), objects keep their order (`preserve_order`) except where
//! Go would have held a map, which [`sorted`] brings into order.

use std::io;

use serde::Serialize;
use serde_json::{Value, ser::Formatter};

struct Go;

impl Formatter for Go {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        escape(to, fragment)
    }

    fn write_raw_fragment<W: io::Write + ?Sized>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        // The five characters can stand in a JSON text only inside its strings.
        escape(to, fragment)
    }
}

fn escape<W: io::Write + ?Sized>(to: &mut W, text: &str) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        let (before, after) = rest.split_at(at);
        to.write_all(before.as_bytes())?;
        let mut characters = after.chars();
        if let Some(special) = characters.next() {
            write!(to, "\\u{:04x}", u32::from(special))?;
        }
        rest = characters.as_str();
    }
    to.write_all(rest.as_bytes())
}

/// Compact JSON as Go writes it.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Go))?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

/// The same value with the keys of every object in byte order, as Go writes a map.
#[must_use]
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::RawValue};

    use super::*;

    #[test]
    fn html_and_line_separators_are_escaped_as_in_go() {
        let text = to_string(&json!({"a<b": "x>y & z\u{2028}\u{2029}é\n"})).unwrap();
        assert_eq!(text, r#"{"a\u003cb":"x\u003ey \u0026 z\u2028\u2029é\n"}"#);
        let raw = RawValue::from_string(r#"{"html":"<b>","n":1.0}"#.to_owned()).unwrap();
        assert_eq!(to_string(&raw).unwrap(), r#"{"html":"\u003cb\u003e","n":1.0}"#);
    }

    #[test]
    fn numbers_keep_their_digits_and_objects_their_order() {
        let text = r#"{"z":1.0,"a":123456789012345678901234567890,"m":1e3,"n":0.10}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(to_string(&value).unwrap().replace("1e+3", "1e3"), text);
        assert!(to_string(&sorted(&value)).unwrap().starts_with(r#"{"a":"#));
    }
}
