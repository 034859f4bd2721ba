//! The order of any two values, as OPA has it: null, booleans, numbers, strings, arrays, objects, sets.
//!
//! The value type's own order puts sets before objects; it differs only where the two meet.

use std::cmp::Ordering;

use regorus::Value;
use regorus::value::Object;

use crate::engine::bytes::{bytes_of, is_raw};

/// Compares two values.
pub(crate) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => lexical(a.iter(), b.iter(), compare).then_with(|| a.len().cmp(&b.len())),
        (Value::Set(a), Value::Set(b)) if !is_composite(a.last()) && !is_composite(b.last()) => {
            lexical(a.iter_sorted(), b.iter_sorted(), compare).then_with(|| a.len().cmp(&b.len()))
        }
        (Value::Set(a), Value::Set(b)) => lexical(sorted(a.iter()).into_iter(), sorted(b.iter()).into_iter(), compare)
            .then_with(|| a.len().cmp(&b.len())),
        (Value::Object(a), Value::Object(b)) if has_plain_keys(a) && has_plain_keys(b) => {
            let pair = |(key, one): (&Value, &Value), (other_key, other): (&Value, &Value)| {
                compare(key, other_key).then_with(|| compare(one, other))
            };
            lexical(a.iter_sorted(), b.iter_sorted(), pair).then_with(|| a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let (left, right) = (sorted(a.keys_sorted()), sorted(b.keys_sorted()));
            lexical(left.into_iter(), right.into_iter(), |key, other| {
                compare(key, other).then_with(|| match (a.get(key), b.get(other)) {
                    (Some(a), Some(b)) => compare(a, b),
                    (a, b) => a.is_some().cmp(&b.is_some()),
                })
            })
            .then_with(|| a.len().cmp(&b.len()))
        }
        (Value::String(a), Value::String(b)) => texts(a, b),
        _ => rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)),
    }
}

/// The order of the bytes of two strings, which is that of the strings except for the characters that represent bytes.
fn texts(a: &str, b: &str) -> Ordering {
    let order = a.cmp(b);
    if order.is_ne() && (is_raw(a) || is_raw(b)) { bytes_of(a).cmp(&bytes_of(b)) } else { order }
}

fn has_plain_keys(object: &Object) -> bool {
    !is_composite(object.iter_sorted().next_back().map(|(key, _)| key))
}

/// Whether this is an array, object or set. Where the greatest of some values is none, their two orders are the same.
pub(crate) fn is_composite(value: Option<&Value>) -> bool {
    value.is_some_and(|value| rank(value) > 3)
}

fn lexical<T>(
    left: impl Iterator<Item = T>,
    right: impl Iterator<Item = T>,
    by: impl Fn(T, T) -> Ordering,
) -> Ordering {
    left.zip(right).map(|(a, b)| by(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The elements of a set, or the keys of an object, in OPA's order.
pub(crate) fn sorted<'v>(elements: impl Iterator<Item = &'v Value>) -> Vec<&'v Value> {
    let mut all: Vec<&Value> = elements.collect();
    // Without arrays, objects and sets among them the two orders are the same.
    if all.iter().any(|element| rank(element) > 3) {
        all.sort_by(|a, b| compare(a, b));
    }
    all
}

const fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
        Value::Set(_) => 6,
        Value::Undefined => 7,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::bytes::text_of;

    proptest! {
        #[test]
        fn texts_are_in_the_order_of_their_bytes(
            front in prop::collection::vec(any::<u8>(), 0..4),
            a in prop::collection::vec(prop::sample::select(&b"az\xc3\xa9\xf4\x8f\xbe\x80\xff"[..]), 0..6),
            b in prop::collection::vec(prop::sample::select(&b"az\xc3\xa9\xf4\x8f\xbe\x80\xff"[..]), 0..6),
        ) {
            let (a, b) = ([&front[..], &a].concat(), [&front[..], &b].concat());
            let order = compare(&Value::from(text_of(&a)), &Value::from(text_of(&b)));
            prop_assert_eq!(order, a.cmp(&b), "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn an_object_comes_before_a_set() {
        let (object, set) = (Value::from_json_str(r#"{"a": 1}"#).unwrap(), Value::new_set());
        assert_eq!(compare(&object, &set), Ordering::Less);
        assert_eq!(compare(&Value::from(vec![set.clone()]), &Value::from(vec![object.clone()])), Ordering::Greater);
        let both = [&set, &object, &Value::Null];
        assert_eq!(sorted(both.into_iter()), [&Value::Null, &object, &set]);
    }
}
