//! [`CallKey`]: an argument as a key of the memo. Small values count by what they are, big ones by where they are.
//!
//! A key keeps its value alive, so that a place in memory cannot come to hold another value while the key is there.

use std::cmp::Ordering;
use std::sync::Arc;

use regorus::Value;

/// Collections of more elements than this count by identity.
const SMALL: usize = 6;

#[derive(Clone, Debug)]
pub(crate) struct CallKey {
    value: Value,
    /// The address of a big value.
    address: Option<usize>,
}

impl CallKey {
    pub(crate) fn of(value: &Value) -> Self {
        let address = match value {
            Value::Array(array) if !array.iter().all(scalar) || array.len() > SMALL => Some(Arc::as_ptr(array).addr()),
            Value::Object(object) if object.len() > SMALL || !object.iter().all(|(_, value)| scalar(value)) => {
                Some(Arc::as_ptr(object).addr())
            }
            Value::Set(set) if set.len() > SMALL || !set.iter().all(scalar) => Some(Arc::as_ptr(set).addr()),
            _ => None,
        };
        Self { value: value.clone(), address }
    }
}

fn scalar(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))
}

impl PartialEq for CallKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for CallKey {}

impl PartialOrd for CallKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CallKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.address, other.address) {
            (Some(left), Some(right)) => left.cmp(&right),
            (None, None) => self.value.cmp(&other.value),
            (left, right) => left.is_some().cmp(&right.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_meet_by_content_and_big_ones_by_identity() {
        let small = || Value::from(vec![Value::from(1_u64)]);
        assert_eq!(CallKey::of(&small()), CallKey::of(&small()));
        let big = || Value::from((0..9_u64).map(Value::from).collect::<Vec<_>>());
        let one = big();
        assert_eq!(CallKey::of(&one), CallKey::of(&one.clone()));
        assert_ne!(CallKey::of(&one), CallKey::of(&big()));
    }
}
