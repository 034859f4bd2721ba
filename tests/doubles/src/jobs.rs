//! [`Jobs`]: the jobs of a double. A job goes on when its status is requested.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::fault::Faults;

/// How often a job must be canceled while the fault `orphan` is there.
const STUBBORN: u32 = 3;

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Queued,
    Running,
    Ended,
    Canceled,
}

/// A job.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) number: u64,
    pub(crate) id: String,
    /// The name that it was requested under, such as that of a workflow.
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) phase: Phase,
    pub(crate) polls: u32,
    pub(crate) cancels: u32,
    pub(crate) created: Timestamp,
    /// What was requested.
    pub(crate) request: Value,
    pub(crate) is_gone: bool,
    /// Whether it ever left the queue.
    pub(crate) has_run: bool,
}

/// A job, for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its ID.
    pub id: String,
    /// The key of idempotency that came with it, empty if there was none.
    pub key: String,
    /// Whether it goes on.
    pub is_open: bool,
    /// `queued`, `running`, `ended`, `canceled` or `gone`.
    pub state: &'static str,
    /// How often its status was requested.
    pub polls: u32,
    /// How often it was to be canceled.
    pub cancels: u32,
    /// What was requested.
    pub request: Value,
}

impl JobView {
    pub(crate) fn json(&self) -> Value {
        let Self { id, key, is_open, state, polls, cancels, request } = self;
        json!({"id": id, "key": key, "open": is_open, "state": state, "polls": polls, "cancels": cancels, "request": request})
    }
}

impl Job {
    pub(crate) fn view(&self) -> JobView {
        let state = match (self.is_gone, &self.phase) {
            (true, _) => "gone",
            (_, Phase::Queued) => "queued",
            (_, Phase::Running) => "running",
            (_, Phase::Ended) => "ended",
            (_, Phase::Canceled) => "canceled",
        };
        JobView {
            id: self.id.clone(),
            key: self.key.clone(),
            is_open: matches!(state, "queued" | "running"),
            state,
            polls: self.polls,
            cancels: self.cancels,
            request: self.request.clone(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Running)
    }
}

/// All jobs, and what decides how they end.
#[derive(Debug)]
pub(crate) struct Jobs {
    pub(crate) all: Vec<Job>,
    pub(crate) faults: Faults,
    /// Requests for its status after which a job ends.
    pub(crate) polls: u32,
    /// The service's own word for how jobs end.
    pub(crate) result: String,
    /// Where this double is.
    pub(crate) base: String,
    now: Timestamp,
}

impl Jobs {
    pub(crate) const fn new(faults: Faults, polls: u32, result: String, base: String) -> Self {
        Self { all: Vec::new(), faults, polls, result, base, now: Timestamp::UNIX_EPOCH }
    }

    /// The clock of the service.
    pub(crate) fn now(&self) -> Timestamp {
        let skew = i64::try_from(self.faults.number("clock-skew")).unwrap_or_default();
        let now = Timestamp::now().checked_add(SignedDuration::from_secs(skew)).unwrap_or(self.now);
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// Makes a job.
    pub(crate) fn make(&mut self, name: &str, key: &str, request: Value, id: impl Fn(u64) -> String) -> &Job {
        let number = u64::try_from(self.all.len()).unwrap_or_default() + 1;
        let id = if self.faults.has("slash-id") { format!("../{}?x=/", id(number)) } else { id(number) };
        let job = Job {
            number,
            id,
            name: name.to_owned(),
            key: key.to_owned(),
            phase: Phase::Queued,
            polls: 0,
            cancels: 0,
            created: self.now(),
            request,
            is_gone: false,
            has_run: false,
        };
        let index = self.all.len();
        self.all.push(job);
        #[expect(clippy::indexing_slicing, reason = "it was pushed in the line before")]
        &self.all[index]
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Job> {
        self.all.iter().find(|job| job.id == id && !job.is_gone)
    }

    /// The job that was made under a key; the newest, if there are more.
    pub(crate) fn of_key(&self, key: &str) -> Option<&Job> {
        self.all.iter().rev().find(|job| job.key == key && !job.is_gone)
    }

    /// The status of a job is requested: it goes on.
    pub(crate) fn poll(&mut self, id: &str) -> Option<&Job> {
        let has = |fault: &str| self.faults.has(fault);
        let (never, queued, vanish) = (has("never") || has("unknown-state"), has("queued-for-ever"), has("vanish"));
        let polls = self.polls;
        let job = self.all.iter_mut().find(|job| job.id == id && !job.is_gone)?;
        job.polls += 1;
        if vanish && job.polls > 1 {
            job.is_gone = true;
            return None;
        }
        if job.is_open() && !queued {
            if job.polls > polls && !never {
                job.phase = Phase::Ended;
            } else if job.polls > polls.min(1) {
                job.phase = Phase::Running;
            }
            job.has_run = job.phase != Phase::Queued;
        }
        Some(job)
    }

    /// A job is to be canceled. False if it has ended.
    pub(crate) fn cancel(&mut self, id: &str) -> Option<bool> {
        let needed = if self.faults.has("orphan") { STUBBORN } else { 1 };
        let job = self.all.iter_mut().find(|job| job.id == id && !job.is_gone)?;
        job.cancels += 1;
        let was_open = job.is_open();
        if was_open && job.cancels >= needed {
            job.phase = Phase::Canceled;
        }
        Some(was_open)
    }
}
