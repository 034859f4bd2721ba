//! `base64.*`, `base64url.*`, `hex.*` and `urlquery.*`. A text may be any bytes.

use std::collections::BTreeMap;

use regorus::Value;

use super::errors::BuiltinError;
use super::operands::{bytes, list, object, object_of, some, string, text};
use super::types::{STRING_SET, STRINGS, Type, object_of as object_type};
use super::{Builtin, Outcome, builtin};
use crate::engine::bytes::{bytes_of, text_of};

const TEXT: Type = Type::String;
const FIELD: Type = Type::Any(&[TEXT, STRINGS, STRING_SET]);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("base64.encode"(whole: TEXT) -> TEXT => |a: &Value| text(STANDARD.encode(&bytes(a, 1)?, true))),
    builtin!("base64.decode"(whole: TEXT) -> TEXT => |a: &Value| text(text_of(&STANDARD.decode(string(a, 1)?, true)?))),
    builtin!("base64.is_valid"(whole: TEXT) -> Type::Boolean => is_valid),
    builtin!("base64url.encode"(whole: TEXT) -> TEXT => |a: &Value| text(URL.encode(&bytes(a, 1)?, true))),
    builtin!("base64url.encode_no_pad"(whole: TEXT) -> TEXT => |a: &Value| text(URL.encode(&bytes(a, 1)?, false))),
    builtin!("base64url.decode"(whole: TEXT) -> TEXT => |a: &Value| text(text_of(&decode_url(string(a, 1)?)?))),
    builtin!("hex.encode"(whole: TEXT) -> TEXT => |a: &Value| text(to_hex(&bytes(a, 1)?))),
    builtin!("hex.decode"(whole: TEXT) -> TEXT => from_hex),
    builtin!("urlquery.encode"(whole: TEXT) -> TEXT => |a: &Value| text(query_escape(&bytes(a, 1)?))),
    builtin!("urlquery.decode"(whole: TEXT) -> TEXT => |a: &Value| text(query_unescape(string(a, 1)?)?)),
    builtin!("urlquery.encode_object"(fields: object_type(&TEXT, &FIELD)) -> TEXT => encode_object),
    builtin!("urlquery.decode_object"(whole: TEXT) -> object_type(&TEXT, &STRINGS) => decode_object),
];

/// One of the two alphabets of RFC 4648.
pub(super) struct Base64(&'static [u8; 64]);

/// With `+` and `/`.
pub(super) const STANDARD: Base64 = Base64(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
/// With `-` and `_`.
pub(super) const URL: Base64 = Base64(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

impl Base64 {
    /// The text of some bytes.
    pub(super) fn encode(&self, bytes: &[u8], padded: bool) -> String {
        let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
        for chunk in bytes.chunks(3) {
            let word = (0..3).fold(0_usize, |word, at| (word << 8) | usize::from(chunk.get(at).copied().unwrap_or(0)));
            for place in 0..4 {
                if place <= chunk.len() {
                    out.push(char::from(self.0.get((word >> (18 - 6 * place)) & 63).copied().unwrap_or(b'A')));
                } else if padded {
                    out.push('=');
                }
            }
        }
        out
    }

    /// The bytes of a text; line ends are skipped, and an error names the byte as Go does.
    pub(super) fn decode(&self, text: &str, padded: bool) -> Result<Vec<u8>, BuiltinError> {
        let bad = |at: usize| BuiltinError::failed(format!("illegal base64 data at input byte {at}"));
        let mut out = Vec::with_capacity(text.len() / 4 * 3);
        let mut group: Vec<usize> = Vec::with_capacity(4);
        let mut bytes = text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r'));
        let mut finish = |group: &[usize]| {
            let word = (0..4).fold(0, |word, at| (word << 6) | group.get(at).copied().unwrap_or(0));
            for place in 0..group.len().saturating_sub(1) {
                out.push(u8::try_from((word >> (16 - 8 * place)) & 255).unwrap_or(0));
            }
        };
        while let Some((at, byte)) = bytes.next() {
            if let Some(digit) = self.0.iter().position(|known| *known == byte) {
                group.push(digit);
                if group.len() == 4 {
                    finish(&group);
                    group.clear();
                }
                continue;
            }
            if byte != b'=' || !padded || group.len() < 2 {
                return Err(bad(at));
            }
            if group.len() == 2 {
                match bytes.next() {
                    Some((_, b'=')) => {}
                    Some((at, _)) => return Err(bad(at)),
                    None => return Err(bad(text.len())),
                }
            }
            finish(&group);
            return match bytes.next() {
                Some((at, _)) => Err(bad(at)),
                None => Ok(out),
            };
        }
        match (group.len(), padded) {
            (0, _) => {}
            (1, _) | (_, true) => return Err(bad(text.len().saturating_sub(group.len()))),
            _ => finish(&group),
        }
        Ok(out)
    }
}

/// Decodes URL-safe text with or without its padding.
pub(super) fn decode_url(text: &str) -> Result<Vec<u8>, BuiltinError> {
    let padding = match (text.ends_with('='), text.len() % 4) {
        (true, _) | (_, 0) => "",
        (_, 2) => "==",
        (_, 3) => "=",
        _ => return Err(BuiltinError::failed(format!("illegal base64url string: {text}"))),
    };
    URL.decode(&format!("{text}{padding}"), true)
}

fn is_valid(whole: &Value) -> Outcome {
    some(matches!(whole, Value::String(text) if STANDARD.decode(text, true).is_ok()))
}

/// Small hexadecimal digits.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(whole: &Value) -> Outcome {
    let whole = string(whole, 1)?;
    let mut bytes = Vec::with_capacity(whole.len() / 2);
    let mut high = None;
    for byte in whole.bytes() {
        let digit = char::from(byte).to_digit(16).ok_or_else(|| {
            BuiltinError::failed(format!("encoding/hex: invalid byte: U+{byte:04X} '{}'", char::from(byte)))
        })?;
        high = match high {
            None => Some(digit),
            Some(high) => {
                bytes.push(u8::try_from(high * 16 + digit).unwrap_or(0));
                None
            }
        };
    }
    if high.is_some() {
        return Err(BuiltinError::failed("encoding/hex: odd length hex string"));
    }
    text(text_of(&bytes))
}

fn query_escape(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.iter().copied() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn query_unescape(text: &str) -> Result<String, BuiltinError> {
    let mut bytes = Vec::with_capacity(text.len());
    let whole = bytes_of(text);
    let mut rest = whole.iter().copied().enumerate();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || rest.next().and_then(|(_, byte)| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    let escape: String = text.get(at..).unwrap_or("%").chars().take(3).collect();
                    return Err(BuiltinError::failed(format!("invalid URL escape \"{escape}\"")));
                };
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(0));
            }
            other => bytes.push(other),
        }
    }
    Ok(text_of(&bytes))
}

fn encode_object(fields: &Value) -> Outcome {
    let bad = || BuiltinError::operand(1, "values must be string, array[string], or set[string]");
    let mut pairs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (key, value) in object(fields, 1)?.iter_sorted() {
        let values = pairs.entry(super::term::shown(key)).or_default();
        match value {
            Value::String(one) => values.push(one),
            other => {
                for element in super::operands::elements(other).ok_or_else(bad)? {
                    match element {
                        Value::String(one) => values.push(one),
                        _ => return Err(bad()),
                    }
                }
            }
        }
    }
    let pair = |key: &str, value: &&str| format!("{}={}", query_escape(&bytes_of(key)), query_escape(&bytes_of(value)));
    let all: Vec<String> =
        pairs.iter().flat_map(|(key, values)| values.iter().map(move |value| pair(key, value))).collect();
    text(all.join("&"))
}

fn decode_object(whole: &Value) -> Outcome {
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in string(whole, 1)?.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return Err(BuiltinError::failed("invalid semicolon separator in query"));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.entry(query_unescape(key)?).or_default().push(query_unescape(value)?);
    }
    some(object_of(pairs.into_iter().map(|(key, values)| (Value::from(key), list(values)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_reads_back_what_it_wrote_and_names_the_bad_byte() {
        for text in ["", "a", "ab", "abc", "subjects?_d", "é"] {
            let encoded = STANDARD.encode(text.as_bytes(), true);
            assert_eq!(STANDARD.decode(&encoded, true).unwrap(), text.as_bytes());
            let bare = URL.encode(text.as_bytes(), false);
            assert_eq!(decode_url(&bare).unwrap(), text.as_bytes());
        }
        for (text, at) in [("Y$==", 1), ("YQ=", 3), ("YQ==x", 4), ("YWJj=", 4), ("YQ", 0)] {
            let error = STANDARD.decode(text, true).unwrap_err();
            assert_eq!(error.message, format!("illegal base64 data at input byte {at}"), "{text}");
        }
    }
}
