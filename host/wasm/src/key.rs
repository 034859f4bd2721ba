//! [`hash`]: keys of calls.

use sha2::{Digest as _, Sha256};

/// A hash over parts. Length prefixes keep different parts from having the same hash.
pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
