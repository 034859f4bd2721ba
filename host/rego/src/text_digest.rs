//! [`TextDigest`]: the digest of texts, by which what is computed of them is kept.

use assay_model::digest::Digest;
use sha2::{Digest as _, Sha256};

use crate::engine::STORED_VERSION;

/// Hashes texts with their lengths, so that no others give the same bytes.
pub(crate) struct TextDigest(Sha256);

impl TextDigest {
    /// The digest of what this `kind` of stored value, in its present form, is computed of.
    pub(crate) fn of_kind(kind: &str) -> Self {
        let mut digest = Self(Sha256::new());
        digest.add(kind);
        digest.add(&STORED_VERSION.to_string());
        digest
    }

    /// Adds a text.
    pub(crate) fn add(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// The digest of all texts in their order.
    pub(crate) fn finish(self) -> Digest {
        Digest::from_sha256(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_divided_in_another_way_have_another_digest() {
        let digest = |kind: &str, texts: &[&str]| {
            let mut digest = TextDigest::of_kind(kind);
            texts.iter().for_each(|text| digest.add(text));
            digest.finish()
        };
        let one = digest("data", &["ab", "c"]);
        assert_eq!(one, digest("data", &["ab", "c"]));
        for (kind, texts) in [("data", ["a", "bc"]), ("policy", ["ab", "c"]), ("data", ["c", "ab"])] {
            assert_ne!(one, digest(kind, &texts));
        }
    }
}
