//! [`Wanted`]: what is requested of a repository, and whether a response is that or a part of it.

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
};
use reqwest::{StatusCode, header};

use super::request::{RegistryResponse, TransferError};

/// What is requested in a repository.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// `manifests` or `blobs`.
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
}

impl Wanted<'_> {
    /// The digest that the content must have.
    pub(super) fn digest(&self) -> Option<Digest> {
        self.name.parse().ok()
    }
}

/// Whether a response goes on with the content from this byte. One to a request for a part may be the whole.
pub(super) fn continues(reply: &RegistryResponse, start: u64) -> bool {
    let range = reply.response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse::<u64>().ok());
    reply.response.status() == StatusCode::PARTIAL_CONTENT && first == Some(start)
}

/// A response with another part than was requested, or with a part that nobody requested.
pub(super) fn is_other_part(reply: &RegistryResponse, start: u64) -> bool {
    reply.response.status() == StatusCode::PARTIAL_CONTENT && !(start > 0 && continues(reply, start))
}

/// Why such a response is of no use.
pub(super) fn other_part(registry: &str) -> TransferError {
    let message = format!("the registry `{registry}` returned another part of a blob than was requested");
    TransferError::Permanent(
        EvaluationError::new(ErrorCode::RegistryError, message).hint("contact the operator of the registry"),
    )
}
