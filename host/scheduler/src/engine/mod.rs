//! [`Engine`]: decides what happens next in all runs. No threads, no clock, no disk.

mod activity;
mod groups;
mod known;
mod restored;
mod run;
mod scenario;
mod share;
mod text;
mod tokens;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use assay_model::{
    outcome::Verdict,
    port::RecordChange,
    run::{Cause, Job, JobKey, ProgressEvent, RunId, RunState, TaskResult},
};
use jiff::Timestamp;

pub(crate) use self::restored::Restored;
pub use self::run::TaskJob;
use self::{activity::TaskRef, run::Run, share::Share, tokens::Tokens};
use crate::{
    request::{InvalidRequest, RunRequest},
    settings::ServiceLimit,
};

/// The present time, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// For durations.
    pub(crate) elapsed: Duration,
    /// For people.
    pub(crate) wall: Timestamp,
}

/// What the engine wants done.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Jobs to offer.
    pub(crate) offers: Vec<Job>,
    /// Changes of the record.
    pub(crate) changes: Vec<RecordChange>,
    /// Jobs that are to end with this state, whatever their plugin says.
    pub(crate) abandoned: Vec<(JobKey, RunState, Cause)>,
}

impl Output {
    fn event(&mut self, event: ProgressEvent) {
        self.changes.push(RecordChange::Event(event));
    }
}

/// The jobs of a run's tasks, see [`crate::jobs_of_run`].
pub(crate) fn known_jobs(id: RunId, request: RunRequest, stored: &Restored) -> Result<Vec<TaskJob>, InvalidRequest> {
    let now = Now { elapsed: Duration::ZERO, wall: Timestamp::UNIX_EPOCH };
    let states = stored.states();
    let mut run = Run::new(0, id, request)?;
    run.restore(stored, now, &mut Output::default());
    Ok(run.known_jobs(&states))
}

/// How much may go on at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    /// Jobs of one tenant at a time.
    pub(crate) quotas: BTreeMap<String, u32>,
    /// Jobs that may be with a service at a time, by plugin.
    pub(crate) services: BTreeMap<String, ServiceLimit>,
}

/// The state of all runs.
#[derive(Debug)]
pub(crate) struct Engine {
    runs: Vec<Run>,
    share: Share,
    tokens: Tokens,
    /// Tasks that waited for a token and have got one.
    freed: VecDeque<TaskRef>,
    /// Jobs that were offered and have not ended.
    jobs: BTreeMap<JobKey, TaskRef>,
    /// Jobs that no worker has and none is to start.
    queued: usize,
}

impl Engine {
    pub(crate) fn new(limits: Limits) -> Self {
        let tokens = Tokens::new(limits.services.clone());
        let (share, freed) = (Share::new(limits), VecDeque::new());
        Self { runs: Vec::new(), share, tokens, freed, jobs: BTreeMap::new(), queued: 0 }
    }

    /// Adds a run as it is in the record, which may be new or have been interrupted.
    ///
    /// # Errors
    /// The plan cannot be carried out.
    pub(crate) fn add(
        &mut self,
        id: RunId,
        request: RunRequest,
        stored: Restored,
        now: Now,
        output: &mut Output,
    ) -> Result<(), InvalidRequest> {
        let index = self.runs.len();
        let mut run = Run::new(index, id, request)?;
        let queued = run.restore(&stored, now, output);
        drop(stored);
        run.forget_inputs();
        for (key, task) in queued {
            self.share.entered(&run.request.tenant);
            self.tokens.take(run.plugin_name(task));
            self.jobs.insert(key, task);
            self.queued += 1;
        }
        run.announce(now, output);
        self.runs.push(run);
        self.settle(now, output);
        Ok(())
    }

    /// Offers jobs until so many are queued, once half of them are gone: with an offer for each job that starts, what is stored
    /// of many would not share a transaction.
    pub(crate) fn fill(&mut self, window: usize, now: Now, output: &mut Output) {
        if self.queued > window / 2 {
            return;
        }
        while self.queued < window {
            let Some(task) = self.freed.pop_front().or_else(|| self.share.next()) else { break };
            let Some(run) = self.runs.get_mut(task.run) else { break };
            if let Some(limit) = self.tokens.reached(run.plugin_name(task)).cloned() {
                run.hold(task, &limit, self.tokens.waiting(&limit.group), now, output);
                self.tokens.hold(&limit.group, task);
                continue;
            }
            match run.launch(task, now, output) {
                Some(job) => {
                    self.share.entered(&job.tenant);
                    self.tokens.take(&job.call.plugin.name);
                    self.queued += 1;
                    self.jobs.insert(job.key.clone(), task);
                    output.offers.push(job);
                }
                // It ended without a job: skipped, expanded, or impossible.
                None => {
                    self.freed.extend(self.tokens.next(run.plugin_name(task)));
                    self.settle(now, output);
                }
            }
        }
    }

    /// A worker has a job.
    pub(crate) fn started(&mut self, key: &JobKey, attempt: u32, now: Now, output: &mut Output) {
        let Some(task) = self.jobs.get(key).copied() else { return };
        let Some(run) = self.runs.get_mut(task.run) else { return };
        if run.started(task, attempt, now, output) {
            self.queued = self.queued.saturating_sub(1);
        }
    }

    /// A job was given back: it waits for a third party, or for another attempt after an error.
    pub(crate) fn given_back(&mut self, key: &JobKey, why: &GivenBack, now: Now, output: &mut Output) {
        let Some(task) = self.jobs.get(key).copied() else { return };
        let Some(run) = self.runs.get_mut(task.run) else { return };
        run.given_back(task, why, now, output);
    }

    /// A job has a result.
    pub(crate) fn ended(&mut self, key: &JobKey, result: &TaskResult, now: Now, output: &mut Output) {
        let Some(task) = self.jobs.remove(key) else { return };
        let Some(run) = self.runs.get_mut(task.run) else { return };
        if !run.is_started(task) {
            self.queued = self.queued.saturating_sub(1);
        }
        self.share.left(&run.request.tenant);
        self.tokens.give_back(run.plugin_name(task));
        self.freed.extend(self.tokens.next(run.plugin_name(task)));
        run.ended(task, result, now, output);
        self.settle(now, output);
    }

    /// A second result of a job said something else.
    pub(crate) fn contradicted(&self, key: &JobKey, now: Now, output: &mut Output) {
        if let Some(task) = self.jobs.get(key)
            && let Some(run) = self.runs.get(task.run)
        {
            run.contradicted(*task, now, output);
        }
    }

    /// Cancels a run.
    pub(crate) fn cancel(&mut self, id: &RunId, cause: &Cause, now: Now, output: &mut Output) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id == *id && run.end.is_none() && run.canceled.is_none())
        {
            run.cancel(cause, now, output);
            self.share.forget(run.index);
            self.tokens.forget(run.index);
            self.settle(now, output);
        }
    }

    /// Ends what is over its time.
    pub(crate) fn check_deadlines(&mut self, now: Now, output: &mut Output) {
        for run in &mut self.runs {
            run.check_deadlines(now, output);
        }
        self.settle(now, output);
    }

    /// When [`Engine::check_deadlines`] is to be called next at the latest.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.runs.iter().filter_map(Run::next_deadline).min()
    }

    /// Whether every run has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.runs.iter().all(|run| run.end.is_some())
    }

    /// How each run ended.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&RunId, Option<(RunState, Verdict)>)> {
        self.runs.iter().map(|run| (&run.id, run.end))
    }

    /// The runs that have not ended.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &RunId> {
        self.runs.iter().filter(|run| run.end.is_none()).map(|run| &run.id)
    }

    /// Goes on until nothing follows from what is known.
    fn settle(&mut self, now: Now, output: &mut Output) {
        loop {
            let mut has_moved = false;
            for index in 0..self.runs.len() {
                let Some(run) = self.runs.get_mut(index) else { continue };
                has_moved |= run.advance(&mut self.share, now, output);
            }
            if !has_moved {
                break;
            }
        }
    }
}

/// Why a job was given back.
#[derive(Clone, Debug)]
pub(crate) enum GivenBack {
    /// A third party works on it, or its state is requested again.
    Waiting {
        /// The third party's word.
        native: String,
        /// Where to look.
        url: Option<String>,
        /// How long until the next call.
        after: Duration,
        /// Whether it is requested to stop.
        is_ending: bool,
    },
    /// Another attempt follows.
    Retry {
        /// The attempt that ended.
        attempt: u32,
        /// What kind of error.
        class: assay_model::run::ErrorClass,
        /// The fact.
        cause: Cause,
        /// How long until the next attempt.
        after: Duration,
    },
}
