//! Functions over whole collections: `count`, `sum`, `product`, `max`, `min`, `sort`, `any`, `all`.

use num_bigint::BigInt;
use regorus::Value;

use super::arithmetic::number;
use super::decimal::Num;
use super::errors::BuiltinError;
use super::operands::{collection, list, some};
use super::types::{ANY, ARRAY, COLLECTION, NUMBER_COLLECTION, OBJECT, SET, Type};
use super::value_order::compare;
use super::{Builtin, Outcome, builtin};
use crate::engine::bytes::shown;

pub(super) const TABLE: &[Builtin] = &[
    builtin!("count"(whole: Type::Any(&[Type::String, ARRAY, OBJECT, SET])) -> Type::Number => count),
    builtin!("sum"(numbers: NUMBER_COLLECTION) -> Type::Number => |numbers: &Value| fold(numbers, 0, Num::plus)),
    builtin!("product"(numbers: NUMBER_COLLECTION) -> Type::Number => |numbers: &Value| fold(numbers, 1, Num::times)),
    builtin!("max"(whole: COLLECTION) -> ANY => max),
    builtin!("min"(whole: COLLECTION) -> ANY => min),
    builtin!("sort"(whole: COLLECTION) -> ARRAY => sort),
    builtin!("any"(whole: COLLECTION) -> Type::Boolean => any),
    builtin!("all"(whole: COLLECTION) -> Type::Boolean => every),
];

fn count(whole: &Value) -> Outcome {
    some(match whole {
        Value::String(text) => shown(text).chars().count(),
        Value::Array(array) => array.len(),
        Value::Object(object) => object.len(),
        Value::Set(set) => set.len(),
        other => return Err(BuiltinError::wrong_type(1, other, &["array", "object", "set", "string"])),
    })
}

fn fold(numbers: &Value, start: i64, step: fn(&Num, &Num) -> Num) -> Outcome {
    let mut total = Num::whole(BigInt::from(start));
    for element in collection(numbers, 1, &["set", "array"])? {
        if !matches!(element, Value::Number(_)) {
            return Err(BuiltinError::wrong_element(1, numbers, element, "number"));
        }
        total = step(&total, &number(element, 1)?);
        total.bounded()?;
    }
    total.value().map(Some)
}

fn max(whole: &Value) -> Outcome {
    Ok(collection(whole, 1, &["set", "array"])?.into_iter().max_by(|a, b| compare(a, b)).cloned())
}

fn min(whole: &Value) -> Outcome {
    let all = collection(whole, 1, &["set", "array"])?;
    // In a set, OPA takes a null for "none so far": it is the least only if there is nothing else.
    let is_set = matches!(whole, Value::Set(_));
    let counts = |element: &&Value| !(is_set && **element == Value::Null);
    let least = all.iter().copied().filter(counts).min_by(|a, b| compare(a, b));
    Ok(least.or_else(|| all.first().copied()).cloned())
}

fn sort(whole: &Value) -> Outcome {
    let mut all = collection(whole, 1, &["set", "array"])?;
    all.sort_by(|a, b| compare(a, b));
    some(list(all.into_iter().cloned()))
}

fn any(whole: &Value) -> Outcome {
    some(collection(whole, 1, &["array", "set"])?.contains(&&Value::Bool(true)))
}

fn every(whole: &Value) -> Outcome {
    some(collection(whole, 1, &["array", "set"])?.iter().all(|element| **element == Value::Bool(true)))
}
