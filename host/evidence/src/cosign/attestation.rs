//! [`verify_attestations`]: in-toto statements about this image in envelopes signed by a trusted signer.
//!
//! [`read`] is the one reader of statements, whatever they came in.

use std::sync::Arc;

use assay_model::{
    digest::Digest,
    error::EvaluationError,
    evidence::Attestation,
    image::PinnedImage,
    limits,
    memory::Memory,
    strict::{self, Shape, StrictObject, array, string},
};
use assay_oci::{ContentStore, Descriptor, Manifest};

use super::{
    envelope,
    layers::{layers, place},
    slsa,
    verification_result::{VerificationResult, read_or_record},
};
use crate::{error::VerificationError, keyless::LayerEvidence, trust::Trust};

const MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The statements that are understood (in-toto attestation framework v0.1 and v1).
pub(crate) const STATEMENTS: [&str; 2] = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];

/// A statement, and what is wrong with the provenance in it.
pub(crate) struct Attested {
    /// The statement.
    pub(crate) attestation: Attestation,
    /// Why its predicate is not what its type says.
    pub(crate) invalid_predicate: Option<String>,
    /// The names it gives the image, each subject of that digest in turn.
    pub(super) names: Vec<String>,
}

/// What the statements about an image in one place may take together.
pub(super) const fn memory() -> Memory {
    Memory::of(limits::STATEMENT_MEMORY)
}

/// Verifies every layer of the `.att` manifest.
pub(super) fn verify_attestations(
    store: &ContentStore,
    image: &PinnedImage,
    manifest: &Manifest,
    trust: &Trust,
    found: &mut VerificationResult<Attested>,
) -> Result<(), EvaluationError> {
    let memory = memory();
    for layer in layers(image, manifest, MEDIA_TYPE)? {
        // One after the other: what nobody signed is not held beside the next. Nothing in an envelope is looked at more
        // closely before the signer vouches for it.
        let Some(envelope) = read_or_record(fetch(store, image, layer), &mut found.unread)? else { continue };
        let opened = envelope::open(&envelope, trust, &layer.annotations);
        let attested = opened.and_then(|opened| read(opened, Some(&image.digest), &memory));
        found.record(place(image, "att", layer), attested);
    }
    Ok(())
}

/// Reads the layers of the `.att` manifest without verifying signatures or subjects. What cannot be parsed is skipped.
pub(super) fn unverified_attestations(
    store: &ContentStore,
    image: &PinnedImage,
    manifest: &Manifest,
    found: &mut VerificationResult<Attested>,
) -> Result<(), EvaluationError> {
    let memory = memory();
    for layer in layers(image, manifest, MEDIA_TYPE)? {
        let Some(envelope) = read_or_record(fetch(store, image, layer), &mut found.unread)? else { continue };
        let opened = envelope::open_unverified(&envelope);
        if let Ok(attested) = opened.and_then(|opened| read(opened, None, &memory)) {
            found.record(place(image, "att", layer), Ok(attested));
        }
    }
    Ok(())
}

fn fetch(store: &ContentStore, image: &PinnedImage, layer: &Descriptor) -> Result<Arc<[u8]>, EvaluationError> {
    store.blob_within(&image.repository, &layer.digest, Some(layer.size), limits::ENVELOPE_BYTES)
}

/// The statement of an opened envelope and what is wrong with its predicate, or why it does not count. It must be about
/// `image` if that is given.
pub(super) fn read(
    opened: envelope::OpenedEnvelope,
    image: Option<&Digest>,
    memory: &Memory,
) -> Result<(Attested, LayerEvidence), VerificationError> {
    let envelope::OpenedEnvelope { payload, signatures, evidence } = opened;
    let statement = strict::check(&payload, &Shape::Any, memory).map_err(VerificationError::UnreadableStatement)?;
    let (fields, predicate) = StrictObject::read_with(statement, slsa::PREDICATE)?;
    let statement_type = string(fields.required("_type")?)?;
    if !STATEMENTS.contains(&statement_type.as_str()) {
        let known = STATEMENTS.join("` or `");
        return Err(VerificationError::StatementType(format!(
            "the signed statement is of the type `{statement_type}`, not `{known}`"
        )));
    }
    let predicate_type = string(fields.required("predicateType")?)?;
    let mut names = Vec::new();
    if let Some(image) = image {
        let mut is_about_image = false;
        for subject in array(fields.required("subject")?)? {
            if is_subject(subject, image)? {
                is_about_image = true;
                names.extend(name(subject)?);
            }
        }
        if !is_about_image {
            return Err(VerificationError::Subject("no matching subject digest found".to_owned()));
        }
    }
    // A statement's predicate is an object (in-toto attestation framework); nothing else can be evaluated.
    if fields
        .get(slsa::PREDICATE)?
        .is_some_and(|predicate| !predicate.trim_start().starts_with('{') && predicate != "null")
    {
        return Err("the `predicate` of the signed statement is not an object".to_owned().into());
    }
    let (build_type, invalid_predicate) = match slsa::Provenance::of(&predicate_type) {
        None => (None, None),
        Some(kind) => {
            let outline = kind.outline(&fields, predicate.as_ref());
            let statement = outline.map_err(|error| format!("the statement is invalid: {error}"))?;
            (kind.build_type(&statement), kind.check(&statement).err())
        }
    };
    let digest = Digest::of(&payload);
    let invalid_predicate = invalid_predicate
        .map(|invalid_predicate| format!("the statement {digest} of the type {predicate_type}: {invalid_predicate}"));
    let attestation =
        Attestation { statement: payload.into(), digest, statement_type, predicate_type, build_type, signatures };
    Ok((Attested { attestation, invalid_predicate, names }, evidence))
}

/// The type of a statement's predicate.
pub(super) fn predicate_type(statement: &[u8]) -> Result<String, VerificationError> {
    let statement = strict::check(statement, &Shape::Any, &memory()).map_err(VerificationError::UnreadableStatement)?;
    Ok(string(StrictObject::read(statement)?.required("predicateType")?)?)
}

/// What a subject is called; none without a name, for which `_` stands, too (in-toto attestation framework).
fn name(subject: &str) -> Result<Option<String>, String> {
    let name = StrictObject::read(subject)?.get("name")?.filter(|name| *name != "null").map(string).transpose()?;
    Ok(name.filter(|name| !name.is_empty() && name != "_"))
}

/// Whether a subject is the image: `digest.sha256` is its digest, 64 lowercase hex digits and nothing else.
fn is_subject(subject: &str, image: &Digest) -> Result<bool, String> {
    let Some(digest) = StrictObject::read(subject)?.get("digest")?.filter(|digest| *digest != "null") else {
        return Ok(false);
    };
    match StrictObject::read(digest)?.get("sha256")? {
        Some(sha256) => Ok(string(sha256)? == image.hex()),
        None => Ok(false),
    }
}
