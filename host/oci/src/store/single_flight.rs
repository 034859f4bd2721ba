//! [`SingleFlightCache`]: one fetch for each key however many threads request it, and a bounded cache of the results:
//! large content that was not requested again is evicted first, frequently requested content stays.
//!
//! Failures are returned to waiting callers and then forgotten, so that a later request may try again. No caller waits
//! for a thread that died: a fetch that panics lands as a failure.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use assay_model::error::{ErrorCode, EvaluationError};

/// What is kept costs at least this many bytes, whatever its content: keys and nodes are memory too.
const OVERHEAD: u64 = 512;

/// Content from this size on is evicted first: there are few of them and they free much memory.
const LARGE: u64 = 1 << 20;

/// Fetches under way and content kept, by key. `T` are the terms of a fetch (announced size, limit): a failure is
/// shared only with requests with the same limits, as it may be due to them.
pub(super) struct SingleFlightCache<K, T, V> {
    state: Mutex<State<K, T, V>>,
    budget: u64,
    weigh: fn(&V) -> u64,
}

struct State<K, T, V> {
    slots: BTreeMap<K, Slot<T, V>>,
    kept: u64,
    large: VecDeque<(K, u64)>,
    small: VecDeque<(K, u64)>,
}

enum Slot<T, V> {
    InFlight(Arc<InFlight<T, V>>),
    /// A value, and whether it was requested again since the last eviction.
    Kept(V, bool),
}

struct InFlight<T, V> {
    terms: T,
    outcome: Mutex<Option<Result<V, EvaluationError>>>,
    done: Condvar,
}

impl<K: Ord + Clone, T: PartialEq + Clone, V: Clone> SingleFlightCache<K, T, V> {
    /// Keeps at most `budget` bytes, each value weighing what `weigh` says.
    pub(super) const fn new(budget: u64, weigh: fn(&V) -> u64) -> Self {
        let state = State { slots: BTreeMap::new(), kept: 0, large: VecDeque::new(), small: VecDeque::new() };
        Self { state: Mutex::new(state), budget, weigh }
    }

    /// The value of this key: kept, awaited from another thread, or fetched here.
    pub(super) fn get(
        &self,
        key: &K,
        terms: &T,
        fetch: impl FnOnce() -> Result<V, EvaluationError>,
    ) -> Result<V, EvaluationError> {
        loop {
            let mut state = self.state();
            let in_flight = match state.slots.get_mut(key) {
                Some(Slot::Kept(value, again)) => {
                    *again = true;
                    return Ok(value.clone());
                }
                Some(Slot::InFlight(in_flight)) => Arc::clone(in_flight),
                None => {
                    let in_flight =
                        Arc::new(InFlight { terms: terms.clone(), outcome: Mutex::new(None), done: Condvar::new() });
                    state.slots.insert(key.clone(), Slot::InFlight(Arc::clone(&in_flight)));
                    drop(state);
                    let mut guard = CompletionGuard { cache: self, key, in_flight: &in_flight, outcome: None };
                    let outcome = fetch();
                    guard.outcome = Some(outcome.clone());
                    return outcome;
                }
            };
            drop(state);
            match in_flight.wait() {
                Err(_) if in_flight.terms != *terms => {}
                outcome => return outcome,
            }
        }
    }

    /// Whether a request needs no fetch.
    pub(super) fn is_kept(&self, key: &K) -> bool {
        matches!(self.state().slots.get(key), Some(Slot::Kept(..)))
    }

    /// Stores a value that was fetched by another key, such as a manifest that was requested by tag.
    pub(super) fn put(&self, key: &K, value: &V) {
        let mut state = self.state();
        if !state.slots.contains_key(key) {
            self.keep(&mut state, key, value);
        }
    }

    fn keep(&self, state: &mut State<K, T, V>, key: &K, value: &V) {
        let weight = (self.weigh)(value).saturating_add(OVERHEAD);
        // One giant must not push out everything else.
        if weight > self.budget / 2 {
            state.slots.remove(key);
            return;
        }
        state.slots.insert(key.clone(), Slot::Kept(value.clone(), false));
        state.kept += weight;
        let queue = if weight >= LARGE { &mut state.large } else { &mut state.small };
        queue.push_back((key.clone(), weight));
        while state.kept > self.budget {
            let State { slots, large, small, kept } = &mut *state;
            let queue = if large.is_empty() { small } else { large };
            let Some((oldest, weight)) = queue.pop_front() else { break };
            match slots.get_mut(&oldest) {
                // What is requested repeatedly, such as a Tekton bundle of all images, is kept for another round.
                Some(Slot::Kept(_, again)) if *again => {
                    *again = false;
                    queue.push_back((oldest, weight));
                }
                _ => {
                    slots.remove(&oldest);
                    *kept -= weight;
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K, T, V>> {
        // Every change of the state is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, V: Clone> InFlight<T, V> {
    fn wait(&self) -> Result<V, EvaluationError> {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*outcome {
                Some(outcome) => return outcome.clone(),
                // The fetch has time limits of its own, so this wait ends.
                None => outcome = self.done.wait(outcome).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Publishes the outcome to all waiting callers when it goes out of scope, by return or by panic.
struct CompletionGuard<'a, K: Ord + Clone, T: PartialEq + Clone, V: Clone> {
    cache: &'a SingleFlightCache<K, T, V>,
    key: &'a K,
    in_flight: &'a InFlight<T, V>,
    outcome: Option<Result<V, EvaluationError>>,
}

impl<K: Ord + Clone, T: PartialEq + Clone, V: Clone> Drop for CompletionGuard<'_, K, T, V> {
    fn drop(&mut self) {
        let outcome = self
            .outcome
            .take()
            .unwrap_or_else(|| Err(EvaluationError::new(ErrorCode::Internal, "a fetch ended without an outcome")));
        let mut state = self.cache.state();
        match &outcome {
            Ok(value) => self.cache.keep(&mut state, self.key, value),
            Err(_) => drop(state.slots.remove(self.key)),
        }
        drop(state);
        *self.in_flight.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.in_flight.done.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    use super::*;

    fn cache(budget: u64) -> SingleFlightCache<u32, u8, Arc<[u8]>> {
        SingleFlightCache::new(budget, |bytes| bytes.len() as u64)
    }

    fn bytes(length: usize) -> Arc<[u8]> {
        vec![0; length].into()
    }

    #[test]
    fn twenty_threads_cause_one_fetch() {
        let (cache, fetches, start) = (cache(1 << 20), AtomicUsize::new(0), Barrier::new(20));
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    start.wait();
                    let got = cache.get(&1, &0, || {
                        fetches.fetch_add(1, Ordering::SeqCst);
                        Ok(bytes(3))
                    });
                    assert_eq!(got.unwrap().len(), 3);
                });
            }
        });
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
    }

    /// Runs `first` on one thread and, while it is under way, `second` on another.
    fn meet(
        cache: &SingleFlightCache<u32, u8, Arc<[u8]>>,
        terms: u8,
        first: impl FnOnce() -> Result<Arc<[u8]>, EvaluationError> + Send,
    ) -> Result<Arc<[u8]>, EvaluationError> {
        let started = Barrier::new(2);
        thread::scope(|scope| {
            let leader = scope.spawn(|| {
                cache.get(&1, &0, || {
                    started.wait();
                    // The second thread holds a clone of the ticket as soon as it waits.
                    let waits =
                        || matches!(cache.state().slots.get(&1), Some(Slot::InFlight(t)) if Arc::strong_count(t) > 2);
                    while !waits() {
                        thread::yield_now();
                    }
                    first()
                })
            });
            started.wait();
            let second = cache.get(&1, &terms, || Ok(bytes(7)));
            drop(leader.join());
            second
        })
    }

    #[test]
    fn a_failure_is_shared_with_those_who_wait_and_then_forgotten() {
        let cache = cache(1 << 20);
        let failed = meet(&cache, 0, || Err(EvaluationError::new(ErrorCode::RegistryError, "first")));
        assert_eq!(failed.unwrap_err().message, "first");
        assert_eq!(cache.get(&1, &0, || Ok(bytes(5))).unwrap().len(), 5);
    }

    #[test]
    fn a_failure_on_other_terms_is_not_shared() {
        let got = meet(&cache(1 << 20), 1, || Err(EvaluationError::new(ErrorCode::TooLarge, "first")));
        assert_eq!(got.unwrap().len(), 7);
    }

    #[test]
    fn a_fetch_that_panics_leaves_nobody_waiting() {
        let got = meet(&cache(1 << 20), 0, || panic!("the fetch dies"));
        assert_eq!(got.unwrap_err().code, ErrorCode::Internal);
    }

    #[test]
    fn what_is_kept_stays_within_the_budget_and_large_content_goes_first() {
        let cache = cache(8 << 20);
        let fetches = AtomicUsize::new(0);
        let get = |key: u32, length: usize| {
            let fetch = || {
                fetches.fetch_add(1, Ordering::SeqCst);
                Ok(bytes(length))
            };
            cache.get(&key, &0, fetch).unwrap();
            let kept = cache.state().kept;
            assert!(kept <= 8 << 20, "{kept}");
        };
        get(1, 10);
        for key in 2..12 {
            get(key, 2 << 20);
        }
        assert_eq!(fetches.load(Ordering::SeqCst), 11);
        get(1, 10);
        assert_eq!(fetches.load(Ordering::SeqCst), 11, "the small one is still there");
        get(2, 2 << 20);
        assert_eq!(fetches.load(Ordering::SeqCst), 12, "the oldest large one is not");
        get(99, 5 << 20);
        get(99, 5 << 20);
        assert_eq!(fetches.load(Ordering::SeqCst), 14, "a giant is not kept at all");
    }

    #[test]
    fn what_is_requested_again_outlives_what_is_not() {
        let cache = cache(8 << 20);
        let fetches = AtomicUsize::new(0);
        let get = |key: u32| {
            let fetch = || {
                fetches.fetch_add(1, Ordering::SeqCst);
                Ok(bytes(2 << 20))
            };
            cache.get(&key, &0, fetch).unwrap();
        };
        get(0);
        for key in 1..20 {
            get(key);
            get(0);
        }
        assert_eq!(fetches.load(Ordering::SeqCst), 20);
    }
}
