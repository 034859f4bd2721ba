//! [`Weights`]: how large values are with everything in them, a part counted as often as it stands there.
//!
//! A shared value costs nothing until something copies, compares or writes it: sixty rules that each name the one before
//! twice make a value of 2^60 parts out of sixty lists. So what an evaluation makes is weighed when it is made, from the
//! weights of what it is made of, and one that is too heavy or nested too deeply is an error right there. No later pass,
//! and no drop, can then take more time or stack than the limits allow.
//!
//! Small values are counted each time; the weight of others is kept by where they are. A weak pointer keeps the place
//! from being given to another value, and keeps nothing else alive.

use std::sync::{Arc, Weak};

use hashbrown::HashMap;
use regorus::Value;
use regorus::value::{Array, Object, Set};

use crate::engine::limits::TEXT_PART;

/// Values of fewer parts are counted again each time, which is quicker than to look them up.
const SMALL: usize = 24;

/// Weights kept before those of values that are gone are looked for.
const KEPT: usize = 4_096;

/// How large a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Scalars, collections and pieces of text in it.
    pub parts: usize,
    /// Collections within collections.
    pub depth: usize,
}

/// What keeps a place in memory from being used again.
#[derive(Debug)]
enum Held {
    Array(Weak<Array>),
    Object(Weak<Object>),
    Set(Weak<Set>),
}

impl Held {
    fn of(value: &Value) -> Option<(usize, Self)> {
        match value {
            Value::Array(array) => Some((Arc::as_ptr(array).addr(), Self::Array(Arc::downgrade(array)))),
            Value::Object(object) => Some((Arc::as_ptr(object).addr(), Self::Object(Arc::downgrade(object)))),
            Value::Set(set) => Some((Arc::as_ptr(set).addr(), Self::Set(Arc::downgrade(set)))),
            _ => None,
        }
    }

    fn is_alive(&self) -> bool {
        match self {
            Self::Array(array) => array.strong_count() > 0,
            Self::Object(object) => object.strong_count() > 0,
            Self::Set(set) => set.strong_count() > 0,
        }
    }
}

/// The weights of large values. Nothing walks through the table in an order that could be seen.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    known: HashMap<usize, (Weight, Held)>,
    /// How many may be kept before the next look for those that are gone.
    most: usize,
}

impl Weights {
    /// The weight of a value.
    pub(crate) fn of(&mut self, value: &Value) -> Weight {
        let mut left = SMALL;
        match small(value, &mut left) {
            Some(depth) => Weight { parts: SMALL - left, depth },
            None => self.large(value),
        }
    }

    fn large(&mut self, value: &Value) -> Weight {
        let address = match value {
            Value::Array(array) => Arc::as_ptr(array).addr(),
            Value::Object(object) => Arc::as_ptr(object).addr(),
            Value::Set(set) => Arc::as_ptr(set).addr(),
            other => return Weight { parts: scalar(other), depth: 0 },
        };
        if let Some((weight, _)) = self.known.get(&address) {
            return *weight;
        }
        let mut whole = Weight { parts: 1, depth: 0 };
        match value {
            Value::Array(array) => array.iter().for_each(|part| self.add(&mut whole, part)),
            Value::Set(set) => set.iter().for_each(|part| self.add(&mut whole, part)),
            Value::Object(object) => object.iter().for_each(|(key, part)| {
                self.add(&mut whole, key);
                self.add(&mut whole, part);
            }),
            _ => {}
        }
        self.keep(value, whole);
        whole
    }

    fn add(&mut self, whole: &mut Weight, part: &Value) {
        // Most parts are scalars, for which a look at the table is too much.
        let part = if is_collection(part) { self.of(part) } else { Weight { parts: scalar(part), depth: 0 } };
        whole.parts = whole.parts.saturating_add(part.parts);
        whole.depth = whole.depth.max(part.depth + 1);
    }

    fn keep(&mut self, value: &Value, weight: Weight) {
        let Some((address, held)) = Held::of(value) else { return };
        if self.known.len() >= self.most.max(KEPT) {
            self.known.retain(|_, (_, held)| held.is_alive());
            self.most = self.known.len() * 2;
        }
        self.known.insert(address, (weight, held));
    }
}

/// Whether a value holds others.
pub(super) const fn is_collection(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Set(_) | Value::Object(_))
}

/// The parts of a scalar: a long text or number counts as several.
#[inline]
fn scalar(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / TEXT_PART,
        Value::Number(number)
            if number.as_i64().is_none()
                && number.is_integer()
                && number.as_f64().is_none_or(|float| float.abs() > 1e18) =>
        {
            let bits = number.to_big().map_or(0, |big| big.bits());
            1 + usize::try_from(bits / 8).unwrap_or(usize::MAX) / TEXT_PART
        }
        _ => 1,
    }
}

/// How much a value is by itself: its text or digits, or the number of its elements.
pub(super) fn own(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() / TEXT_PART,
        Value::Number(_) => scalar(value) - 1,
        Value::Array(array) => array.len(),
        Value::Set(set) => set.len(),
        Value::Object(object) => object.len(),
        Value::Null | Value::Bool(_) | Value::Undefined => 0,
    }
}

/// The depth of a value that has no more parts than are left; they are taken from `left`.
fn small(value: &Value, left: &mut usize) -> Option<usize> {
    let mut inner = 0;
    // Most parts are scalars, for which a call of its own is too much.
    let mut part = |value: &Value, left: &mut usize| {
        let depth = if is_collection(value) { small(value, left)? } else { take(left, scalar(value))? };
        inner = inner.max(depth + 1);
        Some(())
    };
    match value {
        Value::Array(array) => {
            take(left, 1).filter(|_| array.len() <= *left)?;
            for value in array.iter() {
                part(value, left)?;
            }
        }
        Value::Set(set) => {
            take(left, 1).filter(|_| set.len() <= *left)?;
            for value in set.iter() {
                part(value, left)?;
            }
        }
        Value::Object(object) => {
            take(left, 1).filter(|_| object.len() * 2 <= *left)?;
            for (key, value) in object.iter() {
                part(key, left)?;
                part(value, left)?;
            }
        }
        scalar_value => return take(left, scalar(scalar_value)),
    }
    Some(inner)
}

/// Takes parts from what is left, if there are as many. Gives the depth of what has no more.
#[inline]
fn take(left: &mut usize, parts: usize) -> Option<usize> {
    *left = left.checked_sub(parts)?;
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value {
        Value::from_json_str(json).unwrap()
    }

    #[test]
    fn a_value_weighs_what_it_holds() {
        let mut weights = Weights::default();
        for (json, parts, depth) in [("1", 1, 0), ("[]", 1, 0), ("[1, [2]]", 4, 2), (r#"{"a": [1]}"#, 4, 2)] {
            assert_eq!(weights.of(&read(json)), Weight { parts, depth }, "{json}");
        }
        let long = Value::from("x".repeat(10 * TEXT_PART));
        assert_eq!(weights.of(&long).parts, 11);
        let digits = read(&"9".repeat(10_000));
        assert!(weights.of(&digits).parts > 100);
    }

    #[test]
    fn a_shared_value_counts_as_often_as_it_stands_there() {
        let mut weights = Weights::default();
        let mut value = read("[1]");
        for _ in 0..60 {
            value = Value::from(vec![value.clone(), value]);
        }
        let weight = weights.of(&value);
        assert_eq!((weight.parts, weight.depth), ((1 << 60) * 2 + (1 << 60) - 1, 61));
    }

    #[test]
    fn a_place_that_is_used_again_has_the_weight_of_what_is_there_now() {
        let mut weights = Weights::default();
        for length in 100..2_000_u64 {
            let value = Value::from((0..length).map(Value::from).collect::<Vec<_>>());
            assert_eq!(weights.of(&value).parts as u64, length + 1);
        }
        for length in 30..9_000_u64 {
            let value = Value::from((0..30).map(|_| Value::from(length)).collect::<Vec<_>>());
            assert_eq!(weights.of(&value).parts, 31);
        }
        assert!(weights.known.len() <= 2 * KEPT);
    }

    #[test]
    fn a_value_that_is_changed_in_place_is_weighed_again() {
        let mut weights = Weights::default();
        let mut value = Value::from((0..100_u64).map(Value::from).collect::<std::collections::BTreeSet<_>>());
        assert_eq!(weights.of(&value).parts, 101);
        value.as_set_mut().unwrap().insert(Value::from(1_000_u64));
        assert_eq!(weights.of(&value).parts, 102);
    }
}
