//! The threads: one that takes jobs from the queue, workers that call plugins, one that writes down what came of it.

use std::{sync::atomic::Ordering, time::Duration};

use assay_model::{
    port::{Disposition, LeaseToken, Settled, StoreError, TakeRequest},
    run::{Cause, RunState, TaskResult},
};

use crate::{
    engine::GivenBack,
    shared::{Entry, Message, Report, Shared, lock},
    worker,
};

/// How long a thread waits at most before it looks whether it is to end.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is settled in one transaction.
const BATCH: usize = 256;

/// What waits to be written down at most before no further task starts. A task has some five entries.
const BACKLOG: usize = 1_024;

/// The work that is kept ready: with shorter tasks more of them, so that what is stored of them shares transactions.
const AHEAD: Duration = Duration::from_millis(20);

/// Jobs for each worker that are taken ahead, at least and at most.
const JOBS_AHEAD: (u64, u64) = (1, 8);

impl Shared<'_> {
    /// How many jobs are to be kept ready for each worker.
    fn ahead(&self) -> u64 {
        let wanted = u64::try_from(AHEAD.as_micros()).unwrap_or(u64::MAX);
        (wanted / self.pace.load(Ordering::Relaxed).max(1)).clamp(JOBS_AHEAD.0, JOBS_AHEAD.1)
    }

    /// How many jobs are to be queued: those that are taken ahead, and as many again.
    pub(crate) fn window(&self) -> usize {
        let jobs = self.ahead().saturating_mul(2).saturating_mul(self.workers());
        usize::try_from(jobs).unwrap_or(usize::MAX)
    }

    fn workers(&self) -> u64 {
        u64::try_from(self.settings.workers.get()).unwrap_or(1)
    }

    /// Takes jobs from the queue and keeps the leases of those in hand.
    pub(crate) fn take_jobs(&self) {
        let mut extended = self.clock.elapsed();
        while !self.is_closing() {
            let now = self.clock.elapsed();
            if now.saturating_sub(extended) >= self.settings.lease / 3 {
                extended = now;
                self.extend_leases();
            }
            let seen = self.room.generation();
            let capacity = usize::try_from(self.ahead().saturating_mul(self.workers())).unwrap_or(usize::MAX);
            let max = capacity.saturating_sub(self.work.len());
            // Many are taken at once: with a transaction for each of them, short tasks would wait for the disk.
            if self.is_stopping() {
                self.end_calls();
            }
            if max < capacity.div_ceil(2) || self.is_stopping() {
                self.clock.wait(&self.room, seen, now + PATIENCE);
                continue;
            }
            let request = TakeRequest {
                worker: self.settings.name.clone(),
                max,
                lease: self.settings.lease,
                runs: lock(&self.runs).clone(),
            };
            match self.queue.take(&request, now + PATIENCE) {
                Ok(leases) => {
                    (self.observer)("after-take");
                    lock(&self.held).extend(leases.iter().map(|lease| lease.token.clone()));
                    self.work.put(leases);
                }
                Err(error) => {
                    self.fail(error);
                    return;
                }
            }
        }
        let left = self.work.take(usize::MAX);
        self.entries
            .put(left.into_iter().map(|lease| Entry::Settle(lease.token, Disposition::Release, Report::Released)));
    }

    fn extend_leases(&self) {
        let tokens: Vec<LeaseToken> = lock(&self.held).iter().cloned().collect();
        if tokens.is_empty() {
            return;
        }
        if let Err(error) = self.queue.extend(&tokens, self.settings.lease) {
            self.fail(error);
        }
    }

    /// Calls plugins.
    pub(crate) fn work(&self) {
        loop {
            let seen = self.work.filled.generation();
            let Some(lease) = self.work.take(1).pop() else {
                if self.is_closing() {
                    return;
                }
                self.clock.wait(&self.work.filled, seen, self.clock.elapsed() + PATIENCE);
                continue;
            };
            self.room.raise();
            let key = lease.job.key.clone();
            if self.is_stopping() || self.is_closing() {
                self.entries.put([Entry::Settle(lease.token, Disposition::Release, Report::Released)]);
                continue;
            }
            self.inbox.put([Message::Started { key, attempt: lease.attempt }]);
            let started = self.clock.elapsed();
            let (disposition, report) = worker::handle(self, &lease);
            self.measure(self.clock.elapsed().saturating_sub(started));
            self.entries.put([Entry::Settle(lease.token, disposition, report)]);
        }
    }

    fn measure(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.pace.load(Ordering::Relaxed);
        self.pace.store(before - before / 8 + took / 8, Ordering::Relaxed);
    }

    /// Writes down what came of jobs, and changes of the record, many at a time.
    pub(crate) fn write(&self) {
        loop {
            let seen = self.entries.filled.generation();
            let entries = self.entries.take(BATCH);
            if entries.is_empty() {
                // Closing comes after the last one that is put.
                if self.is_closing() && self.entries.len() == 0 && lock(&self.held).is_empty() {
                    return;
                }
                if self.has_failed() && self.is_closing() {
                    return;
                }
                self.clock.wait(&self.entries.filled, seen, self.clock.elapsed() + PATIENCE);
                continue;
            }
            if let Err(error) = self.write_batch(entries) {
                self.fail(error);
            }
            // There may be room for more tasks.
            self.inbox.filled.raise();
        }
    }

    /// Whether so much waits to be written down that no further task is to start: a disk that is slower than the tasks would
    /// otherwise let what they say pile up in memory.
    pub(crate) fn is_behind(&self) -> bool {
        self.entries.len() >= BACKLOG
    }

    pub(crate) fn write_batch(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let (mut settlements, mut reports, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Settle(token, disposition, report) => {
                    reports.push((token.clone(), report));
                    settlements.push((token, disposition));
                }
                Entry::Change(change) => changes.push(change),
            }
        }
        if !settlements.is_empty() {
            let settled = self.settle(settlements, &mut reports);
            let mut held = lock(&self.held);
            for (token, _) in &reports {
                held.remove(token);
            }
            drop(held);
            let settled = settled?;
            (self.observer)("after-settle");
            self.report(reports, settled)?;
        }
        if !changes.is_empty() {
            self.record.apply(changes)?;
            (self.observer)("after-record");
        }
        Ok(())
    }

    /// Settles all at once; if one of them can never be stored, one by one, and that one as an error.
    fn settle(
        &self,
        settlements: Vec<(LeaseToken, Disposition)>,
        reports: &mut [(LeaseToken, Report)],
    ) -> Result<Vec<Settled>, StoreError> {
        match self.queue.settle(settlements.clone()) {
            Err(StoreError::Invalid(_)) => {}
            settled => return settled,
        }
        let mut all = Vec::new();
        for (settlement, (_, report)) in settlements.into_iter().zip(reports) {
            let token = settlement.0.clone();
            let settled = match self.queue.settle(vec![settlement]) {
                Err(StoreError::Invalid(why)) => {
                    let cause = Cause::new("too-large", &why);
                    let result =
                        TaskResult { cause: Some(cause), ..TaskResult::new(RunState::Error, self.clock.now()) };
                    *report = Report::Ended(result.clone());
                    self.queue.settle(vec![(token, Disposition::Finish(result))])
                }
                settled => settled,
            }?;
            all.extend(settled);
        }
        Ok(all)
    }

    fn report(&self, reports: Vec<(LeaseToken, Report)>, settled: Vec<Settled>) -> Result<(), StoreError> {
        let mut messages = Vec::new();
        let mut hastened = Vec::new();
        for ((token, report), settled) in reports.into_iter().zip(settled) {
            let key = token.key;
            match (settled, report) {
                (Settled::Stored, Report::Ended(result)) => messages.push(Message::Ended { key, result }),
                (Settled::AlreadyStored { same, .. }, _) => {
                    if !same {
                        messages.push(Message::Contradicted { key: key.clone() });
                    }
                    if let Some(result) = self.queue.result(&key)? {
                        messages.push(Message::Ended { key, result });
                    }
                }
                (Settled::Requeued, report) => {
                    let is_ending = matches!(report, Report::GivenBack(GivenBack::Waiting { is_ending: true, .. }));
                    if self.abandoned(&key).is_some() && !is_ending {
                        hastened.push(key.clone());
                    }
                    if let Report::GivenBack(why) = report {
                        messages.push(Message::GivenBack { key, why });
                    }
                }
                (Settled::LeaseLost | Settled::UnknownJob | Settled::Stored, _) => {}
            }
        }
        if !hastened.is_empty() {
            self.queue.hasten(&hastened)?;
        }
        self.inbox.put(messages);
        Ok(())
    }
}
