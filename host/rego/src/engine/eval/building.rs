//! [`Building`]: the value of a set or an object while its rules add to it.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::engine::rule_tree::Kind;

/// What a partial rule makes, while it is made.
pub(super) enum Building {
    Leaf(Value),
    Set(BTreeSet<Value>),
    Object(BTreeMap<Value, Self>),
}

impl Building {
    pub(super) fn of(kind: Kind) -> Self {
        if kind == Kind::Set { Self::Set(BTreeSet::new()) } else { Self::Object(BTreeMap::new()) }
    }

    pub(super) fn done(self) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::Set(values) => Value::from(values),
            Self::Object(values) => {
                Value::from(values.into_iter().map(|(key, value)| (key, value.done())).collect::<BTreeMap<_, _>>())
            }
        }
    }

    /// Adds a value at a path; false when something else is there.
    pub(super) fn add(&mut self, path: &[Value], value: Value, set: bool) -> bool {
        match (self, path.split_first()) {
            (Self::Object(values), Some((key, rest))) => {
                let empty =
                    || if rest.is_empty() && set { Self::Set(BTreeSet::new()) } else { Self::Object(BTreeMap::new()) };
                if rest.is_empty() && !set {
                    return match values.get(key) {
                        Some(Self::Leaf(known)) => *known == value,
                        Some(_) => false,
                        None => {
                            values.insert(key.clone(), Self::Leaf(value));
                            true
                        }
                    };
                }
                values.entry(key.clone()).or_insert_with(empty).add(rest, value, set)
            }
            (Self::Set(values), None) if set => {
                values.insert(value);
                true
            }
            (Self::Leaf(known), None) => *known == value,
            _ => false,
        }
    }

    /// Adds what is not there yet.
    pub(super) fn complete(&mut self, other: Self) {
        let (Self::Object(values), Self::Object(others)) = (self, other) else { return };
        for (key, other) in others {
            match values.get_mut(&key) {
                Some(known) => known.complete(other),
                None => drop(values.insert(key, other)),
            }
        }
    }

    /// Adds the value of a rule further down.
    pub(super) fn merge(&mut self, key: &Value, value: Value) -> bool {
        let Self::Object(values) = self else { return false };
        let value = match value {
            Value::Object(object) => {
                let below = values.entry(key.clone()).or_insert_with(|| Self::Object(BTreeMap::new()));
                return object.iter().all(|(key, value)| below.merge(key, value.clone()));
            }
            Value::Set(set) => {
                let below = values.entry(key.clone()).or_insert_with(|| Self::Set(BTreeSet::new()));
                return set.iter().all(|value| below.add(&[], value.clone(), true));
            }
            other => other,
        };
        self.add(std::slice::from_ref(key), value, false)
    }
}
