//! `array.*`.

use regorus::Value;

use super::operands::{array, int, list, some, too_many};
use super::types::{ARRAY, Type};
use super::{Builtin, Outcome, builtin, limits};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("array.concat"(a: ARRAY, b: ARRAY) -> ARRAY => concat),
    builtin!("array.flatten"(whole: ARRAY) -> ARRAY => flatten),
    builtin!("array.reverse"(whole: ARRAY) -> ARRAY => reverse),
    builtin!("array.slice"(whole: ARRAY, from: Type::Number, to: Type::Number) -> ARRAY => slice),
];

fn concat(a: &Value, b: &Value) -> Outcome {
    let (left, right) = (array(a, 1)?, array(b, 2)?);
    if left.len() + right.len() > limits::ELEMENTS {
        return Err(too_many());
    }
    some(list(left.iter().chain(right.iter()).cloned()))
}

/// Takes apart the arrays among the elements, one level deep.
fn flatten(whole: &Value) -> Outcome {
    let mut flat = Vec::new();
    for element in array(whole, 1)?.iter() {
        match element {
            Value::Array(inner) => flat.extend(inner.iter().cloned()),
            other => flat.push(other.clone()),
        }
        if flat.len() > limits::ELEMENTS {
            return Err(too_many());
        }
    }
    some(flat)
}

fn reverse(whole: &Value) -> Outcome {
    some(list(array(whole, 1)?.iter().rev().cloned()))
}

/// Places outside the array are moved to its ends.
fn slice(whole: &Value, from: &Value, to: &Value) -> Outcome {
    let array = array(whole, 1)?;
    let (from, to) = (int(from, 2)?, int(to, 3)?);
    let within = |place: i64, end: usize| usize::try_from(place.max(0)).map_or(end, |place| place.min(end));
    let to = within(to, array.len());
    let from = within(from, to);
    some(array.as_slice().get(from..to).unwrap_or_default().to_vec())
}
