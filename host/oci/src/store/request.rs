//! [`Request`] and [`RegistryResponse`]: one request to a registry, the response to it, and how it fails.

use assay_model::error::EvaluationError;
use reqwest::{Response, StatusCode, Url};
use tokio::sync::OwnedSemaphorePermit;

use super::address::NamedBy;

/// The media type of bytes of any kind.
pub(super) const BYTES: &str = "application/octet-stream";

/// Statuses that mean "later": nothing was done.
const LATER: [u16; 3] = [408, 429, 503];
/// Statuses of a registry, or of a proxy before it, that failed on the way: the request may have been carried out, so
/// only idempotent requests are retried. 499 and 522 are a proxy's statuses for a lost connection.
const FAILED: [u16; 5] = [499, 500, 502, 504, 522];

/// A response whose body is still to come; it counts as in flight until it is dropped or [released](Self::release).
pub(super) struct RegistryResponse {
    pub(super) response: Response,
    /// Whether it comes from where the request was sent, and not from where that redirected it.
    pub(super) is_own: bool,
    pub(super) places: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl RegistryResponse {
    /// Gives back its places, since no more of it is read. A caller that requested something else before it is dropped would
    /// wait for itself where the host has no place left, as a token service on the registry's own host.
    pub(super) fn release(&mut self) {
        self.places = None;
    }
}

/// A request.
pub(super) struct Request<'a> {
    pub(super) address: Url,
    pub(super) accept: Option<&'a str>,
    /// The `Authorization` header.
    pub(super) authorization: Option<&'a str>,
    /// The fields of a form, which is then posted.
    pub(super) form: Option<&'a [(&'a str, &'a str)]>,
    /// What is uploaded.
    pub(super) upload: Option<Upload<'a>>,
    /// The first byte of the content that is requested.
    pub(super) start: u64,
    /// Who named the host.
    pub(super) named_by: NamedBy,
}

impl Request<'_> {
    /// Whether it may be made twice: what is read, and a manifest, which is named by what it is.
    fn is_idempotent(&self) -> bool {
        self.form.is_none() && self.upload.is_none_or(|upload| !upload.is_new && upload.media_type != BYTES)
    }

    /// Whether a response means that the request may succeed later.
    pub(super) fn may_succeed_later(&self, status: StatusCode) -> bool {
        let status = status.as_u16();
        LATER.contains(&status) || (FAILED.contains(&status) && self.is_idempotent())
    }
}

/// Content for a registry.
#[derive(Clone, Copy)]
pub(super) struct Upload<'a> {
    /// Whether it starts an upload, by POST; else it sends the content, by PUT.
    pub(super) is_new: bool,
    pub(super) media_type: &'a str,
    pub(super) bytes: &'a [u8],
}

/// Why content did not come.
pub(super) enum TransferError {
    /// It was interrupted; a retry may help.
    Interrupted(EvaluationError),
    /// It will not come.
    Permanent(EvaluationError),
}

impl From<EvaluationError> for TransferError {
    fn from(failure: EvaluationError) -> Self {
        Self::Permanent(failure)
    }
}

impl From<TransferError> for EvaluationError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Interrupted(failure) | TransferError::Permanent(failure) => failure,
        }
    }
}

/// Why a request failed.
pub(super) enum RequestError {
    /// A retry may help.
    Retryable(EvaluationError),
    /// It will not.
    Permanent(EvaluationError),
}
