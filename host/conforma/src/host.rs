//! [`Host`]: what the built-in functions of `ec` reach registries through.
//!
//! The conventions are `ec`'s: a reference that cannot be read and content that is not there make the call undefined,
//! and `ec.sigstore.*` reports in its result why a signature is not valid. A result that could not be fetched ends the
//! evaluation, however the policy would take it; a rule such as `not ec.oci.blob(ref)` must not hold because a registry
//! is down.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    evidence::Signature,
};

use assay_rego::{HostError, value::Value};

/// What a function gives: a value, nothing where it is undefined, or an error.
pub(crate) type Outcome = Result<Option<Value>, HostError>;

/// Files by the names that their archive gives them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The metadata of content that a registry returns without the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What the content is.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: String,
}

/// A manifest that points at an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The manifest.
    pub described: Described,
    /// What it is.
    pub artifact_type: String,
    /// Its reference, `repository@digest`.
    pub reference: String,
    /// Notes about it.
    pub annotations: BTreeMap<String, String>,
}

/// A statement about an image whose signature was verified.
#[derive(Clone, Debug)]
pub struct Attested {
    /// The statement's JSON.
    pub statement: Arc<[u8]>,
    /// The verified signatures of its envelope.
    pub signatures: Vec<Signature>,
}

/// What a policy demands of a signature: `data.config.default_sigstore_opts`, or its own. Empty is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigstoreOptions {
    /// The identity in the signer's certificate.
    pub certificate_identity: String,
    /// The same as a regular expression.
    pub certificate_identity_regexp: String,
    /// Who vouched for the identity.
    pub certificate_oidc_issuer: String,
    /// The same as a regular expression.
    pub certificate_oidc_issuer_regexp: String,
    /// Whether to do without transparency logs.
    pub ignore_rekor: bool,
    /// The signer's public key, PEM.
    pub public_key: String,
    /// The transparency log.
    pub rekor_url: String,
    /// The transparency log's key.
    pub rekor_public_key: String,
}

/// What built-in functions reach the world through. A reference is as the policy wrote it, such as
/// `registry.example/app@sha256:…`. Calls come from the thread of the evaluation, and the same call only once in it.
pub trait Host: Send + Sync {
    /// `ec.oci.blob`, `ec.oci.parsed_blob`: the blob, by digest.
    fn blob(&self, reference: &str) -> Result<Arc<[u8]>, HostError>;

    /// `ec.oci.blob_files`: those of the files at `paths` that the archive in the blob holds.
    fn blob_files(&self, reference: &str, paths: &[&str]) -> Result<Files, HostError>;

    /// `ec.oci.image_files`: the YAML and JSON files that stand right in one of the folders of the image's file system.
    fn image_files(&self, reference: &str, folders: &[&str]) -> Result<Files, HostError>;

    /// `ec.oci.image_manifest`: the manifest's JSON. What it leaves out is filled in here.
    fn image_manifest(&self, reference: &str) -> Result<Arc<[u8]>, HostError>;

    /// `ec.oci.image_manifests`: the manifests of several images, in this order and all at a time.
    fn image_manifests(&self, references: &[&str]) -> Vec<Result<Arc<[u8]>, HostError>>;

    /// `ec.oci.image_index`: the index's JSON. What it leaves out is filled in here.
    fn image_index(&self, reference: &str) -> Result<Arc<[u8]>, HostError>;

    /// `ec.oci.descriptor`: what a registry says of an image.
    fn descriptor(&self, reference: &str) -> Result<Described, HostError>;

    /// `ec.oci.image_referrers`: what points at an image.
    fn image_referrers(&self, reference: &str) -> Result<Vec<Referrer>, HostError>;

    /// `ec.oci.image_tag_refs`: those of the tags `sha256-HEX.sig`, `.att` and `.sbom` of an image that are there.
    fn image_tag_refs(&self, reference: &str) -> Result<Vec<String>, HostError>;

    /// `ec.sigstore.verify_image`: the signatures of an image that verify with the options, at least one.
    fn verify_image(&self, reference: &str, options: &SigstoreOptions) -> Result<Vec<Signature>, HostError>;

    /// `ec.sigstore.verify_attestation`: the statements about an image that verify with the options, at least one.
    fn verify_attestation(&self, reference: &str, options: &SigstoreOptions) -> Result<Vec<Attested>, HostError>;
}

/// A host that reaches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl NoHost {
    fn refuse<T>(reference: &str) -> Result<T, HostError> {
        let message = format!("`{reference}` was requested, but registry access is disabled");
        Err(HostError::Evaluation(EvaluationError::new(ErrorCode::BuiltinFailed, message)))
    }
}

impl Host for NoHost {
    fn blob(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        Self::refuse(reference)
    }

    fn blob_files(&self, reference: &str, _paths: &[&str]) -> Result<Files, HostError> {
        Self::refuse(reference)
    }

    fn image_files(&self, reference: &str, _folders: &[&str]) -> Result<Files, HostError> {
        Self::refuse(reference)
    }

    fn image_manifest(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        Self::refuse(reference)
    }

    fn image_manifests(&self, references: &[&str]) -> Vec<Result<Arc<[u8]>, HostError>> {
        references.iter().map(|reference| Self::refuse(reference)).collect()
    }

    fn image_index(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        Self::refuse(reference)
    }

    fn descriptor(&self, reference: &str) -> Result<Described, HostError> {
        Self::refuse(reference)
    }

    fn image_referrers(&self, reference: &str) -> Result<Vec<Referrer>, HostError> {
        Self::refuse(reference)
    }

    fn image_tag_refs(&self, reference: &str) -> Result<Vec<String>, HostError> {
        Self::refuse(reference)
    }

    fn verify_image(&self, reference: &str, _options: &SigstoreOptions) -> Result<Vec<Signature>, HostError> {
        Self::refuse(reference)
    }

    fn verify_attestation(&self, reference: &str, _options: &SigstoreOptions) -> Result<Vec<Attested>, HostError> {
        Self::refuse(reference)
    }
}
