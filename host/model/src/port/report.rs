//! [`Report`]: a reader of the run's events. The runner never prints; every report is one of these.

use crate::event::RunEvent;

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct ReportError {
    /// What failed, with the place.
    pub what: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Reads events in the order they happened.
pub trait Report {
    /// Takes in one event.
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError>;
}
