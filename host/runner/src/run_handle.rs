//! [`RunHandle`] and [`EventReceiver`]: how other threads (a signal handler, the workers) send messages to the run's own thread.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use assay_model::event::StopReason;

use crate::progress::Progress;

/// Stops a run from another thread.
#[derive(Clone, Debug)]
pub struct RunHandle {
    to: Sender<Message>,
}

/// Receives the messages of the workers and of [`RunHandle`].
#[derive(Debug)]
pub struct EventReceiver {
    from: Receiver<Message>,
    to: Sender<Message>,
    /// Every thread of the run.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
pub(crate) enum Message {
    Stop(StopReason),
    /// The evaluators are loaded, or failed to.
    Ready,
    Progress(Box<Progress>),
}

impl RunHandle {
    /// A handle, and the receiver to run with.
    #[must_use]
    pub fn new() -> (Self, EventReceiver) {
        let (to, from) = channel();
        (Self { to: to.clone() }, EventReceiver { from, to, threads: Mutex::default() })
    }

    /// Ends the run: components that are not evaluated yet are errors, and the reports are written.
    pub fn interrupt(&self) {
        // The receiver is gone once the run has ended by itself.
        let _gone = self.to.send(Message::Stop(StopReason::Interrupted));
    }
}

impl EventReceiver {
    pub(crate) fn sender(&self) -> Sender<Message> {
        self.to.clone()
    }

    /// Starts a thread of the run.
    pub(crate) fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Waits until every thread of the run has ended. To be called when [`run`](crate::run()) has returned: by then none of
    /// them begins anything new.
    pub fn join(self) {
        for thread in self.threads.into_inner().unwrap_or_else(PoisonError::into_inner) {
            // A panic of a thread shows as an outcome that is an error.
            let _panicked = thread.join();
        }
    }

    /// The next message; the deadline passing is one.
    pub(crate) fn next(&self, deadline: Option<Instant>) -> Message {
        // This end holds a sender itself, so the channel never closes: a far time stands for no deadline.
        let far = Duration::from_secs(3600);
        loop {
            let wait = deadline.map_or(far, |deadline| deadline.saturating_duration_since(Instant::now()));
            match self.from.recv_timeout(wait.min(far)) {
                Ok(message) => return message,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                        return Message::Stop(StopReason::Deadline);
                    }
                }
            }
        }
    }
}
