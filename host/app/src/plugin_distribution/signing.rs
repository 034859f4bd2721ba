//! What is attached to a plugin in its registry: signatures, vet statements and SBOMs, as referrers of its image.

use std::{collections::BTreeMap, sync::Arc};

use assay_evidence::{BUNDLE_TYPE, KeyBundle, SigningKey, SigningKeyError};
use assay_model::{digest::Digest, image::PinnedImage};
use assay_oci::{ContentStore, PushedBlob, PushedImage};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    artifact::{fetch, resolve},
    error::request_error,
    sbom,
    vet::VetResult,
    vet_statement::{NewVet, VET, VetVerdict},
};
use crate::{
    error::{RequestError, RequestErrorKind},
    source_settings::SourceSettings,
};

/// The empty config of an artifact (image-spec `manifest.md`).
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The media types of SBOMs that nobody signed.
const CYCLONEDX_JSON: &str = "application/vnd.cyclonedx+json";
const SPDX_JSON: &str = "application/spdx+json";
/// The largest SBOM.
pub const SBOM_BYTES: u64 = 64 << 20;

/// A private key to sign plugins with.
#[derive(Debug)]
pub struct PluginSigningKey(SigningKey);

impl PluginSigningKey {
    /// Reads a key that cosign encrypted; `origin` says where it stands.
    ///
    /// # Errors
    /// It is none, or the password is another one.
    pub fn read(pem: &str, password: &str, origin: &str) -> Result<Self, RequestError> {
        SigningKey::from_pem(pem, password.as_bytes()).map(Self).map_err(|error| key_error(&error, origin))
    }
}

impl PluginSigningKey {
    /// Signs a statement; returns its envelope (DSSE) as JSON.
    pub(crate) fn sign_statement(&self, statement: &[u8]) -> Result<String, RequestError> {
        self.0.sign_statement(statement).map_err(|error| unsigned(&error))
    }
}

fn key_error(error: &SigningKeyError, origin: &str) -> RequestError {
    RequestError::of(RequestErrorKind::Key, format!("{error} ({origin})")).hint(error.hint())
}

fn unsigned(error: &SigningKeyError) -> RequestError {
    key_error(error, "--sign-key")
}

/// Something that was attached.
#[derive(Clone, Debug)]
pub struct Attached {
    /// The referrer.
    pub image: PinnedImage,
    /// The digest of the statement in it, or of the document.
    pub content: Digest,
}

/// Signs a plugin; a tag becomes the digest that it stands for now.
///
/// # Errors
/// It is not a plugin, the key cannot sign, or the registry does not take the signature.
pub fn sign_plugin(
    reference: &str,
    key: &PluginSigningKey,
    settings: &SourceSettings,
) -> Result<(PinnedImage, Attached), RequestError> {
    let store = settings.registry()?;
    let (_, image) = resolve(&store, reference)?;
    // Nobody signs what was not looked at.
    fetch(&store, &image).map_err(request_error)?;
    let attached = attach_signature(&store, &image, key)?;
    Ok((image, attached))
}

/// Signs an image.
///
/// # Errors
/// The key cannot sign, or the registry does not take the signature.
pub fn attach_signature(
    store: &ContentStore,
    image: &PinnedImage,
    key: &PluginSigningKey,
) -> Result<Attached, RequestError> {
    attach_bundle(store, image, &KeyBundle::of_image(&key.0, image).map_err(|error| unsigned(&error))?)
}

/// Attaches an SBOM: signed with a key as a statement, without one as it is. What nobody signed counts for nothing.
///
/// # Errors
/// It is not an SBOM that is known, the key cannot sign, or the registry does not take it.
pub fn attach_sbom(
    store: &ContentStore,
    image: &PinnedImage,
    text: &str,
    key: Option<&PluginSigningKey>,
) -> Result<Attached, RequestError> {
    let document: Option<Value> = serde_json::from_str(text).ok();
    let kind = document.as_ref().and_then(|document| Some((document, sbom::predicate_type(document)?)));
    let (document, predicate_type) = kind.ok_or_else(|| {
        RequestError::new("the SBOM is neither CycloneDX nor SPDX 2 in JSON")
            .hint("make one with a tool such as `syft scan -o cyclonedx-json`")
    })?;
    if let Some(key) = key {
        let bundle = KeyBundle::of_statement(&key.0, image, predicate_type, document);
        return attach_bundle(store, image, &bundle.map_err(|error| unsigned(&error))?);
    }
    let media_type = if predicate_type == sbom::CYCLONEDX { CYCLONEDX_JSON } else { SPDX_JSON };
    attach(store, image, media_type, text.as_bytes(), BTreeMap::new())
}

/// Attaches the verdict of a team to a plugin.
///
/// # Errors
/// The key cannot sign, or the registry does not take the statement.
pub fn attach_vet(
    result: &VetResult,
    now: Timestamp,
    key: &PluginSigningKey,
    settings: &SourceSettings,
) -> Result<Attached, RequestError> {
    let store = settings.registry()?;
    let violations = result
        .violations
        .iter()
        .map(|finding| serde_json::json!({"code": finding.metadata.get("code"), "message": finding.message}));
    let vet = NewVet {
        verdict: if result.accepted { VetVerdict::Accepted } else { VetVerdict::Denied },
        at: now,
        policy: &result.policy,
        name: &result.name,
        version: &result.version,
        violations: violations.collect(),
    };
    let bundle = KeyBundle::of_statement(&key.0, &result.image, VET, &vet.predicate());
    attach_bundle(&store, &result.image, &bundle.map_err(|error| unsigned(&error))?)
}

/// As cosign attaches a bundle (cosign `specs/BUNDLE_SPEC.md`), without a time, so that nothing depends on the clock.
fn attach_bundle(store: &ContentStore, image: &PinnedImage, bundle: &KeyBundle) -> Result<Attached, RequestError> {
    let annotations = BTreeMap::from([
        ("dev.sigstore.bundle.content".to_owned(), "dsse-envelope".to_owned()),
        ("dev.sigstore.bundle.predicateType".to_owned(), bundle.predicate_type.clone()),
    ]);
    let attached = attach(store, image, BUNDLE_TYPE, bundle.text.as_bytes(), annotations)?;
    Ok(Attached { content: bundle.statement.clone(), ..attached })
}

fn attach(
    store: &ContentStore,
    image: &PinnedImage,
    media_type: &str,
    bytes: &[u8],
    annotations: BTreeMap<String, String>,
) -> Result<Attached, RequestError> {
    let blob = |media_type: &str, bytes: &[u8]| PushedBlob {
        media_type: media_type.to_owned(),
        annotations: BTreeMap::new(),
        bytes: Arc::from(bytes),
    };
    let content = PushedImage {
        artifact_type: Some(media_type.to_owned()),
        config: blob(EMPTY, b"{}"),
        layers: vec![blob(media_type, bytes)],
        annotations,
    };
    let image = store.push_referrer(image, &content).map_err(request_error)?;
    Ok(Attached { image, content: Digest::of(bytes) })
}
