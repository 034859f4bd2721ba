//! `json.patch`: RFC 6902 on any value; a path may also lead into a set, by the element itself.

use regorus::value::Object;
use regorus::{Rc, Value};

use super::errors::BuiltinError;
use super::float_kind::is_float;
use super::json_paths::path;
use super::operands::{array, field, some};
use super::term::{kind, term};
use super::types::{ANY, Type, array_of};
use super::{Builtin, Outcome, builtin, limits};

/// Elements that are moved within an array in the time that it takes to copy one.
const MOVED: usize = 4;

const OPERATION: Type = Type::Object { fixed: &[("op", Type::String), ("path", ANY)], rest: Some((&ANY, &ANY)) };

pub(super) const TABLE: &[Builtin] =
    &[builtin!("json.patch"(document: ANY, operations: array_of(&OPERATION)) -> ANY => patch)];

fn patch(document: &Value, operations: &Value) -> Outcome {
    let mut document = document.clone();
    let (mut copied, mut shared) = (0_usize, limits::ELEMENTS);
    for operation in array(operations, 2)?.iter() {
        let Value::Object(operation) = operation else {
            return Err(BuiltinError::failed(
                "must be an array of JSON-Patch objects, but at least one element is not an object",
            ));
        };
        for name in ["path", "from"] {
            let keys = field(operation, name).map(path).transpose()?.unwrap_or_default();
            copied = copied.saturating_add(on_the_way(&document, &keys));
        }
        if copied > limits::COPIED {
            return Err(BuiltinError::limit(format!("would copy more than {} elements", limits::COPIED)));
        }
        // A document that is copied into itself again and again doubles each time.
        let source = match field(operation, "op") {
            Some(Value::String(op)) if &**op == "copy" => field(operation, "from").map(path).transpose()?,
            _ => None,
        };
        let fits = source.and_then(|keys| at(&document, &keys).ok()).is_none_or(|value| fits(value, &mut shared));
        if !fits {
            return Err(BuiltinError::limit(format!("would copy more than {} elements", limits::ELEMENTS)));
        }
        document = apply(document, operation)?;
    }
    // The root itself was removed.
    if document == Value::Undefined { Ok(None) } else { some(document) }
}

/// Whether a value has no more parts than are left; they are taken from `left`.
fn fits(value: &Value, left: &mut usize) -> bool {
    let Some(less) = left.checked_sub(1) else { return false };
    *left = less;
    match value {
        Value::Array(array) => array.iter().all(|value| fits(value, left)),
        Value::Set(set) => set.iter().all(|value| fits(value, left)),
        Value::Object(object) => object.iter().all(|(key, value)| fits(key, left) && fits(value, left)),
        _ => true,
    }
}

/// The elements that an operation at a path moves: those of collections that something else has, too, which are copied, and some
/// of an array's, unless it is appended to.
fn on_the_way(document: &Value, keys: &[Value]) -> usize {
    let mut value = document;
    let mut elements = 0_usize;
    let mut is_shared = false;
    for key in keys {
        let (length, owners, moved) = match value {
            Value::Array(array) => {
                let is_end = matches!(key, Value::String(text) if &**text == "-");
                (array.len(), Rc::strong_count(array), if is_end { 0 } else { array.len() / MOVED })
            }
            Value::Object(object) => (object.len(), Rc::strong_count(object), 0),
            Value::Set(set) => (set.len(), Rc::strong_count(set), 0),
            _ => (0, 1, 0),
        };
        is_shared |= owners > 1;
        elements = elements.saturating_add(if is_shared { length } else { moved });
        match at(value, std::slice::from_ref(key)) {
            Ok(child) => value = child,
            Err(_) => break,
        }
    }
    elements
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
        // As in OPA, `1.0` is not an index, though it equals `1`.
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
fn take(mut document: Value, keys: &[Value]) -> Result<(Value, Value), BuiltinError> {
    match keys {
        [] => Ok((document, Value::Undefined)),
        [key] => {
            let child = at(&document, std::slice::from_ref(key))?.clone();
            Ok((child, with_child(document, key, None)?))
        }
        [key, rest @ ..] => {
            let (taken, child) = take(lifted(&mut document, key)?, rest)?;
            Ok((taken, with_child(document, key, Some(child))?))
        }
    }
}

/// Takes the child at a key out of its collection, where it leaves its place empty, so that it is not copied when it is changed.
fn lifted(document: &mut Value, key: &Value) -> Result<Value, BuiltinError> {
    let place = match document {
        Value::Object(object) => Rc::make_mut(object).get_mut(key),
        Value::Array(array) => {
            let at = place(key, array.len())?;
            Rc::make_mut(array).get_mut(at)
        }
        other => return Ok(at(other, std::slice::from_ref(key))?.clone()),
    };
    place.map(|place| std::mem::replace(place, Value::Null)).ok_or_else(|| missing(key))
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
            match child {
                Some(child) => *Rc::make_mut(array).get_mut(at).ok_or_else(|| missing(key))? = child,
                None => {
                    let mut elements = std::mem::take(Rc::make_mut(array)).into_vec();
                    elements.remove(at);
                    document = Value::from(elements);
                }
            }
        }
        _ => return Err(missing(key)),
    }
    Ok(document)
}

fn insert(mut document: Value, keys: &[Value], value: Value) -> Result<Value, BuiltinError> {
    match keys {
        [] => Ok(value),
        [key] => {
            match &mut document {
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
                    let all = Rc::make_mut(array);
                    if at == all.len() {
                        all.push(value);
                    } else {
                        let mut elements = std::mem::take(all).into_vec();
                        elements.insert(at, value);
                        document = Value::from(elements);
                    }
                }
                _ => return Err(missing(key)),
            }
            Ok(document)
        }
        [key, rest @ ..] => {
            let child = insert(lifted(&mut document, key)?, rest, value)?;
            with_child(document, key, Some(child))
        }
    }
}
