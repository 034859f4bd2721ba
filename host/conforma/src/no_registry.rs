//! [`NoRegistry`]: the host of tests, for which nothing is anywhere.
//!
//! As in `ec`, a test that does not replace a function of the world finds it undefined, and a verification failed.

use std::sync::Arc;

use assay_model::evidence::Signature;
use assay_rego::HostError;

use crate::host::{Attested, Described, Files, Host, Referrer, SigstoreOptions};

/// A host that has nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoRegistry;

fn nothing<T>(reference: &str) -> Result<T, HostError> {
    Err(HostError::Undefined(format!("`{reference}` was requested, but tests do not access registries")))
}

impl Host for NoRegistry {
    fn blob(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        nothing(reference)
    }

    fn blob_files(&self, reference: &str, _paths: &[&str]) -> Result<Files, HostError> {
        nothing(reference)
    }

    fn image_files(&self, reference: &str, _folders: &[&str]) -> Result<Files, HostError> {
        nothing(reference)
    }

    fn image_manifest(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        nothing(reference)
    }

    fn image_manifests(&self, references: &[&str]) -> Vec<Result<Arc<[u8]>, HostError>> {
        references.iter().map(|reference| nothing(reference)).collect()
    }

    fn image_index(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        nothing(reference)
    }

    fn descriptor(&self, reference: &str) -> Result<Described, HostError> {
        nothing(reference)
    }

    fn image_referrers(&self, reference: &str) -> Result<Vec<Referrer>, HostError> {
        nothing(reference)
    }

    fn image_tag_refs(&self, reference: &str) -> Result<Vec<String>, HostError> {
        nothing(reference)
    }

    fn verify_image(&self, reference: &str, _options: &SigstoreOptions) -> Result<Vec<Signature>, HostError> {
        nothing(reference)
    }

    fn verify_attestation(&self, reference: &str, _options: &SigstoreOptions) -> Result<Vec<Attested>, HostError> {
        nothing(reference)
    }
}
