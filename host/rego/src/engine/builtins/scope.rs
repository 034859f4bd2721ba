//! [`Scope`]: what the built-in functions of one query share, and [`Caches`]: what one worker keeps between queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;
use regorus::Value;
use sha2::{Digest, Sha256};

use super::globs::Glob;
use super::host::Host;
use super::limits;
use super::schema_refs::Schema;

/// Compiled patterns of one worker, behind an `Arc` as a copied `Regex` begins without its scratch memory. Each kind is
/// bounded; a full one starts again from empty.
#[derive(Default)]
pub(crate) struct Caches {
    pub(super) regexes: Bounded<String, Arc<Regex>>,
    pub(super) globs: Bounded<(String, Vec<char>), Arc<Glob>>,
    pub(super) schemas: Bounded<Value, Arc<Schema>>,
}

/// A map that forgets everything when it is full, so that hostile patterns cannot fill the memory.
pub(super) struct Bounded<K, V>(BTreeMap<K, V>);

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V: Clone> Bounded<K, V> {
    /// What is kept under the key.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.get(key).cloned()
    }

    /// Keeps the value and gives it back.
    pub(super) fn keep(&mut self, key: K, value: V) -> V {
        if self.0.len() >= limits::CACHED_PATTERNS {
            self.0.clear();
        }
        self.0.insert(key, value.clone());
        value
    }
}

/// One query's time, seed, host and caches.
pub(crate) struct Scope<'a> {
    /// Nanoseconds since 1970: the same for the whole query.
    pub now_ns: i64,
    /// What `rand.intn` and `uuid.rfc4122` draw from: the same call gives the same answer within one query.
    pub seed: u64,
    /// Compiled patterns of this worker.
    pub caches: &'a mut Caches,
    /// Where the functions that look at the world get their answers.
    pub host: &'a dyn Host,
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
