//! [`Memo`]: values of rules, of parts of rules and of calls that are known already.
//!
//! A call's key is the function and its arguments. Small arguments count by what they are, big ones by where they are;
//! a key keeps its values alive, so that a place in memory cannot come to hold another value while the key is there.
//!
//! What is known is as good as what it was made of ([`CacheScope`]): what was made of the policy and its data alone is known
//! for good, what the clock had a part in while the clock stands.
//!
//! Invariant: nothing here is ever walked through, so no order of a hash table can be seen.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use regorus::Value;

use crate::engine::ir::NodeId;
use crate::engine::limits::MEMO_CALLS;

use super::membership::Memberships;
use super::weights::Weights;

/// Collections of more elements than this count by identity.
const SMALL: usize = 6;

/// Whole numbers below this are themselves as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What a value was made of, from the least to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CacheScope {
    /// The policy and its data.
    #[default]
    Policy,
    /// The clock, too.
    Clock,
    /// The input, the host, chance, or something was printed.
    Query,
}

/// Values that outlive a query. They belong to one policy, its data, and one way to take errors of built-in functions.
#[derive(Debug, Default)]
pub(crate) struct PersistentCache {
    pub(super) policy: Memo,
    pub(super) clock: Memo,
    /// How large values are; true for as long as they are there.
    pub(super) weights: Weights,
    /// Long arrays in which elements are looked up.
    pub(super) memberships: Memberships,
    now_ns: i64,
}

impl PersistentCache {
    /// Begins a query at this time: forgets what is not so any more, and what only the query before held.
    pub(crate) fn begin_query(&mut self, now_ns: i64) {
        self.memberships.forget_unshared();
        if self.now_ns != now_ns {
            self.clock = Memo::default();
            self.now_ns = now_ns;
        }
    }
}

/// What is known under one overlay, or for longer.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// Values of rules; `Undefined` is known too.
    pub(super) values: HashMap<NodeId, Value>,
    /// How many keys of a set or object were looked up one by one.
    pub(super) requested: HashMap<NodeId, usize>,
    /// Parts of sets and objects by their key.
    pub(super) keyed: CallCache<NodeId>,
    /// Results of functions.
    pub(super) calls: CallCache<NodeId>,
}

#[derive(Debug)]
struct Call<C> {
    hash: u64,
    callee: C,
    args: Box<[Value]>,
    value: Value,
    reads: CacheScope,
}

/// Results by what was called and with what.
#[derive(Debug)]
pub(crate) struct CallCache<C> {
    table: HashTable<Call<C>>,
    hashes: DefaultHashBuilder,
}

impl<C> Default for CallCache<C> {
    fn default() -> Self {
        Self { table: HashTable::new(), hashes: DefaultHashBuilder::default() }
    }
}

/// The slot of a call; it is computed once for lookup and insertion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(u64);

impl<C: Copy + Eq + Hash> CallCache<C> {
    pub(crate) fn key(&self, callee: C, args: &[Value]) -> Key {
        let mut hasher = self.hashes.build_hasher();
        callee.hash(&mut hasher);
        for arg in args {
            feed(arg, &mut hasher);
        }
        Key(hasher.finish())
    }

    /// The result that is known, with what it was made of; `Undefined` is one.
    pub(crate) fn get(&self, key: Key, callee: C, args: &[Value]) -> Option<(&Value, CacheScope)> {
        let found = self.table.find(key.0, |call| {
            call.hash == key.0
                && call.callee == callee
                && call.args.len() == args.len()
                && call.args.iter().zip(args).all(same)
        });
        found.map(|call| (&call.value, call.reads))
    }

    /// Caches a result. A full table caches no more: what is requested again is computed again.
    pub(crate) fn keep(&mut self, key: Key, callee: C, args: Box<[Value]>, value: Value, reads: CacheScope) {
        if self.table.len() < MEMO_CALLS {
            let call = Call { hash: key.0, callee, args, value, reads };
            self.table.insert_unique(key.0, call, |call| call.hash);
        }
    }
}

/// The address of a big value.
fn address(value: &Value) -> Option<usize> {
    match value {
        Value::Array(array) if array.len() > SMALL || !array.iter().all(scalar) => Some(Arc::as_ptr(array).addr()),
        Value::Object(object) if object.len() > SMALL || !object.iter_sorted().all(|(_, value)| scalar(value)) => {
            Some(Arc::as_ptr(object).addr())
        }
        Value::Set(set) if set.len() > SMALL || !set.iter().all(scalar) => Some(Arc::as_ptr(set).addr()),
        _ => None,
    }
}

fn scalar(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))
}

/// Whether two arguments are one to the memo.
pub(super) fn same((one, other): (&Value, &Value)) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Arc::ptr_eq(one, other) || one == other,
        (Value::Array(_) | Value::Object(_) | Value::Set(_), _) => match (address(one), address(other)) {
            (Some(one), Some(other)) => one == other,
            (None, None) => one == other,
            _ => false,
        },
        _ => one == other,
    }
}

/// Equal values give equal hashes: numbers are hashed by their value as a float, however they are kept.
fn feed(value: &Value, hasher: &mut impl Hasher) {
    match value {
        Value::Null => hasher.write_u8(0),
        Value::Bool(value) => hasher.write_u8(1 + u8::from(*value)),
        Value::Number(number) => {
            let exact = number.as_f64().filter(|number| number.abs() < EXACT);
            hasher.write_u64(exact.map_or(0, |number| (number + 0.0).to_bits()));
        }
        Value::String(text) => hasher.write(text.as_bytes()),
        Value::Undefined => hasher.write_u8(3),
        Value::Array(_) | Value::Object(_) | Value::Set(_) => {
            if let Some(address) = address(value) {
                return hasher.write_usize(address);
            }
            match value {
                Value::Array(array) => array.iter().for_each(|element| feed(element, hasher)),
                Value::Set(set) => set.iter_sorted().for_each(|element| feed(element, hasher)),
                Value::Object(object) => object.iter_sorted().for_each(|(key, value)| {
                    feed(key, hasher);
                    feed(value, hasher);
                }),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a result kept under one argument is found under another.
    fn meets(one: &Value, other: &Value) -> bool {
        let mut calls = CallCache::default();
        let key = calls.key(1, std::slice::from_ref(one));
        calls.keep(key, 1, Box::new([one.clone()]), Value::Null, CacheScope::Query);
        let other = std::slice::from_ref(other);
        calls.get(calls.key(1, other), 1, other).is_some()
    }

    #[test]
    fn small_values_meet_by_content_and_big_ones_by_identity() {
        let small = || Value::from(vec![Value::from(1_u64)]);
        assert!(meets(&small(), &small()));
        let big = || Value::from((0..9_u64).map(Value::from).collect::<Vec<_>>());
        let one = big();
        assert!(meets(&one, &one.clone()));
        assert!(!meets(&one, &big()));
    }

    #[test]
    fn numbers_meet_however_they_are_kept() {
        let one = Value::from(1_u64);
        assert!(meets(&one, &Value::from(1_i64)) && meets(&one, &Value::from(1.0)));
        assert!(meets(&Value::from(0.0), &Value::from(-0.0)));
        assert!(meets(&Value::from(1_u64 << 60), &Value::from((1_u64 << 60) as f64)));
        assert!(!meets(&Value::from(1_u64 << 53), &Value::from((1_u64 << 53) + 1)));
        assert!(!meets(&one, &Value::from("1")));
    }

    #[test]
    fn a_full_memo_keeps_no_more_and_forgets_nothing() {
        let mut calls = CallCache::default();
        for at in 0..=MEMO_CALLS {
            let args = [Value::from(at)];
            let key = calls.key(1_u32, &args);
            calls.keep(key, 1, Box::new(args), Value::Null, CacheScope::Query);
        }
        assert_eq!(calls.table.len(), MEMO_CALLS);
        let first = [Value::from(0_u64)];
        assert!(calls.get(calls.key(1, &first), 1, &first).is_some());
    }
}
