//! Signatures and attestations where cosign puts them: under the tags `sha256-HEX.sig` and `sha256-HEX.att` (cosign
//! `specs/SIGNATURE_SPEC.md`, `specs/ATTESTATION_SPEC.md`), and in Sigstore bundles that refer to the image
//! (`specs/BUNDLE_SPEC.md`). The entry points are [`verify_image`] and
//! [`verify_attestations`].
//!
//! Anyone who can push can move such a tag, add layers and add referrers, so nothing of it counts until the key says
//! so: what does not verify is skipped, and the reason is reported if nothing verifies. A bundle of another signer
//! neither passes an image nor keeps the old tags from being looked at. What cannot be read might have been the good
//! one: if nothing else verifies it is an error, and if something does, the report says what was not read.

mod attestation;
mod bundle;
mod envelope;
mod signature;
mod simple_signing;
mod slsa;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::{Attestation, Signature},
    image::PinnedImage,
    limits,
};

pub(crate) use self::{
    attestation::{Attested, Refused},
    bundle::{Bundled, bundles},
};
use crate::{
    collector::Relocation,
    key::PublicKey,
    store::{ContentStore, Descriptor, Manifest},
};

/// Who is trusted, and for what.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The signer's key.
    pub key: PublicKey,
    /// Whether images may have moved since they were signed.
    pub relocation: Relocation,
}

/// What was verified, in the order of layers and bundles, and why the rest does not count.
pub(crate) struct VerificationResult<T> {
    pub(crate) verified: Vec<T>,
    reasons: Vec<String>,
    /// What could not be read, whatever it is.
    failed: Vec<EvaluationError>,
    /// What people should know of what was verified.
    remarks: Vec<String>,
    /// Why something that the key did sign cannot be read.
    unreadable: Option<String>,
}

impl<T> Default for VerificationResult<T> {
    fn default() -> Self {
        Self { verified: Vec::new(), reasons: Vec::new(), failed: Vec::new(), remarks: Vec::new(), unreadable: None }
    }
}

/// What keeps one piece of evidence from being read and says nothing about the others. A limit that was reached, the end
/// of the run and a fault of our own concern them all.
const OF_ONE_PIECE: [ErrorCode; 8] = [
    ErrorCode::ImageNotFound,
    ErrorCode::BlobNotFound,
    ErrorCode::DigestMismatch,
    ErrorCode::Malformed,
    ErrorCode::RegistryUnreachable,
    ErrorCode::RegistryTimeout,
    ErrorCode::RegistryError,
    ErrorCode::RegistryDenied,
];

/// What was read; none, and the failure noted, where one piece of evidence could not be.
fn read_or_note<T>(
    outcome: Result<T, EvaluationError>,
    failed: &mut Vec<EvaluationError>,
) -> Result<Option<T>, EvaluationError> {
    match outcome {
        Ok(read) => Ok(Some(read)),
        Err(failure) if OF_ONE_PIECE.contains(&failure.code) => {
            failed.push(failure);
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

impl<T> VerificationResult<T> {
    /// The first failure to read something, if nothing was verified: what was not read might have been the good one.
    pub(crate) fn unread(&self) -> Option<&EvaluationError> {
        self.failed.first().filter(|_| self.verified.is_empty())
    }

    /// What the report should say of what was verified, one sentence each.
    pub(crate) fn notices(&self) -> impl Iterator<Item = String> {
        let unread = self.failed.iter().map(|failure| format!("not all evidence could be read: {failure}"));
        let is_any = !self.verified.is_empty();
        unread.chain(self.remarks.iter().cloned()).filter(move |_| is_any)
    }

    fn record(&mut self, outcome: Result<T, String>) {
        match outcome {
            Ok(verified) => self.verified.push(verified),
            Err(reason) => self.reasons.push(reason),
        }
    }

    /// What was found in another place, too.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.verified.extend(other.verified);
        self.reasons.extend(other.reasons);
        self.failed.extend(other.failed);
        self.remarks.extend(other.remarks);
        self.unreadable = self.unreadable.or(other.unreadable);
        self
    }

    /// All reasons in one text, as cosign joins them.
    fn reasons(&self) -> String {
        let failed = self.failed.iter().map(ToString::to_string);
        self.reasons.iter().cloned().chain(failed).collect::<Vec<_>>().join("\n ")
    }
}

impl VerificationResult<Signature> {
    /// Why no signature counts, in cosign's words.
    pub(crate) fn failure(&self) -> Option<String> {
        match (self.verified.is_empty(), self.reasons.is_empty() && self.failed.is_empty()) {
            (false, _) => None,
            (true, true) => Some(NO_SIGNATURES.to_owned()),
            (true, false) => Some(format!("no matching signatures: {}", self.reasons())),
        }
    }
}

impl VerificationResult<Attested> {
    fn record_statement(&mut self, outcome: Result<Attested, Refused>) {
        if let Err(Refused { why, is_unreadable: true }) = &outcome {
            self.unreadable.get_or_insert_with(|| why.clone());
        }
        self.record(outcome.map_err(|refused| refused.why));
    }

    /// Refuses to go on with a part of what the key signed: rules that forbid would pass on what they do not see. Where
    /// nothing else counts, the verification fails with this reason.
    pub(crate) fn whole(self, image: &PinnedImage) -> Result<Self, EvaluationError> {
        match &self.unreadable {
            Some(why) if !self.verified.is_empty() => {
                let message = format!("an attestation of {image} that the key signed cannot be read: {why}");
                Err(EvaluationError::new(ErrorCode::Malformed, message).hint("check what made the attestation"))
            }
            _ => Ok(self),
        }
    }

    /// Why no attestation counts, in cosign's words.
    pub(crate) fn failure(&self) -> Option<String> {
        self.verified.is_empty().then(|| format!("no matching attestations: {}", self.reasons()))
    }
}

/// cosign's word for an image that nobody signed.
pub(crate) const NO_SIGNATURES: &str = "no signatures found";

/// The manifest under an image's tag of this kind; none if there is no such tag, or if that cannot be known.
fn tagged<T>(
    store: &ContentStore,
    image: &PinnedImage,
    kind: &str,
    found: &mut VerificationResult<T>,
) -> Result<Option<Arc<Manifest>>, EvaluationError> {
    let manifest = store.tagged(&image.repository, &tag(&image.digest, kind));
    Ok(read_or_note(manifest, &mut found.failed)?.flatten())
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
        attestation::verify_attestations(store, image, &manifest, &trust.key, &mut found)?;
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

/// The signatures of an image that count, or why none does, in cosign's words.
pub fn verify_image(
    store: &ContentStore,
    image: &PinnedImage,
    trust: &Trust,
) -> Result<Result<Vec<Signature>, String>, EvaluationError> {
    let found = bundles(store, image, trust)?.signatures.and(signatures(store, image, trust)?);
    match found.unread() {
        Some(failure) => Err(failure.clone()),
        None => Ok(found.failure().map_or(Ok(found.verified), Err)),
    }
}

/// The attestations about an image that count, or why none does, in cosign's words.
pub fn verify_attestations(
    store: &ContentStore,
    image: &PinnedImage,
    trust: &Trust,
) -> Result<Result<Vec<Attestation>, String>, EvaluationError> {
    let found = bundles(store, image, trust)?.attestations.and(attestations(store, image, trust)?).whole(image)?;
    if let Some(failure) = found.unread() {
        return Err(failure.clone());
    }
    Ok(match found.failure() {
        Some(failure) => Err(failure),
        None => Ok(found.verified.into_iter().map(|attested| attested.attestation).collect()),
    })
}

/// The tag of an image's signatures (`sig`) or attestations (`att`).
pub(crate) fn tag(image: &Digest, kind: &str) -> String {
    format!("sha256-{}.{kind}", image.hex())
}

/// An envelope and its statement, unverified; for [`fuzzing`](crate::fuzzing).
pub(crate) fn fuzz_envelope(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    let opened = envelope::open_unverified(bytes)?;
    attestation::read(opened, Some(&image.digest), &attestation::memory()).map(drop).map_err(|refused| refused.why)
}

/// A Sigstore bundle, its envelope and its statement, unverified; for [`fuzzing`](crate::fuzzing).
pub(crate) fn fuzz_bundle(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    bundle::enveloped(bytes).and_then(|envelope| fuzz_envelope(envelope.as_bytes(), image))
}

/// A signed payload; for [`fuzzing`](crate::fuzzing).
pub(crate) fn fuzz_payload(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    simple_signing::check(bytes, image, Relocation::Refused)
}

/// The layers of a kind, within the limits on their number and their size together.
fn layers<'a>(
    image: &PinnedImage,
    manifest: &'a Manifest,
    media_type: &str,
) -> Result<Vec<&'a Descriptor>, EvaluationError> {
    let too_large = |what: String| {
        EvaluationError::new(ErrorCode::TooLarge, format!("the signatures or attestations of {image} {what}"))
            .hint("check who can push to the repository, and remove unexpected content")
    };
    let count = manifest.layers().len();
    if count > limits::EVIDENCE_LAYERS {
        return Err(too_large(format!("have {count} layers, over the limit of {}", limits::EVIDENCE_LAYERS)));
    }
    let layers: Vec<_> = manifest.layers().iter().filter(|layer| layer.media_type == media_type).collect();
    let bytes = layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    if bytes > limits::EVIDENCE_BYTES {
        return Err(too_large(format!("have {bytes} bytes together, over the limit of {}", limits::EVIDENCE_BYTES)));
    }
    Ok(layers)
}
