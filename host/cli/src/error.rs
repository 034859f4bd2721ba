//! [`CliError`]: what ends a command before it has a result, as it is printed.

use std::io;

use assay_app::{RequestError, RequestErrorKind};

/// A fact, what led to it, and what to do about it. Ends the program with exit code 2, or with 3 where a report was
/// ready and could not be written, a cluster or a store failed, or evidence could not be read.
#[derive(Debug)]
pub(crate) struct CliError {
    error: RequestError,
    /// Why standard output took no result.
    write_failure: Option<io::ErrorKind>,
}

impl CliError {
    pub(crate) fn new(fact: impl Into<String>) -> Self {
        RequestError::new(fact).into()
    }

    /// A result that standard output did not take.
    pub(crate) fn write_failed(error: &io::Error) -> Self {
        let unwritten = Self::new(format!("standard output cannot be written: {error}"));
        Self { write_failure: Some(error.kind()), ..unwritten }
    }

    /// Whether there was a result that nobody got.
    pub(crate) const fn is_write_failure(&self) -> bool {
        self.write_failure.is_some()
    }

    /// Whether what was requested may be there, and could not be had.
    pub(crate) fn is_unavailable(&self) -> bool {
        use RequestErrorKind::{ClusterUnavailable, Evidence, StoreUnavailable};
        matches!(self.error.kind(), ClusterUnavailable | Evidence | StoreUnavailable)
    }

    /// Whether nothing is printed: a reader that goes away, such as `head`, knows that it does.
    pub(crate) fn is_silent(&self) -> bool {
        self.write_failure == Some(io::ErrorKind::BrokenPipe)
    }

    /// An error of a crate below, with all its causes.
    pub(crate) fn from_error(error: &dyn std::error::Error) -> Self {
        RequestError::from_error(error).into()
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { error: self.error.hint(hint), ..self }
    }

    /// The text for a person, without the secrets of the addresses that it may repeat.
    pub(crate) fn text(&self) -> String {
        format!("error: {}", self.error.message())
    }
}

impl From<RequestError> for CliError {
    fn from(error: RequestError) -> Self {
        Self { error, write_failure: None }
    }
}
