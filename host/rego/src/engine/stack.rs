//! [`with_large_stack`]: work on a thread of its own with a deep stack, as compiling and evaluating recurse over the policy's text.
//!
//! Work that is on such a thread already stays there. [`parallel_map`] does many pieces of work at a time.

use std::{
    any::Any,
    cell::Cell,
    num::NonZeroUsize,
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::limits::STACK_BYTES;

thread_local! {
    /// Whether this thread was started here.
    static DEEP: Cell<bool> = const { Cell::new(false) };
}

/// The thread that work was given to did not come back with a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
    #[error("the evaluator panicked: {0}")]
    Panic(String),
}

/// Starts work on a thread with a large stack; [`join_large_stack`] waits for its end.
pub(crate) fn spawn_large_stack<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, T>, StackError> {
    let thread = thread::Builder::new().name("rego".to_owned()).stack_size(STACK_BYTES);
    let work = || {
        DEEP.set(true);
        work()
    };
    thread.spawn_scoped(scope, work).map_err(StackError::Thread)
}

/// The result of work that [`spawn_large_stack`] started.
pub(crate) fn join_large_stack<T>(thread: thread::ScopedJoinHandle<'_, T>) -> Result<T, StackError> {
    thread.join().map_err(|payload| StackError::Panic(panic_text(&*payload)))
}

/// What a panic says.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "without a message".to_owned())
}

/// Does the work on a thread with a large stack, so that neither depth nor a panic ends the process.
pub(crate) fn with_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, StackError> {
    if DEEP.get() {
        // What the work has changed is dropped with it, or is a cache that holds whole entries only.
        return panic::catch_unwind(panic::AssertUnwindSafe(work))
            .map_err(|payload| StackError::Panic(panic_text(&*payload)));
    }
    thread::scope(|scope| join_large_stack(spawn_large_stack(scope, work)?))
}

/// Does work that evaluates many times on one thread with a large stack, so that no evaluation starts one of its own. Where no
/// such thread can be started, the work is done here, and each evaluation says why there is none.
///
/// # Panics
/// If the work does.
pub fn run_worker(work: &mut (dyn FnMut() + Send)) {
    let done = thread::scope(|scope| match spawn_large_stack(scope, &mut *work) {
        Ok(thread) => {
            if let Err(payload) = thread.join() {
                panic::resume_unwind(payload);
            }
            true
        }
        Err(_) => false,
    });
    if !done {
        work();
    }
}

/// Does one piece of work for each item, on as many threads as there are cores, and gives the results in the items'
/// order. Each thread has a large stack.
pub(crate) fn parallel_map<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(usize, &I) -> T + Sync,
) -> Result<Vec<T>, StackError> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(at, item)));
        }
    };
    let parts: Vec<Result<Vec<_>, _>> = thread::scope(|scope| {
        // A thread that cannot be started leaves its work to the others.
        let others: Vec<_> = (1..cores.min(items.len())).filter_map(|_| spawn_large_stack(scope, some).ok()).collect();
        let own = with_large_stack(some);
        // All are waited for, so that a panic of one stays its own.
        others.into_iter().map(join_large_stack).chain([own]).collect()
    });
    let mut done = Vec::with_capacity(items.len());
    for part in parts {
        done.append(&mut part?);
    }
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stays_on_its_thread() {
        assert_eq!(with_large_stack(|| 7).unwrap(), 7);
        let error = with_large_stack(|| -> u8 { panic!("number {}", 7) }).unwrap_err();
        assert_eq!(error.to_string(), "the evaluator panicked: number 7");
        let error = with_large_stack(|| -> u8 { std::panic::panic_any(7) }).unwrap_err();
        assert_eq!(error.to_string(), "the evaluator panicked: without a message");
    }

    #[test]
    fn work_within_work_stays_on_the_thread_and_its_panic_within() {
        let inner = || with_large_stack(|| -> u8 { panic!("inside") }).unwrap_err().to_string();
        let (same, error) = with_large_stack(|| {
            let outside = thread::current().id();
            (with_large_stack(|| thread::current().id()).unwrap() == outside, inner())
        })
        .unwrap();
        assert!(same);
        assert_eq!(error, "the evaluator panicked: inside");
    }

    #[test]
    fn a_worker_evaluates_on_its_own_thread() {
        let mut seen = Vec::new();
        run_worker(&mut || {
            let here = thread::current().id();
            seen.extend((0..3).map(|_| with_large_stack(|| thread::current().id()).unwrap() == here));
        });
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    fn spread_work_comes_back_in_order() {
        let items: Vec<_> = (0..100_usize).collect();
        assert_eq!(parallel_map(&items, |at, item| at + item).unwrap(), (0..100).map(|at| 2 * at).collect::<Vec<_>>());
        assert!(parallel_map(&[], |_, (): &()| ()).unwrap().is_empty());
        assert!(parallel_map(&items, |at, _| assert!(at < 50, "at {at}")).is_err());
    }
}
