//! [`Check`]: a plugin with its parameters, as an evaluator of images.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    decide::Decision,
    error::EvaluationError,
    port::{Blobs, EvaluationContext, Evaluator},
};

use super::{findings, v0_1::Guest, world::WORLD};
use crate::{
    call::call,
    call_context::{CallContext, Capabilities, RunContext},
    call_limits::CallLimits,
    capability::{
        evidence::EvidenceView,
        logging::Sinks,
        snapshot::{SnapshotInput, SnapshotView},
    },
    findings::check_findings,
    job::{CallOutcome, fault},
    key,
    params::ParamError,
    permissions::Permission,
    plugin::Plugin,
    values::{Param, PluginFinding},
    verdict::shown_finding,
};

/// What a plugin evaluates with.
#[derive(Clone)]
pub struct CheckOptions<'a> {
    /// The run that the calls belong to.
    pub run: RunContext,
    /// Parameters of a command line: names and strings.
    pub params: &'a [(String, String)],
    /// The Snapshot under test.
    pub snapshot: SnapshotInput<'a>,
    /// Provides the blobs that a plugin reads.
    pub blobs: Arc<dyn Blobs>,
    /// Caps of the operator for the limits of a call, by the names in [`CallLimits`].
    pub limits: BTreeMap<String, u64>,
    /// Receive the plugin's log.
    pub sinks: Sinks,
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
    limits: CallLimits,
    sinks: Sinks,
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
            snapshot: Arc::new(SnapshotView::new(options.snapshot)),
            blobs: options.blobs,
            limits: plugin.limits().capped(options.limits.iter().map(|(name, cap)| (name, *cap))),
            sinks: if accepted.permissions.contains(Permission::Logging) { options.sinks } else { Sinks::default() },
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
            deadline: now.saturating_add(self.limits.cpu_ms),
            params: self.params.clone(),
            attributes: Vec::new(),
        }
    }

    fn capabilities(&self, context: &EvaluationContext<'_>) -> Capabilities {
        let evidence = if self.plugin.permissions().contains(Permission::Evidence) {
            EvidenceView::of(vec![context.evidence.clone()], &self.blobs)
        } else {
            EvidenceView::none()
        };
        Capabilities {
            sinks: self.sinks.clone(),
            snapshot: Arc::clone(&self.snapshot),
            evidence,
            ..Capabilities::none()
        }
    }

    /// The findings about one image, in the order of the plugin and without control characters, and what the call used.
    pub fn call(&self, context: &EvaluationContext<'_>) -> CallOutcome<Vec<PluginFinding>> {
        let (call_context, capabilities) = (self.call_context(context), self.capabilities(context));
        let image = context.evidence.image.to_string();
        let (engine, metering) = (self.plugin.engine(), self.plugin.metering());
        let called = call(engine, metering, &call_context, capabilities, self.limits, |store| {
            self.guest.evaluate(store, &call_context, &image)
        });
        let result = match called.result {
            Ok((Ok(findings), effects)) => match check_findings(self.plugin.manifest(), &findings) {
                Ok(()) => Ok((findings.into_iter().map(shown_finding).collect(), effects)),
                Err(error) => Err(error.into()),
            },
            Ok((Err(error), _)) => Err(fault(self.name(), &error, &called.denials)),
            Err(failure) => Err(failure.of(self.name()).into()),
        };
        CallOutcome { result, usage: called.usage }
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
        let (found, _) = self.call(context).result.map_err(|failed| failed.error)?;
        findings::decide(self.plugin.manifest(), found)
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
