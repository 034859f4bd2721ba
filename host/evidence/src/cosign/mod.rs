//! Signatures and attestations where cosign puts them: under the tags `sha256-HEX.sig` and `sha256-HEX.att` (cosign
//! `specs/SIGNATURE_SPEC.md`, `specs/ATTESTATION_SPEC.md`), and in Sigstore bundles that refer to the image
//! (`specs/BUNDLE_SPEC.md`). The entry points are [`verify_image`] and
//! [`verify_attestations`].
//!
//! Anyone who can push can move such a tag, add layers and add referrers, so nothing of it counts until the key says so:
//! what does not verify is skipped, and the reason is reported if nothing verifies. A bundle of another signer neither passes
//! an image nor keeps the old tags from being looked at. What cannot be read might have been the good one: if nothing
//! else verifies it is an error, and if something does, the report says what was not read.

mod attestation;
mod bundle;
mod envelope;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod layers;
mod proof;
mod signature;
mod simple_signing;
mod slsa;
#[cfg(any(test, feature = "verdicts"))]
pub(crate) mod verdicts;
mod verification_result;

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use assay_model::{
    digest::Digest,
    error::EvaluationError,
    evidence::{Attestation, Signature},
    image::PinnedImage,
};
use assay_oci::{ContentStore, Manifest};

use self::verification_result::read_or_record;
pub(crate) use self::{
    attestation::{Attested, STATEMENTS},
    bundle::{Bundled, SIGNS_IMAGE, bundles},
    envelope::{PAYLOAD_TYPE, envelope_head},
    verification_result::VerificationResult,
};
pub use self::{
    proof::{Proof, ProofKind, Proofs, Signer, Verified, prove_attestations, prove_bundle, prove_image},
    verification_result::Refused,
};
use crate::{
    error::{EvidenceKind, VerificationError, VerificationFailure},
    keyless::Annotations,
    trust::Trust,
};

impl VerificationResult<Signature> {
    /// Why no signature counts.
    pub(crate) fn failure(&self) -> Option<VerificationFailure> {
        self.failure_of(EvidenceKind::Signature)
    }
}

impl VerificationResult<Attested> {
    /// Why no attestation counts.
    pub(crate) fn failure(&self) -> Option<VerificationFailure> {
        self.failure_of(EvidenceKind::Attestation)
    }
}

/// The manifest under an image's tag of this kind; none if there is no such tag, or if that cannot be known.
fn tagged<T>(
    store: &ContentStore,
    image: &PinnedImage,
    kind: &str,
    found: &mut VerificationResult<T>,
) -> Result<Option<Arc<Manifest>>, EvaluationError> {
    let manifest = store.tagged(&image.repository, &tag(&image.digest, kind));
    Ok(read_or_record(manifest, &mut found.unread)?.flatten())
}

/// The signatures under an image's tag.
pub(crate) fn signatures(
    store: &ContentStore,
    image: &PinnedImage,
    trust: &Trust,
) -> Result<VerificationResult<Signature>, EvaluationError> {
    let mut found = VerificationResult::default();
    if let Some(manifest) = tagged(store, image, "sig", &mut found)? {
        signature::verify_signatures(store, image, &manifest, trust, &mut found)?;
    }
    Ok(found)
}

/// The attestations under an image's tag.
pub(crate) fn attestations(
    store: &ContentStore,
    image: &PinnedImage,
    trust: &Trust,
) -> Result<VerificationResult<Attested>, EvaluationError> {
    let mut found = VerificationResult::default();
    if let Some(manifest) = tagged(store, image, "att", &mut found)? {
        attestation::verify_attestations(store, image, &manifest, trust, &mut found)?;
    }
    Ok(found)
}

/// All attestations of an image, unverified.
pub(crate) fn unverified(
    store: &ContentStore,
    image: &PinnedImage,
) -> Result<VerificationResult<Attested>, EvaluationError> {
    let mut found = VerificationResult::default();
    bundle::unverified(store, image, &mut found)?;
    if let Some(manifest) = tagged(store, image, "att", &mut found)? {
        attestation::unverified_attestations(store, image, &manifest, &mut found)?;
    }
    Ok(found)
}

/// The signatures of an image that count, or why none does.
///
/// # Errors
/// [`EvaluationError`] when something cannot be read and nothing else counts.
pub fn verify_image(
    store: &ContentStore,
    image: &PinnedImage,
    trust: &Trust,
) -> Result<Result<Vec<Signature>, VerificationFailure>, EvaluationError> {
    let found = bundles(store, image, trust)?.signatures.and(signatures(store, image, trust)?);
    match found.unread() {
        Some(failure) => Err(failure.clone()),
        None => Ok(match found.failure() {
            Some(failure) => Err(failure),
            None => Ok(found.into_values().collect()),
        }),
    }
}

/// The attestations about an image that count, or why none does.
///
/// # Errors
/// [`EvaluationError`] when something cannot be read and nothing else counts.
pub fn verify_attestations(
    store: &ContentStore,
    image: &PinnedImage,
    trust: &Trust,
) -> Result<Result<Vec<Attestation>, VerificationFailure>, EvaluationError> {
    let found = bundles(store, image, trust)?
        .attestations
        .and(attestations(store, image, trust)?)
        .require_all_readable(image)?;
    if let Some(failure) = found.unread() {
        return Err(failure.clone());
    }
    Ok(match found.failure() {
        Some(failure) => Err(failure),
        None => Ok(found.into_values().map(|attested| attested.attestation).collect()),
    })
}

/// The payload of an envelope that stands alone: signed by a trusted signer, or by anyone and nobody where none is named.
pub(crate) fn open_envelope(envelope: &[u8], trust: Option<&Trust>) -> Result<Vec<u8>, VerificationError> {
    let opened = match trust {
        Some(trust) => envelope::open(envelope, trust, &Annotations::new())?,
        None => envelope::open_unverified(envelope)?,
    };
    Ok(opened.payload)
}

/// The tag of an image's signatures (`sig`) or attestations (`att`).
pub(crate) fn tag(image: &Digest, kind: &str) -> String {
    format!("sha256-{}.{kind}", image.hex())
}
