//! [`bundles`]: Sigstore bundles v0.3 (sigstore protobuf-specs `sigstore_bundle.proto`) that refer to an image, signed by
//! a trusted signer.
//!
//! A bundle holds a DSSE envelope with a statement about the image; whether that is a signature of the image or an
//! attestation is what its predicate type says. The bundle is read more strictly than other tools read it: no field that
//! is not known, none twice, one kind of content and one kind of signer, one signature. Anyone can push
//! a referrer, so nothing of it can pass or block an image without a trusted signer.
//!
//! What a list says of a referrer decides nothing: without the referrers API it is written by anyone who pushes, with the
//! type of an empty config in place of the bundle's. The referrer's own manifest and layers do.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    evidence::Signature,
    image::PinnedImage,
    limits,
};
use assay_oci::{ContentStore, Manifest, Referrer};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    attestation::{self, Attested},
    envelope,
    verification_result::{VerificationResult, read_or_record},
};
use crate::{
    error::{VerificationError, shown},
    keyless::{Annotations, Artifact, LayerEvidence},
    trust::{Relocation, Trust},
};

/// What the artifact types and media types of bundles begin with.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// The versions that a registry may hold, in both spellings. Older ones leave out what later ones must have.
const VERSIONS: [&str; 2] =
    ["application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3"];

/// What the list of referrers gives as a type where the manifest has none of its own: that of its config.
const CONFIGS: [&str; 3] = ["", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"];

/// The predicate type by which cosign signs an image.
pub(crate) const SIGNS_IMAGE: &str = "https://sigstore.dev/cosign/sign/v1";

/// Entries of transparency logs and timestamps in one bundle (sigstore-go's limits).
const ENTRIES: usize = 32;

/// What an image's bundles hold.
#[derive(Default)]
pub(crate) struct Bundled {
    /// Signatures of the image.
    pub(crate) signatures: VerificationResult<Signature>,
    /// Statements about it.
    pub(crate) attestations: VerificationResult<Attested>,
}

/// Verifies every bundle that refers to the image.
pub(crate) fn bundles(store: &ContentStore, image: &PinnedImage, trust: &Trust) -> Result<Bundled, EvaluationError> {
    let mut bundled = Bundled::default();
    let memory = attestation::memory();
    let Fetched { bundles, unread } = fetch(store, image)?;
    for (place, bundle) in bundles {
        let opened = bundle.and_then(|bundle| {
            let opened = open(&bundle, image, trust)?;
            attestation::read(opened, Some(&image.digest), &memory)
        });
        match opened {
            Ok(attested) if attested.0.attestation.predicate_type == SIGNS_IMAGE => {
                sign(&mut bundled.signatures, place, attested, image, trust.relocation());
            }
            Ok(attested) => bundled.attestations.record(place, Ok(attested)),
            // It does not say of itself what it is, so it may have been meant as either.
            Err(error) => {
                bundled.signatures.record(place.clone(), Err(error.clone()));
                bundled.attestations.record(place, Err(error));
            }
        }
    }
    bundled.signatures.unread.clone_from(&unread);
    bundled.attestations.unread = unread;
    Ok(bundled)
}

/// Opens a bundle of a trusted signer.
fn open(bundle: &[u8], image: &PinnedImage, trust: &Trust) -> Result<envelope::OpenedEnvelope, VerificationError> {
    let Some(verifier) = trust.bundles() else {
        return envelope::open(enveloped(bundle)?.as_bytes(), trust, &Annotations::new());
    };
    let verified = verifier.verify_in_registry(bundle, Artifact::Sha256(image.digest.as_bytes()))?;
    let signature = Signature {
        keyid: String::new(),
        sig: verified.signature_text(),
        certificate: None,
        chain: Vec::new(),
        metadata: BTreeMap::new(),
    };
    let signatures = vec![trust.describe_bundle(&verified.evidence, signature)];
    let payload = verified.statement.ok_or_else(|| {
        VerificationError::Unsupported("the bundle has a signature alone, not a statement about the image".to_owned())
    })?;
    Ok(envelope::OpenedEnvelope { payload, signatures, evidence: verified.evidence })
}

/// Counts the signatures of a verified statement, if it is for the image's repository as signatures under tags must be.
/// cosign names none in a bundle; then the signature counts, and the report says so.
fn sign(
    found: &mut VerificationResult<Signature>,
    place: String,
    (attested, evidence): (Attested, LayerEvidence),
    image: &PinnedImage,
    relocation: Relocation,
) {
    if !attested.names.is_empty()
        && let Err(error) = relocation.check_repository(&attested.names, image)
    {
        found.record(place, Err(error));
        return;
    }
    if attested.names.is_empty() && relocation == Relocation::Refused {
        found.remarks.push(UNBOUND.to_owned());
    }
    for signature in attested.attestation.signatures {
        found.record(place.clone(), Ok((signature, evidence.clone())));
    }
}

/// What is said of a signature that is for no repository.
const UNBOUND: &str = "a signature in a bundle names no repository, so it would be valid for the same image in any repository; pass `--allow-relocation` to accept that";

/// Reads the attestations in bundles that refer to the image, unverified. What cannot be parsed is skipped.
pub(super) fn unverified(
    store: &ContentStore,
    image: &PinnedImage,
    found: &mut VerificationResult<Attested>,
) -> Result<(), EvaluationError> {
    let memory = attestation::memory();
    let read = |bundle: Content| {
        let opened = envelope::open_unverified(enveloped(&bundle?)?.as_bytes())?;
        attestation::read(opened, None, &memory)
    };
    let is_attestation = |attested: &(Attested, LayerEvidence)| attested.0.attestation.predicate_type != SIGNS_IMAGE;
    let Fetched { bundles, unread } = fetch(store, image)?;
    for (place, bundle) in bundles {
        if let Some(attested) = read(bundle).ok().filter(is_attestation) {
            found.record(place, Ok(attested));
        }
    }
    found.unread.extend(unread);
    Ok(())
}

/// The bytes of a bundle, or why it does not count.
type Content = Result<Arc<[u8]>, VerificationError>;

/// The bundles that refer to an image.
struct Fetched {
    /// Each with its place.
    bundles: Vec<(String, Content)>,
    /// What could not be read and might have been, or named, another.
    unread: Vec<EvaluationError>,
}

/// What refers to the image: what the registry lists and, if it fails to, what the list under the image's tag has.
fn listed(
    store: &ContentStore,
    image: &PinnedImage,
    unread: &mut Vec<EvaluationError>,
) -> Result<Arc<[Referrer]>, EvaluationError> {
    if let Some(listed) = read_or_record(store.referrers(image), unread)? {
        return Ok(listed);
    }
    if store.lacks_referrers_api(&image.repository) {
        return Ok(Arc::default());
    }
    Ok(read_or_record(store.tagged_referrers(image), unread)?.unwrap_or_default())
}

/// Whether a manifest says that it holds a bundle, or has a layer that does.
fn is_bundle(manifest: &Manifest) -> bool {
    manifest.artifact_type().is_some_and(|kind| kind.starts_with(BUNDLE))
        || manifest.layers().iter().any(|layer| layer.media_type.starts_with(BUNDLE))
}

/// The content of every bundle that refers to the image.
fn fetch(store: &ContentStore, image: &PinnedImage) -> Result<Fetched, EvaluationError> {
    let (mut bundles, mut unread, mut bytes) = (Vec::new(), Vec::new(), 0_u64);
    let referrers = listed(store, image, &mut unread)?;
    let too_large = |what: String| {
        EvaluationError::new(ErrorCode::TooLarge, format!("the bundles that refer to {image} {what}"))
            .hint("check who can push to the repository, and remove unexpected content")
    };
    let images: Vec<PinnedImage> =
        referrers.iter().map(|referrer| image.repository.at(referrer.descriptor.digest.clone())).collect();
    for (referrer, manifest) in referrers.iter().zip(store.manifests(&images)) {
        let kind = referrer.artifact_type.as_str();
        let may_be_bundle = kind.starts_with(BUNDLE) || CONFIGS.contains(&kind);
        let manifest = match manifest {
            // Manifests of a kind that is not known here are not bundles, unless the list calls them one.
            Err(error) if !may_be_bundle && matches!(error.code, ErrorCode::Malformed | ErrorCode::ImageNotFound) => {
                continue;
            }
            manifest => read_or_record(manifest, &mut unread)?,
        };
        let Some(manifest) = manifest.filter(|manifest| is_bundle(manifest)) else { continue };
        let place = format!("referrer {}", manifest.digest());
        // The list is nobody's word; what the manifest says has its digest.
        if manifest.subject() != Some(&image.digest) {
            let why = format!("the bundle {} refers to another image", manifest.digest());
            bundles.push((place, Err(VerificationError::Subject(why))));
            continue;
        }
        let [layer] = manifest.layers() else {
            let why = format!("the bundle {} does not have exactly one layer", manifest.digest());
            bundles.push((place, Err(VerificationError::Malformed(why))));
            continue;
        };
        bytes = bytes.saturating_add(layer.size);
        if bytes > limits::EVIDENCE_BYTES {
            return Err(too_large(format!("have more than {} bytes together", limits::EVIDENCE_BYTES)));
        }
        if !layer.media_type.starts_with(BUNDLE) {
            let why = format!("the layer of the bundle {} has another media type", manifest.digest());
            bundles.push((place, Err(VerificationError::Malformed(why))));
            continue;
        }
        let bundle = store.blob_within(&image.repository, &layer.digest, Some(layer.size), limits::ENVELOPE_BYTES);
        bundles.extend(read_or_record(bundle, &mut unread)?.map(|bundle| (place, Ok(bundle))));
    }
    Ok(Fetched { bundles, unread })
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
pub(super) fn enveloped(bundle: &[u8]) -> Result<&str, VerificationError> {
    let unreadable = |error: serde_json::Error| VerificationError::Malformed(format!("the bundle is invalid: {error}"));
    let bundle: Bundle<'_> = serde_json::from_slice(bundle).map_err(unreadable)?;
    if !VERSIONS.contains(&bundle.media_type.as_str()) {
        let known = VERSIONS.join("` or `");
        let why = format!("the bundle is of the type `{}`, not `{known}`", shown(&bundle.media_type));
        return Err(VerificationError::Unsupported(why));
    }
    let material = bundle.verification_material;
    if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
        let why = "the bundle is signed with a certificate, not with the given key";
        return Err(VerificationError::Unsupported(why.to_owned()));
    }
    if material.public_key.is_none() {
        return Err(VerificationError::Malformed("the bundle does not state that it was signed with a key".to_owned()));
    }
    let timestamps = material.timestamp_verification_data.and_then(|data| data.rfc3161_timestamps);
    if [material.tlog_entries, timestamps].into_iter().flatten().any(|entries| entries.len() > ENTRIES) {
        let why = format!("the bundle has more than {ENTRIES} log entries or timestamps");
        return Err(VerificationError::Limit(why));
    }
    let (Some(raw), None) = (bundle.dsse_envelope, bundle.message_signature) else {
        return Err(VerificationError::Malformed("the bundle does not contain exactly one statement".to_owned()));
    };
    let envelope: Envelope<'_> = serde_json::from_str(raw.get()).map_err(unreadable)?;
    match envelope.signatures.len() {
        1 => Ok(raw.get()),
        count => Err(VerificationError::Malformed(format!("the bundle's envelope has {count} signatures, not one"))),
    }
}

#[cfg(test)]
mod tests;
