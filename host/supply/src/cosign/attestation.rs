//! [`verify_attestations`]: in-toto statements about this image in envelopes signed by the key.

use assay_model::{digest::Digest, evidence::Attestation, failure::NoAnswer, image::PinnedImage, limits};
use serde_json::Value;

use super::{
    envelope, joined, layers,
    strict::{Object, items, sound, text},
    syntax,
};
use crate::{
    key::PublicKey,
    store::{Manifest, Store},
};

const MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The statements that are understood (in-toto attestation framework v0.1 and v1).
const STATEMENTS: [&str; 2] = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];

/// What became of an image's attestations.
pub(crate) struct Attested {
    /// The verified ones in the order of their layers.
    pub(crate) attestations: Vec<Attestation>,
    /// Why there is none, in the words of `ec`.
    pub(crate) failure: Option<String>,
    /// What is wrong with the provenance among them.
    pub(crate) syntax: Option<String>,
}

/// Verifies every layer of the `.att` manifest, none if there is no such tag.
pub(crate) fn verify_attestations(
    store: &Store,
    image: &PinnedImage,
    manifest: Option<&Manifest>,
    key: &PublicKey,
) -> Result<Attested, NoAnswer> {
    let layers = manifest.map_or(Ok(Vec::new()), |manifest| layers(image, manifest, MEDIA_TYPE))?;
    let (mut attestations, mut reasons, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for layer in layers {
        let envelope = store.blob_within(&image.repository, &layer.digest, Some(layer.size), limits::ENVELOPE_BYTES)?;
        match verify(&envelope, image, key) {
            Ok((attestation, fault)) => {
                attestations.push(attestation);
                faults.extend(fault);
            }
            Err(reason) => reasons.push(reason),
        }
    }
    let failure = attestations.is_empty().then(|| {
        format!(
            "No image attestations found matching the given public key. Verify the correct public key was provided, \
             and one or more attestations were created. Error: no matching attestations: {}",
            joined(&reasons)
        )
    });
    let syntax = (!faults.is_empty()).then(|| format!("Attestation syntax check failed: {}", faults.join("; ")));
    Ok(Attested { attestations, failure, syntax })
}

/// The statement of one envelope and what is wrong with its predicate, or why it does not count.
fn verify(envelope: &[u8], image: &PinnedImage, key: &PublicKey) -> Result<(Attestation, Option<String>), String> {
    // Nothing in the envelope is looked at more closely before the key vouches for it.
    let envelope::Opened { payload, signatures } = envelope::open(envelope, key)?;
    let statement = std::str::from_utf8(&payload).map_err(|_| "the signed statement is not UTF-8".to_owned())?;
    sound(statement)?;
    let fields = Object::read(statement)?;
    let statement_type = text(fields.need("_type")?)?;
    if !STATEMENTS.contains(&statement_type.as_str()) {
        return Err(format!(
            "the signed statement is of the type `{statement_type}`, not `{}`",
            STATEMENTS.join("` or `")
        ));
    }
    let predicate_type = text(fields.need("predicateType")?)?;
    let is_about_image = items(fields.need("subject")?)?
        .into_iter()
        .map(|subject| is_subject(subject, &image.digest))
        .collect::<Result<Vec<_>, _>>()?
        .contains(&true);
    if !is_about_image {
        return Err("no matching subject digest found".to_owned());
    }
    let (build_type, fault) = match syntax::Provenance::of(&predicate_type) {
        None => (None, None),
        Some(kind) => {
            let predicate: Value = match fields.get("predicate")? {
                None => Value::Null,
                Some(predicate) => {
                    serde_json::from_str(predicate).map_err(|error| format!("the predicate does not read: {error}"))?
                }
            };
            (kind.build_type(&predicate), kind.check(&predicate).err())
        }
    };
    let digest = Digest::of(&payload);
    let fault = fault.map(|fault| format!("the statement {digest} of the type {predicate_type}: {fault}"));
    let attestation =
        Attestation { statement: payload.into(), digest, statement_type, predicate_type, build_type, signatures };
    Ok((attestation, fault))
}

/// Whether a subject is the image: `digest.sha256` is its digest, 64 lower-case hex digits and nothing else.
fn is_subject(subject: &str, image: &Digest) -> Result<bool, String> {
    let Some(digest) = Object::read(subject)?.get("digest")?.filter(|digest| *digest != "null") else {
        return Ok(false);
    };
    match Object::read(digest)?.get("sha256")? {
        Some(sha256) => Ok(text(sha256)? == image.hex()),
        None => Ok(false),
    }
}
