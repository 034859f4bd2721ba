//! [`verify`]: one layer under one of cosign's tags, for a table of verdicts.

use assay_model::{image::PinnedImage, memory::Memory};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{attestation, envelope, simple_signing};
use crate::{
    error::VerificationError,
    keyless::{Annotations, Content},
    trust::Trust,
};

/// Verifies a layer of the kind `…/sigs` or `…/atts`.
pub(crate) fn verify(
    kind: &str,
    layer: &[u8],
    annotations: &Annotations,
    image: &PinnedImage,
    trust: &Trust,
    memory: &Memory,
) -> Result<(), VerificationError> {
    if kind.ends_with("atts") {
        let opened = envelope::open(layer, trust, annotations)?;
        return attestation::read(opened, Some(&image.digest), memory).map(drop);
    }
    let signature = annotations.get("dev.cosignproject.cosign/signature").map(String::as_str).unwrap_or_default();
    let signature = STANDARD.decode(signature).map_err(|error| VerificationError::Malformed(error.to_string()))?;
    trust.verify(&Content::Signature { payload: layer, signature: &signature }, annotations)?;
    simple_signing::check(layer, image, trust.relocation())
}
