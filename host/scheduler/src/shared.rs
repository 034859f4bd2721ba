//! [`Shared`]: what the threads of a scheduler share.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use assay_model::{
    port::{Clock, Disposition, Executor, Lease, LeaseToken, Queue, RecordChange, RunRecord, StoreError, Wakeup},
    run::{Cause, JobKey, RunId, RunState, TaskResult},
};

use crate::{
    engine::GivenBack,
    settings::{Settings, Stop},
};

/// What the coordinator learns from its threads.
#[derive(Debug)]
pub(crate) enum Message {
    Started { key: JobKey, attempt: u32 },
    Ended { key: JobKey, result: TaskResult },
    GivenBack { key: JobKey, why: GivenBack },
    Contradicted { key: JobKey },
}

/// A list that one thread fills and another empties.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    items: Mutex<VecDeque<T>>,
    pub(crate) filled: Wakeup,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self { items: Mutex::default(), filled: Wakeup::default() }
    }
}

impl<T> Mailbox<T> {
    pub(crate) fn put(&self, items: impl IntoIterator<Item = T>) {
        lock(&self.items).extend(items);
        self.filled.raise();
    }

    pub(crate) fn take(&self, max: usize) -> Vec<T> {
        let mut items = lock(&self.items);
        let count = items.len().min(max);
        items.drain(..count).collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.items).len()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is reported to the engine once the disposition is stored.
#[derive(Debug)]
pub(crate) enum Report {
    Ended(TaskResult),
    GivenBack(GivenBack),
    Released,
}

/// What is written down: how jobs ended, and changes of the record.
#[expect(clippy::large_enum_variant, reason = "entries are moved once, and most are the large one")]
pub(crate) enum Entry {
    Settle(LeaseToken, Disposition, Report),
    Change(RecordChange),
}

/// What all threads share.
pub(crate) struct Shared<'a> {
    pub(crate) queue: &'a dyn Queue,
    pub(crate) record: &'a dyn RunRecord,
    pub(crate) executor: &'a dyn Executor,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) settings: &'a Settings,
    pub(crate) observer: &'a (dyn Fn(&'static str) + Send + Sync),
    pub(crate) stop: &'a Stop,
    pub(crate) runs: Mutex<Vec<RunId>>,
    pub(crate) inbox: Mailbox<Message>,
    pub(crate) entries: Mailbox<Entry>,
    pub(crate) work: Mailbox<Lease>,
    /// Raised when a worker took up work, so that there is room for more.
    pub(crate) room: Wakeup,
    pub(crate) held: Mutex<BTreeSet<LeaseToken>>,
    pub(crate) abandoned: Mutex<BTreeMap<JobKey, (RunState, Cause)>>,
    /// The calls that are being made, and whether they are to end.
    calls: Mutex<BTreeMap<JobKey, Arc<AtomicBool>>>,
    is_closing: AtomicBool,
    failure: Mutex<Option<StoreError>>,
    /// What a task took on average lately, in microseconds.
    pub(crate) pace: AtomicU64,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(
        queue: &'a dyn Queue,
        record: &'a dyn RunRecord,
        executor: &'a dyn Executor,
        clock: &'a dyn Clock,
        settings: &'a Settings,
        observer: &'a (dyn Fn(&'static str) + Send + Sync),
        stop: &'a Stop,
    ) -> Self {
        Self {
            queue,
            record,
            executor,
            clock,
            settings,
            observer,
            stop,
            runs: Mutex::default(),
            inbox: Mailbox::default(),
            entries: Mailbox::default(),
            work: Mailbox::default(),
            room: Wakeup::default(),
            held: Mutex::default(),
            abandoned: Mutex::default(),
            calls: Mutex::default(),
            is_closing: AtomicBool::new(false),
            failure: Mutex::default(),
            pace: AtomicU64::new(0),
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_requested() || self.has_failed()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        for wakeup in [&self.inbox.filled, &self.entries.filled, &self.work.filled, &self.room] {
            wakeup.raise();
        }
    }

    pub(crate) fn fail(&self, error: StoreError) {
        lock(&self.failure).get_or_insert(error);
        self.inbox.filled.raise();
    }

    pub(crate) fn has_failed(&self) -> bool {
        lock(&self.failure).is_some()
    }

    pub(crate) fn failure(&self) -> Option<StoreError> {
        lock(&self.failure).clone()
    }

    pub(crate) fn abandon(&self, jobs: Vec<(JobKey, RunState, Cause)>) {
        let keys: Vec<JobKey> = jobs.iter().map(|(key, ..)| key.clone()).collect();
        lock(&self.abandoned).extend(jobs.into_iter().map(|(key, state, cause)| (key, (state, cause))));
        let calls = lock(&self.calls);
        keys.iter().filter_map(|key| calls.get(key)).for_each(|call| call.store(true, Ordering::Relaxed));
    }

    /// A call of a job begins; the flag says when it is to end.
    pub(crate) fn begin_call(&self, key: &JobKey) -> Arc<AtomicBool> {
        let flag = Arc::new(AtomicBool::new(false));
        lock(&self.calls).insert(key.clone(), Arc::clone(&flag));
        // It may have been abandoned just before.
        flag.fetch_or(self.is_stopping() || self.abandoned(key).is_some(), Ordering::Relaxed);
        flag
    }

    pub(crate) fn end_call(&self, key: &JobKey) {
        lock(&self.calls).remove(key);
    }

    /// Lets all calls end.
    pub(crate) fn end_calls(&self) {
        lock(&self.calls).values().for_each(|call| call.store(true, Ordering::Relaxed));
    }

    pub(crate) fn abandoned(&self, key: &JobKey) -> Option<(RunState, Cause)> {
        lock(&self.abandoned).get(key).cloned()
    }
}
