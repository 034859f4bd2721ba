//! [`JobOptions`]: what the calls of one job have in common, and [`CallOutcome`]: how one call of it ended.
//!
//! A job is one run of a custom task, one remote job of an adapter or one rendering of a reporter:
//!
//! 1. [`Plugin::load`] compiles a component and reads its manifest.
//! 2. [`Task::new`](crate::Task::new), [`Adapter::new`](crate::Adapter::new) or
//!    [`Reporter::new`](crate::Reporter::new) validates the [`JobOptions`] against it.
//! 3. Each call ([`Task::run`](crate::Task::run); `submit`, `poll`, `collect` and `cancel` of an
//!    [`Adapter`](crate::Adapter); [`Reporter::render`](crate::Reporter::render)) makes a fresh instance, and gives a
//!    [`CallOutcome`]: a value or a [`CallError`], what the call did besides ([`Effects`]), and what it used ([`Usage`]).
//!
//! Effects come with a value only. The caller makes them real in one step with the value, and gives them to later calls
//! of the job as [`Before`].

use std::sync::{Arc, atomic::AtomicBool};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    evidence::Evidence,
    port::{Blobs, HttpClient},
};
use jiff::Timestamp;

use crate::{
    call::{Called, call},
    call_context::{CallContext, Capabilities, RunContext},
    call_limits::CallLimits,
    capability::{
        Effects,
        artifacts::{Artifact, ArtifactsView},
        checkpoint::{CheckpointStore, CheckpointView},
        events::{EventLog, EventsView},
        evidence::EvidenceView,
        http::HttpView,
        logging::Sinks,
        snapshot::{SnapshotInput, SnapshotView},
        test_cases::TestsView,
    },
    denial::Denial,
    grants::Grants,
    key, limits,
    params::ParamError,
    permissions::Permission,
    plugin::Plugin,
    store_state::StoreState,
    text,
    usage::Usage,
    values::{CaseCounts, FaultKind, Param, RawError},
};

/// What the calls of one job have in common.
#[derive(Clone)]
pub struct JobOptions<'a> {
    /// The run and scenario. Its attempt is that of a call, see [`CallTime`].
    pub run: RunContext,
    /// Identifies the job over all retries and resumes: the guest hands it to third parties.
    pub key: JobKey,
    /// Parameters of a command line: names and strings.
    pub params: &'a [(String, String)],
    /// More that the guest can know, such as `tenant` or `trigger`.
    pub attributes: Vec<(String, String)>,
    /// The Snapshot under test, if there is one.
    pub snapshot: Option<SnapshotInput<'a>>,
    /// The verified evidence of its images. A plugin sees it with the permission `evidence` alone.
    pub evidence: Vec<Evidence>,
    /// Provides the blobs that a plugin reads.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// What the operator grants. Empty grants are no network and no secrets.
    pub grants: Grants,
    /// Sends HTTP requests.
    pub http: Option<Arc<dyn HttpClient>>,
    /// Keeps the notes of the job.
    pub checkpoint: Option<Arc<dyn CheckpointStore>>,
    /// The events of the run, for a reporter.
    pub events: Option<Arc<dyn EventLog>>,
    /// Where log, progress and output go.
    pub sinks: Sinks,
    /// Ends a call once it is true: nobody waits for its result.
    pub cancellation: Option<Arc<AtomicBool>>,
}

impl Default for JobOptions<'_> {
    fn default() -> Self {
        Self {
            run: RunContext::default(),
            key: JobKey([0; 32]),
            params: &[],
            attributes: Vec::new(),
            snapshot: None,
            evidence: Vec::new(),
            blobs: None,
            grants: Grants::default(),
            http: None,
            checkpoint: None,
            events: None,
            sinks: Sinks::default(),
            cancellation: None,
        }
    }
}

/// The key of a job: the same over every retry and resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobKey(pub [u8; 32]);

impl JobKey {
    /// A key from what identifies the job.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
        Self(key::hash(&[&[b"job".as_slice()], parts.as_slice()].concat()))
    }
}

/// When a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTime {
    /// The time, the only one that the guest sees.
    pub now: Timestamp,
    /// The attempt at this call, from 1.
    pub attempt: u32,
}

impl CallTime {
    /// The first attempt.
    #[must_use]
    pub const fn first(now: Timestamp) -> Self {
        Self { now, attempt: 1 }
    }
}

/// What earlier calls of the job left.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// All files that it has written.
    pub artifacts: Arc<[Artifact]>,
    /// How many test cases it has reported.
    pub cases: CaseCounts,
}

/// How one call ended.
#[derive(Debug)]
pub struct CallOutcome<T> {
    /// The value and what the call did, or why there is none. Nothing of a failed call exists.
    pub result: Result<(T, Effects), CallError>,
    /// What the call used.
    pub usage: Usage,
}

/// Why a call has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CallError {
    /// The error, for people.
    pub error: EvaluationError,
    /// The kind of error that the plugin returned; none if it returned nothing.
    pub fault: Option<FaultKind>,
}

impl From<EvaluationError> for CallError {
    fn from(error: EvaluationError) -> Self {
        Self { error, fault: None }
    }
}

/// A plugin cannot be used for a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// The plugin is of another world.
    #[error("plugin `{plugin}` is of the world `{world}`, not of the world `{expected}`")]
    World {
        /// The plugin's name.
        plugin: String,
        /// Its world.
        world: &'static str,
        /// The world of the job.
        expected: &'static str,
    },
    /// The parameters do not match the plugin.
    #[error(transparent)]
    Params(#[from] ParamError),
}

/// A plugin with the options of a job, ready to be called.
pub(crate) struct Job {
    plugin: Plugin,
    run: RunContext,
    key: JobKey,
    params: Vec<Param>,
    attributes: Vec<(String, String)>,
    snapshot: Arc<SnapshotView>,
    evidence: Vec<Evidence>,
    blobs: Option<Arc<dyn Blobs>>,
    grants: Grants,
    limits: CallLimits,
    http: Option<Arc<dyn HttpClient>>,
    checkpoint: Option<Arc<dyn CheckpointStore>>,
    events: Option<Arc<dyn EventLog>>,
    sinks: Sinks,
    cancellation: Option<Arc<AtomicBool>>,
}

impl Job {
    /// A job with a plugin of one of these worlds.
    pub(crate) fn new(plugin: &Plugin, worlds: &[&'static str], options: JobOptions<'_>) -> Result<Self, JobError> {
        let accepted = plugin.accepted();
        let name = &accepted.manifest.name;
        if !worlds.contains(&plugin.world()) {
            let expected = worlds.last().copied().unwrap_or_default();
            return Err(JobError::World { plugin: name.clone(), world: plugin.world(), expected });
        }
        let snapshot = options.snapshot.map_or_else(SnapshotView::empty, SnapshotView::new);
        Ok(Self {
            params: accepted.schema.fill(name, options.params)?,
            limits: plugin.limits().capped(options.grants.limits.iter().map(|(name, cap)| (name, *cap))),
            plugin: plugin.clone(),
            run: options.run,
            key: options.key,
            attributes: options.attributes,
            snapshot: Arc::new(snapshot),
            evidence: options.evidence,
            blobs: options.blobs,
            grants: options.grants,
            http: options.http,
            checkpoint: options.checkpoint,
            events: options.events,
            sinks: options.sinks,
            cancellation: options.cancellation,
        })
    }

    pub(crate) const fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    pub(crate) const fn limits(&self) -> CallLimits {
        self.limits
    }

    /// Makes one call. `work` makes the instance, calls it and gives what it returned; `accept` turns that into the value.
    pub(crate) fn call<R, T>(
        &self,
        time: CallTime,
        before: &Before,
        work: impl FnOnce(&mut wasmtime::Store<StoreState>, &CallContext) -> wasmtime::Result<Result<R, RawError>>,
        accept: impl FnOnce(R, &Effects) -> Result<T, EvaluationError>,
    ) -> CallOutcome<T> {
        let context = self.context(time);
        let capabilities = self.capabilities(&context, before);
        let name = &self.plugin.manifest().name;
        let Called { result, usage, denials } =
            call(self.plugin.engine(), self.plugin.metering(), &context, capabilities, self.limits, |store| {
                work(store, &context)
            });
        let result = match result {
            Ok((Ok(returned), effects)) => {
                accept(returned, &effects).map(|value| (value, effects)).map_err(CallError::from)
            }
            Ok((Err(error), _)) => Err(fault(name, &error, &denials)),
            Err(failure) => Err(with_denials(failure.of(name), &denials).into()),
        };
        CallOutcome { result, usage }
    }

    fn context(&self, time: CallTime) -> CallContext {
        let now = u64::try_from(time.now.as_millisecond()).unwrap_or_default();
        CallContext {
            plugin: self.plugin.manifest().name.clone(),
            run: RunContext { attempt: time.attempt, ..self.run.clone() },
            key: self.key.0,
            now,
            deadline: now.saturating_add(self.limits.call_ms),
            params: self.params.clone(),
            attributes: self.attributes.clone(),
        }
    }

    fn capabilities(&self, context: &CallContext, before: &Before) -> Capabilities {
        let permissions = self.plugin.permissions();
        let requested = self.plugin.accepted().requested.as_slice();
        let http = if permissions.contains(Permission::Http) || permissions.contains(Permission::Secret) {
            let client = self.http.clone();
            HttpView::new(&context.plugin, requested, &self.params, &self.grants, client, context.key)
        } else {
            HttpView::new(&context.plugin, &[], &[], &Grants::default(), None, context.key)
        };
        let evidence = match &self.blobs {
            Some(blobs) if permissions.contains(Permission::Evidence) => EvidenceView::of(self.evidence.clone(), blobs),
            None if permissions.contains(Permission::Evidence) => EvidenceView::uncollected(),
            _ => EvidenceView::none(),
        };
        let checkpoint = match &self.checkpoint {
            Some(store) if permissions.contains(Permission::Checkpoint) => CheckpointView::new(Arc::clone(store)),
            _ => CheckpointView::none(),
        };
        Capabilities {
            sinks: self.sinks.clone(),
            snapshot: Arc::clone(&self.snapshot),
            evidence,
            artifacts: ArtifactsView::new(Arc::clone(&before.artifacts), self.limits.artifact_bytes()),
            tests: TestsView::new(before.cases.total()),
            http,
            checkpoint,
            events: EventsView::new(self.events.clone()),
            cancellation: self.cancellation.clone(),
        }
    }
}

/// The error that a plugin returned. What it was denied before is most likely why.
pub(crate) fn fault(plugin: &str, error: &RawError, denials: &[Denial]) -> CallError {
    let message = text::one_line(&error.message, limits::TEXT_BYTES);
    let code = denials.first().map_or(ErrorCode::PluginError, |denial| denial.code);
    let found = EvaluationError::new(code, format!("plugin `{plugin}` {}: {message}", error.kind.phrase()));
    CallError { error: with_denials(found, denials), fault: Some(error.kind) }
}

fn with_denials(error: EvaluationError, denials: &[Denial]) -> EvaluationError {
    match denials {
        [] => error,
        [first, ..] => error.hint(first.text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_each_of_its_parts() {
        assert_eq!(JobKey::of(&["a", "b"]), JobKey::of(&["a", "b"]));
        assert_ne!(JobKey::of(&["a", "b"]), JobKey::of(&["ab"]));
    }

    #[test]
    fn a_denial_stands_beside_the_error_that_follows_from_it() {
        let error = RawError { kind: FaultKind::Internal, message: "no\n".to_owned() };
        assert_eq!(fault("gate", &error, &[]).error.to_string(), "plugin `gate` failed: no\\n");
        let denial = Denial { code: ErrorCode::PluginDenied, text: "add a line".to_owned() };
        let denied = fault("gate", &error, &[denial]);
        assert_eq!((denied.error.code, denied.error.hint.as_deref()), (ErrorCode::PluginDenied, Some("add a line")));
    }
}
