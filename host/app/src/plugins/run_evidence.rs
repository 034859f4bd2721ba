//! [`collect`]: the verified evidence of the images that a plugin is run on.

use std::sync::Arc;

use assay_evidence::{CollectOptions, EvidenceCollector};
use assay_model::{
    error::EvaluationError,
    evidence::Evidence,
    image::ImageRef,
    port::EvidenceProvider as _,
    snapshot::{Component, Snapshot},
};
use assay_oci::ContentStore;

use super::run_request::RunPluginRequest;
use crate::{
    error::{RequestError, RequestErrorKind},
    mode::Mode,
    source_settings::open_evidence,
    trust::build_trust,
    trust_root::LazyTrustRoot,
};

/// The evidence of each image of a Snapshot, and the store that has their blobs.
#[derive(Default)]
pub(crate) struct RunEvidence {
    pub(crate) store: Option<Arc<ContentStore>>,
    pub(crate) images: Vec<ImageEvidence>,
}

/// One image under test.
pub(crate) struct ImageEvidence {
    pub(crate) component: Component,
    /// What is known of it, or why nothing is.
    pub(crate) evidence: Result<Evidence, EvaluationError>,
}

/// Collects the evidence of all images.
///
/// # Errors
/// Nobody's signature counts, the key or the trust root cannot be used, or the layout cannot be opened.
pub(crate) fn collect(request: &RunPluginRequest<'_>, snapshot: &Snapshot) -> Result<RunEvidence, RequestError> {
    let Some(trust) = &request.trust else {
        return Err(RequestError::of(
            RequestErrorKind::Invalid,
            "the plugin reads evidence, which is verified, and nobody's signature counts",
        )
        .hint("pass `--public-key FILE`, or `--certificate-identity` and `--certificate-oidc-issuer`"));
    };
    let root = LazyTrustRoot::new(request.sources.trust_root.clone());
    let trust = build_trust(trust, Mode::Native, &root)?;
    let store = match &request.evidence {
        Some(path) => ContentStore::of_layout(open_evidence(path)?).until(request.sources.deadline),
        None => request.sources.registry()?,
    };
    let store = Arc::new(store);
    let collector = EvidenceCollector::new(Arc::clone(&store), trust.trust, CollectOptions::strict());
    let evidence = |component: &Component| {
        let image: ImageRef = component.container_image.parse().map_err(|error| {
            let message = format!("`{}` is not the reference of an image: {error}", component.container_image);
            EvaluationError::new(assay_model::error::ErrorCode::ImageReference, message)
        })?;
        collector.collect(&collector.resolve(&image)?.image)
    };
    let images = snapshot
        .components
        .iter()
        .map(|component| ImageEvidence { component: component.clone(), evidence: evidence(component) });
    let images = images.collect();
    Ok(RunEvidence { store: Some(store), images })
}
