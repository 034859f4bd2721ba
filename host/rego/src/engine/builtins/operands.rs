//! Taking the operands of a call: each function gives the wanted type or OPA's error for its position (from 1), and
//! building what a call gives.

use std::borrow::Cow;
use std::collections::BTreeSet;

use num_bigint::BigInt;
use regorus::Value;
use regorus::value::{Array, Object, Set};

use super::errors::BuiltinError;
use super::float_kind::is_float;
use super::value_order::sorted;
use super::{Outcome, limits};
use crate::engine::bytes::{bytes_of, normal, shown};

/// The text at this position.
pub(super) fn string(value: &Value, position: usize) -> Result<&str, BuiltinError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(BuiltinError::wrong_type(position, other, &["string"])),
    }
}

/// The bytes of the text at this position.
pub(super) fn bytes(value: &Value, position: usize) -> Result<Cow<'_, [u8]>, BuiltinError> {
    string(value, position).map(bytes_of)
}

/// The string at this position as functions on characters see it: a byte that is not UTF-8 is a replacement character.
pub(super) fn characters(value: &Value, position: usize) -> Result<Cow<'_, str>, BuiltinError> {
    string(value, position).map(shown)
}

/// The object at this position.
pub(super) fn object(value: &Value, position: usize) -> Result<&Object, BuiltinError> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(BuiltinError::wrong_type(position, other, &["object"])),
    }
}

/// The array at this position.
pub(super) fn array(value: &Value, position: usize) -> Result<&Array, BuiltinError> {
    match value {
        Value::Array(array) => Ok(array),
        other => Err(BuiltinError::wrong_type(position, other, &["array"])),
    }
}

/// The set at this position.
pub(super) fn set(value: &Value, position: usize) -> Result<&Set, BuiltinError> {
    match value {
        Value::Set(set) => Ok(set),
        other => Err(BuiltinError::wrong_type(position, other, &["set"])),
    }
}

/// The elements of an array or set, in order; none for anything else.
pub(super) fn elements(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(array) => Some(array.iter().collect()),
        Value::Set(set) => Some(sorted(set.iter())),
        _ => None,
    }
}

/// The elements of the array or set at this position; `expected` are the words of the error, in OPA's order.
pub(super) fn collection<'v>(
    value: &'v Value,
    position: usize,
    expected: &[&str],
) -> Result<Vec<&'v Value>, BuiltinError> {
    elements(value).ok_or_else(|| BuiltinError::wrong_type(position, value, expected))
}

/// The strings of the array or set at this position.
pub(super) fn strings<'v>(value: &'v Value, position: usize, expected: &[&str]) -> Result<Vec<&'v str>, BuiltinError> {
    collection(value, position, expected)?
        .into_iter()
        .map(|element| match element {
            Value::String(text) => Ok(&**text),
            other => Err(BuiltinError::wrong_element(position, value, other, "string")),
        })
        .collect()
}

/// The whole number at this position, if it fits a machine word.
pub(super) fn int(value: &Value, position: usize) -> Result<i64, BuiltinError> {
    match value {
        Value::Number(number) if number.is_integer() && !is_float(value) => {
            number.as_i64().ok_or_else(|| fraction(position))
        }
        Value::Number(_) => Err(fraction(position)),
        other => Err(BuiltinError::wrong_type(position, other, &["number"])),
    }
}

/// The whole number at this position, of any size.
pub(super) fn big(value: &Value, position: usize) -> Result<BigInt, BuiltinError> {
    match value {
        Value::Number(number) if number.is_integer() => {
            number.to_big().map(|big| (*big).clone()).map_err(|_error| fraction(position))
        }
        Value::Number(_) => Err(fraction(position)),
        other => Err(BuiltinError::wrong_type(position, other, &["integer"])),
    }
}

fn fraction(position: usize) -> BuiltinError {
    BuiltinError::operand(position, "must be integer number but got floating-point number")
}

/// A value.
pub(super) fn some(value: impl Into<Value>) -> Outcome {
    Ok(Some(value.into()))
}

/// A text of allowed length.
pub(super) fn text(text: String) -> Outcome {
    if text.len() > limits::TEXT_BYTES {
        return Err(too_long());
    }
    some(normal(text))
}

/// A text would be longer than [`limits::TEXT_BYTES`].
pub(super) fn too_long() -> BuiltinError {
    BuiltinError::limit(format!("would create a string of more than {} MiB", limits::TEXT_BYTES >> 20))
}

/// An array or set would have more than [`limits::ELEMENTS`].
pub(super) fn too_many() -> BuiltinError {
    BuiltinError::limit(format!("would make more than {} elements", limits::ELEMENTS))
}

/// A whole number.
pub(super) fn whole(number: BigInt) -> Value {
    Value::Number(number.into())
}

/// An array of these.
pub(super) fn list(values: impl IntoIterator<Item = impl Into<Value>>) -> Value {
    Value::from(values.into_iter().map(Into::into).collect::<Vec<Value>>())
}

/// A set of these.
pub(super) fn set_of(values: impl IntoIterator<Item = Value>) -> Value {
    Value::from(values.into_iter().collect::<BTreeSet<Value>>())
}

/// An object of these.
pub(super) fn object_of(pairs: impl IntoIterator<Item = (Value, Value)>) -> Value {
    pairs.into_iter().collect::<Object>().into_value()
}

/// An object with text keys.
pub(super) fn record<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    object_of(pairs.into_iter().map(|(key, value)| (Value::from(key), value)))
}

/// The value under a text key.
pub(super) fn field<'v>(object: &'v Object, key: &str) -> Option<&'v Value> {
    object.get(&Value::from(key))
}
