//! [`CliError`]: why a request cannot be carried out, found before any work starts.

use std::{fmt::Write as _, io};

use assay_model::redact;
use assay_runner::RunError;

/// A fact, what led to it, and what to do about it. Ends the program with exit code 2, or with 3 where a report was
/// ready and could not be written.
#[derive(Debug)]
pub(crate) struct CliError {
    fact: String,
    causes: Vec<String>,
    hint: Option<String>,
    /// Why the output could not be written.
    write_failure: Option<io::ErrorKind>,
}

impl CliError {
    pub(crate) fn new(fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), causes: Vec::new(), hint: None, write_failure: None }
    }

    /// Output that could not be written to standard output.
    pub(crate) fn write_failed(error: &io::Error) -> Self {
        let invalid = Self::new(format!("standard output cannot be written: {error}"));
        Self { write_failure: Some(error.kind()), ..invalid }
    }

    /// Whether output could not be written.
    pub(crate) const fn is_write_failure(&self) -> bool {
        self.write_failure.is_some()
    }

    /// Whether there is nothing to say: a reader that goes away, such as `head`, knows that it does.
    pub(crate) fn is_silent(&self) -> bool {
        self.write_failure == Some(io::ErrorKind::BrokenPipe)
    }

    /// An error of a crate below, with all its causes.
    pub(crate) fn from_error(error: &dyn std::error::Error) -> Self {
        Self::new(error.to_string()).causes_of(error)
    }

    /// Adds the causes of an error whose own text is already said.
    pub(crate) fn causes_of(mut self, error: &dyn std::error::Error) -> Self {
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

    /// The same with another word for something, wherever it is said.
    pub(crate) fn replacing(mut self, this: &str, instead_of: &str) -> Self {
        for text in [&mut self.fact].into_iter().chain(&mut self.causes).chain(&mut self.hint) {
            *text = text.replace(instead_of, this);
        }
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The text for a person, without the secrets of the addresses that it may repeat.
    pub(crate) fn text(&self) -> String {
        redact::message(&self.whole_text())
    }

    fn whole_text(&self) -> String {
        let mut text = format!("error: {}", self.fact);
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

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        Self::from_error(&error)
    }
}
