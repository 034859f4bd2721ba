//! [`Trust`]: who may sign, and for which repositories.
//!
//! The only place that knows what kinds of signers there are: verification passes a signature here with what it was made
//! over. Today a signer is a public key; a keyless identity with its trusted root becomes another [`TrustedSigner`].

use assay_model::image::{ImageRef, PinnedImage};

use crate::{error::VerificationError, key::PublicKey};

/// Who is trusted, and for what.
#[derive(Clone, Debug)]
pub struct Trust {
    signer: TrustedSigner,
    relocation: Relocation,
}

#[derive(Clone, Debug)]
enum TrustedSigner {
    Key(PublicKey),
}

/// Whether a signature may have been made for another repository than the image is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// The repository's path must be the signed one. The registry's host may differ.
    Refused,
    /// The image may have been copied to another path after it was signed.
    Allowed,
}

impl Trust {
    /// Trusts what this key signed.
    #[must_use]
    pub const fn in_key(key: PublicKey, relocation: Relocation) -> Self {
        Self { signer: TrustedSigner::Key(key), relocation }
    }

    /// Whether images may have been copied to another repository since they were signed.
    #[must_use]
    pub const fn relocation(&self) -> Relocation {
        self.relocation
    }

    /// Verifies a signature over the parts in a row. Parts, because an envelope's payload of 100 MiB should not be copied
    /// to get a prefix.
    pub(crate) fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> Result<(), VerificationError> {
        match &self.signer {
            TrustedSigner::Key(key) if key.verifies(parts, signature) => Ok(()),
            TrustedSigner::Key(key) => Err(VerificationError::Signature(key.mismatch())),
        }
    }
}

impl Relocation {
    /// Refuses a signature whose references name other repositories than the image's.
    pub(crate) fn check_repository(self, references: &[String], image: &PinnedImage) -> Result<(), VerificationError> {
        let path = image.repository.path();
        match self {
            Self::Allowed => Ok(()),
            Self::Refused if references.iter().any(|reference| is_path(reference, path)) => Ok(()),
            Self::Refused => {
                Err(VerificationError::Repository { signed: references.join(", "), expected: path.to_owned() })
            }
        }
    }
}

/// Whether the reference names a repository of this path, on whatever registry.
fn is_path(reference: &str, path: &str) -> bool {
    // A single word without registry stands for itself, too, and not only for Docker Hub's `library/WORD`.
    reference == path || reference.parse::<ImageRef>().is_ok_and(|reference| reference.repository().path() == path)
}
