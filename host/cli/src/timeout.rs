//! [`run`]: work that is given up after some time.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// The typical size of a main thread's stack, for deeply nested input.
const STACK: usize = 8 << 20;

/// What the work gives, or none when it takes longer: it then goes on until the process ends. None too where it
/// cannot be begun.
pub(crate) fn run<T: Send + 'static>(limit: Option<Duration>, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let Some(limit) = limit else { return Some(work()) };
    let (give, take) = mpsc::channel();
    let begun = thread::Builder::new().stack_size(STACK).spawn(move || {
        // Nobody takes what comes too late.
        let _late = give.send(work());
    });
    let worker = begun.ok()?;
    match take.recv_timeout(limit) {
        Ok(done) => Some(done),
        Err(RecvTimeoutError::Timeout) => None,
        // It gave nothing, so it panicked: so does this.
        Err(RecvTimeoutError::Disconnected) => match worker.join() {
            Ok(()) => None,
            Err(panic) => std::panic::resume_unwind(panic),
        },
    }
}

/// What is said when the time is over, in the words of `ec`.
pub(crate) fn exceeded(limit: &str) -> String {
    let why = "the timeout can be adjusted using the --timeout command line argument";
    format!("exceeded allowed execution time of {limit}, {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_given_up_only_after_its_time() {
        let long = Duration::from_secs(3600);
        assert_eq!(run(None, || 1), Some(1));
        assert_eq!(run(Some(long), || 1), Some(1));
        let never = || loop {
            thread::park();
        };
        assert_eq!(run::<u8>(Some(Duration::from_nanos(1)), never), None);
        assert!(std::panic::catch_unwind(|| run::<u8>(Some(long), || panic!("on purpose"))).is_err());
    }
}
