//! [`BlobStore`]: what runs keep, by digest. [`Blobs`](super::Blobs) is content of a registry.

use super::queue::StoreError;
use crate::digest::Digest;

/// Content by digest on this machine.
pub trait BlobStore: Send + Sync {
    /// Keeps content. To keep it again changes nothing.
    ///
    /// # Errors
    /// The store cannot take it.
    fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError>;

    /// Content of at most so many bytes, checked against its digest.
    ///
    /// # Errors
    /// It is not there, is larger, or was changed.
    fn get(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, StoreError>;

    /// Whether it is there.
    ///
    /// # Errors
    /// The store fails.
    fn contains(&self, digest: &Digest) -> Result<bool, StoreError>;
}
