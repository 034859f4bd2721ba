//! [`RequestError`]: why a request cannot be carried out, found before anything is evaluated.

use std::{error::Error, fmt, fmt::Write as _};

use assay_model::redact;
use assay_oci::FetchError;
use assay_rego::{CompileError, SourceError};
use assay_runner::RunError;

/// What a request fails at, for callers that act on it without reading the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// The request itself cannot be used: a value is malformed, missing, or contradicts another one.
    Invalid,
    /// A file or folder that the request names cannot be read or written.
    File,
    /// A policy configuration or a policy source cannot be fetched.
    Source,
    /// A policy does not compile.
    Policy,
    /// The public key cannot be used.
    Key,
    /// The trust root of keyless and logged signatures cannot be used.
    TrustRoot,
    /// An object of a cluster is not there or may not be read, or no cluster is known.
    Cluster,
    /// A cluster cannot be reached, does not know its user, or fails.
    ClusterUnavailable,
    /// The registry or layout cannot be opened, or does not give what is needed.
    Registry,
    /// A plugin cannot be loaded.
    Plugin,
    /// The store of runs is not there, is another version's or in use, or does not have what is requested.
    Store,
    /// The store of runs cannot be written, is damaged, or fails.
    StoreUnavailable,
    /// Evidence could not be read, so that nothing is known of it.
    Evidence,
    /// A policy could not be evaluated.
    Evaluation,
    /// The system gives no threads, or assay has a bug.
    Internal,
}

/// A fact, what led to it, and what to do about it.
#[derive(Clone, Debug)]
pub struct RequestError {
    kind: RequestErrorKind,
    fact: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl RequestError {
    /// An error of a request that cannot be used.
    #[must_use]
    pub fn new(fact: impl Into<String>) -> Self {
        Self::of(RequestErrorKind::Invalid, fact)
    }

    /// An error of that kind.
    #[must_use]
    pub fn of(kind: RequestErrorKind, fact: impl Into<String>) -> Self {
        Self { kind, fact: fact.into(), causes: Vec::new(), hint: None }
    }

    /// An error of a crate below, with all its causes.
    #[must_use]
    pub fn from_error(error: &dyn Error) -> Self {
        Self::new(error.to_string()).causes_of(error)
    }

    /// Adds the causes of an error whose own text is already there.
    #[must_use]
    pub fn causes_of(mut self, error: &dyn Error) -> Self {
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !self.fact.contains(&text) && self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    /// The same with another kind.
    #[must_use]
    pub const fn with_kind(mut self, kind: RequestErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with another word for something, wherever it stands.
    #[must_use]
    pub(crate) fn replacing(mut self, this: &str, instead_of: &str) -> Self {
        for text in [&mut self.fact].into_iter().chain(&mut self.causes).chain(&mut self.hint) {
            *text = text.replace(instead_of, this);
        }
        self
    }

    /// What the request fails at.
    #[must_use]
    pub const fn kind(&self) -> RequestErrorKind {
        self.kind
    }

    /// The fact, its causes and the hint, each on a line of its own, without the secrets of the addresses that they may
    /// repeat.
    #[must_use]
    pub fn message(&self) -> String {
        redact::message(&self.whole_text())
    }

    fn whole_text(&self) -> String {
        let mut text = self.fact.clone();
        for cause in &self.causes {
            // Writing to a String cannot fail.
            let _infallible = write!(text, "\n  caused by: {cause}");
        }
        if let Some(hint) = &self.hint {
            let _infallible = write!(text, "\nhint: {hint}");
        }
        text
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&redact::message(&self.fact))
    }
}

impl Error for RequestError {}

impl From<RunError> for RequestError {
    fn from(error: RunError) -> Self {
        Self::from_error(&error).with_kind(RequestErrorKind::Internal)
    }
}

impl From<SourceError> for RequestError {
    fn from(error: SourceError) -> Self {
        Self::from_error(&error).hint(error.hint()).with_kind(RequestErrorKind::File)
    }
}

impl From<CompileError> for RequestError {
    fn from(error: CompileError) -> Self {
        Self::from_error(&error).hint(error.hint()).with_kind(RequestErrorKind::Policy)
    }
}

impl From<FetchError> for RequestError {
    fn from(error: FetchError) -> Self {
        Self::of(RequestErrorKind::Source, error.to_string()).hint(error.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_each_cause_once_and_the_hint_last() {
        #[derive(Debug)]
        struct Outer(std::io::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("it cannot be opened")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let error = RequestError::from_error(&Outer(std::io::Error::other("the disk is full"))).hint("make room");
        assert_eq!(error.message(), "it cannot be opened\n  caused by: the disk is full\nhint: make room");
        assert_eq!(error.to_string(), "it cannot be opened");
        let error = RequestError::new("opened: the disk is full");
        let error = error.causes_of(&Outer(std::io::Error::other("the disk is full")));
        assert_eq!(error.message(), "opened: the disk is full");
    }
}
