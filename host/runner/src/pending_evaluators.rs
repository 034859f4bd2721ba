//! [`PendingEvaluators`]: loads the evaluators of a run on a thread of their own, while images are resolved and evidence is collected.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, sync_channel},
};

use crate::{
    error::RunError,
    job::Evaluators,
    run_handle::{EventReceiver, Message},
};

/// Evaluators that are being loaded.
pub(crate) struct PendingEvaluators<E> {
    from: Receiver<Result<Evaluators, E>>,
    loaded: Option<Evaluators>,
}

impl<E: From<RunError> + Send + 'static> PendingEvaluators<E> {
    /// Begins to load them. [`Message::Ready`] comes when that has ended, with or without an error.
    pub(crate) fn start(
        load: impl FnOnce() -> Result<Evaluators, E> + Send + 'static,
        events: &EventReceiver,
    ) -> Result<Self, RunError> {
        let (to, from) = sync_channel(1);
        let ready = events.sender();
        let work = move || {
            // A panic sends nothing, which the receiver takes for one.
            if let Ok(loaded) = catch_unwind(AssertUnwindSafe(load)) {
                let _gone = to.send(loaded);
            }
            drop(to);
            let _gone = ready.send(Message::Ready);
        };
        events.spawn("load", work).map_err(RunError::Thread)?;
        Ok(Self { from, loaded: None })
    }

    /// To be called once, at [`Message::Ready`].
    pub(crate) fn ready(&mut self) -> Result<(), E> {
        self.loaded = Some(self.from.recv().map_err(|_| RunError::Panicked)??);
        Ok(())
    }

    pub(crate) const fn is_ready(&self) -> bool {
        self.loaded.is_some()
    }

    /// The evaluators; none before they are loaded.
    pub(crate) fn finish(self) -> Option<Evaluators> {
        self.loaded
    }
}
