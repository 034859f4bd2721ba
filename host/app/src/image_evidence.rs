//! [`EvidenceRequest`]: where the evidence of a Snapshot's images is and whose signatures count for it, and [`ImageEvidence`],
//! which collects and verifies it for the plugins that read it.
//!
//! What is not verified is not evidence: no plugin sees it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use assay_evidence::{
    CollectOptions, EvidenceCollector, Trust,
    keyless::{CertificateLogPolicy, LogPolicy},
};
use assay_model::{
    error::{ErrorCode, EvaluationError},
    evidence::Evidence,
    image::ImageRef,
    port::EvidenceProvider as _,
    snapshot::Component,
};
use assay_oci::{ContentStore, OpenedLayout};
use assay_wasm::{Outcome, PluginFinding, Severity, Verdict};
use camino::Utf8PathBuf;
use jiff::Timestamp;
use serde_json::json;

use crate::{
    error::RequestError,
    mode::Mode,
    source_settings::{SourceSettings, open_evidence},
    trust::{SignerRequest, TrustRequest, build_trust},
    trust_root::LazyTrustRoot,
};

/// Where the evidence of images is, and whose signatures count for it.
#[derive(Clone, Debug, Default)]
pub struct EvidenceRequest {
    /// The OCI layout that has the images and their evidence; without one, registries do.
    pub layout: Option<Utf8PathBuf>,
    /// Whose signatures count; without anybody's there is no evidence.
    pub trust: Option<TrustRequest>,
}

impl EvidenceRequest {
    /// What the evidence depends on, as a text; none where there is no evidence.
    pub(crate) fn form(&self) -> Option<String> {
        let trust = self.trust.as_ref()?;
        let signer = match &trust.signer {
            SignerRequest::Key(key) => json!({"key": key.pem.trim()}),
            SignerRequest::Identity(identity) => json!({"identity": identity}),
        };
        let is_required = trust.log == LogPolicy::Required;
        let is_logged = trust.certificate_log == CertificateLogPolicy::Required;
        Some(json!({"signer": signer, "log": is_required, "ct": is_logged, "layout": self.layout}).to_string())
    }
}

/// What a task may read.
pub(crate) enum TaskEvidence {
    /// The evidence of all images.
    Verified(Vec<Evidence>),
    /// Nothing: this is its verdict, and it is not called.
    Refused(Box<Verdict>),
}

/// What did not verify before a plugin is called, as findings about the image.
pub(crate) fn failed_checks(evidence: &Evidence) -> impl Iterator<Item = PluginFinding> {
    let failed = evidence.checks.iter().filter_map(|check| Some((check.kind.code(), check.failure.as_ref()?)));
    failed.map(|(code, why)| PluginFinding {
        code: code.to_owned(),
        outcome: Outcome::Failure,
        severity: Severity::High,
        message: why.clone(),
        subject: Some(evidence.image.to_string()),
        terms: Vec::new(),
        solution: None,
    })
}

/// Collects the evidence of images, each once.
pub(crate) struct ImageEvidence {
    trust: Trust,
    layout: Option<OpenedLayout>,
    sources: SourceSettings,
    /// What was collected, by the images of components. An error is not kept: the next attempt may have none.
    collected: Mutex<BTreeMap<String, Evidence>>,
}

impl ImageEvidence {
    /// # Errors
    /// The key or the trust root cannot be used, or the layout cannot be opened.
    pub(crate) fn new(
        trust: &TrustRequest,
        layout: Option<&Utf8PathBuf>,
        sources: &SourceSettings,
    ) -> Result<Self, RequestError> {
        let root = LazyTrustRoot::new(sources.trust_root.clone());
        Ok(Self {
            trust: build_trust(trust, Mode::Native, &root)?.trust,
            layout: layout.map(|path| open_evidence(path)).transpose()?,
            sources: sources.clone(),
            collected: Mutex::default(),
        })
    }

    /// The content of the images, to be read until then.
    ///
    /// # Errors
    /// Registries cannot be accessed at all.
    pub(crate) fn store(&self, deadline: Option<Instant>) -> Result<Arc<ContentStore>, RequestError> {
        Ok(Arc::new(match &self.layout {
            Some(layout) => ContentStore::of_layout(layout.clone()).until(deadline),
            None => self.sources.clone().until(deadline).registry()?,
        }))
    }

    /// The verified evidence of all components' images for a task, or the verdict that some of it does not verify: what a
    /// task says of it would rest on nothing.
    ///
    /// # Errors
    /// The evidence of an image cannot be collected.
    pub(crate) fn for_task(
        &self,
        components: &[Component],
        store: &Arc<ContentStore>,
        now: Timestamp,
    ) -> Result<TaskEvidence, EvaluationError> {
        let found: Vec<Evidence> = self.of(components, store).into_iter().collect::<Result<_, _>>()?;
        let findings: Vec<PluginFinding> = found.iter().flat_map(failed_checks).collect();
        let Some(first) = findings.first() else { return Ok(TaskEvidence::Verified(found)) };
        let image = first.subject.as_deref().unwrap_or_default();
        let why = first.message.trim_end_matches([':', ' ']);
        Ok(TaskEvidence::Refused(Box::new(Verdict {
            outcome: Outcome::Failure,
            successes: 0,
            failures: u64::try_from(findings.len()).unwrap_or(u64::MAX),
            warnings: 0,
            namespace: "default".to_owned(),
            note: format!("the evidence of {image} does not verify: {why}"),
            timestamp: now,
            findings,
            results: Vec::new(),
            links: Vec::new(),
        })))
    }

    /// The verified evidence of each component's image, or why there is none.
    pub(crate) fn of(
        &self,
        components: &[Component],
        store: &Arc<ContentStore>,
    ) -> Vec<Result<Evidence, EvaluationError>> {
        let collector = EvidenceCollector::new(Arc::clone(store), self.trust.clone(), CollectOptions::strict());
        components.iter().map(|component| self.of_image(&component.container_image, &collector)).collect()
    }

    fn of_image(&self, image: &str, collector: &EvidenceCollector) -> Result<Evidence, EvaluationError> {
        let collected = || self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = collected().get(image) {
            return Ok(known.clone());
        }
        let reference: ImageRef = image.parse().map_err(|error| {
            let message = format!("`{image}` is not the reference of an image: {error}");
            EvaluationError::new(ErrorCode::ImageReference, message)
        })?;
        let found = collector.collect(&collector.resolve(&reference)?.image)?;
        collected().insert(image.to_owned(), found.clone());
        Ok(found)
    }
}
