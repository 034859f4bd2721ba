//! [`PluginExecutor`]: calls the plugins of a run's tasks.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    port::{
        BlobStore as _, CallResult, Clock, Executor, ExecutorCall, ExecutorContext, HttpClient, RunRecord as _,
        StoreError, TaskVerdict,
    },
    run::{Artifact, Cause, ErrorClass, Job, ParamValue, RunState, Usage, Verb, WaitingState},
    snapshot::{Component, Snapshot},
};
use assay_store::Store;
use assay_wasm::{
    Adapter, Before, CallError, CallTime, Cancellation, CaseCounts, CheckpointStore, Collected, Effects, FaultKind,
    Grants, JobKey, JobOptions, Outcome, Plugin, RunContext, Sinks, SnapshotInput, Status, Task, Verdict, Waiting,
};
use serde::{Deserialize, Serialize};

use crate::{
    ec_task::{self, EcTask},
    image_evidence::{ImageEvidence, TaskEvidence, reads_evidence},
};

/// The largest file of a task that later steps of its adapter may read again.
const ARTIFACT_BYTES: u64 = 256 << 20;

/// The note in which an adapter keeps the ID of its remote job, so that people see it.
pub(crate) const JOB_NOTE: &str = "job";

/// The result that says of an error that somebody canceled the job at its service.
const CANCELED: (&str, &str) = ("REMOTE_RESULT", "canceled");

/// The longest ID of a remote job that is shown.
const JOB_ID_BYTES: usize = 500;

/// A plugin with what the operator grants it.
pub(crate) struct GrantedPlugin {
    pub(crate) plugin: Plugin,
    pub(crate) grants: Grants,
}

/// Calls plugins. Their words go to the log of their task, their files and notes to the store.
pub(crate) struct PluginExecutor {
    /// By digest and by the name in `plugins.toml`: two names may have one component and other grants.
    pub(crate) plugins: BTreeMap<(Digest, String), GrantedPlugin>,
    /// The evidence of the images, if somebody's signatures count for it.
    pub(crate) evidence: Option<ImageEvidence>,
    /// The components that each scenario looks at, by its name; all where there are none.
    pub(crate) looked_at: BTreeMap<String, Vec<String>>,
    /// The task that needs no component, where the run has it.
    pub(crate) ec: Option<EcTask>,
    /// Sends the requests of plugins.
    pub(crate) http: Arc<dyn HttpClient>,
    pub(crate) snapshot: Snapshot,
    pub(crate) snapshot_text: Arc<str>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What an adapter's steps left, between two of them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    artifacts: Vec<Artifact>,
    cases: [u64; 4],
}

impl Executor for PluginExecutor {
    fn execute(&self, call: &ExecutorCall<'_>, context: &dyn ExecutorContext) -> CallResult {
        let named = &call.job.call.plugin;
        let granted = self.plugins.get(&(named.digest.clone(), named.name.clone()));
        let is_ec = named.name == ec_task::NAME && granted.is_none();
        if let Some(ec) = self.ec.as_ref().filter(|_| is_ec) {
            return ec.execute(call, context);
        }
        let Some(GrantedPlugin { plugin, grants }) = granted else {
            return failed(ErrorClass::Internal, "internal", "assay has a bug: a plugin of the run is not loaded");
        };
        let params = params_of(call.job, &self.snapshot_text);
        let options = JobOptions { grants: grants.clone(), ..self.options(call, &params) };
        let result = if call.job.call.plugin.is_adapter {
            self.step(call, plugin, options)
        } else {
            // An adapter's call ends by itself: what it has started at a third party is canceled there.
            self.run_task(call, plugin, JobOptions { cancellation: Some(context.cancellation()), ..options })
        };
        result.unwrap_or_else(|error| failed(ErrorClass::Internal, "store", &error.to_string()))
    }
}

/// Names and strings: of a list and of an object the JSON, so that nothing in it is a separator.
pub(crate) fn params_of(job: &Job, snapshot: &str) -> Vec<(String, String)> {
    let text = |value: &ParamValue| match value {
        ParamValue::Text(text) => text.clone(),
        ParamValue::Items(items) => serde_json::to_string(items).unwrap_or_default(),
        ParamValue::Fields(fields) => serde_json::to_string(fields).unwrap_or_default(),
    };
    let own = job.call.params.iter().map(|(name, value)| (name.clone(), text(value)));
    own.chain(job.call.snapshot_params.iter().map(|name| (name.clone(), snapshot.to_owned()))).collect()
}

impl PluginExecutor {
    fn options<'a>(&'a self, call: &ExecutorCall<'_>, params: &'a [(String, String)]) -> JobOptions<'a> {
        let (store, job, attempt) = (Arc::clone(&self.store), call.job.clone(), call.attempt);
        let line = {
            let (store, job) = (Arc::clone(&store), job.clone());
            // A log that cannot be written does not end the task: its result is what counts.
            move |text: &str| drop(store.append_log(&job, attempt, format!("{text}\n").as_bytes()))
        };
        let output = move |bytes: &[u8]| drop(store.append_log(&job, attempt, bytes));
        let sinks = Sinks { log: Some(Arc::new(line)), remote_output: Some(Arc::new(output)), ..Sinks::default() };
        let run = RunContext {
            run: call.job.run.to_string(),
            scenario: call.job.task.scenario.clone(),
            attempt: call.attempt,
        };
        let snapshot = Some(SnapshotInput { snapshot: &self.snapshot, text: Arc::clone(&self.snapshot_text) });
        JobOptions {
            run,
            key: JobKey(*call.job.key.0.as_bytes()),
            params,
            snapshot,
            http: Some(Arc::clone(&self.http)),
            checkpoint: Some(Arc::new(StoredNotes { store: Arc::clone(&self.store), key: call.job.key.clone() })),
            sinks,
            ..JobOptions::default()
        }
    }

    /// The ID of the remote job, if the adapter noted it.
    fn remote_id(&self, job: &Job) -> Result<Option<String>, StoreError> {
        let notes = self.store.notes(&job.key)?;
        let note = notes.into_iter().find(|(name, value)| name == JOB_NOTE && value.len() <= JOB_ID_BYTES);
        let text = note.and_then(|(_, value)| String::from_utf8(value).ok());
        Ok(text.filter(|text| !text.is_empty() && !text.chars().any(char::is_control)))
    }

    fn waiting(
        &self,
        call: &ExecutorCall<'_>,
        verb: Verb,
        waiting: Waiting,
        kept: &Kept,
    ) -> Result<CallResult, StoreError> {
        let Waiting { state, after, native, url } = waiting;
        let kept = serde_json::to_value(kept).ok();
        let remote_id = self.remote_id(call.job)?;
        let state = WaitingState { kept, native, url, remote_id, ..WaitingState::new(verb, state) };
        Ok(CallResult::Waiting { state, after })
    }

    /// The components that a scenario looks at.
    fn components_of(&self, scenario: &str) -> Vec<Component> {
        let names = self.looked_at.get(scenario).map(Vec::as_slice).unwrap_or_default();
        let is_looked_at = |component: &&Component| names.is_empty() || names.contains(&component.name);
        self.snapshot.components.iter().filter(is_looked_at).cloned().collect()
    }

    fn time(&self, call: &ExecutorCall<'_>) -> CallTime {
        CallTime { now: self.clock.now(), attempt: call.attempt }
    }

    fn run_task(
        &self,
        call: &ExecutorCall<'_>,
        plugin: &Plugin,
        mut options: JobOptions<'_>,
    ) -> Result<CallResult, StoreError> {
        if let Some(evidence) = self.evidence.as_ref().filter(|_| reads_evidence(plugin)) {
            let store = match evidence.store(Instant::now().checked_add(call.limit)) {
                Ok(store) => store,
                Err(error) => return Ok(failed(ErrorClass::Infrastructure, "registry", &error.message())),
            };
            match evidence.for_task(&self.components_of(&call.job.task.scenario), &store, self.clock.now()) {
                Ok(TaskEvidence::Verified(found)) => {
                    (options.evidence, options.blobs) = (found, Some(store as Arc<_>));
                }
                Ok(TaskEvidence::Refused(verdict)) => {
                    return Ok(done(&verdict, Kept::default(), assay_wasm::Usage::default()));
                }
                Err(error) => return Ok(without_evidence(error)),
            }
        }
        let task = match Task::new(plugin, options) {
            Ok(task) => task,
            Err(error) => return Ok(failed(ErrorClass::Invalid, "params", &error.to_string())),
        };
        let outcome = task.run(self.time(call));
        let mut kept = Kept::default();
        Ok(match outcome.result {
            Ok((verdict, effects)) => {
                self.keep(&mut kept, effects)?;
                done(&verdict, kept, outcome.usage)
            }
            Err(error) => of_error(&error),
        })
    }

    fn step(
        &self,
        call: &ExecutorCall<'_>,
        plugin: &Plugin,
        options: JobOptions<'_>,
    ) -> Result<CallResult, StoreError> {
        let adapter = match Adapter::new(plugin, options) {
            Ok(adapter) => adapter,
            Err(error) => return Ok(failed(ErrorClass::Invalid, "params", &error.to_string())),
        };
        let kept = call.waiting.and_then(|waiting| waiting.kept.clone());
        let mut kept: Kept = kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
        let before = self.before(&kept)?;
        let state = call.waiting.map(|waiting| waiting.state.as_slice());
        let now = self.time(call);
        // Collecting goes on at once, and what people see of the job stays as it was.
        let collect = |state, kept: &Kept| {
            let before = call.waiting;
            let (native, url) = (
                before.map(|state| state.native.clone()).unwrap_or_default(),
                before.and_then(|state| state.url.clone()),
            );
            self.waiting(call, Verb::Collect, Waiting { state, after: Duration::ZERO, native, url }, kept)
        };
        match call.verb {
            Verb::Cancel => {
                let outcome = adapter.cancel(now, &before, state, "the run was canceled, or its time is over");
                match outcome.result {
                    Ok((Cancellation::Canceled, _)) => Ok(CallResult::Canceled { refused: None }),
                    Ok((Cancellation::Refused(why), _)) => Ok(CallResult::Canceled { refused: Some(why) }),
                    Ok((Cancellation::Pending(waiting), _)) => self.waiting(call, Verb::Cancel, waiting, &kept),
                    Err(error) => Ok(of_error(&error)),
                }
            }
            Verb::Collect => {
                let outcome = adapter.collect(now, &before, state.unwrap_or_default());
                let usage = outcome.usage;
                match outcome.result {
                    Ok((collected, effects)) => {
                        self.keep(&mut kept, effects)?;
                        match collected {
                            Collected::More(state) => collect(state, &kept),
                            Collected::Done(verdict) => Ok(done(&verdict, kept, usage)),
                        }
                    }
                    Err(error) => Ok(of_error(&error)),
                }
            }
            Verb::Run | Verb::Submit | Verb::Poll => {
                let outcome = match state {
                    Some(state) => adapter.poll(now, &before, state),
                    None => adapter.submit(now, &before),
                };
                match outcome.result {
                    Ok((status, effects)) => {
                        self.keep(&mut kept, effects)?;
                        match status {
                            Status::Ended(state) => collect(state, &kept),
                            Status::Waiting(waiting) => self.waiting(call, Verb::Poll, waiting, &kept),
                        }
                    }
                    Err(error) => Ok(of_error(&error)),
                }
            }
        }
    }

    /// Puts files that a call added into the store.
    fn keep(&self, kept: &mut Kept, effects: Effects) -> Result<(), StoreError> {
        for staged in effects.artifacts {
            let earlier = kept.artifacts.iter().position(|artifact| artifact.name == staged.name);
            let mut bytes = match earlier.and_then(|index| kept.artifacts.get(index)) {
                Some(artifact) => self.store.get(&artifact.digest, ARTIFACT_BYTES)?,
                None => Vec::new(),
            };
            bytes.extend(staged.bytes);
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let digest = self.store.put(&bytes)?;
            let artifact = Artifact { name: staged.name, media_type: staged.media_type, digest, size };
            match earlier.and_then(|index| kept.artifacts.get_mut(index)) {
                Some(old) => *old = artifact,
                None => kept.artifacts.push(artifact),
            }
        }
        let mut counts = counts(kept.cases);
        effects.cases.iter().for_each(|case| counts.add(case.outcome));
        kept.cases = [counts.successes, counts.failures, counts.warnings, counts.skipped];
        Ok(())
    }

    fn before(&self, kept: &Kept) -> Result<Before, StoreError> {
        let artifact = |artifact: &Artifact| {
            let bytes = self.store.get(&artifact.digest, ARTIFACT_BYTES)?;
            let (name, media_type) = (artifact.name.clone(), artifact.media_type.clone());
            Ok(assay_wasm::Artifact { name, media_type, bytes: bytes.into() })
        };
        let artifacts: Vec<_> = kept.artifacts.iter().map(artifact).collect::<Result<_, StoreError>>()?;
        Ok(Before { artifacts: artifacts.into(), cases: counts(kept.cases) })
    }
}

/// The notes of one job, in the store of the run.
struct StoredNotes {
    store: Arc<Store>,
    key: assay_model::run::JobKey,
}

impl CheckpointStore for StoredNotes {
    fn all(&self) -> Result<Vec<(String, Vec<u8>)>, EvaluationError> {
        self.store.notes(&self.key).map_err(|error| EvaluationError::new(ErrorCode::Internal, error.to_string()))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), EvaluationError> {
        let stored = self.store.set_note(&self.key, key, value);
        stored.map_err(|error| EvaluationError::new(ErrorCode::Internal, error.to_string()))
    }
}

const fn counts([successes, failures, warnings, skipped]: [u64; 4]) -> CaseCounts {
    CaseCounts { successes, failures, warnings, skipped }
}

fn done(verdict: &Verdict, kept: Kept, usage: assay_wasm::Usage) -> CallResult {
    let state = match verdict.outcome {
        Outcome::Success => RunState::Passed,
        Outcome::Skipped => RunState::Skipped,
        Outcome::Warning => RunState::Warned,
        Outcome::Failure => RunState::Failed,
        Outcome::Error if verdict.results.iter().any(|(name, value)| (name.as_str(), value.as_str()) == CANCELED) => {
            RunState::Canceled
        }
        Outcome::Error => RunState::Error,
    };
    let fact = match (verdict.note.as_str(), verdict.findings.first()) {
        ("", Some(finding)) => finding.message.clone(),
        ("", None) => format!("{} failures and {} warnings", verdict.failures, verdict.warnings),
        (note, _) => note.to_owned(),
    };
    let hint = verdict.findings.iter().find_map(|finding| finding.solution.clone());
    let cause = (state != RunState::Passed).then(|| Cause { hint, ..Cause::new(verdict.outcome.as_str(), &fact) });
    let output = serde_json::to_string(&verdict.test_output()).unwrap_or_default();
    let own = verdict.results.iter().cloned().map(|(name, value)| (name, ParamValue::Text(value)));
    let results = own.chain([("TEST_OUTPUT".to_owned(), ParamValue::Text(output))]).collect();
    let usage = Usage { wall_ms: usage.wall_ms, cpu_ms: Some(usage.cpu_ms), memory_bytes: Some(usage.memory_bytes) };
    CallResult::Done(TaskVerdict { state, cause, results, artifacts: kept.artifacts, usage })
}

fn failed(class: ErrorClass, code: &str, fact: &str) -> CallResult {
    CallResult::Error { class, cause: Cause::new(code, fact), after: None }
}

/// Evidence that cannot be collected is not the plugin's fault.
fn without_evidence(error: EvaluationError) -> CallResult {
    match of_error(&error.into()) {
        CallResult::Error { class: ErrorClass::Plugin, cause, after } => {
            CallResult::Error { class: ErrorClass::Invalid, cause, after }
        }
        other => other,
    }
}

/// The class follows from what the plugin returned, or from the kind of error where it returned nothing.
fn of_error(CallError { error, fault }: &CallError) -> CallResult {
    let EvaluationError { code, message, hint } = error;
    let (class, after) = match (fault, code) {
        (Some(FaultKind::Transient { after_ms }), _) => {
            (ErrorClass::Infrastructure, after_ms.map(|ms| Duration::from_millis(ms.into())))
        }
        (Some(FaultKind::Invalid), _) => (ErrorClass::Invalid, None),
        (Some(FaultKind::Auth), _) => (ErrorClass::Auth, None),
        (Some(FaultKind::Lost), _) => (ErrorClass::Lost, None),
        (None, ErrorCode::RegistryUnreachable | ErrorCode::RegistryTimeout | ErrorCode::RegistryError) => {
            (ErrorClass::Infrastructure, None)
        }
        (None, ErrorCode::Deadline) => (ErrorClass::Timeout, None),
        _ => (ErrorClass::Plugin, None),
    };
    let cause = Cause::new(code.as_str(), message);
    let cause = match hint {
        Some(hint) => cause.hint(hint),
        None => cause,
    };
    CallResult::Error { class, cause, after }
}
