//! [`Check`]: a plugin with its parameters, as a judge of images.

use std::sync::Arc;

use assay_model::{
    decide::Decision,
    error::{ErrorCode, EvaluationError},
    port::{Blobs, EvaluationContext, Evaluator},
    snapshot::Snapshot,
};
use sha2::{Digest as _, Sha256};

use crate::{
    call::call,
    capability::{evidence::EvidenceView, snapshot::SnapshotView},
    findings, limits,
    params::{Param, ParamError},
    plugin::{Loaded, Plugin},
    state::CallContext,
    text,
    wit::CheckRequest,
};

/// Takes one line of a plugin's log, from any thread. Lines are within the quota and hold no control characters.
pub type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

/// What a plugin judges with.
#[derive(Clone)]
pub struct CheckOptions<'a> {
    /// Parameters as given on a command line: names and texts.
    pub params: &'a [(String, String)],
    /// The Snapshot under test.
    pub snapshot: &'a Snapshot,
    /// The Snapshot as it was given, byte for byte; empty where it was not given as a text.
    pub snapshot_text: Arc<str>,
    /// Where blobs come from that a plugin reads.
    pub blobs: Arc<dyn Blobs>,
    /// Where its log goes; without a sink it is dropped.
    pub log: Option<LogSink>,
}

/// Judges images with one plugin, from any thread. Every image is judged by a fresh instance.
pub struct Check {
    plugin: Arc<Loaded>,
    params: Vec<Param>,
    snapshot: Arc<SnapshotView>,
    blobs: Arc<dyn Blobs>,
    log: Option<LogSink>,
}

impl Check {
    pub(crate) fn new(plugin: Arc<Loaded>, options: CheckOptions<'_>) -> Result<Self, ParamError> {
        let params = plugin.accepted.schema.fill(&plugin.accepted.manifest.name, options.params)?;
        Ok(Self {
            plugin,
            params,
            snapshot: Arc::new(SnapshotView::new(options.snapshot, options.snapshot_text)),
            blobs: options.blobs,
            log: options.log,
        })
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> Plugin {
        Plugin(Arc::clone(&self.plugin))
    }

    /// The same for the same call, whenever and wherever it is made.
    fn key(&self, context: &EvaluationContext<'_>) -> [u8; 32] {
        key(&[
            b"evaluate",
            self.plugin.digest.to_string().as_bytes(),
            format!("{:?}", self.params).as_bytes(),
            context.component.name.as_bytes(),
            context.evidence.image.to_string().as_bytes(),
            &milliseconds(context).to_le_bytes(),
        ])
    }
}

/// The moment to judge at, the only time a plugin sees, in milliseconds since 1970.
fn milliseconds(context: &EvaluationContext<'_>) -> u64 {
    u64::try_from(context.when.as_millisecond()).unwrap_or_default()
}

/// A hash over parts, none of which can be taken for another.
pub(crate) fn key(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

impl Evaluator for Check {
    fn name(&self) -> &str {
        &self.plugin.accepted.manifest.name
    }

    fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<Decision, EvaluationError> {
        let (key, now) = (self.key(context), milliseconds(context));
        let accepted = &self.plugin.accepted;
        let request = CheckRequest {
            key: assay_model::digest::Digest::from_sha256(key).hex(),
            seed: key.first_chunk().map_or(0, |first| u32::from_le_bytes(*first)),
            now,
            deadline: now.saturating_add(limits::CPU_MS),
            params: self.params.clone(),
            image: context.evidence.image.to_string(),
        };
        let evidence = if accepted.evidence {
            EvidenceView::of(context.evidence.clone(), Arc::clone(&self.blobs))
        } else {
            EvidenceView::none()
        };
        let context = CallContext {
            plugin: self.name().to_owned(),
            key,
            now,
            snapshot: Arc::clone(&self.snapshot),
            evidence,
            log: self.log.clone(),
        };
        let evaluate = |store: &mut wasmtime::Store<_>| self.plugin.guest.evaluate(store, &request);
        match call(&self.plugin.engine, context, accepted.budget, evaluate)? {
            Ok(reported) => findings::decide(&accepted.manifest, reported),
            Err(error) => {
                let message = text::one_line(&error.message, limits::TEXT_BYTES);
                let message = format!("plugin `{}` {}: {message}", self.name(), error.kind);
                Err(EvaluationError::new(ErrorCode::PluginError, message))
            }
        }
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Check")
            .field("plugin", &self.plugin.accepted.manifest)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
