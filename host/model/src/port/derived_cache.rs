//! [`DerivedCache`]: what was computed of inputs that take long to read, kept between runs.

use crate::digest::Digest;

/// Keeps bytes that were computed, by the digest of everything that they were computed of.
///
/// It is a cache: what is kept may be gone at any time, and what is not there is computed again. Bytes that are found are those
/// that were kept, by the same build of the program, for the same user.
pub trait DerivedCache: Send + Sync {
    /// What was kept under a key; none where nothing was, or where it is damaged.
    fn find(&self, key: &Digest) -> Option<Vec<u8>>;

    /// Keeps bytes under a key. That they could not be kept is no error.
    fn keep(&self, key: &Digest, bytes: &[u8]);
}
