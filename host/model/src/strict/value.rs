//! [`value`]: JSON text to a value, without equal keys and within a budget of memory; [`Reading`], the same of YAML.

use std::{borrow::Cow, fmt};

use assay_gocompat::float;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::{Key, NUMBER, PRIVATE, has_private_key};
use crate::memory::Memory;

/// Reads a JSON document whose objects have no key twice. Numbers keep their digits.
///
/// # Errors
/// It is not JSON (`is_syntax`, `is_eof`), or JSON that is rejected (`is_data`).
pub(crate) fn value(text: &str, memory: &Memory) -> Result<Value, serde_json::Error> {
    if has_private_key(text) {
        return Err(serde_json::Error::custom(format_args!("a key begins with `{PRIVATE}`")));
    }
    let mut from = serde_json::Deserializer::from_str(text);
    let value = Reading { memory, is_json: true }.deserialize(&mut from)?;
    from.end()?;
    Ok(value)
}

/// Reads a value and charges what it takes.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'m> {
    memory: &'m Memory,
    is_json: bool,
}

impl<'m> Reading<'m> {
    /// What a reader of YAML gives: numbers of 64 bits, of which a float without a fraction is an integer.
    pub(crate) const fn yaml(memory: &'m Memory) -> Self {
        Self { memory, is_json: false }
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
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

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.memory.number().map_err(E::custom)?;
        Ok(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.memory.number().map_err(E::custom)?;
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.memory.number().map_err(E::custom)?;
        float::json_value(value)
            .ok_or_else(|| E::custom(format_args!("{value} cannot be represented as a JSON number")))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.memory.text(value).map_err(E::custom)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(self)? {
            self.memory.item().map_err(A::Error::custom)?;
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(Key(key)) = from.next_key::<Key<'de>>()? {
            // With all digits kept, serde_json hands over every number as an object of one key. The text holds no such
            // key itself, and one with escapes is not borrowed.
            if self.is_json && matches!(key, Cow::Borrowed(NUMBER)) {
                let digits: String = from.next_value()?;
                self.memory.number().and_then(|()| self.memory.text(&digits)).map_err(A::Error::custom)?;
                return digits.parse::<Number>().map(Value::Number).map_err(A::Error::custom);
            }
            self.memory.field(&key).map_err(A::Error::custom)?;
            let value = from.next_value_seed(self)?;
            insert(&mut fields, key.into_owned(), value)?;
        }
        Ok(Value::Object(fields))
    }
}

/// Adds a field, which must be new, and whose key must not be one of `serde_json`'s own.
fn insert<E: serde::de::Error>(fields: &mut Map<String, Value>, key: String, value: Value) -> Result<(), E> {
    if key.starts_with(PRIVATE) {
        return Err(E::custom(format_args!("a key is `{key}`")));
    }
    if fields.contains_key(&key) {
        return Err(E::custom(format_args!("the key `{key}` is duplicated in an object")));
    }
    fields.insert(key, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, serde_json::Error> {
        value(text, &Memory::of(1 << 20))
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads() {
        for text in [
            r#"{"a":{"b":[1,-2.50e+300,1e400,"x\ud83d\ude00\n",null,true,false,{}]},"b":{"a":0},"n":12345678901234567890123,"":[]}"#,
            " 1.0 ",
            "\"\"",
            "null",
            // It is a key alone that a later reader would take for something else.
            r#"["$serde_json::private::Number", "a $serde_json::private::RawValue"]"#,
            r#"{"a":"$serde_json::private::Number", "\"$serde_json::private::\"": 1}"#,
        ] {
            let read = read(text).unwrap();
            assert_eq!(read, serde_json::from_str::<Value>(text).unwrap());
            assert_eq!(read.to_string(), serde_json::from_str::<Value>(text).unwrap().to_string());
        }
    }

    #[test]
    fn what_is_ambiguous_is_rejected_and_what_is_not_json_is_distinguished() {
        for refused in [
            r#"{"a":1,"a":1}"#,
            r#"[{"b":{"a":1,"\u0061":2}}]"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            "{\"$serde_json::private::Number\" \n:\"1\"}",
            r#"["$serde_json::private::", {"$serde_json::private::RawValue":"1"}]"#,
            r#"{"\u0024serde_json::private::Number":"1"}"#,
            r#"{"\u0024serde_json::private::RawValue":"[]"}"#,
        ] {
            assert!(read(refused).unwrap_err().is_data(), "{refused}");
        }
        for broken in ["{", "{} {}", "{a: 1}", r#""\ud800""#, "", &"[".repeat(1000)] {
            assert!(!read(broken).unwrap_err().is_data(), "{broken}");
        }
    }

    #[test]
    fn a_document_takes_no_more_memory_than_it_may() {
        let dense = format!("[{}1]", "1,".repeat(10_000));
        assert!(value(&dense, &Memory::of(1 << 20)).unwrap_err().to_string().contains("bytes of memory"));
        assert!(value(&dense, &Memory::of(4 << 20)).is_ok());
        let keys: Vec<_> = (0..10_000).map(|n| format!("\"{n}\":0")).collect();
        assert!(value(&format!("{{{}}}", keys.join(",")), &Memory::of(1 << 20)).is_err());
        assert!(value(&format!("\"{}\"", "x".repeat(1 << 20)), &Memory::of(1 << 20)).is_err());
    }
}
