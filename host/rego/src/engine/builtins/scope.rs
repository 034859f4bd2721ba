//! [`Scope`]: what the built-in functions of one query share, and [`Caches`]: what one worker keeps between queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;
use regorus::Value;
use sha2::{Digest, Sha256};

use super::host::Host;
use super::limits;
use super::schema_rules::Rules;

/// Compiled patterns of one worker, behind an `Arc` as a copied `Regex` begins without its scratch memory. Each kind is
/// bounded.
#[derive(Default)]
pub(crate) struct Caches {
    pub(super) regexes: Bounded<String, Arc<Regex>>,
    pub(super) globs: Bounded<(String, Vec<char>), Arc<Regex>>,
    pub(super) schemas: ByPlace<Arc<Rules>, 64>,
}

/// A map of a bounded size, so that hostile patterns cannot fill the memory. When it is full, one entry by chance makes room:
/// of patterns that come in turn most are still there.
pub(super) struct Bounded<K, V> {
    values: BTreeMap<K, V>,
    keys: Vec<K>,
    chance: usize,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), keys: Vec::new(), chance: 1 }
    }
}

impl<K: Clone + Ord, V: Clone> Bounded<K, V> {
    /// What is kept under the key.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.values.get(key).cloned()
    }

    /// Keeps the value and gives it back.
    pub(super) fn keep(&mut self, key: K, value: V) -> V {
        if self.keys.len() < limits::CACHED_PATTERNS {
            self.keys.push(key.clone());
        } else {
            // A linear congruential generator: the entries that go are spread over all places.
            self.chance = self.chance.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            let at = (self.chance >> 33) % self.keys.len();
            if let Some(place) = self.keys.get_mut(at) {
                self.values.remove(place);
                place.clone_from(&key);
            }
        }
        self.values.insert(key, value.clone());
        value
    }
}

/// What was made of a few large values, found by where the value is in memory. The value is kept, so that its place
/// cannot come to hold another. A full list starts again from empty.
pub(super) struct ByPlace<V, const MOST: usize>(Vec<(Value, V)>);

impl<V, const MOST: usize> Default for ByPlace<V, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Clone, const MOST: usize> ByPlace<V, MOST> {
    /// What is kept for this value.
    pub(super) fn get(&self, value: &Value) -> Option<V> {
        let same = |known: &Value| match (known, value) {
            (Value::Object(known), Value::Object(value)) => Arc::ptr_eq(known, value),
            (Value::Array(known), Value::Array(value)) => Arc::ptr_eq(known, value),
            (Value::String(known), Value::String(value)) => Arc::ptr_eq(known, value),
            _ => false,
        };
        self.0.iter().find(|(known, _)| same(known)).map(|(_, kept)| kept.clone())
    }

    /// What is kept for this value or an equal one. Parts that stand in the same place are not compared.
    pub(super) fn get_equal(&self, value: &Value) -> Option<V> {
        self.get(value).or_else(|| self.0.iter().find(|(known, _)| known == value).map(|(_, kept)| kept.clone()))
    }

    /// Keeps what was made of the value and gives it back.
    pub(super) fn keep(&mut self, value: &Value, made: V) -> V {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.push((value.clone(), made.clone()));
        made
    }
}

/// One query's time, seed, host and caches.
pub(crate) struct Scope<'a> {
    /// Nanoseconds since 1970: the same for the whole query.
    pub now_ns: i64,
    /// What `rand.intn` and `uuid.rfc4122` draw from: the same call returns the same result within one query.
    pub seed: u64,
    /// Compiled patterns of this worker.
    pub caches: &'a mut Caches,
    /// Serves the functions with external inputs.
    pub host: &'a dyn Host,
    /// What the last call made beside the elements of its result: those further down.
    pub copied: usize,
}

impl Scope<'_> {
    /// Sixteen bytes that depend on the seed, the function and its key, and on nothing else.
    pub(super) fn draw(&self, function: &str, key: &str) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(function.as_bytes());
        hash.update([0]);
        hash.update(key.as_bytes());
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_of_patterns_forgets_one_at_a_time() {
        let mut cache = Bounded::<String, usize>::default();
        let most = limits::CACHED_PATTERNS;
        for at in 0..most + 20 {
            cache.keep(at.to_string(), at);
        }
        let kept = (0..most + 20).filter(|at| cache.get(&at.to_string()) == Some(*at)).count();
        assert_eq!((kept, cache.values.len()), (most, most));
        assert_eq!(cache.get(&(most + 19).to_string()), Some(most + 19));
    }

    #[test]
    fn what_was_made_of_a_value_is_found_by_its_place() {
        let mut kept = ByPlace::<u8, 2>::default();
        let values: Vec<_> = (0..3).map(|_| Value::from("a")).collect();
        for (at, value) in values.iter().enumerate() {
            assert_eq!(kept.get(value), None);
            kept.keep(value, u8::try_from(at).unwrap());
            assert_eq!(kept.get(&value.clone()), u8::try_from(at).ok());
        }
        assert_eq!(kept.get(&values[0]), None, "a full list starts again");
        assert_eq!(kept.get_equal(&values[0]), Some(2));
    }
}
