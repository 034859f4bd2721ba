//! Parsers of signed content, unverified, for the fuzz targets.

use assay_model::image::PinnedImage;

use super::{attestation, bundle, envelope, simple_signing};
use crate::{error::VerificationError, trust::Relocation};

/// An envelope and its statement.
pub(crate) fn read_envelope(bytes: &[u8], image: &PinnedImage) -> Result<(), VerificationError> {
    let opened = envelope::open_unverified(bytes)?;
    attestation::read(opened, Some(&image.digest), &attestation::memory()).map(drop)
}

/// A Sigstore bundle, its envelope and its statement.
pub(crate) fn read_bundle(bytes: &[u8], image: &PinnedImage) -> Result<(), VerificationError> {
    bundle::enveloped(bytes).and_then(|envelope| read_envelope(envelope.as_bytes(), image))
}

/// A signed payload.
pub(crate) fn read_payload(bytes: &[u8], image: &PinnedImage) -> Result<(), VerificationError> {
    simple_signing::check(bytes, image, Relocation::Refused)
}
