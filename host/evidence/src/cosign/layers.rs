//! [`layers`]: the layers of a manifest under one of cosign's tags, within limits.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::PinnedImage,
    limits,
};
use assay_oci::{Descriptor, Manifest};

/// Where a layer is, for people.
pub(super) fn place(image: &PinnedImage, kind: &str, layer: &Descriptor) -> String {
    format!("tag {}, layer {}", super::tag(&image.digest, kind), layer.digest)
}

/// The layers of a kind, within the limits on their number and their size together.
pub(super) fn layers<'a>(
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
