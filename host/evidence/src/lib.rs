//! Evidence about images: signatures, attestations and provenance, verified.
//!
//! In reading order: [`PublicKey`], [`keyless`] and [`Trust`], who may sign; [`verify_image`] and [`verify_attestations`], what is found
//! where cosign puts it, and why the rest does not count ([`VerificationError`]); and [`EvidenceCollector`], which turns
//! content into [`Evidence`](assay_model::evidence::Evidence).
//!
//! Content comes from [`ContentStore`](assay_oci::ContentStore) itself and not through a port: a port would repeat a dozen of its
//! methods and types for one implementation, and the tests need no registry, as a layout in a folder is a store, too.
//!
//! Invariant: bytes are trusted by their digest alone, statements by a signature of a trusted signer alone; nothing here
//! evaluates a policy, and nothing reads the environment. Nor the clock, but for `sigstore-verify`, which refuses times in the
//! future by it.

#[cfg(test)]
mod attack_cases;
mod collector;
mod cosign;
mod error;
#[cfg(test)]
mod fixture;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod key;
mod key_bundle;
pub mod keyless;
mod signing_key;
mod trust;
mod vsa;

pub use collector::{CollectOptions, EvidenceCollector, OnUnreadable, Verification};
pub use cosign::{
    Proof, ProofKind, Proofs, Refused, Signer, Verified, prove_attestations, prove_bundle, prove_image,
    verify_attestations, verify_image,
};
pub use error::{VerificationError, VerificationFailure};
pub use key::{KeyError, PublicKey};
pub use key_bundle::{BUNDLE_TYPE, KeyBundle};
#[cfg(any(test, feature = "verdicts"))]
pub use signing_key::encrypted_key;
pub use signing_key::{SigningKey, SigningKeyError};
pub use trust::{Relocation, SignerReports, Trust};
pub use vsa::{SignedStatement, open_statement};
