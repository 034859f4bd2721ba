//! [`Values`]: makes the values of a document for the readers of YAML: their scalars, lists and objects.

use serde_json::{Map, Value};

/// A scalar of a common document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that is not negative.
    Natural(u64),
    /// A string.
    Text(&'a str),
}

/// Makes values of some type. Readers of large documents make those that are wanted, without others in between.
pub trait Values {
    /// A value.
    type Value;
    /// The key of a field.
    type Key;

    /// The value of a scalar.
    fn scalar(&mut self, scalar: Scalar<'_>) -> Self::Value;

    /// The key of a field.
    fn key(&mut self, key: &str) -> Self::Key;

    /// The value of a list.
    fn list(&mut self, items: Vec<Self::Value>) -> Self::Value;

    /// The value of an object; none if a key is there twice.
    fn object(&mut self, fields: Vec<(Self::Key, Self::Value)>) -> Option<Self::Value>;
}

/// Makes JSON.
pub(super) struct Json;

impl Values for Json {
    type Value = Value;
    type Key = String;

    fn scalar(&mut self, scalar: Scalar<'_>) -> Value {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Natural(number) => Value::from(number),
            Scalar::Text(text) => Value::String(text.to_owned()),
        }
    }

    fn key(&mut self, key: &str) -> String {
        key.to_owned()
    }

    fn list(&mut self, items: Vec<Value>) -> Value {
        Value::Array(items)
    }

    fn object(&mut self, fields: Vec<(String, Value)>) -> Option<Value> {
        let count = fields.len();
        let fields: Map<_, _> = fields.into_iter().collect();
        (fields.len() == count).then_some(Value::Object(fields))
    }
}
