//! [`Blobs`]: content by digest, for evaluators that need more than the evidence.

use std::sync::Arc;

use crate::{digest::Digest, error::EvaluationError, image::Repository};

/// Content of a repository by digest. An implementation checks every byte against the digest and a limit, and
/// fetches each digest once however many evaluators request it.
pub trait Blobs: Send + Sync {
    /// A blob, at most [`limits::BLOB_BYTES`](crate::limits::BLOB_BYTES).
    fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Arc<[u8]>, EvaluationError>;
}
