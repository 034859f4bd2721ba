//! [`Reference`]: the simplest queue that keeps the laws, in memory and in one thread.

use std::{collections::BTreeMap, time::Duration};

use super::LEASE;
use crate::{
    port::{Disposition, Lease, Offer, QueueDepth, Settled},
    run::{Job, JobKey, Priority, RunId, TaskResult, WaitingState},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Can be taken from this time on.
    Ready(Duration),
    /// In someone's hand until then.
    Leased { delivery: u64, until: Duration },
}

#[derive(Debug)]
struct Entry {
    priority: Priority,
    run: RunId,
    seq: u64,
    state: State,
    attempt: u32,
    is_continued: bool,
    unsettled: u32,
    waiting: Option<WaitingState>,
}

/// What is compared of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    key: JobKey,
    attempt: u32,
    unsettled: u32,
    waiting: Option<WaitingState>,
}

pub(super) fn seen(lease: &Lease) -> Seen {
    Seen {
        key: lease.job.key.clone(),
        attempt: lease.attempt,
        unsettled: lease.unsettled,
        waiting: lease.waiting.clone(),
    }
}

/// A lease of the reference.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) seen: Seen,
    delivery: u64,
}

#[derive(Debug, Default)]
pub(super) struct Reference {
    jobs: BTreeMap<JobKey, Entry>,
    results: BTreeMap<JobKey, TaskResult>,
    next: u64,
}

impl Reference {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn offer(&mut self, job: &Job) -> Offer {
        if self.results.contains_key(&job.key) {
            return Offer::AlreadyDone;
        }
        if self.jobs.contains_key(&job.key) {
            return Offer::AlreadyQueued;
        }
        let entry = Entry {
            priority: job.priority,
            run: job.run.clone(),
            seq: self.number(),
            state: State::Ready(Duration::ZERO),
            attempt: 0,
            is_continued: false,
            unsettled: 0,
            waiting: None,
        };
        self.jobs.insert(job.key.clone(), entry);
        Offer::Accepted
    }

    pub(super) fn take(&mut self, max: usize, now: Duration) -> Vec<Held> {
        let ready = |entry: &Entry| match entry.state {
            State::Ready(from) => from <= now,
            State::Leased { until, .. } => until <= now,
        };
        let mut best: Vec<_> = self.jobs.iter().filter(|(_, entry)| ready(entry)).collect();
        best.sort_by_key(|(_, entry)| (std::cmp::Reverse(entry.priority), entry.seq));
        let keys: Vec<JobKey> = best.into_iter().take(max).map(|(key, _)| key.clone()).collect();
        keys.into_iter()
            .filter_map(|key| {
                let delivery = self.number();
                let entry = self.jobs.get_mut(&key)?;
                entry.state = State::Leased { delivery, until: now + LEASE };
                entry.attempt += u32::from(!entry.is_continued);
                entry.is_continued = false;
                entry.unsettled += 1;
                let (attempt, unsettled, waiting) = (entry.attempt, entry.unsettled, entry.waiting.clone());
                Some(Held { seen: Seen { key, attempt, unsettled, waiting }, delivery })
            })
            .collect()
    }

    fn held(&mut self, held: &Held, now: Duration) -> Option<&mut Entry> {
        let entry = self.jobs.get_mut(&held.seen.key)?;
        let is_held =
            matches!(entry.state, State::Leased { delivery, until } if delivery == held.delivery && until > now);
        is_held.then_some(entry)
    }

    pub(super) fn extend(&mut self, held: &Held, now: Duration) -> bool {
        let delivery = held.delivery;
        let entry = self.held(held, now);
        entry.map(|entry| entry.state = State::Leased { delivery, until: now + LEASE }).is_some()
    }

    pub(super) fn settle(&mut self, held: &Held, how: &Disposition, now: Duration) -> Result<Settled, String> {
        let key = &held.seen.key;
        if let Disposition::Finish(result) = how {
            return match self.results.get(key) {
                Some(stored) => {
                    let digest = |result: &TaskResult| result.answer_digest().map_err(|error| error.to_string());
                    let answer = digest(stored)?;
                    Ok(Settled::AlreadyStored { same: digest(result)? == answer, answer })
                }
                None if self.jobs.remove(key).is_some() => {
                    self.results.insert(key.clone(), result.clone());
                    Ok(Settled::Stored)
                }
                None => Ok(Settled::UnknownJob),
            };
        }
        if !self.jobs.contains_key(key) && !self.results.contains_key(key) {
            return Ok(Settled::UnknownJob);
        }
        let Some(entry) = self.held(held, now) else { return Ok(Settled::LeaseLost) };
        entry.unsettled = 0;
        match how {
            Disposition::Retry { after, .. } => entry.state = State::Ready(now + *after),
            Disposition::Wait { after, state } => {
                entry.state = State::Ready(now + *after);
                entry.is_continued = true;
                entry.waiting = Some(state.clone());
            }
            Disposition::Release | Disposition::Finish(_) => {
                entry.state = State::Ready(now);
                entry.is_continued = true;
            }
        }
        Ok(Settled::Requeued)
    }

    pub(super) fn hasten(&mut self, key: &JobKey, now: Duration) {
        if let Some(entry) = self.jobs.get_mut(key)
            && matches!(entry.state, State::Ready(_))
        {
            entry.state = State::Ready(now);
        }
    }

    pub(super) fn withdraw(&mut self, run: &RunId) -> u64 {
        let before = self.jobs.len();
        self.jobs.retain(|_, entry| entry.run != *run);
        u64::try_from(before - self.jobs.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn result(&self, key: &JobKey) -> Option<TaskResult> {
        self.results.get(key).cloned()
    }

    pub(super) fn depth(&self, now: Duration) -> QueueDepth {
        let mut depth = QueueDepth::default();
        for entry in self.jobs.values() {
            match entry.state {
                State::Ready(from) if from <= now => depth.ready += 1,
                State::Ready(_) => depth.delayed += 1,
                State::Leased { until, .. } if until <= now => depth.ready += 1,
                State::Leased { .. } => depth.leased += 1,
            }
        }
        depth
    }
}
