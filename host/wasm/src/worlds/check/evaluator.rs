//! [`Check`]: a plugin with its parameters, as an evaluator of images.

use std::sync::Arc;

use assay_model::{
    decide::Decision,
    error::{ErrorCode, EvaluationError},
    port::{Blobs, EvaluationContext, Evaluator},
    snapshot::Snapshot,
};

use super::{findings, v0_1::Guest, world::WORLD};
use crate::{
    call::call,
    call_context::{CallContext, Capabilities, RunContext},
    capability::{evidence::EvidenceView, logging::LogSink, snapshot::SnapshotView},
    key, limits,
    params::ParamError,
    permissions::Permission,
    plugin::Plugin,
    text,
    values::Param,
};

/// What a plugin evaluates with.
#[derive(Clone)]
pub struct CheckOptions<'a> {
    /// The run that the calls belong to.
    pub run: RunContext,
    /// Parameters of a command line: names and strings.
    pub params: &'a [(String, String)],
    /// The Snapshot under test.
    pub snapshot: &'a Snapshot,
    /// The original text of the Snapshot; empty if there is none.
    pub snapshot_text: Arc<str>,
    /// Provides the blobs that a plugin reads.
    pub blobs: Arc<dyn Blobs>,
    /// Receives the plugin's log; without a sink it is dropped.
    pub log: Option<LogSink>,
}

/// A plugin cannot be used as a check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The plugin is of another world.
    #[error("plugin `{plugin}` is of the world `{world}`, not of the world `{}`", WORLD.name)]
    World {
        /// The plugin's name.
        plugin: String,
        /// Its world.
        world: &'static str,
    },
    /// The parameters do not match the plugin.
    #[error(transparent)]
    Params(#[from] ParamError),
}

/// Evaluates images with one plugin, from any thread. Every image is evaluated by a fresh instance.
pub struct Check {
    plugin: Plugin,
    guest: Guest,
    run: RunContext,
    params: Vec<Param>,
    snapshot: Arc<SnapshotView>,
    blobs: Arc<dyn Blobs>,
    log: Option<LogSink>,
}

impl Check {
    /// A plugin of the world `check` with its parameters.
    pub fn new(plugin: &Plugin, options: CheckOptions<'_>) -> Result<Self, CheckError> {
        let accepted = plugin.accepted();
        let name = &accepted.manifest.name;
        let guest = match Guest::new(plugin.component()) {
            Ok(guest) if plugin.world() == WORLD.name => guest,
            _ => return Err(CheckError::World { plugin: name.clone(), world: plugin.world() }),
        };
        Ok(Self {
            guest,
            run: options.run,
            params: accepted.schema.fill(name, options.params)?,
            snapshot: Arc::new(SnapshotView::new(options.snapshot, options.snapshot_text)),
            blobs: options.blobs,
            log: options.log.filter(|_| accepted.permissions.contains(Permission::Logging)),
            plugin: plugin.clone(),
        })
    }

    /// The plugin.
    #[must_use]
    pub const fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The call for one image. Its key is the same whenever and wherever it is made.
    fn call_context(&self, context: &EvaluationContext<'_>) -> CallContext {
        let now = milliseconds(context);
        let key = key::hash(&[
            b"evaluate",
            self.plugin.digest().to_string().as_bytes(),
            format!("{:?}", self.params).as_bytes(),
            context.component.name.as_bytes(),
            context.evidence.image.to_string().as_bytes(),
            &now.to_le_bytes(),
        ]);
        CallContext {
            plugin: self.name().to_owned(),
            run: self.run.clone(),
            key,
            now,
            deadline: now.saturating_add(limits::CPU_MS),
            params: self.params.clone(),
        }
    }

    fn capabilities(&self, context: &EvaluationContext<'_>) -> Capabilities {
        let evidence = if self.plugin.permissions().contains(Permission::Evidence) {
            EvidenceView::of(context.evidence.clone(), Arc::clone(&self.blobs))
        } else {
            EvidenceView::none()
        };
        Capabilities { log: self.log.clone(), snapshot: Arc::clone(&self.snapshot), evidence }
    }
}

/// The effective time, the only time that a plugin receives, in milliseconds since 1970.
fn milliseconds(context: &EvaluationContext<'_>) -> u64 {
    u64::try_from(context.when.as_millisecond()).unwrap_or_default()
}

impl Evaluator for Check {
    fn name(&self) -> &str {
        &self.plugin.manifest().name
    }

    fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<Decision, EvaluationError> {
        let (call_context, capabilities) = (self.call_context(context), self.capabilities(context));
        let image = context.evidence.image.to_string();
        let budget = self.plugin.accepted().budget;
        let returned = call(self.plugin.engine(), &call_context, capabilities, budget, |store| {
            self.guest.evaluate(store, &call_context, &image)
        })?;
        match returned {
            Ok(findings) => findings::decide(self.plugin.manifest(), findings),
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
            .field("plugin", self.plugin.manifest())
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
