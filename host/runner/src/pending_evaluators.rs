//! [`PendingEvaluators`]: the judges of a run that are made on a thread of their own, while images are located and gathered.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, sync_channel},
};

use crate::{
    error::RunError,
    job::Evaluators,
    run_handle::{EventReceiver, Message},
};

/// Judges in the making.
pub(crate) struct PendingEvaluators<E> {
    from: Receiver<Result<Evaluators, E>>,
    loaded: Option<Evaluators>,
}

impl<E: From<RunError> + Send + 'static> PendingEvaluators<E> {
    /// Begins to make them. [`Message::Ready`] comes when that has ended, well or not.
    pub(crate) fn start(
        load: impl FnOnce() -> Result<Evaluators, E> + Send + 'static,
        events: &EventReceiver,
    ) -> Result<Self, RunError> {
        let (to, from) = sync_channel(1);
        let ready = events.sender();
        let work = move || {
            // What panics sends nothing, which says so.
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

    /// The judges; none before they are ready.
    pub(crate) fn finish(self) -> Option<Evaluators> {
        self.loaded
    }
}
