//! [`apart`]: work on a thread of its own with a deep stack, as compiling and evaluating recurse over the policy's text.

use std::thread;

use super::limits::STACK_BYTES;

/// The thread that work was given to did not come back with a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
    #[error("the evaluator panicked: {0}")]
    Panic(String),
}

/// Starts work on a thread with a large stack; [`join_apart`] waits for its end.
pub(crate) fn spawn_apart<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, T>, StackError> {
    let thread = thread::Builder::new().name("rego".to_owned()).stack_size(STACK_BYTES);
    thread.spawn_scoped(scope, work).map_err(StackError::Thread)
}

/// The result of work that [`spawn_apart`] started.
pub(crate) fn join_apart<T>(thread: thread::ScopedJoinHandle<'_, T>) -> Result<T, StackError> {
    thread.join().map_err(|payload| StackError::Panic(panic_text(&*payload)))
}

/// What a panic says.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "without a message".to_owned())
}

/// Does the work on a thread with a large stack, so that neither depth nor a panic ends the process.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, StackError> {
    thread::scope(|scope| join_apart(spawn_apart(scope, work)?))
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
}
