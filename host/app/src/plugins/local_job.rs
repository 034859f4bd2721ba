//! [`LocalJob`]: one job of an adapter from `submit` to its verdict, as `plugin run` carries it out: each step is on disk before
//! the next one begins, so that a process that is killed loses nothing.

use std::{sync::Arc, time::Duration};

use assay_model::{digest::Digest, error::EvaluationError, port::HttpClient};
use assay_wasm::{
    Adapter, Artifact, Before, CallError, CallOutcome, CallTime, Cancellation, CaseCounts, Collected, Effects,
    FaultKind, Grants, JobKey, JobOptions, LogSink, Plugin, RunContext, Sinks, SnapshotInput, Status, Usage, Verdict,
    Waiting,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    adapter_run::append,
    host::plugin_error,
    job_folder::JobFolder,
    run_inputs::RunInputs,
    run_report::{RunArtifact, RunReport},
};
use crate::error::{RequestError, RequestErrorKind};

/// Steps of one job.
const STEPS: u64 = 10_000;

/// Failures in a row that may pass, and how long to wait after each; the last time for all further ones.
const RETRIES: u32 = 8;
const BACK_OFF: [u64; 4] = [2, 10, 60, 300];

/// The version of [`JobDocument`].
const VERSION: u32 = 2;

/// What is kept of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobDocument {
    version: u32,
    /// What it was called with.
    pub(crate) inputs: RunInputs,
    /// The component: a job ends with the one that it began with.
    pub(crate) component: Digest,
    step: Step,
    /// Calls of this step that were begun.
    attempt: u32,
    /// Failures in a row.
    failures: u32,
    steps: u64,
    /// When the step may be made, in milliseconds since 1970.
    not_before: i64,
    /// What people see of it.
    native: String,
    url: Option<String>,
    artifacts: Vec<RunArtifact>,
    /// Test cases: successes, failures, warnings, skipped.
    cases: [u64; 4],
    usage: Usage,
    /// How it ended.
    pub(crate) report: Option<RunReport>,
}

/// The next call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Submit,
    Poll(Vec<u8>),
    Collect(Vec<u8>),
    Cancel(Option<Vec<u8>>),
}

/// What a call of the plugin gave, and what it used.
type Called = (Result<(Next, Effects), CallError>, Usage);

impl Step {
    const fn name(&self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Poll(_) => "poll",
            Self::Collect(_) => "collect",
            Self::Cancel(_) => "cancel",
        }
    }
}

/// What a step led to.
enum Next {
    Step(Step, Option<Waiting>),
    Done(Box<Verdict>),
    Canceled(Option<String>),
}

/// Whether the time of a wait passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// It did.
    Elapsed,
    /// The process is to end.
    Interrupted,
}

/// How a job ended for this process.
#[derive(Clone, Debug)]
pub enum JobEnd {
    /// The job ended.
    Ended(Box<RunReport>),
    /// The process was interrupted; the job goes on with `--resume`.
    Interrupted {
        /// The job.
        job: String,
        /// When its next call may be made.
        not_before: Timestamp,
    },
}

/// What a job is carried out with in this process.
pub(crate) struct JobTools<'a> {
    pub(crate) plugin: &'a Plugin,
    pub(crate) grants: Grants,
    pub(crate) http: Arc<dyn HttpClient>,
    pub(crate) log: Option<LogSink>,
    /// Waits; nought only looks whether the process is to end.
    pub(crate) wait: &'a dyn Fn(Duration) -> Waited,
    /// Receives a line for people after each step.
    pub(crate) note: &'a dyn Fn(&str),
}

impl JobDocument {
    pub(crate) fn new(inputs: RunInputs, component: Digest, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            attempt: inputs.attempt.saturating_sub(1),
            inputs,
            component,
            step: Step::Submit,
            failures: 0,
            steps: 0,
            not_before: now.as_millisecond(),
            native: String::new(),
            url: None,
            artifacts: Vec::new(),
            cases: [0; 4],
            usage: Usage::default(),
            report: None,
        }
    }

    /// The document of a folder.
    pub(crate) fn read(folder: &JobFolder) -> Result<Self, RequestError> {
        let document: Self = folder.read()?;
        if document.version != VERSION {
            let fact = format!("the job {} has the version {}, not {VERSION}", folder.id(), document.version);
            return Err(RequestError::of(RequestErrorKind::Store, fact));
        }
        Ok(document)
    }

    /// The job is to be canceled, whatever its next step was.
    pub(crate) fn cancel(&mut self, now: Timestamp) {
        let state = match &self.step {
            Step::Submit => None,
            Step::Poll(state) | Step::Collect(state) => Some(state.clone()),
            Step::Cancel(_) => return,
        };
        (self.step, self.attempt, self.failures, self.not_before) = (Step::Cancel(state), 0, 0, now.as_millisecond());
    }
}

/// A job of an adapter.
pub(crate) struct LocalJob<'a> {
    folder: &'a JobFolder,
    document: JobDocument,
    adapter: Adapter,
    tools: JobTools<'a>,
}

impl<'a> LocalJob<'a> {
    /// A job that begins or goes on.
    pub(crate) fn new(folder: &'a JobFolder, document: JobDocument, tools: JobTools<'a>) -> Result<Self, RequestError> {
        let snapshot = document.inputs.snapshot()?;
        let options = JobOptions {
            run: RunContext {
                run: format!("local-{}", folder.id()),
                scenario: "local".to_owned(),
                attempt: document.inputs.attempt,
            },
            key: JobKey::of(&["local", folder.id()]),
            params: &document.inputs.params,
            snapshot: snapshot.as_ref().map(|(snapshot, text)| SnapshotInput { snapshot, text: Arc::clone(text) }),
            grants: tools.grants.clone(),
            http: Some(Arc::clone(&tools.http)),
            checkpoint: Some(Arc::new(folder.notes())),
            sinks: Sinks { log: tools.log.clone(), ..Sinks::default() },
            ..JobOptions::default()
        };
        let adapter = Adapter::new(tools.plugin, options).map_err(|error| plugin_error(&error))?;
        Ok(Self { folder, document, adapter, tools })
    }

    /// Carries the job out to its end, or until the process is interrupted.
    pub(crate) fn finish(mut self) -> Result<JobEnd, RequestError> {
        if let Some(report) = self.document.report {
            return Ok(JobEnd::Ended(Box::new(report)));
        }
        loop {
            if self.wait() == Waited::Interrupted {
                let not_before = Timestamp::from_millisecond(self.document.not_before).unwrap_or_default();
                return Ok(JobEnd::Interrupted { job: self.folder.id().to_owned(), not_before });
            }
            if self.document.steps >= STEPS {
                let message = format!("the job did not end within {STEPS} calls");
                let error = EvaluationError::new(assay_model::error::ErrorCode::Deadline, message);
                let report = RunReport::of_error(&error, self.document.usage);
                return self.end(report);
            }
            // After a crash in this call it is known that it was begun.
            self.document.attempt = self.document.attempt.saturating_add(1);
            self.document.steps += 1;
            self.folder.write(&self.document)?;
            let (result, usage) = self.call()?;
            self.document.usage.add(usage);
            if let Some(report) = self.take(result)? {
                return self.end(report);
            }
            self.folder.write(&self.document)?;
        }
    }

    fn end(mut self, report: RunReport) -> Result<JobEnd, RequestError> {
        self.document.report = Some(report.clone());
        self.folder.write(&self.document)?;
        Ok(JobEnd::Ended(Box::new(report)))
    }

    fn wait(&self) -> Waited {
        let left = self.document.not_before.saturating_sub(Timestamp::now().as_millisecond());
        (self.tools.wait)(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }

    /// Makes the next call.
    fn call(&self) -> Result<Called, RequestError> {
        let time = CallTime { now: Timestamp::now(), attempt: self.document.attempt };
        let before = self.before()?;
        let status = |outcome: CallOutcome<Status>| {
            let next = |status| match status {
                Status::Waiting(waiting) => Next::Step(Step::Poll(waiting.state.clone()), Some(waiting)),
                Status::Ended(state) => Next::Step(Step::Collect(state), None),
            };
            (outcome.result.map(|(status, effects)| (next(status), effects)), outcome.usage)
        };
        Ok(match &self.document.step {
            Step::Submit => status(self.adapter.submit(time, &before)),
            Step::Poll(state) => status(self.adapter.poll(time, &before, state)),
            Step::Collect(state) => {
                let outcome = self.adapter.collect(time, &before, state);
                let next = |collected| match collected {
                    Collected::More(state) => Next::Step(Step::Collect(state), None),
                    Collected::Done(verdict) => Next::Done(verdict),
                };
                (outcome.result.map(|(collected, effects)| (next(collected), effects)), outcome.usage)
            }
            Step::Cancel(state) => {
                let outcome = self.adapter.cancel(time, &before, state.as_deref(), "the user canceled it");
                let next = |cancellation| match cancellation {
                    Cancellation::Canceled => Next::Canceled(None),
                    Cancellation::Refused(why) => Next::Canceled(Some(why)),
                    Cancellation::Pending(waiting) => {
                        Next::Step(Step::Cancel(Some(waiting.state.clone())), Some(waiting))
                    }
                };
                (outcome.result.map(|(cancellation, effects)| (next(cancellation), effects)), outcome.usage)
            }
        })
    }

    /// Takes what a call gave into the document, and gives the report if the job has ended with it.
    fn take(&mut self, result: Result<(Next, Effects), CallError>) -> Result<Option<RunReport>, RequestError> {
        let name = self.document.step.name();
        match result {
            Ok((next, effects)) => {
                self.keep(effects)?;
                (self.document.attempt, self.document.failures) = (0, 0);
                match next {
                    Next::Done(verdict) => {
                        let artifacts = self.document.artifacts.clone();
                        return Ok(Some(RunReport::of_verdict(&verdict, artifacts, self.document.usage)));
                    }
                    Next::Canceled(refused) => return Ok(Some(RunReport::canceled(refused, self.document.usage))),
                    Next::Step(step, waiting) => self.wait_for(name, step, waiting),
                }
                Ok(None)
            }
            Err(CallError { fault: Some(FaultKind::Transient { after_ms }), error })
                if self.document.failures < RETRIES =>
            {
                let back_off = BACK_OFF.get(self.document.failures as usize).or(BACK_OFF.last()).copied().unwrap_or(2);
                let after =
                    Duration::from_millis(after_ms.unwrap_or_default().into()).max(Duration::from_secs(back_off));
                self.document.failures += 1;
                self.document.not_before = later(after);
                (self.tools.note)(&format!("{name}: {}; again in {} s", error.message, after.as_secs()));
                Ok(None)
            }
            Err(CallError { error, .. }) => Ok(Some(RunReport::of_error(&error, self.document.usage))),
        }
    }

    fn wait_for(&mut self, name: &str, step: Step, waiting: Option<Waiting>) {
        self.document.step = step;
        let after = match waiting {
            Some(waiting) => {
                let url = waiting.url.as_deref().map(|url| format!("  {url}")).unwrap_or_default();
                (self.tools.note)(&format!("{name}: {}{url}; again in {} s", waiting.native, waiting.after.as_secs()));
                (self.document.native, self.document.url) = (waiting.native, waiting.url);
                waiting.after
            }
            None => {
                (self.tools.note)(&format!("{name}: ended; collecting"));
                Duration::ZERO
            }
        };
        self.document.not_before = later(after);
    }

    /// Puts files and cases of a call into the folder.
    fn keep(&mut self, effects: Effects) -> Result<(), RequestError> {
        if !effects.artifacts.is_empty() {
            let mut artifacts = self.before()?.artifacts.to_vec();
            let changed: Vec<String> = effects.artifacts.iter().map(|staged| staged.name.clone()).collect();
            effects.artifacts.into_iter().for_each(|staged| append(&mut artifacts, staged));
            for artifact in artifacts.iter().filter(|artifact| changed.contains(&artifact.name)) {
                self.folder.put(&artifact.bytes)?;
            }
            self.document.artifacts = artifacts.iter().map(RunArtifact::of).collect();
        }
        let mut cases = self.cases();
        effects.cases.iter().for_each(|case| cases.add(case.outcome));
        self.document.cases = [cases.successes, cases.failures, cases.warnings, cases.skipped];
        Ok(())
    }

    const fn cases(&self) -> CaseCounts {
        let [successes, failures, warnings, skipped] = self.document.cases;
        CaseCounts { successes, failures, warnings, skipped }
    }

    fn before(&self) -> Result<Before, RequestError> {
        let read = |artifact: &RunArtifact| {
            let bytes = self.folder.get(&artifact.digest)?;
            Ok(Artifact { name: artifact.name.clone(), media_type: artifact.media_type.clone(), bytes: bytes.into() })
        };
        let artifacts: Vec<_> = self.document.artifacts.iter().map(read).collect::<Result<_, RequestError>>()?;
        Ok(Before { artifacts: artifacts.into(), cases: self.cases() })
    }
}

/// So long after now, in milliseconds since 1970.
fn later(after: Duration) -> i64 {
    Timestamp::now().as_millisecond().saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX))
}
