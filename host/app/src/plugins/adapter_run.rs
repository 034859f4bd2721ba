//! [`AdapterRun`]: drives one job of an adapter from `submit` to its verdict, step by step, as the engine of runs does.
//!
//! Time is simulated: nothing waits. Every step may be repeated, and a step that failed for a while is.

use std::sync::{Mutex, PoisonError};

use assay_model::error::{ErrorCode, EvaluationError};
use assay_wasm::{
    Adapter, Artifact, Before, CallError, CallOutcome, CallTime, CaseCounts, CheckpointStore, Collected, Effects,
    FaultKind, StagedArtifact, Status, Verdict,
};
use jiff::{SignedDuration, Timestamp};

/// Calls of one job: a case has a few.
const STEPS: usize = 10_000;

/// Failures in a row that may pass.
const RETRIES: u32 = 8;

/// The notes of one job, in memory.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Vec<(String, Vec<u8>)>>);

impl CheckpointStore for Notes {
    fn all(&self) -> Result<Vec<(String, Vec<u8>)>, EvaluationError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), EvaluationError> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.retain(|(known, _)| known != key);
        notes.push((key.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// The next call.
#[derive(Clone, Debug)]
enum Step {
    Submit,
    Poll(Vec<u8>),
    Collect(Vec<u8>),
}

/// What a step led to.
enum Next {
    Step(Step),
    Done(Box<Verdict>),
}

/// One job.
pub(crate) struct AdapterRun<'a> {
    adapter: &'a Adapter,
    now: Timestamp,
    attempt: u32,
    before: Before,
    /// Called before and after each call; returns whether the process lived on.
    observe: &'a mut dyn FnMut(Observation) -> Survival,
}

/// A point in a run.
pub(crate) enum Observation {
    /// A call begins.
    Begins,
    /// A call ended.
    Ended,
}

/// Whether the process lived on after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survival {
    Alive,
    /// What the call gave was lost.
    Killed,
}

impl<'a> AdapterRun<'a> {
    pub(crate) fn new(
        adapter: &'a Adapter,
        now: Timestamp,
        observe: &'a mut dyn FnMut(Observation) -> Survival,
    ) -> Self {
        Self { adapter, now, attempt: 1, before: Before::default(), observe }
    }

    /// Runs the job to its verdict, and gives the files that it wrote.
    pub(crate) fn finish(mut self) -> Result<(Verdict, Vec<Artifact>), CallError> {
        let mut step = Step::Submit;
        let mut failures = 0;
        for _ in 0..STEPS {
            let result = self.call(&step);
            if (self.observe)(Observation::Ended) == Survival::Killed {
                self.attempt += 1;
                continue;
            }
            match result {
                Ok((Next::Done(verdict), effects)) => {
                    self.commit(effects);
                    return Ok((*verdict, self.before.artifacts.to_vec()));
                }
                Ok((Next::Step(next), effects)) => {
                    self.commit(effects);
                    (step, self.attempt, failures) = (next, 1, 0);
                }
                Err(CallError { fault: Some(FaultKind::Transient { after_ms }), error }) => {
                    failures += 1;
                    if failures > RETRIES {
                        return Err(error.into());
                    }
                    self.wait(u64::from(after_ms.unwrap_or(2_000)));
                    self.attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
        let message = format!("the job did not end within {STEPS} calls");
        Err(EvaluationError::new(ErrorCode::Deadline, message).into())
    }

    fn call(&mut self, step: &Step) -> Result<(Next, Effects), CallError> {
        (self.observe)(Observation::Begins);
        let time = CallTime { now: self.now, attempt: self.attempt };
        let adapter = self.adapter;
        let status = |outcome: CallOutcome<Status>| {
            outcome.result.map(|(status, effects)| match status {
                Status::Waiting(waiting) => {
                    let after = u64::try_from(waiting.after.as_millis()).unwrap_or(u64::MAX);
                    (Next::Step(Step::Poll(waiting.state)), effects, after)
                }
                Status::Ended(state) => (Next::Step(Step::Collect(state)), effects, 0),
            })
        };
        let result = match step {
            Step::Submit => status(adapter.submit(time, &self.before)),
            Step::Poll(state) => status(adapter.poll(time, &self.before, state)),
            Step::Collect(state) => {
                let collected = adapter.collect(time, &self.before, state).result;
                collected.map(|(collected, effects)| match collected {
                    Collected::More(state) => (Next::Step(Step::Collect(state)), effects, 0),
                    Collected::Done(verdict) => (Next::Done(verdict), effects, 0),
                })
            }
        };
        result.map(|(next, effects, after)| {
            self.wait(after);
            (next, effects)
        })
    }

    fn wait(&mut self, milliseconds: u64) {
        let wait = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
        self.now = self.now.checked_add(wait).unwrap_or(self.now);
    }

    /// Makes what a call did real.
    fn commit(&mut self, effects: Effects) {
        let mut artifacts = self.before.artifacts.to_vec();
        effects.artifacts.into_iter().for_each(|staged| append(&mut artifacts, staged));
        self.before.artifacts = artifacts.into();
        let mut cases: CaseCounts = self.before.cases;
        effects.cases.iter().for_each(|case| cases.add(case.outcome));
        self.before.cases = cases;
    }
}

/// Adds to a file, or makes it.
pub(crate) fn append(artifacts: &mut Vec<Artifact>, staged: StagedArtifact) {
    match artifacts.iter_mut().find(|known| known.name == staged.name) {
        Some(known) => known.bytes = [&*known.bytes, &staged.bytes].concat().into(),
        None => {
            let StagedArtifact { name, media_type, bytes, .. } = staged;
            artifacts.push(Artifact { name, media_type, bytes: bytes.into() });
        }
    }
}
