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

/// Does the work on a thread with a large stack, so that neither depth nor a panic ends the process.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, StackError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("rego".to_owned()).stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, work).map_err(StackError::Thread)?;
        thread.join().map_err(|payload| {
            let text = payload.downcast_ref::<String>().cloned();
            let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            StackError::Panic(text.unwrap_or_else(|| "without a message".to_owned()))
        })
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
}
