//! `json.patch`: RFC 6902 on any value; a path may also lead into a set, by the element itself.

use regorus::Value;
use regorus::value::Object;

use super::errors::BuiltinError;
use super::json_paths::path;
use super::operands::{array, field, is_float, some};
use super::term::{kind, term};
use super::types::{ANY, Type, array_of};
use super::{Builtin, Outcome, builtin};

const OPERATION: Type = Type::Object { fixed: &[("op", Type::String), ("path", ANY)], rest: Some((&ANY, &ANY)) };

pub(super) const TABLE: &[Builtin] =
    &[builtin!("json.patch"(document: ANY, operations: array_of(&OPERATION)) -> ANY => patch)];

fn patch(document: &Value, operations: &Value) -> Outcome {
    let mut document = document.clone();
    for operation in array(operations, 2)?.iter() {
        let Value::Object(operation) = operation else {
            return Err(BuiltinError::failed(
                "must be an array of JSON-Patch objects, but at least one element is not an object",
            ));
        };
        document = apply(document, operation)?;
    }
    // The root itself was removed.
    if document == Value::Undefined { Ok(None) } else { some(document) }
}

fn required<'v>(operation: &'v Object, name: &str) -> Result<&'v Value, BuiltinError> {
    field(operation, name).ok_or_else(|| BuiltinError::failed(format!("missing required attribute '{name}'")))
}

fn apply(document: Value, operation: &Object) -> Result<Value, BuiltinError> {
    let target = required(operation, "path")?;
    let op = match required(operation, "op")? {
        Value::String(op) => op,
        other => {
            let message = format!("attribute 'op' must be a string but found: {}", kind(other));
            return Err(BuiltinError::failed(message));
        }
    };
    let target = path(target)?;
    match &**op {
        "add" => insert(document, &target, required(operation, "value")?.clone()),
        "remove" => Ok(take(document, &target)?.1),
        "replace" => {
            let value = required(operation, "value")?.clone();
            insert(take(document, &target)?.1, &target, value)
        }
        "move" => {
            let (moved, rest) = take(document, &path(required(operation, "from")?)?)?;
            insert(rest, &target, moved)
        }
        "copy" => {
            let copied = at(&document, &path(required(operation, "from")?)?)?.clone();
            insert(document, &target, copied)
        }
        "test" => {
            let found = at(&document, &target)?;
            let wanted = required(operation, "value")?;
            if found == wanted {
                return Ok(document);
            }
            let message =
                format!("value from EditTree != patch value.\n\nExpected: {}\n\nFound: {}", term(wanted), term(found));
            Err(BuiltinError::failed(message))
        }
        other => Err(BuiltinError::failed(format!("unrecognized op: '{other}'"))),
    }
}

fn missing(key: &Value) -> BuiltinError {
    BuiltinError::failed(format!("path {} does not exist in document", term(key)))
}

/// The place an array key names; the text of a number, or the number.
fn place(key: &Value, length: usize) -> Result<usize, BuiltinError> {
    let at = match key {
        Value::String(text) if text.starts_with('0') && text.len() > 1 => None,
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        // As in OPA `1.0` is no place, though it equals `1`.
        Value::Number(number) if number.is_integer() && !is_float(key) => {
            number.as_u64().and_then(|at| usize::try_from(at).ok())
        }
        _ => None,
    };
    at.filter(|at| *at < length).ok_or_else(|| BuiltinError::failed(format!("index {} out of range", term(key))))
}

fn at<'v>(value: &'v Value, keys: &[Value]) -> Result<&'v Value, BuiltinError> {
    keys.iter().try_fold(value, |value, key| match value {
        Value::Object(object) => object.get(key).ok_or_else(|| missing(key)),
        Value::Set(set) => set.get(key).ok_or_else(|| missing(key)),
        Value::Array(array) => array.get(place(key, array.len())?).ok_or_else(|| missing(key)),
        _ => Err(missing(key)),
    })
}

/// Gives the value at the path, and the document without it.
fn take(document: Value, keys: &[Value]) -> Result<(Value, Value), BuiltinError> {
    let Some((key, rest)) = keys.split_first() else { return Ok((document, Value::Undefined)) };
    let child = at(&document, std::slice::from_ref(key))?.clone();
    let taken = if rest.is_empty() { None } else { Some(take(child.clone(), rest)?) };
    let (taken, child) = match taken {
        Some((taken, child)) => (taken, Some(child)),
        None => (child, None),
    };
    Ok((taken, with_child(document, key, child)?))
}

/// Replaces or, without a new value, removes the child that exists at this key.
fn with_child(mut document: Value, key: &Value, child: Option<Value>) -> Result<Value, BuiltinError> {
    match &mut document {
        Value::Object(_) => {
            let object = document.as_object_mut().map_err(|_error| missing(key))?;
            match child {
                Some(child) => object.insert(key.clone(), child),
                None => object.remove(key),
            };
        }
        Value::Set(_) => {
            let set = document.as_set_mut().map_err(|_error| missing(key))?;
            set.remove(key);
            if let Some(child) = child {
                set.insert(child);
            }
        }
        Value::Array(array) => {
            let at = place(key, array.len())?;
            let mut elements = array.to_vec();
            match (child, elements.get_mut(at)) {
                (Some(child), Some(slot)) => *slot = child,
                _ => {
                    elements.remove(at);
                }
            }
            document = Value::from(elements);
        }
        _ => return Err(missing(key)),
    }
    Ok(document)
}

fn insert(mut document: Value, keys: &[Value], value: Value) -> Result<Value, BuiltinError> {
    match keys {
        [] => Ok(value),
        [key] => {
            match &document {
                Value::Object(_) => {
                    document.as_object_mut().map_err(|_error| missing(key))?.insert(key.clone(), value);
                }
                Value::Set(_) => {
                    if *key != value {
                        let message =
                            format!("set key {} does not equal value to be inserted {}", term(key), term(&value));
                        return Err(BuiltinError::failed(message));
                    }
                    document.as_set_mut().map_err(|_error| missing(key))?.insert(value);
                }
                Value::Array(array) => {
                    let end = *key == Value::from("-");
                    let at = if end { array.len() } else { place(key, array.len() + 1)? };
                    let mut elements = array.to_vec();
                    elements.insert(at, value);
                    document = Value::from(elements);
                }
                _ => return Err(missing(key)),
            }
            Ok(document)
        }
        [key, rest @ ..] => {
            let child = at(&document, std::slice::from_ref(key))?.clone();
            let child = insert(child, rest, value)?;
            with_child(document, key, Some(child))
        }
    }
}
