//! [`verify_signatures`]: simple-signing payloads signed by a trusted signer and naming this image.

use std::collections::BTreeMap;

use assay_model::{error::EvaluationError, evidence::Signature, image::PinnedImage, limits};
use assay_oci::{ContentStore, Descriptor, Manifest};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    layers::{layers, place},
    simple_signing,
    verification_result::{VerificationResult, read_or_record},
};
use crate::{
    error::VerificationError,
    keyless::{Content, LayerEvidence},
    trust::Trust,
};

const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION: &str = "dev.cosignproject.cosign/signature";

/// Verifies every layer of the `.sig` manifest.
pub(super) fn verify_signatures(
    store: &ContentStore,
    image: &PinnedImage,
    manifest: &Manifest,
    trust: &Trust,
    found: &mut VerificationResult<Signature>,
) -> Result<(), EvaluationError> {
    for layer in layers(image, manifest, MEDIA_TYPE)? {
        let payload =
            store.blob_within(&image.repository, &layer.digest, Some(layer.size), limits::SIGNATURE_PAYLOAD_BYTES);
        if let Some(payload) = read_or_record(payload, &mut found.unread)? {
            found.record(place(image, "sig", layer), verify(layer, &payload, image, trust));
        }
    }
    Ok(())
}

/// The signature of one layer, or why it does not count.
pub(super) fn verify(
    layer: &Descriptor,
    payload: &[u8],
    image: &PinnedImage,
    trust: &Trust,
) -> Result<(Signature, LayerEvidence), VerificationError> {
    let sig = layer
        .annotations
        .get(ANNOTATION)
        .ok_or_else(|| format!("signature layer {} is missing \"{ANNOTATION}\" annotation", layer.digest))?;
    let bytes = STANDARD
        .decode(sig)
        .map_err(|error| format!("the signature of the layer {} is not base64: {error}", layer.digest))?;
    let evidence = trust.verify(&Content::Signature { payload, signature: &bytes }, &layer.annotations)?;
    simple_signing::check(payload, image, trust.relocation())?;
    let signature = evidence.describe(Signature {
        keyid: String::new(),
        sig: sig.clone(),
        certificate: None,
        chain: Vec::new(),
        metadata: BTreeMap::new(),
    });
    Ok((signature, evidence))
}
