//! [`apart`]: work on a thread of its own with a deep stack, as compiling and evaluating recurse over the policy's text.
//!
//! Work that is on such a thread already stays there.

use std::{any::Any, cell::Cell, panic, thread};

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

impl StackError {
    fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Self::Panic(text.unwrap_or_else(|| "without a message".to_owned()))
    }
}

/// Does the work on a thread with a large stack, so that neither depth nor a panic ends the process.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, StackError> {
    if DEEP.get() {
        // What the work has changed is dropped with it, or is a cache that holds whole entries only.
        return panic::catch_unwind(panic::AssertUnwindSafe(work)).map_err(|payload| StackError::panicked(&*payload));
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("rego".to_owned()).stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, || {
            DEEP.set(true);
            work()
        });
        thread.map_err(StackError::Thread)?.join().map_err(|payload| StackError::panicked(&*payload))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stays_on_its_thread() {
        assert_eq!(apart(|| 7).unwrap(), 7);
        let error = apart(|| -> u8 { panic!("number {}", 7) }).unwrap_err();
        assert_eq!(error.to_string(), "the evaluator panicked: number 7");
        let error = apart(|| -> u8 { std::panic::panic_any(7) }).unwrap_err();
        assert_eq!(error.to_string(), "the evaluator panicked: without a message");
    }

    #[test]
    fn work_within_work_stays_on_the_thread_and_its_panic_within() {
        let inner = || apart(|| -> u8 { panic!("inside") }).unwrap_err().to_string();
        let (same, error) = apart(|| {
            let outside = thread::current().id();
            (apart(|| thread::current().id()).unwrap() == outside, inner())
        })
        .unwrap();
        assert!(same);
        assert_eq!(error, "the evaluator panicked: inside");
    }
}
