//! The store against layouts and registries, honest and hostile.

mod hostile;
mod image_layout;
mod layout_writer;
mod mirrors;
mod push_image;
mod registry;
mod resuming;

use std::sync::Arc;

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::Repository,
};

use super::ContentStore;
use crate::test_support::reference;

fn repository(text: &str) -> Repository {
    reference(text).repository().clone()
}

fn blob(
    store: &ContentStore,
    at: &str,
    digest: &Digest,
    size: Option<u64>,
    limit: u64,
) -> Result<Arc<[u8]>, EvaluationError> {
    store.blob_within(&repository(at), digest, size, limit)
}

/// Asserts the code, that the sentence holds the words, and that it is one sentence with a hint.
#[track_caller]
fn refused<T>(outcome: Result<T, EvaluationError>, code: ErrorCode, words: &[&str]) {
    let error = outcome.err().expect("should be refused");
    assert_eq!(error.code, code, "{error}");
    for word in words {
        assert!(error.message.contains(word), "{error} lacks {word}");
    }
    assert!(!error.message.ends_with('.') && !error.message.contains('\n'), "{error}");
    assert!(error.hint.is_some(), "{error} has no hint");
}
