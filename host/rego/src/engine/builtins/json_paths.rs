//! `json.filter` and `json.remove`: parts of a document named by paths.
//!
//! A path is a string (`a/b/0`, with `~1` for a slash and `~0` for a tilde) or an array of keys. All paths together make
//! one tree of keys, and the document is walked once.

use regorus::Value;
use regorus::value::Object;

use super::errors::BuiltinError;
use super::operands::{collection, object, some};
use super::term::kind;
use super::types::{ANY, ARRAY, OBJECT, Type, array_of};
use super::value_order::sorted;
use super::{Builtin, Outcome, builtin};

const PATH: Type = Type::Any(&[Type::String, ARRAY]);
const PATHS: Type = Type::Any(&[array_of(&PATH), Type::Set(&PATH)]);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("json.filter"(document: OBJECT, paths: PATHS) -> ANY => filter),
    builtin!("json.remove"(document: OBJECT, paths: PATHS) -> ANY => remove),
];

/// The keys of one path.
pub(super) fn path(value: &Value) -> Result<Vec<Value>, BuiltinError> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(text
            .trim_start_matches('/')
            .split('/')
            .map(|key| Value::from(key.replace("~1", "/").replace("~0", "~")))
            .collect()),
        Value::Array(keys) => Ok(keys.to_vec()),
        other => Err(BuiltinError::operand(
            2,
            format_args!(
                "must be one of {{set, array}} containing string paths or array of path segments but got {}",
                kind(other)
            ),
        )),
    }
}

/// The tree of keys: a leaf is null, and a shorter path wins over a longer one when it comes first.
fn tree(paths: &Value) -> Result<Object, BuiltinError> {
    let mut root = Object::new();
    for one in collection(paths, 2, &["set", "array"])? {
        insert(&mut root, &path(one)?);
    }
    Ok(root)
}

fn insert(node: &mut Object, keys: &[Value]) {
    match keys {
        [] => {}
        [last] => {
            node.insert(last.clone(), Value::Null);
        }
        [key, rest @ ..] => {
            if node.get(key).is_none() {
                node.insert(key.clone(), Value::new_object());
            }
            if let Some(child) = node.get_mut(key)
                && let Ok(child) = child.as_object_mut()
            {
                insert(child, rest);
            }
        }
    }
}

fn filter(document: &Value, paths: &Value) -> Outcome {
    some(keep_object(object(document, 1)?, &tree(paths)?))
}

/// The parts of an object that the tree names.
pub(super) fn keep_object(object: &Object, wanted: &Object) -> Object {
    object.iter().filter_map(|(key, value)| wanted.get(key).map(|wanted| (key.clone(), keep(value, wanted)))).collect()
}

fn keep(value: &Value, wanted: &Value) -> Value {
    let Value::Object(wanted) = wanted else { return value.clone() };
    match value {
        Value::Object(object) => keep_object(object, wanted).into_value(),
        Value::Array(array) => Value::from(
            array
                .iter()
                .enumerate()
                .filter_map(|(at, element)| index(wanted, at).map(|wanted| keep(element, wanted)))
                .collect::<Vec<_>>(),
        ),
        Value::Set(set) => Value::from(
            sorted(set.iter())
                .into_iter()
                .filter_map(|element| wanted.get(element).map(|wanted| keep(element, wanted)))
                .collect::<std::collections::BTreeSet<_>>(),
        ),
        other => other.clone(),
    }
}

/// A place in an array is named by its number as a text.
fn index(tree: &Object, at: usize) -> Option<&Value> {
    tree.get(&Value::from(at.to_string()))
}

fn remove(document: &Value, paths: &Value) -> Outcome {
    object(document, 1)?;
    let tree = tree(paths)?.into_value();
    Ok(without(document, Some(&tree)))
}

fn without(value: &Value, unwanted: Option<&Value>) -> Option<Value> {
    let unwanted = match unwanted {
        Some(Value::Null) => return None,
        Some(Value::Object(unwanted)) => unwanted,
        _ => return Some(value.clone()),
    };
    Some(match value {
        Value::Object(object) => object
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), without(value, unwanted.get(key))?)))
            .collect::<Object>()
            .into_value(),
        Value::Array(array) => Value::from(
            array
                .iter()
                .enumerate()
                .filter_map(|(at, element)| without(element, index(unwanted, at)))
                .collect::<Vec<_>>(),
        ),
        Value::Set(set) => Value::from(
            set.iter()
                .filter_map(|element| without(element, unwanted.get(element)))
                .collect::<std::collections::BTreeSet<_>>(),
        ),
        other => other.clone(),
    })
}
