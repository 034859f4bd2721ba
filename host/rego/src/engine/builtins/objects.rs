//! `object.*`.

use regorus::Value;
use regorus::value::{Array, Object};

use super::errors::BuiltinError;
use super::json_paths;
use super::operands::{array, object, set_of, some};
use super::types::{ANY, ARRAY, OBJECT, SET, Type, array_of};
use super::{Builtin, Outcome, builtin};

const KEYS: Type = Type::Any(&[ARRAY, OBJECT, SET]);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("object.get"(whole: OBJECT, key: ANY, default: ANY) -> ANY => get),
    builtin!("object.keys"(whole: OBJECT) -> SET => |whole: &Value| some(set_of(object(whole, 1)?.keys().cloned()))),
    builtin!("object.remove"(whole: OBJECT, keys: KEYS) -> ANY => remove),
    builtin!("object.filter"(whole: OBJECT, keys: KEYS) -> ANY => filter),
    builtin!("object.union"(a: OBJECT, b: OBJECT) -> ANY => union),
    builtin!("object.union_n"(objects: array_of(&OBJECT)) -> ANY => union_n),
    builtin!("object.subset"(whole: KEYS, part: KEYS) -> ANY => subset),
];

/// One step into a value by a key, an index or an element.
pub(super) fn step<'v>(value: &'v Value, key: &Value) -> Option<&'v Value> {
    match value {
        Value::Object(object) => object.get(key),
        Value::Set(set) => set.get(key),
        Value::Array(array) => match key {
            Value::Number(at) if at.is_integer() => array.get(usize::try_from(at.as_u64()?).ok()?),
            _ => None,
        },
        _ => None,
    }
}

/// An array as the key is a path; a path that is a key itself is not looked at.
fn get(whole: &Value, key: &Value, default: &Value) -> Outcome {
    let object = object(whole, 1)?;
    let found = match key {
        Value::Array(path) => path.iter().try_fold(whole, step),
        key => object.get(key),
    };
    some(found.unwrap_or(default).clone())
}

fn keys(value: &Value) -> Result<Vec<&Value>, BuiltinError> {
    match value {
        Value::Array(array) => Ok(array.iter().collect()),
        Value::Set(set) => Ok(set.iter().collect()),
        Value::Object(object) => Ok(object.keys().collect()),
        other => Err(BuiltinError::wrong_type(2, other, &["object", "set", "array"])),
    }
}

fn remove(whole: &Value, names: &Value) -> Outcome {
    let mut rest = object(whole, 1)?.clone();
    for key in keys(names)? {
        rest.remove(key);
    }
    some(rest)
}

fn filter(whole: &Value, names: &Value) -> Outcome {
    let object = object(whole, 1)?;
    let wanted: Object = keys(names)?.into_iter().map(|key| (key.clone(), Value::Null)).collect();
    some(json_paths::keep_object(object, &wanted))
}

fn merge(a: &Object, b: &Object) -> Object {
    let mut merged = a.clone();
    for (key, value) in b.iter() {
        let value = match (merged.get(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new).into_value(),
            (_, new) => new.clone(),
        };
        merged.insert(key.clone(), value);
    }
    merged
}

fn union(a: &Value, b: &Value) -> Outcome {
    some(merge(object(a, 1)?, object(b, 2)?))
}

fn union_n(objects: &Value) -> Outcome {
    let mut all = Object::new();
    for element in array(objects, 1)?.iter() {
        match element {
            Value::Object(one) => all = if all.is_empty() { (**one).clone() } else { merge(&all, one) },
            other => return Err(BuiltinError::wrong_element(1, objects, other, "object")),
        }
    }
    some(all)
}

fn subset(whole: &Value, part: &Value) -> Outcome {
    some(match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => object_within(whole, part),
        (Value::Set(whole), Value::Set(part)) => part.is_subset(whole),
        (Value::Array(whole), Value::Array(part)) => array_within(whole, part),
        (Value::Array(whole), Value::Set(part)) => part.iter().all(|element| whole.contains(element)),
        _ => {
            let mut error =
                BuiltinError::failed("both arguments object.subset must be of the same type or array and set");
            error.code = super::ErrorCode::Type;
            return Err(error);
        }
    })
}

fn object_within(whole: &Object, part: &Object) -> bool {
    part.iter().all(|(key, wanted)| {
        whole.get(key).is_some_and(|found| match (found, wanted) {
            (Value::Object(found), Value::Object(wanted)) => object_within(found, wanted),
            (Value::Set(found), Value::Set(wanted)) => wanted.is_subset(found),
            (Value::Array(found), Value::Array(wanted)) => array_within(found, wanted),
            (found, wanted) => found == wanted,
        })
    })
}

/// Whether the elements stand in a row somewhere in the other.
fn array_within(whole: &Array, part: &Array) -> bool {
    part.is_empty() || whole.as_slice().windows(part.len()).any(|window| window == part.as_slice())
}
