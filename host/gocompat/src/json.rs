//! How assay writes JSON: Go's `encoding/json`, because reports are compared with `ec`'s byte for byte.
//!
//! `<`, `>`, `&`, U+2028 and U+2029 are escaped, and what Go leaves as it is although a terminal or a pipeline could
//! obey it ([`sanitize`]); nothing else differs from `serde_json`'s compact form. Numbers leave with the digits they
//! came in with (`arbitrary_precision`), objects keep their order (`preserve_order`) except where Go would have held a
//! map, which [`sorted`] sorts.

use std::{borrow::Cow, io};

use serde::Serialize;
use serde_json::{Number, Value, ser::Formatter};

use crate::{float, sanitize};

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
    escape_where(to, text, |character| matches!(character, '<' | '>' | '&'))
}

/// Writes JSON text, or a part of it, with escapes for these characters, for those that a terminal could obey, and for
/// what a pipeline could take for a command. All of them can stand in a JSON text only inside its strings.
fn escape_where<W: io::Write + ?Sized>(to: &mut W, text: &str, also: impl Fn(char) -> bool) -> io::Result<()> {
    let is_special = |character: char| also(character) || (character > '~' && sanitize::is_harmful(character));
    let mut rest = text;
    while let Some(at) = first_special(rest.as_bytes()) {
        let (before, after) = rest.split_at(at);
        to.write_all(before.as_bytes())?;
        let mut characters = after.chars();
        let Some(character) = characters.next() else { break };
        if is_special(character) || (character == '#' && sanitize::is_command(None, after)) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(to, "\\u{unit:04x}")?;
            }
        } else {
            to.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())?;
        }
        rest = characters.as_str();
    }
    to.write_all(rest.as_bytes())
}

/// Where the first byte is with which a special character may begin. Documents are large and mostly ASCII, so characters are
/// looked at only there; and whole blocks without a branch for each byte, which the compiler turns into a few instructions.
fn first_special(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 16;
    // One of them is the other with a bit more.
    let is_special = |byte: u8| {
        u8::from(byte | 2 == b'>') | u8::from(byte == b'&') | u8::from(byte == b'#') | u8::from(byte >= 0x7f)
    };
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let has_none = |block: &&[u8; BLOCK]| block.iter().fold(0, |found, byte| found | is_special(*byte)) == 0;
    let start = blocks.iter().take_while(has_none).count() * BLOCK;
    let at = bytes.get(start..)?.iter().position(|byte| is_special(*byte) != 0)?;
    Some(start + at)
}

/// JSON text that was written elsewhere, with the escapes of Go and of this program.
#[must_use]
pub fn escaped(text: &str) -> String {
    in_text(text, |to| escape(to, text))
}

/// The same JSON document with escapes for what a terminal or a pipeline could obey, and with no other change.
#[must_use]
pub fn harmless(text: &str) -> String {
    in_text(text, |to| escape_where(to, text, |_| false))
}

/// Writing to memory cannot fail, and what is written of text is text.
fn in_text(text: &str, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let _infallible = write(&mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
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

/// The same value with every number as Go writes one that it has read from JSON into a map, that is, into a 64-bit
/// float. What a float cannot hold stays as it is.
#[must_use]
pub fn as_floats(value: &Value) -> Value {
    with_numbers(value, &|_| true)
}

/// The same value with every number as Go writes one that it has read from YAML: whole numbers of 64 bits as they are,
/// others as floats.
#[must_use]
pub fn as_yaml_numbers(value: &Value) -> Value {
    with_numbers(value, &|number| !number.is_i64() && !number.is_u64())
}

/// The same value with some numbers as 64-bit floats.
fn with_numbers(value: &Value, is_float: &dyn Fn(&Number) -> bool) -> Value {
    match value {
        Value::Number(number) if is_float(number) => {
            let float = number.as_f64().filter(|float| float.is_finite());
            let written = float.and_then(|float| serde_json::from_str(&float::json_text(float)).ok());
            written.unwrap_or_else(|| value.clone())
        }
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), with_numbers(value, is_float))).collect()
        }
        Value::Array(items) => items.iter().map(|item| with_numbers(item, is_float)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The text of a JSON document without the white space between its parts; the same text where it has none.
#[must_use]
pub fn compact(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut compact = String::new();
    // What is kept as it is goes over in one piece.
    let (mut at, mut piece) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b' ' | b'\t' | b'\n' | b'\r' => {
                if compact.is_empty() {
                    compact.reserve(text.len());
                }
                compact.push_str(text.get(piece..at).unwrap_or_default());
                at += 1;
                piece = at;
            }
            _ => at += 1,
        }
    }
    if piece == 0 {
        return Cow::Borrowed(text);
    }
    compact.push_str(text.get(piece..).unwrap_or_default());
    Cow::Owned(compact)
}

/// The text of a JSON document, each field and item on a line of its own and two spaces deeper than what it is in, as Go
/// indents one.
#[must_use]
pub fn indented(text: &str) -> String {
    let compact = compact(text);
    let mut indented = String::with_capacity(compact.len() * 2);
    let mut depth = 0_usize;
    let mut rest = &*compact;
    while let Some(first) = rest.chars().next() {
        let taken = if first == '"' { string_end(rest.as_bytes(), 0) } else { first.len_utf8() };
        let (part, after) = rest.split_at(taken.min(rest.len()));
        let is_empty = after.starts_with(['}', ']']);
        let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
        match first {
            '{' | '[' if is_empty => indented.push(first),
            '{' | '[' => {
                depth += 1;
                indented.push(first);
                indented.push_str(&line(depth));
            }
            '}' | ']' => {
                if !indented.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    indented.push_str(&line(depth));
                }
                indented.push(first);
            }
            ',' => {
                indented.push(first);
                indented.push_str(&line(depth));
            }
            ':' => indented.push_str(": "),
            _ => indented.push_str(part),
        }
        rest = after;
    }
    indented
}

/// Where the string of a JSON text ends that begins at `start` with its quote: behind the quote after it, or at the end of
/// the text.
#[must_use]
pub fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(next) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += next;
        if text.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    text.len()
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
    fn what_a_terminal_or_a_pipeline_could_obey_is_escaped_and_means_the_same() {
        let hostile = json!({"k\u{202e}": "\u{9b}2J \u{7f}\u{200b} ##vso[task.complete] ##[error] # ## \u{e0041} é"});
        let raw = RawValue::from_string(serde_json::to_string(&hostile).unwrap()).unwrap();
        let want =
            r#"{"k\u202e":"\u009b2J \u007f\u200b \u0023#vso[task.complete] \u0023#[error] # ## \udb40\udc41 é"}"#;
        for text in [to_string(&hostile).unwrap(), to_string(&raw).unwrap(), harmless(raw.get()), escaped(raw.get())] {
            assert_eq!(text, want);
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), hostile);
        }
        assert_eq!((harmless("\"<&>\""), escaped("\"<\"")), ("\"<&>\"".to_owned(), "\"\\u003c\"".to_owned()));
    }

    #[test]
    fn a_document_is_indented_as_go_indents_it() {
        let text = r#"{"a":[],"b":{},"c":[1,{"d":"x, {y}: \\\"[z"}],"e":[[]]}"#;
        let want = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": \"x, {y}: \\\\\\\"[z\"\n    }\n  ],\n  \
                    \"e\": [\n    []\n  ]\n}";
        assert_eq!(indented(text), want);
        assert_eq!(compact(&indented(text)), text);
        // What was indented in another way becomes the same.
        assert_eq!(indented(&text.replace(':', " :\t")), want.replace("{y}:", "{y} :\t"));
        assert_eq!((indented(""), indented("1"), indented("[]")), (String::new(), "1".to_owned(), "[]".to_owned()));
    }

    #[test]
    fn white_space_stays_only_inside_strings() {
        for (text, want) in [
            ("", ""),
            (" { \"a b\" :\t[ 1 ,\r\n\"\\\" \\\\\" , 2e1 ] } ", r#"{"a b":[1,"\" \\",2e1]}"#),
            (r#"{"é ":"\u0020 "}"#, r#"{"é ":"\u0020 "}"#),
            ("\"open \\", "\"open \\"),
        ] {
            assert_eq!(compact(text), want, "{text}");
        }
    }

    #[test]
    fn floats_are_written_as_go_writes_them() {
        for (text, want) in [
            ("1.0", "1"),
            ("0.10", "0.1"),
            ("-0.0", "-0"),
            ("1e2", "100"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("12345678901234567890", "12345678901234567000"),
            ("1e400", "1e400"),
        ] {
            let value: Value = serde_json::from_str(&format!("[{text}]")).unwrap();
            let written = |value| to_string(&value).unwrap().replace("1e+400", "1e400");
            assert_eq!(written(as_floats(&value)), format!("[{want}]"), "{text}");
            // From YAML, an integer is not a float.
            let want = if text == "12345678901234567890" { text } else { want };
            assert_eq!(written(as_yaml_numbers(&value)), format!("[{want}]"), "{text}");
        }
    }

    #[test]
    fn numbers_keep_their_digits_and_objects_their_order() {
        let text = r#"{"z":1.0,"a":123456789012345678901234567890,"m":1e3,"n":0.10}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(to_string(&value).unwrap().replace("1e+3", "1e3"), text);
        assert!(to_string(&sorted(&value)).unwrap().starts_with(r#"{"a":"#));
    }
}
