//! JSON as Go writes and reads it, of values.

use regorus::Value;
use regorus::value::Object;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::decimal::{long_number, written};
use super::errors::BuiltinError;
use super::limits;
use super::operands::{too_long, too_many};
use super::term::number_text;
use super::value_order::sorted;
use crate::engine::bytes::{admitted, bytes_of, is_raw, shown};
use crate::engine::documents::{has_long_number, values_in};

/// How deep levels are set off; without it everything stands on one line.
pub(super) struct Layout<'o> {
    pub prefix: &'o str,
    pub indent: &'o str,
}

/// The value on one line; sets become arrays, keys that are not strings become their JSON.
pub(super) fn compact(value: &Value) -> Result<String, BuiltinError> {
    let mut out = String::new();
    write(&mut out, value, None, 0)?;
    Ok(out)
}

pub(super) fn write(
    out: &mut String,
    value: &Value,
    layout: Option<&Layout<'_>>,
    depth: usize,
) -> Result<(), BuiltinError> {
    if depth > limits::NESTING {
        return Err(BuiltinError::limit(format!("the value is nested more than {} levels deep", limits::NESTING)));
    }
    if out.len() > limits::TEXT_BYTES {
        return Err(too_long());
    }
    match value {
        Value::Null | Value::Undefined => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(_) => out.push_str(&number_text(value)),
        Value::String(text) => quote(out, text),
        Value::Array(array) => {
            items(out, "[", "]", array.iter(), layout, depth, |out, element| write(out, element, layout, depth + 1))?;
        }
        Value::Set(set) => {
            let elements = sorted(set.iter()).into_iter();
            items(out, "[", "]", elements, layout, depth, |out, element| write(out, element, layout, depth + 1))?;
        }
        Value::Object(object) => {
            let colon = if layout.is_some() { ": " } else { ":" };
            let field = |out: &mut String, key: &str, value: &Value| {
                quote(out, key);
                out.push_str(colon);
                write(out, value, layout, depth + 1)
            };
            if object.keys().all(|key| matches!(key, Value::String(_))) {
                items(out, "{", "}", object.iter_sorted(), layout, depth, |out, (key, value)| match key {
                    Value::String(key) => field(out, key, value),
                    _ => Ok(()),
                })?;
            } else {
                let fields = fields(object)?.into_iter();
                items(out, "{", "}", fields, layout, depth, |out, (key, value)| field(out, &key, value))?;
            }
        }
    }
    Ok(())
}

/// The fields of an object in the order of their keys as strings.
pub(super) fn fields(object: &Object) -> Result<std::collections::BTreeMap<String, &Value>, BuiltinError> {
    object
        .iter()
        .map(|(key, value)| match key {
            Value::String(text) => Ok((text.to_string(), value)),
            other => Ok((compact(other)?, value)),
        })
        .collect()
}

fn items<T>(
    out: &mut String,
    open: &str,
    close: &str,
    items: impl Iterator<Item = T>,
    layout: Option<&Layout<'_>>,
    depth: usize,
    mut one: impl FnMut(&mut String, T) -> Result<(), BuiltinError>,
) -> Result<(), BuiltinError> {
    let line = |out: &mut String, depth: usize| {
        if let Some(layout) = layout {
            out.push('\n');
            out.push_str(layout.prefix);
            for _ in 0..depth {
                out.push_str(layout.indent);
            }
        }
    };
    out.push_str(open);
    let mut empty = true;
    for item in items {
        if !empty {
            out.push(',');
        }
        empty = false;
        line(out, depth + 1);
        one(out, item)?;
    }
    if !empty {
        line(out, depth);
    }
    out.push_str(close);
    Ok(())
}

/// A string as Go quotes it; a byte that is not UTF-8 is written as the escape of the replacement character.
pub(super) fn quote(out: &mut String, text: &str) {
    out.push('"');
    if is_raw(text) {
        for chunk in bytes_of(text).utf8_chunks() {
            escape(out, chunk.valid());
            chunk.invalid().iter().for_each(|_| out.push_str("\\ufffd"));
        }
    } else {
        escape(out, text);
    }
    out.push('"');
}

/// Go escapes what could end a script in a page, too.
fn escape(out: &mut String, text: &str) {
    // What is written as it is goes over in one piece.
    let mut rest = text;
    while let Some(at) = rest.bytes().position(may_be_escaped) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let mut characters = after.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(character @ ('\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}')) => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            Some(character) => out.push(character),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// Whether a character that begins with this byte may be escaped.
const fn may_be_escaped(byte: u8) -> bool {
    matches!(byte, b'\0'..b' ' | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xE2)
}

/// Reads a JSON document; its depth is bounded by the reader.
pub(crate) fn read(whole: &str) -> Result<Value, BuiltinError> {
    if whole.len() > limits::ELEMENTS && values_in(whole) > limits::ELEMENTS {
        return Err(too_many());
    }
    match serde_json::from_str::<Document>(whole) {
        Ok(document) => Ok(document.0),
        // A number that is too long is a limit, not a mistake of the text.
        Err(_) if has_long_number(whole) => Err(long_number()),
        Err(error) => Err(BuiltinError::failed(error.to_string())),
    }
}

/// A value of Rego, read from JSON without a tree in between.
struct Document(Value);

/// The only key of what `serde_json` gives for a number, so that it keeps its digits.
const NUMBER: &str = "$serde_json::private::Number";

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Documents).map(Self)
    }
}

struct Documents;

impl<'de> Visitor<'de> for Documents {
    type Value = Value;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(admitted(text).into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(Document(element)) = from.next_element()? {
            elements.push(element);
        }
        Ok(Value::from(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = std::collections::BTreeMap::new();
        while let Some(Document(key)) = from.next_key()? {
            if fields.is_empty() && matches!(&key, Value::String(key) if &**key == NUMBER) {
                let text: String = from.next_value()?;
                let number = text.parse().map_err(A::Error::custom)?;
                return from_json(serde_json::Value::Number(number)).map_err(|error| A::Error::custom(error.message));
            }
            let Document(value) = from.next_value()?;
            fields.insert(key, value);
        }
        Ok(Value::from(fields))
    }
}

/// The value as JSON, as if it were written by [`compact`] and read again.
pub(super) fn to_json(value: &Value) -> Result<serde_json::Value, BuiltinError> {
    fn at(value: &Value, depth: usize) -> Result<serde_json::Value, BuiltinError> {
        if depth > limits::NESTING {
            return Err(BuiltinError::limit(format!("the value is nested more than {} levels deep", limits::NESTING)));
        }
        Ok(match value {
            Value::Null | Value::Undefined => serde_json::Value::Null,
            Value::Bool(flag) => serde_json::Value::Bool(*flag),
            Value::Number(_) => {
                let number =
                    number_text(value).parse().map_err(|_error| BuiltinError::failed("invalid JSON string"))?;
                serde_json::Value::Number(number)
            }
            Value::String(text) => serde_json::Value::String(shown(text).into_owned()),
            Value::Array(array) => array.iter().map(|element| at(element, depth + 1)).collect::<Result<_, _>>()?,
            Value::Set(set) => {
                sorted(set.iter()).into_iter().map(|element| at(element, depth + 1)).collect::<Result<_, _>>()?
            }
            Value::Object(object) if object.keys().all(|key| matches!(key, Value::String(_))) => {
                let mut fields = serde_json::Map::with_capacity(object.len());
                for (key, value) in object.iter_sorted() {
                    if let Value::String(key) = key {
                        fields.insert(shown(key).into_owned(), at(value, depth + 1)?);
                    }
                }
                serde_json::Value::Object(fields)
            }
            Value::Object(object) => {
                let fields = fields(object)?.into_iter();
                let fields = fields.map(|(key, value)| Ok((key, at(value, depth + 1)?)));
                serde_json::Value::Object(fields.collect::<Result<_, BuiltinError>>()?)
            }
        })
    }
    at(value, 0)
}

/// The same document as a value of Rego; numbers keep their digits.
pub(crate) fn from_json(document: serde_json::Value) -> Result<Value, BuiltinError> {
    Ok(match document {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(flag),
        serde_json::Value::String(text) => Value::from(&*admitted(&text)),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(word) => Value::from(word),
            None => written(&number.to_string())?
                .ok_or_else(|| BuiltinError::failed(format!("the number {number} is out of range")))?,
        },
        serde_json::Value::Array(elements) => {
            Value::from(elements.into_iter().map(from_json).collect::<Result<Vec<_>, _>>()?)
        }
        serde_json::Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| Ok((Value::from(key), from_json(value)?)))
            .collect::<Result<Object, BuiltinError>>()?
            .into_value(),
    })
}
