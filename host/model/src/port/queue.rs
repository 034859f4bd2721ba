//! [`Queue`]: jobs on their way to workers, and [`Lease`]: a job in a worker's hand.
//!
//! Delivery is at least once: a lease that is not extended in time ends, and the job is delivered again with the next
//! attempt. What makes that safe is the job's key: of all results for a key, the first counts. The laws are written down as
//! [`queue_laws`](crate::queue_laws), which every implementation must pass.

use std::time::Duration;

use crate::{
    digest::Digest,
    run::{ErrorClass, Job, JobKey, RunId, TaskResult, WaitingState},
};

/// Why the queue or the record could not do what was requested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store is of a newer program.
    #[error("{0}")]
    NewerVersion(String),
    /// Another process has the store.
    #[error("{0}")]
    InUse(String),
    /// No room is left, or the file system does not let anyone write.
    #[error("{0}")]
    Unwritable(String),
    /// What is stored is damaged, or was not written by this program.
    #[error("{0}")]
    Damaged(String),
    /// There is no such thing in the store.
    #[error("{0}")]
    NotFound(String),
    /// A request that can never be carried out.
    #[error("{0}")]
    Invalid(String),
    /// The store failed, or was closed.
    #[error("{0}")]
    Failed(String),
}

/// What came of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The job is in the queue now.
    Accepted,
    /// It was there before; nothing changed.
    AlreadyQueued,
    /// It has a result already; nothing changed.
    AlreadyDone,
}

/// A request for jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeRequest {
    /// Who takes them, for people.
    pub worker: String,
    /// How many at most.
    pub max: usize,
    /// How long each lease lasts unless it is extended.
    pub lease: Duration,
    /// Only jobs of these runs; none means those of all runs.
    pub runs: Vec<RunId>,
}

/// What proves that a job is in one's hand: the job and the delivery.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseToken {
    /// The job.
    pub key: JobKey,
    /// Which delivery of it, over all times.
    pub delivery: u64,
}

/// A job in a worker's hand. To drop it without a word means "deliver it again".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The proof.
    pub token: LeaseToken,
    /// The job.
    pub job: Job,
    /// The attempt, from one. Steps of a waiting job that were settled belong to one attempt.
    pub attempt: u32,
    /// Deliveries since a worker last settled anything about the job; many of them mean that it kills its workers.
    pub unsettled: u32,
    /// What the job kept from the step before.
    pub waiting: Option<WaitingState>,
}

/// What a worker says about a job in its hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It has ended.
    Finish(TaskResult),
    /// The attempt failed; the job is delivered again, not before this time has passed.
    Retry {
        /// How long.
        after: Duration,
        /// Why, which becomes part of the record of the attempt.
        class: ErrorClass,
    },
    /// A third party works on it; the job is delivered again with this state, not before this time has passed.
    Wait {
        /// How long.
        after: Duration,
        /// What to go on with.
        state: WaitingState,
    },
    /// It was not started; the job is delivered again at once, and nothing is counted.
    Release,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The result is stored, and the job is out of the queue.
    Stored,
    /// A result was stored before, and it counts.
    AlreadyStored {
        /// Whether it says the same.
        same: bool,
        /// The digest of what counts.
        answer: Digest,
    },
    /// The job waits to be delivered again.
    Requeued,
    /// The lease had ended, and nothing changed.
    LeaseLost,
    /// No such job, perhaps because it was withdrawn; nothing changed.
    UnknownJob,
}

/// How full the queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Jobs that can be taken.
    pub ready: u64,
    /// Jobs that wait for their time.
    pub delayed: u64,
    /// Jobs in someone's hand.
    pub leased: u64,
}

/// Jobs on their way to workers. Calls block until what they say is durable.
pub trait Queue: Send + Sync {
    /// Offers jobs, all or none of them. To offer a key again changes nothing.
    ///
    /// # Errors
    /// The store cannot take them.
    fn offer(&self, jobs: Vec<Job>) -> Result<Vec<Offer>, StoreError>;

    /// Takes the most urgent jobs, and of those the oldest. Waits for the first one until `until` by the queue's clock, and
    /// returns none if there was none.
    ///
    /// # Errors
    /// The store fails.
    fn take(&self, request: &TakeRequest, until: Duration) -> Result<Vec<Lease>, StoreError>;

    /// Makes leases last that long from now on. False for those that have ended.
    ///
    /// # Errors
    /// The store fails.
    fn extend(&self, tokens: &[LeaseToken], lease: Duration) -> Result<Vec<bool>, StoreError>;

    /// Gives jobs back, each with what became of it, in one transaction with their results. A result is stored even if its
    /// lease has ended, as long as there is none.
    ///
    /// # Errors
    /// The store fails; nothing changed.
    fn settle(&self, settlements: Vec<(LeaseToken, Disposition)>) -> Result<Vec<Settled>, StoreError>;

    /// Takes all jobs of a run out of the queue, those in someone's hand too. Returns how many there were.
    ///
    /// # Errors
    /// The store fails.
    fn withdraw(&self, run: &RunId) -> Result<u64, StoreError>;

    /// Makes jobs that wait for their time ready at once. Others are left alone.
    ///
    /// # Errors
    /// The store fails.
    fn hasten(&self, keys: &[JobKey]) -> Result<(), StoreError>;

    /// The result that counts.
    ///
    /// # Errors
    /// The store fails or is damaged.
    fn result(&self, key: &JobKey) -> Result<Option<TaskResult>, StoreError>;

    /// How full it is.
    ///
    /// # Errors
    /// The store fails.
    fn depth(&self) -> Result<QueueDepth, StoreError>;
}
