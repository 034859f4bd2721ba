//! `object.*`.

use regorus::Value;
use regorus::value::{Array, Object};

use super::errors::BuiltinError;
use super::float_kind::is_float;
use super::json_paths;
use super::operands::{array, object, set_of, some, too_many};
use super::scope::Scope;
use super::types::{ANY, ARRAY, OBJECT, SET, Type, array_of};
use super::{Builtin, Outcome, builtin, limits};

const KEYS: Type = Type::Any(&[ARRAY, OBJECT, SET]);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("object.get"(whole: OBJECT, key: ANY, default: ANY) -> ANY => get),
    builtin!("object.keys"(whole: OBJECT) -> SET => |whole: &Value| some(set_of(object(whole, 1)?.keys().cloned()))),
    builtin!("object.remove"(whole: OBJECT, keys: KEYS) -> ANY => remove),
    builtin!("object.filter"(whole: OBJECT, keys: KEYS) -> ANY => filter),
    builtin!("object.union"(a: OBJECT, b: OBJECT) -> ANY => scoped union),
    builtin!("object.union_n"(objects: array_of(&OBJECT)) -> ANY => scoped union_n),
    builtin!("object.subset"(whole: KEYS, part: KEYS) -> ANY => subset),
];

/// One step into a value by a key, an index or an element.
pub(super) fn step<'v>(value: &'v Value, key: &Value) -> Option<&'v Value> {
    match value {
        Value::Object(object) => object.get(key),
        Value::Set(set) => set.get(key),
        Value::Array(array) => match key {
            Value::Number(at) if at.is_integer() && !is_float(key) => array.get(usize::try_from(at.as_u64()?).ok()?),
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

/// Adds the fields of `new` to `into`. Objects under one key are merged, so that what was shared is copied: `copied`
/// counts their fields.
fn merge(into: &mut Object, new: &Object, copied: &mut usize) -> Result<(), BuiltinError> {
    for (key, value) in new.iter() {
        let value = match (into.get(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                *copied = copied.saturating_add(old.len()).saturating_add(new.len());
                if *copied > limits::ELEMENTS {
                    return Err(too_many());
                }
                let mut merged = Object::clone(old);
                merge(&mut merged, new, copied)?;
                merged.into_value()
            }
            (_, new) => new.clone(),
        };
        into.insert(key.clone(), value);
    }
    Ok(())
}

fn union(scope: &mut Scope<'_>, a: &Value, b: &Value) -> Outcome {
    let mut merged = object(a, 1)?.clone();
    merge(&mut merged, object(b, 2)?, &mut scope.copied)?;
    some(merged)
}

fn union_n(scope: &mut Scope<'_>, objects: &Value) -> Outcome {
    let mut all = Object::new();
    for element in array(objects, 1)?.iter() {
        match element {
            Value::Object(one) if all.is_empty() => all = (**one).clone(),
            Value::Object(one) => merge(&mut all, one, &mut scope.copied)?,
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

#[cfg(test)]
mod tests {
    use super::super::{Caches, NoHost};
    use super::*;

    #[test]
    fn what_a_union_copies_further_down_is_counted() {
        let mut caches = Caches::default();
        let mut scope = Scope { now_ns: 0, seed: 0, caches: &mut caches, host: &NoHost, copied: 0 };
        let read = |json: &str| Value::from_json_str(json).unwrap();
        let (one, other) = (read(r#"{"a": {"b": 1, "c": 2}, "x": {"y": 1}}"#), read(r#"{"a": {"b": 3}, "z": {}}"#));
        let merged = union(&mut scope, &one, &other).unwrap().unwrap();
        assert_eq!(merged, read(r#"{"a": {"b": 3, "c": 2}, "x": {"y": 1}, "z": {}}"#));
        assert_eq!(scope.copied, 3, "only the objects under one key are copied");
        let merged = union_n(&mut scope, &Value::from(vec![one, read("{}"), other])).unwrap().unwrap();
        assert_eq!((merged, scope.copied), (read(r#"{"a": {"b": 3, "c": 2}, "x": {"y": 1}, "z": {}}"#), 6));
    }
}
