//! [`Request`] and [`RegistryResponse`]: one request to a registry, what it is answered with, and how it fails.

use assay_model::error::EvaluationError;
use reqwest::{Response, StatusCode, Url};
use tokio::sync::OwnedSemaphorePermit;

use super::{address::NamedBy, manifest::OCI_MANIFEST};

/// Answers that mean "later": nothing was done.
const LATER: [u16; 3] = [408, 429, 503];
/// Answers of a registry, or of what stands before it, that failed on the way: what was asked may have been done, so
/// only what may be done twice is asked again. 499 and 522 are a proxy's words for a connection that was lost.
const FAILED: [u16; 5] = [499, 500, 502, 504, 522];

/// An answer whose body is still to come; it counts as under way until it is dropped.
pub(super) struct RegistryResponse {
    pub(super) response: Response,
    /// Whether it comes from where the request was sent, and not from where that redirected it.
    pub(super) is_own: bool,
    pub(super) _places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// A request.
pub(super) struct Request<'a> {
    pub(super) address: Url,
    pub(super) accept: Option<&'a str>,
    /// The `Authorization` header.
    pub(super) authorization: Option<&'a str>,
    /// The fields of a form, which is then posted.
    pub(super) form: Option<&'a [(&'a str, &'a str)]>,
    /// What is brought instead of fetched.
    pub(super) upload: Option<Upload<'a>>,
    /// Who named the host.
    pub(super) named_by: NamedBy,
}

impl Request<'_> {
    /// Whether it may be made twice: what is read, and a manifest, which is named by what it is.
    fn is_idempotent(&self) -> bool {
        self.form.is_none() && self.upload.is_none_or(|upload| !upload.is_new && upload.media_type == OCI_MANIFEST)
    }

    /// Whether an answer means that the request may succeed later.
    pub(super) fn may_succeed_later(&self, status: StatusCode) -> bool {
        let status = status.as_u16();
        LATER.contains(&status) || (FAILED.contains(&status) && self.is_idempotent())
    }
}

/// Content for a registry.
#[derive(Clone, Copy)]
pub(super) struct Upload<'a> {
    /// Whether it asks for a place for content, by POST; else it is content for a place, by PUT.
    pub(super) is_new: bool,
    pub(super) media_type: &'a str,
    pub(super) bytes: &'a [u8],
}

/// Why content did not come.
pub(super) enum TransferError {
    /// It broke off; it may come if it is asked for again.
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

/// Why a request came to nothing.
pub(super) enum RequestError {
    /// Asking again may help.
    Retryable(EvaluationError),
    /// It will not.
    Permanent(EvaluationError),
}
