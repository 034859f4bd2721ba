//! Makes [`ClusterError`]s: one sentence with the fact and the place, and a hint.

use assay_gocompat::sanitize;
use assay_model::cluster::{ClusterError, ClusterErrorKind};

/// The longest text of a server or of a library in a message.
const SHOWN_CHARACTERS: usize = 600;

/// An error whose words in Kubernetes' client are the same.
pub(crate) fn error(kind: ClusterErrorKind, message: impl Into<String>, hint: impl Into<String>) -> ClusterError {
    let message = message.into();
    ClusterError { kind, client_text: message.clone(), message, hint: hint.into() }
}

/// A kubeconfig or an account that cannot be used.
pub(crate) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> ClusterError {
    error(ClusterErrorKind::Configuration, message, hint)
}

/// A text from outside for one line of a message.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    sanitize::line(&shown).into_owned()
}

/// The innermost cause: the outer ones repeat each other.
pub(crate) fn root<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}
