//! [`Event`]: what happens while a request is carried out, and [`EventSink`], which takes it.

use assay_model::event::RunEvent;

/// What happens while a request is carried out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Something may be wrong.
    Warning(String),
    /// Something is worth knowing.
    Note(String),
    /// Remote policy sources are fetched.
    FetchStarted {
        /// How many.
        sources: usize,
    },
    /// A remote policy source is there.
    SourceFetched {
        /// Its text.
        source: String,
    },
    /// All are, or one could not be fetched.
    FetchFinished,
    /// Policies and plugins of a run are loaded.
    Loaded,
    /// What happens to the components of a run.
    Run(RunEvent),
}

/// Takes events, from any thread.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync> EventSink for F {
    fn event(&self, event: Event) {
        self(event);
    }
}

impl dyn EventSink + '_ {
    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.event(Event::Warning(text.into()));
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.event(Event::Note(text.into()));
    }
}
