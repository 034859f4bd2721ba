//! [`Scheduler`]: the coordinator of a store.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use assay_model::{
    outcome::Verdict,
    port::{BlobStore, Clock, Created, Executor, Offer, Queue, RecordChange, RunRecord, StoreError},
    run::{Cause, ProgressEvent, RunId, RunState},
};
use serde::Deserialize;

use crate::{
    engine::{Engine, Limits, Now, Output, Restored, TaskJob, known_jobs},
    request::{InvalidRequest, Reused, RunRequest},
    settings::{Settings, Stop},
    shared::{Entry, Message, Shared},
};

/// How often it is looked whether someone requested that a run be canceled.
const LOOK: Duration = Duration::from_millis(500);

/// Why runs were not carried out to their end. They stay open, and the same request goes on with them.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A plan cannot be carried out. Nothing was started.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// The system gives no thread.
    #[error("the system gives no thread: {0}")]
    Thread(std::io::Error),
}

/// The jobs of a run's tasks: for each task the one that a worker is given, with the key that third parties know it by. It
/// depends on the plan and, where parameters are results of other tasks, on what is recorded, if the run is: a task that needs
/// a result which is not there has none. A matrix whose cells are not known is one task.
///
/// # Errors
/// The plan cannot be carried out, or the record cannot be read.
pub fn jobs_of_run(
    id: RunId,
    request: RunRequest,
    record: Option<&dyn RunRecord>,
) -> Result<Vec<TaskJob>, SchedulerError> {
    let stored = match record.map(|record| Restored::load(record, &id, &request)) {
        Some(Err(StoreError::NotFound(_))) | None => Restored::default(),
        Some(stored) => stored?,
    };
    Ok(known_jobs(id, request, &stored)?)
}

/// What is reused by a run that is recorded, without the rest of its plan.
fn stored_reuse(record: &dyn RunRecord, id: &RunId) -> Result<BTreeMap<String, Reused>, StoreError> {
    #[derive(Deserialize)]
    struct Outline {
        plan: Plan,
    }
    #[derive(Deserialize)]
    struct Plan {
        #[serde(default)]
        reused: BTreeMap<String, Reused>,
    }
    let mut reused = BTreeMap::new();
    record.read_outline(id, &mut |from| {
        let outline: Outline = serde_json::from_reader(from)?;
        reused = outline.plan.reused;
        Ok(())
    })?;
    Ok(reused)
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// The run.
    pub id: RunId,
    /// Its state; one that is not final if the scheduler was stopped.
    pub state: RunState,
    /// Its verdict, if it ended.
    pub verdict: Option<Verdict>,
}

/// Carries out runs on a store.
pub struct Scheduler<'a> {
    /// The jobs.
    pub queue: &'a dyn Queue,
    /// The record.
    pub record: &'a dyn RunRecord,
    /// Where the Snapshot's parameter is kept for the executor.
    pub blobs: &'a dyn BlobStore,
    /// The plugins.
    pub executor: &'a dyn Executor,
    /// The time.
    pub clock: &'a dyn Clock,
    /// How it works.
    pub settings: Settings,
    /// Receives the name of each point that is passed, so that a test can end the process there: `after-take`, `before-call`,
    /// `after-call`, `after-settle`, `after-record`, `after-offer`.
    pub observer: Arc<dyn Fn(&'static str) + Send + Sync>,
}

impl Scheduler<'_> {
    /// Carries out runs until all have ended or `stop` is requested. A run that is in the record goes on; one that has ended
    /// there is not run again. Events are reported as they happen.
    ///
    /// # Errors
    /// A request cannot be carried out, and nothing was started; or the store failed, and the runs stay open.
    pub fn run(
        &self,
        requests: Vec<RunRequest>,
        stop: &Stop,
        events: &mut dyn FnMut(&ProgressEvent),
    ) -> Result<Vec<RunEnd>, SchedulerError> {
        let limits = Limits { quotas: self.settings.quotas.clone(), services: self.settings.services.clone() };
        // Nothing is started if one of them cannot be carried out.
        requests.iter().try_for_each(RunRequest::check)?;
        let (mut engine, mut output) = (Engine::new(limits), Output::default());
        let (mut ends, mut ids) = (BTreeMap::new(), Vec::new());
        for request in requests {
            self.blobs.put(request.plan.snapshot.param.as_bytes())?;
            let id = request.run_id()?;
            let created = self.record.create(&id, &request.outline()?)?;
            ids.push(id.clone());
            match created {
                Created::Existing(state) if state.is_final() => {
                    let verdict = self.record.document(&id)?.verdict;
                    ends.insert(id.clone(), RunEnd { id, state, verdict });
                }
                Created::New | Created::Existing(_) => {
                    if let Some(group) = request.supersedes.clone() {
                        self.supersede(&mut engine, &id, &group, &mut output)?;
                    }
                    let (mut request, mut stored) = (request, Restored::default());
                    if created != Created::New {
                        // A run goes on as it began. The same ID is the same request but for what is reused.
                        request.reused = stored_reuse(self.record, &id)?;
                        stored = Restored::load(self.record, &id, &request)?;
                    }
                    self.add(&mut engine, id, request, stored, &mut output)?;
                }
            }
        }
        self.coordinate(&mut engine, output, stop, events)?;
        for (id, end) in engine.ends() {
            let (state, verdict) = match end {
                Some((state, verdict)) => (state, Some(verdict)),
                None => (RunState::Running, None),
            };
            ends.insert(id.clone(), RunEnd { id: id.clone(), state, verdict });
        }
        Ok(ids.iter().filter_map(|id| ends.get(id).cloned()).collect())
    }

    fn now(&self) -> Now {
        Now { elapsed: self.clock.elapsed(), wall: self.clock.now() }
    }

    fn add(
        &self,
        engine: &mut Engine,
        id: RunId,
        request: RunRequest,
        stored: Restored,
        output: &mut Output,
    ) -> Result<(), SchedulerError> {
        if engine.unfinished().any(|other| *other == id) {
            return Ok(());
        }
        Ok(engine.add(id, request, stored, self.now(), output)?)
    }

    /// Cancels the runs that a newer one replaces, those of this request as well as those that were interrupted.
    fn supersede(
        &self,
        engine: &mut Engine,
        by: &RunId,
        group: &str,
        output: &mut Output,
    ) -> Result<(), SchedulerError> {
        let cause = Cause::new("superseded", &format!("the newer run `{by}` replaced it"));
        for id in self.record.unfinished_of(group)?.into_iter().filter(|id| id != by) {
            let request = RunRequest::of_outline(&self.record.outline(&id)?)?;
            let stored = Restored::load(self.record, &id, &request)?;
            self.add(engine, id.clone(), request, stored, output)?;
            engine.cancel(&id, &cause, self.now(), output);
        }
        Ok(())
    }

    fn coordinate(
        &self,
        engine: &mut Engine,
        output: Output,
        stop: &Stop,
        events: &mut dyn FnMut(&ProgressEvent),
    ) -> Result<(), SchedulerError> {
        let observer = Arc::clone(&self.observer);
        let shared =
            Shared::new(self.queue, self.record, self.executor, self.clock, &self.settings, observer.as_ref(), stop);
        *shared.runs.lock().unwrap_or_else(PoisonError::into_inner) = engine.unfinished().cloned().collect();
        let result = std::thread::scope(|scope| {
            let started = (|| {
                let spawn = |name: &str, work: &'static str| {
                    let shared = &shared;
                    std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, move || match work {
                        "take" => shared.take_jobs(),
                        "write" => shared.write(),
                        _ => shared.work(),
                    })
                };
                spawn("assay-take", "take")?;
                spawn("assay-write", "write")?;
                for number in 0..self.settings.workers.get() {
                    spawn(&format!("assay-work-{number}"), "work")?;
                }
                Ok(())
            })();
            let result = match started {
                Ok(()) => self.loop_until_done(engine, output, &shared, stop, events),
                Err(error) => Err(SchedulerError::Thread(error)),
            };
            shared.close();
            result
        });
        result?;
        // What the threads left: nobody else writes now.
        let left = shared.entries.take(usize::MAX);
        match shared.failure() {
            Some(error) => Err(error.into()),
            None => Ok(shared.write_batch(left)?),
        }
    }

    fn loop_until_done(
        &self,
        engine: &mut Engine,
        mut output: Output,
        shared: &Shared<'_>,
        stop: &Stop,
        events: &mut dyn FnMut(&ProgressEvent),
    ) -> Result<(), SchedulerError> {
        let mut looked = None;
        loop {
            let seen = shared.inbox.filled.generation();
            let now = self.now();
            for message in shared.inbox.take(usize::MAX) {
                match message {
                    Message::Started { key, attempt } => engine.started(&key, attempt, now, &mut output),
                    Message::Ended { key, result } => engine.ended(&key, &result, now, &mut output),
                    Message::GivenBack { key, why } => engine.given_back(&key, &why, now, &mut output),
                    Message::Contradicted { key } => engine.contradicted(&key, now, &mut output),
                }
            }
            if looked.is_none_or(|looked| now.elapsed >= looked + LOOK) {
                looked = Some(now.elapsed);
                for (id, reason) in self.record.cancellations()? {
                    engine.cancel(&id, &Cause::new("canceled", &reason), now, &mut output);
                }
            }
            engine.check_deadlines(now, &mut output);
            if !stop.is_requested() && !shared.is_behind() {
                engine.fill(shared.window(), now, &mut output);
            }
            let is_done = engine.is_done();
            self.carry_out(engine, std::mem::take(&mut output), &mut output, shared, now, events)?;
            if is_done && engine.is_done() || stop.is_requested() || shared.has_failed() {
                return Ok(());
            }
            let soon = now.elapsed + LOOK;
            let until = engine.next_deadline().map_or(soon, |deadline| deadline.min(soon));
            self.clock.wait(&shared.inbox.filled, seen, until);
        }
    }

    fn carry_out(
        &self,
        engine: &mut Engine,
        todo: Output,
        next: &mut Output,
        shared: &Shared<'_>,
        now: Now,
        events: &mut dyn FnMut(&ProgressEvent),
    ) -> Result<(), SchedulerError> {
        let Output { offers, changes, abandoned } = todo;
        if !abandoned.is_empty() {
            let keys: Vec<_> = abandoned.iter().map(|(key, ..)| key.clone()).collect();
            shared.abandon(abandoned);
            self.queue.hasten(&keys)?;
        }
        for change in &changes {
            if let RecordChange::Event(event) = change {
                events(event);
            }
        }
        if !changes.is_empty() {
            shared.entries.put(changes.into_iter().map(Entry::Change));
        }
        if offers.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = offers.iter().map(|job| job.key.clone()).collect();
        let answers = self.queue.offer(offers)?;
        (self.observer)("after-offer");
        for (key, answer) in keys.into_iter().zip(answers) {
            if answer == Offer::AlreadyDone
                && let Some(result) = self.queue.result(&key)?
            {
                engine.ended(&key, &result, now, next);
                shared.inbox.filled.raise();
            }
        }
        Ok(())
    }
}
