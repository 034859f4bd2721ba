//! [`Making`]: the judges of a run that are made on a thread of their own, while images are located and gathered.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, Sender, sync_channel},
};

use crate::{
    control::Message,
    job::Judges,
    run::{RunError, spawn},
};

/// Judges in the making.
pub(crate) struct Making<E> {
    from: Receiver<Result<Judges, E>>,
    made: Option<Judges>,
}

impl<E: From<RunError> + Send + 'static> Making<E> {
    /// Begins to make them. [`Message::Ready`] comes when that has ended, well or not.
    pub(crate) fn begin(
        make: impl FnOnce() -> Result<Judges, E> + Send + 'static,
        inbox: Sender<Message>,
    ) -> Result<Self, RunError> {
        let (to, from) = sync_channel(1);
        spawn("judges", move || {
            // What panics sends nothing, which says so.
            if let Ok(made) = catch_unwind(AssertUnwindSafe(make)) {
                let _gone = to.send(made);
            }
            drop(to);
            let _gone = inbox.send(Message::Ready);
        })
        .map_err(RunError::Thread)?;
        Ok(Self { from, made: None })
    }

    /// To be called once, at [`Message::Ready`].
    pub(crate) fn ready(&mut self) -> Result<(), E> {
        self.made = Some(self.from.recv().map_err(|_| RunError::Panicked)??);
        Ok(())
    }

    pub(crate) const fn is_ready(&self) -> bool {
        self.made.is_some()
    }

    /// The judges; none before they are ready.
    pub(crate) fn made(self) -> Option<Judges> {
        self.made
    }
}
