//! [`bundles`]: Sigstore bundles v0.3 (sigstore protobuf-specs `sigstore_bundle.proto`) that refer to an image, signed by
//! the key.
//!
//! A bundle holds a DSSE envelope with a statement about the image; whether that is a signature of the image or an
//! attestation is what its predicate type says. The bundle is read more strictly than other tools read it: no field that
//! is not known, none twice, one kind of content and one kind of signer, one signature. Whoever pushes a referrer is
//! nobody until then, so nothing of this can pass or block an image without the key.

use std::sync::Arc;

use assay_model::{
    evidence::Signature,
    failure::{ErrorCode, NoAnswer},
    image::PinnedImage,
    limits,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Attested, Found, Refused, attestation, envelope};
use crate::{
    key::PublicKey,
    store::{Referrer, Store},
};

/// What the artifact types and media types of bundles begin with.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// The versions that a registry may hold, in both spellings. Older ones leave out what later ones must have.
const VERSIONS: [&str; 2] =
    ["application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3"];

/// The predicate type by which cosign signs an image.
const SIGNS_IMAGE: &str = "https://sigstore.dev/cosign/sign/v1";

/// Entries of transparency logs and timestamps in one bundle (sigstore-go's limits).
const ENTRIES: usize = 32;

/// What an image's bundles hold.
#[derive(Default)]
pub(crate) struct Bundled {
    /// Signatures of the image.
    pub(crate) signatures: Found<Signature>,
    /// Statements about it.
    pub(crate) attestations: Found<Attested>,
}

/// Verifies every bundle that refers to the image.
pub(crate) fn bundles(store: &Store, image: &PinnedImage, key: &PublicKey) -> Result<Bundled, NoAnswer> {
    let mut bundled = Bundled::default();
    let memory = attestation::memory();
    for bundle in fetch(store, image)? {
        let opened = bundle.map_err(Refused::from).and_then(|bundle| {
            let opened = envelope::open(enveloped(&bundle)?.as_bytes(), key)?;
            attestation::read(opened, Some(&image.digest), &memory)
        });
        match opened {
            Ok(attested) if attested.attestation.predicate_type == SIGNS_IMAGE => {
                bundled.signatures.verified.extend(attested.attestation.signatures);
            }
            Ok(attested) => bundled.attestations.verified.push(attested),
            // It does not say of itself what it is, so it may have been meant as either.
            Err(refused) => {
                bundled.signatures.take(Err(refused.why.clone()));
                bundled.attestations.take_statement(Err(refused));
            }
        }
    }
    Ok(bundled)
}

/// The attestations in bundles that refer to the image, whoever made them. What does not read is left out.
pub(super) fn unverified(store: &Store, image: &PinnedImage) -> Result<Vec<Attested>, NoAnswer> {
    let memory = attestation::memory();
    let read = |bundle: Content| {
        let opened = envelope::open_unverified(enveloped(&bundle?)?.as_bytes())?;
        attestation::read(opened, None, &memory)
    };
    let is_attestation = |attested: &Attested| attested.attestation.predicate_type != SIGNS_IMAGE;
    Ok(fetch(store, image)?.into_iter().filter_map(|bundle| read(bundle).ok()).filter(is_attestation).collect())
}

/// The bytes of a bundle, or why it does not count.
type Content = Result<Arc<[u8]>, String>;

/// The content of every bundle that refers to the image.
fn fetch(store: &Store, image: &PinnedImage) -> Result<Vec<Content>, NoAnswer> {
    let referrers = store.referrers(image)?;
    let referrers: Vec<&Referrer> =
        referrers.iter().filter(|referrer| referrer.artifact_type.starts_with(BUNDLE)).collect();
    let too_large = |what: String| {
        NoAnswer::new(ErrorCode::TooLarge, format!("the bundles that refer to {image} {what}"))
            .hint("see who may push to the repository, and remove what does not belong there")
    };
    if referrers.len() > limits::EVIDENCE_LAYERS {
        let count = referrers.len();
        return Err(too_large(format!("are {count}, over the limit of {}", limits::EVIDENCE_LAYERS)));
    }
    let (mut bundles, mut bytes) = (Vec::new(), 0_u64);
    for referrer in referrers {
        let manifest = store.manifest(&image.repository.at(referrer.descriptor.digest.clone()))?;
        // The list is nobody's word; what the manifest says has its digest.
        if manifest.subject() != Some(&image.digest) {
            bundles.push(Err(format!("the bundle {} refers to another image", manifest.digest())));
            continue;
        }
        let [layer] = manifest.layers() else {
            bundles.push(Err(format!("the bundle {} has not one layer", manifest.digest())));
            continue;
        };
        bytes = bytes.saturating_add(layer.size);
        if bytes > limits::EVIDENCE_BYTES {
            return Err(too_large(format!("have more than {} bytes together", limits::EVIDENCE_BYTES)));
        }
        if !layer.media_type.starts_with(BUNDLE) {
            bundles.push(Err(format!("the layer of the bundle {} is of another kind", manifest.digest())));
            continue;
        }
        bundles.push(Ok(store.blob_within(
            &image.repository,
            &layer.digest,
            Some(layer.size),
            limits::ENVELOPE_BYTES,
        )?));
    }
    Ok(bundles)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Bundle<'a> {
    media_type: String,
    verification_material: Material<'a>,
    #[serde(borrow)]
    dsse_envelope: Option<&'a RawValue>,
    #[serde(borrow)]
    message_signature: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Material<'a> {
    public_key: Option<Hint>,
    #[serde(borrow)]
    certificate: Option<&'a RawValue>,
    #[serde(borrow)]
    x509_certificate_chain: Option<&'a RawValue>,
    // Without transparency logs these say nothing.
    #[serde(default, borrow)]
    tlog_entries: Option<Vec<&'a RawValue>>,
    #[serde(default, borrow)]
    timestamp_verification_data: Option<Timestamps<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hint {
    #[serde(default, rename = "hint")]
    _hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Timestamps<'a> {
    #[serde(default, borrow)]
    rfc3161_timestamps: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, rename = "payload")]
    _payload: &'a RawValue,
    #[serde(rename = "payloadType")]
    _payload_type: String,
    #[serde(borrow)]
    signatures: Vec<&'a RawValue>,
}

/// The envelope in a bundle that is made with a key, and in no other.
pub(super) fn enveloped(bundle: &[u8]) -> Result<&str, String> {
    let unreadable = |error: serde_json::Error| format!("the bundle does not read: {error}");
    let bundle: Bundle<'_> = serde_json::from_slice(bundle).map_err(unreadable)?;
    if !VERSIONS.contains(&bundle.media_type.as_str()) {
        return Err(format!("the bundle is of the type `{}`, not `{}`", bundle.media_type, VERSIONS.join("` or `")));
    }
    let material = bundle.verification_material;
    if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
        return Err("the bundle is signed with a certificate, not with the given key".to_owned());
    }
    if material.public_key.is_none() {
        return Err("the bundle does not say that a key signed it".to_owned());
    }
    let timestamps = material.timestamp_verification_data.and_then(|data| data.rfc3161_timestamps);
    if [material.tlog_entries, timestamps].into_iter().flatten().any(|entries| entries.len() > ENTRIES) {
        return Err(format!("the bundle has more than {ENTRIES} log entries or timestamps"));
    }
    let (Some(raw), None) = (bundle.dsse_envelope, bundle.message_signature) else {
        return Err("the bundle holds no statement, or more than that".to_owned());
    };
    let envelope: Envelope<'_> = serde_json::from_str(raw.get()).map_err(unreadable)?;
    match envelope.signatures.len() {
        1 => Ok(raw.get()),
        count => Err(format!("the bundle's envelope has {count} signatures, not one")),
    }
}

#[cfg(test)]
mod tests;
