//! Strings that are not UTF-8: a string of Rego is any bytes, as in Go, while a string of Rust is always UTF-8.
//!
//! A byte that is not part of UTF-8 is stored as the character [`FIRST`]` + (byte - 0x80)`, of the last 128 code points
//! that there are. So that such a character always represents a byte, those code points themselves are kept as their
//! four bytes: [`text_of`] is one-to-one, and two strings are equal exactly if their bytes are.
//!
//! Invariant: every string inside the engine is in this form. What comes from outside is converted to it ([`admitted`],
//! [`admitted_value`]), concatenations are normalized to it ([`normal`]), and output has a
//! replacement character for each such byte, as in Go ([`shown`]).

use std::borrow::Cow;

use regorus::Value;

/// The character that represents the byte 0x80; the next 127 represent the next bytes.
const FIRST: u32 = 0x10_FF80;

/// The first byte, in UTF-8, of every character that represents a byte.
pub(crate) const RAW_LEAD: u8 = 0xF4;

/// Whether a string has a character that represents a byte. The block is exactly the UTF-8 that begins with these
/// bytes.
#[inline]
pub(crate) fn is_raw(text: &str) -> bool {
    // Most text is ASCII, and short.
    if text.is_ascii() {
        return false;
    }
    let bytes = text.as_bytes();
    memchr::memchr(RAW_LEAD, bytes).is_some()
        && bytes.windows(3).any(|three| matches!(three, [0xF4, 0x8F, 0xBE | 0xBF]))
}

/// The text of some bytes.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !is_raw(text)
    {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        if is_raw(chunk.valid()) {
            let mut four = [0; 4];
            for character in chunk.valid().chars() {
                match raw_byte(character) {
                    Some(_) => character.encode_utf8(&mut four).bytes().for_each(|byte| push_byte(&mut text, byte)),
                    None => text.push(character),
                }
            }
        } else {
            text.push_str(chunk.valid());
        }
        chunk.invalid().iter().for_each(|byte| push_byte(&mut text, *byte));
    }
    text
}

/// The bytes of a text.
#[must_use]
pub fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if !is_raw(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut four = [0; 4];
    for character in text.chars() {
        match raw_byte(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut four).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// A string as it is shown outside, and as Go's functions on characters see it: a replacement character for each byte
/// that is not UTF-8.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if !is_raw(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for chunk in bytes_of(text).utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|_| out.push('\u{FFFD}'));
    }
    Cow::Owned(out)
}

/// A text that was put together of others: their bytes may be UTF-8 together.
pub(crate) fn normal(text: String) -> String {
    if is_raw(&text) { text_of(&bytes_of(&text)) } else { text }
}

/// A text from outside.
pub(crate) fn admitted(text: &str) -> Cow<'_, str> {
    if is_raw(text) { Cow::Owned(text_of(text.as_bytes())) } else { Cow::Borrowed(text) }
}

/// A value from outside.
pub(crate) fn admitted_value(value: Value) -> Value {
    if holds_raw(&value) { rebuilt(value) } else { value }
}

/// Whether there is anything to do, which is rare.
fn holds_raw(value: &Value) -> bool {
    match value {
        Value::String(text) => is_raw(text),
        Value::Array(items) => items.iter().any(holds_raw),
        Value::Set(items) => items.iter().any(holds_raw),
        Value::Object(fields) => fields.iter().any(|(key, value)| holds_raw(key) || holds_raw(value)),
        _ => false,
    }
}

fn rebuilt(value: Value) -> Value {
    match &value {
        Value::String(text) if is_raw(text) => Value::from(text_of(text.as_bytes())),
        Value::Array(items) => Value::from(items.iter().cloned().map(rebuilt).collect::<Vec<_>>()),
        Value::Set(items) => Value::from(items.iter().cloned().map(rebuilt).collect::<std::collections::BTreeSet<_>>()),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (rebuilt(key.clone()), rebuilt(value.clone())));
            Value::from(fields.collect::<std::collections::BTreeMap<_, _>>())
        }
        _ => value,
    }
}

fn raw_byte(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST).and_then(|at| u8::try_from(at + 0x80).ok())
}

fn push_byte(text: &mut String, byte: u8) {
    // A byte below 0x80 is UTF-8 by itself.
    text.push(char::from_u32(FIRST + (u32::from(byte) & 0x7F)).unwrap_or('\u{FFFD}'));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_byte_that_is_not_utf8_is_one_character_and_shown_as_a_replacement() {
        assert_eq!(text_of(b"a\xffb"), "a\u{10FFFF}b");
        assert_eq!(shown("a\u{10FFFF}b"), "a\u{FFFD}b");
        assert_ne!(text_of(b"\xff"), text_of(b"\xfe"));
        assert_eq!(text_of("é".as_bytes()), "é");
        // Two bytes that are one character together.
        assert_eq!(normal(format!("{}{}", text_of(b"\xc3"), text_of(b"\xa9"))), "é");
    }

    #[test]
    fn a_code_point_that_stands_for_bytes_is_distinguished_from_them() {
        let genuine = "\u{10FFFF}";
        assert_ne!(admitted(genuine), text_of(b"\xff"));
        assert_eq!(shown(&admitted(genuine)), genuine);
        assert_eq!(&*bytes_of(&admitted(genuine)), genuine.as_bytes());
        let value = Value::from_json_str("{\"\u{10FFFF}\": [\"\u{10FFFE}\"]}").unwrap();
        let admitted = admitted_value(value.clone());
        assert_ne!(admitted, value);
    }

    proptest! {
        #[test]
        fn a_text_is_its_bytes(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"\xf4\x8f\xbe\xbf\xc3\xa9"[..])], 0..40)) {
            let text = text_of(&bytes);
            prop_assert_eq!(&*bytes_of(&text), &bytes[..]);
            prop_assert_eq!(normal(text.clone()), text);
        }

        #[test]
        fn characters_from_outside_are_shown_as_they_are(text in "[a\u{e9}\u{10ff7f}-\u{10ffff}]{0,20}") {
            let inside = admitted(&text);
            prop_assert_eq!(shown(&inside), text.as_str());
        }
    }
}
