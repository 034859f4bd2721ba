//! [`verify_signatures`]: simple-signing payloads signed by the key and naming this image.

use std::collections::BTreeMap;

use assay_model::{evidence::Signature, failure::NoAnswer, image::PinnedImage, limits};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{claims, joined, layers};
use crate::{
    gather::Relocation,
    key::PublicKey,
    store::{Descriptor, Manifest, Store},
};

const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION: &str = "dev.cosignproject.cosign/signature";

/// What became of an image's signatures: one verified signature is enough.
pub(crate) struct Signed {
    /// The verified ones in the order of their layers.
    pub(crate) signatures: Vec<Signature>,
    /// Why there is none, in the words of `ec`.
    pub(crate) failure: Option<String>,
}

/// Verifies every layer of the `.sig` manifest, none if there is no such tag.
pub(crate) fn verify_signatures(
    store: &Store,
    image: &PinnedImage,
    manifest: Option<&Manifest>,
    key: &PublicKey,
    relocation: Relocation,
) -> Result<Signed, NoAnswer> {
    let layers = manifest.map_or(Ok(Vec::new()), |manifest| layers(image, manifest, MEDIA_TYPE))?;
    if layers.is_empty() {
        let failure = Some("Image signature check failed: no signatures found".to_owned());
        return Ok(Signed { signatures: Vec::new(), failure });
    }
    let (mut signatures, mut reasons) = (Vec::new(), Vec::new());
    for layer in layers {
        let payload =
            store.blob_within(&image.repository, &layer.digest, Some(layer.size), limits::SIGNATURE_PAYLOAD_BYTES)?;
        match verify(layer, &payload, image, key, relocation) {
            Ok(signature) => signatures.push(signature),
            Err(reason) => reasons.push(reason),
        }
    }
    let failure = signatures.is_empty().then(|| {
        format!(
            "No image signatures found matching the given public key. Verify the correct public key was provided, \
             and a signature was created. Error: no matching signatures: {}",
            joined(&reasons)
        )
    });
    Ok(Signed { signatures, failure })
}

/// The signature of one layer, or why it does not count.
fn verify(
    layer: &Descriptor,
    payload: &[u8],
    image: &PinnedImage,
    key: &PublicKey,
    relocation: Relocation,
) -> Result<Signature, String> {
    let sig = layer
        .annotations
        .get(ANNOTATION)
        .ok_or_else(|| format!("the signature layer {} has no annotation `{ANNOTATION}`", layer.digest))?;
    let bytes = STANDARD
        .decode(sig)
        .map_err(|error| format!("the signature of the layer {} is not base64: {error}", layer.digest))?;
    if !key.verifies(&[payload], &bytes) {
        return Err("invalid signature when validating ASN.1 encoded signature".to_owned());
    }
    claims::check(payload, image, relocation)?;
    Ok(Signature {
        keyid: String::new(),
        sig: sig.clone(),
        certificate: None,
        chain: Vec::new(),
        metadata: BTreeMap::new(),
    })
}
