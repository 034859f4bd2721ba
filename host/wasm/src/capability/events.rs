//! [`EventsView`]: the event log of a run, through the [`EventLog`] of the caller.

use std::sync::Arc;

use assay_model::error::EvaluationError;

use crate::limits;

/// One event of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number in the run, from 1.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The event as JSON.
    pub document: String,
}

/// Reads the events of one run.
pub trait EventLog: Send + Sync {
    /// Events after a number, in their order, at most so many.
    ///
    /// # Errors
    /// They cannot be read.
    fn after(&self, number: u64, limit: u32) -> Result<Vec<StoredEvent>, EvaluationError>;
}

/// The events of one run, or none.
pub(crate) struct EventsView(Option<Arc<dyn EventLog>>);

impl EventsView {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) const fn new(log: Option<Arc<dyn EventLog>>) -> Self {
        Self(log)
    }

    /// At most [`limits::EVENTS_AT_ONCE`], and no more than fit into [`limits::READ_BYTES`], but one at least.
    pub(crate) fn after(&self, number: u64, limit: u32) -> Result<Vec<StoredEvent>, EvaluationError> {
        let Some(log) = &self.0 else { return Ok(Vec::new()) };
        let mut events = log.after(number, limit.min(limits::EVENTS_AT_ONCE))?;
        let mut size = 0_usize;
        let fit = events.iter().take_while(|event| {
            let first = size == 0;
            size = size.saturating_add(event.document.len().max(1));
            first || size <= limits::READ_BYTES
        });
        let fit = fit.count();
        events.truncate(fit);
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers(usize);

    impl EventLog for Numbers {
        fn after(&self, number: u64, limit: u32) -> Result<Vec<StoredEvent>, EvaluationError> {
            let event = |number| StoredEvent { number, at: 0, document: "x".repeat(self.0) };
            Ok((number + 1..=1_000).take(usize::try_from(limit).unwrap()).map(event).collect())
        }
    }

    #[test]
    fn events_come_in_parts() {
        let small = EventsView::new(Some(Arc::new(Numbers(10))));
        assert_eq!(small.after(0, u32::MAX).unwrap().len(), 500);
        assert_eq!(small.after(998, 10).unwrap().len(), 2);
        assert!(small.after(1_000, 10).unwrap().is_empty());
        assert_eq!(EventsView::new(Some(Arc::new(Numbers(300_000)))).after(0, 10).unwrap().len(), 3);
        assert_eq!(EventsView::new(Some(Arc::new(Numbers(3_000_000)))).after(0, 10).unwrap().len(), 1);
        assert!(EventsView::none().after(0, 10).unwrap().is_empty());
    }
}
