//! The series of steps that the suite is made of.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    port::Disposition,
    run::{ErrorClass, Job, RunState, TaskResult, Verb, WaitingState},
};

/// One step. Leases are named by the order in which they were handed out, from nought; one that there is not is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueStep {
    /// Offers the jobs of these numbers.
    Offer {
        /// The numbers. The priority is that of the number modulo three: normal, urgent, bulk.
        jobs: Vec<u32>,
    },
    /// Takes jobs without waiting.
    Take {
        /// How many at most.
        max: usize,
    },
    /// Extends a lease.
    Extend {
        /// Which.
        lease: usize,
    },
    /// Gives a job back.
    Settle {
        /// By which lease.
        lease: usize,
        /// How.
        how: How,
    },
    /// Makes a job ready that waits for its time.
    Hasten {
        /// By the lease that it was given back with.
        lease: usize,
    },
    /// Takes the jobs of a run out of the queue.
    Withdraw {
        /// Which; a job belongs to the run of its number modulo two.
        run: u32,
    },
    /// Lets time go by.
    Advance {
        /// How many milliseconds.
        ms: u64,
    },
}

/// How a job is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// To be delivered again after so many milliseconds.
    Retry(u64),
    /// Waits for a third party for so many milliseconds.
    Wait(u64),
    /// It was not started.
    Release,
}

pub(super) fn disposition(how: &How, job: &Job) -> Disposition {
    match how {
        How::Passed => Disposition::Finish(TaskResult::new(RunState::Passed, Timestamp::UNIX_EPOCH)),
        How::Failed => Disposition::Finish(TaskResult::new(RunState::Failed, Timestamp::UNIX_EPOCH)),
        How::Retry(ms) => Disposition::Retry { after: Duration::from_millis(*ms), class: ErrorClass::Infrastructure },
        How::Wait(ms) => Disposition::Wait {
            after: Duration::from_millis(*ms),
            state: WaitingState::new(Verb::Poll, job.task.task.clone().into_bytes()),
        },
        How::Release => Disposition::Release,
    }
}

/// The laws by name.
#[must_use]
pub fn named_laws() -> Vec<(&'static str, Vec<QueueStep>)> {
    use How::{Failed, Passed, Release, Retry, Wait};
    use QueueStep::{Advance, Extend, Hasten, Offer, Settle, Take, Withdraw};
    let offer = |jobs: &[u32]| Offer { jobs: jobs.to_vec() };
    let take = |max| Take { max };
    let settle = |lease, how| Settle { lease, how };
    let pass = |ms| Advance { ms };
    vec![
        ("an offer made twice is one", vec![offer(&[0, 0]), offer(&[0]), take(9)]),
        ("jobs are taken by priority and then by age", vec![offer(&[2, 0, 3, 1, 4, 5]), take(2), take(9)]),
        (
            "a job that is done is not offered again",
            vec![offer(&[0]), take(1), settle(0, Passed), offer(&[0]), take(1)],
        ),
        (
            "a lease that ends raises the attempt",
            vec![offer(&[0]), take(1), pass(30_001), take(1), pass(30_001), take(1)],
        ),
        ("nobody else has a job while its lease lasts", vec![offer(&[0]), take(1), pass(29_999), take(1)]),
        (
            "a lease that is extended lasts",
            vec![offer(&[0]), take(1), pass(20_000), Extend { lease: 0 }, pass(20_000), take(1), settle(0, Passed)],
        ),
        ("a lease that has ended cannot be extended", vec![offer(&[0]), take(1), pass(30_001), Extend { lease: 0 }]),
        (
            "a result after the end of its lease counts if it is the first",
            vec![offer(&[0]), take(1), pass(31_000), settle(0, Passed), take(1)],
        ),
        (
            "of two results the first counts, and of the second it is said whether it is the same",
            vec![
                offer(&[0]),
                take(1),
                pass(31_000),
                take(1),
                settle(1, Passed),
                settle(0, Failed),
                settle(0, Passed),
                settle(1, Failed),
            ],
        ),
        (
            "a lost lease neither retries nor waits",
            vec![
                offer(&[0]),
                take(1),
                pass(31_000),
                take(1),
                settle(0, Retry(0)),
                settle(0, Wait(0)),
                settle(0, Release),
                take(1),
            ],
        ),
        (
            "a retry waits for its time and raises the attempt",
            vec![offer(&[0]), take(1), settle(0, Retry(1_000)), take(1), pass(999), take(1), pass(1), take(1)],
        ),
        (
            "a job that waits keeps its state and its attempt",
            vec![
                offer(&[0]),
                take(1),
                settle(0, Wait(5_000)),
                take(1),
                pass(5_000),
                take(1),
                settle(1, Wait(0)),
                take(1),
                settle(2, Passed),
            ],
        ),
        (
            "a job that waits and whose worker vanishes keeps its state",
            vec![offer(&[0]), take(1), settle(0, Wait(0)), take(1), pass(31_000), take(1)],
        ),
        (
            "a job that is hastened is ready, and one in a hand stays there",
            vec![
                offer(&[0]),
                take(1),
                Hasten { lease: 0 },
                settle(0, Wait(5_000)),
                take(1),
                Hasten { lease: 0 },
                take(1),
            ],
        ),
        ("a release counts nothing", vec![offer(&[0]), take(1), settle(0, Release), take(1)]),
        (
            "a job that is withdrawn is gone",
            vec![offer(&[0, 1, 2]), take(1), Withdraw { run: 1 }, settle(0, Passed), take(9), offer(&[1]), take(9)],
        ),
        (
            "a withdrawal leaves results alone",
            vec![offer(&[0]), take(1), settle(0, Passed), Withdraw { run: 0 }, offer(&[0])],
        ),
    ]
}

/// A random series, the same for the same seed.
#[must_use]
pub fn random_steps(seed: u64, count: usize) -> Vec<QueueStep> {
    let mut random = Random(seed);
    let mut offered = 0;
    (0..count)
        .map(|_| match random.below(16) {
            0..=2 => {
                offered = (offered + 1).min(9);
                let first = random.below(offered);
                QueueStep::Offer { jobs: (0..=random.below(3)).map(|more| (first + more) % 9).collect() }
            }
            3..=6 => QueueStep::Take { max: random.below(3) as usize },
            7 if random.below(2) == 0 => QueueStep::Hasten { lease: random.below(12) as usize },
            7 => QueueStep::Extend { lease: random.below(12) as usize },
            8..=12 => {
                let how = match random.below(7) {
                    0..=1 => How::Passed,
                    2 => How::Failed,
                    3 => How::Retry(u64::from(random.below(40)) * 500),
                    4..=5 => How::Wait(u64::from(random.below(40)) * 500),
                    _ => How::Release,
                };
                QueueStep::Settle { lease: random.below(12) as usize, how }
            }
            13 if random.below(3) == 0 => QueueStep::Withdraw { run: random.below(2) },
            _ => QueueStep::Advance { ms: u64::from(random.below(40)) * 500 },
        })
        .collect()
}

/// SplitMix64, a generator of eight lines that is good enough for choosing steps.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(limit.max(1))).unwrap_or_default()
    }
}
