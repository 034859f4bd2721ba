//! Signatures and attestations where cosign puts them: under the tags `sha256-HEX.sig` and `sha256-HEX.att` (cosign
//! `specs/SIGNATURE_SPEC.md`, `specs/ATTESTATION_SPEC.md`).
//!
//! Anyone who can push can move such a tag and add layers, so nothing of it counts until the key says so: a layer
//! that does not verify is passed over, and the reason is told when no layer verifies. But a layer that cannot be
//! read is no answer, because it might have been the good one.

mod attestation;
mod claims;
mod envelope;
mod signature;
mod strict;
mod syntax;

#[cfg(test)]
mod tests;

use assay_model::{
    digest::Digest,
    failure::{ErrorCode, NoAnswer},
    image::PinnedImage,
    limits,
};

pub(crate) use self::{
    attestation::{Attested, verify_attestations},
    signature::{Signed, verify_signatures},
};
use crate::store::{Descriptor, Manifest};

/// The tag of an image's signatures (`sig`) or attestations (`att`).
pub(crate) fn tag(image: &Digest, kind: &str) -> String {
    format!("sha256-{}.{kind}", image.hex())
}

/// The layers of a kind, within the limits on their number and their size together.
fn layers<'a>(image: &PinnedImage, manifest: &'a Manifest, media_type: &str) -> Result<Vec<&'a Descriptor>, NoAnswer> {
    let too_large = |what: String| {
        NoAnswer::new(ErrorCode::TooLarge, format!("the signatures or attestations of {image} {what}"))
            .hint("see who may push to the repository, and remove what does not belong there")
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

/// The reasons of all layers in one text, as cosign joins them.
fn joined(reasons: &[String]) -> String {
    reasons.join("\n ")
}
