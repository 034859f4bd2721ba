//! Errors of content that is not what it was named by or announced as, and of limits.

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{PinnedImage, Repository},
    limits,
};

pub(super) const CHANGED: &str =
    "the content was changed or cut short after it was named; push the image or create the layout again";

/// An index in an index in an index, and so on.
#[must_use]
pub fn too_deep(image: &PinnedImage) -> EvaluationError {
    let message = format!("the index {image} has indexes below one another over the limit of {}", limits::INDEX_DEPTH);
    EvaluationError::new(ErrorCode::TooLarge, message).hint("validate its manifests one by one")
}

pub(super) fn other_content(repository: &Repository, digest: &Digest, actual: &Digest) -> EvaluationError {
    let message = format!("the blob {digest} of {repository} has the digest {actual}");
    EvaluationError::new(ErrorCode::DigestMismatch, message).hint(CHANGED)
}

pub(super) fn wrong_size(repository: &Repository, digest: &Digest, actual: Option<u64>, size: u64) -> EvaluationError {
    let actual = actual.map_or_else(|| "longer".to_owned(), |actual| format!("{actual} bytes long"));
    let message = format!("the blob {digest} of {repository} is {actual}, not the announced {size} bytes");
    EvaluationError::new(ErrorCode::DigestMismatch, message).hint(CHANGED)
}

pub(super) fn larger_blob(repository: &Repository, digest: &Digest, limit: u64) -> EvaluationError {
    too_large(format_args!("the blob {digest} of {repository} is longer"), limit)
}

pub(super) fn too_large(what: std::fmt::Arguments<'_>, limit: u64) -> EvaluationError {
    EvaluationError::new(ErrorCode::TooLarge, format!("{what}, over the limit of {limit} bytes"))
        .hint("content of this kind is never that large; check where the image comes from")
}
