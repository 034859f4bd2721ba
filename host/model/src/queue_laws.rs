//! The laws of [`Queue`]: one suite for every implementation.
//!
//! [`check`] does a series of steps on a queue and beside it on [`Reference`], the simplest queue that keeps the laws, and
//! compares every answer. [`check_all`] does so with series for each law by name and with many random ones. An
//! implementation calls it from its tests with a function that opens an empty queue on a given clock.

mod reference;
mod steps;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use self::reference::Reference;
pub use self::steps::{QueueStep, named_laws, random_steps};
use crate::{
    digest::Digest,
    port::{Clock as _, Lease, Queue, StoreError, TakeRequest, VirtualClock},
    run::{Job, PluginCall, PluginRef, Priority, RunId, TaskId},
};

/// How long a lease lasts in the suite.
pub const LEASE: Duration = Duration::from_secs(30);

/// A law that does not hold: which one, at which step, and what was seen instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{law}, step {step} ({done}): {seen}")]
pub struct BrokenLaw {
    /// The law, or the seed of a random series.
    pub law: String,
    /// The step, from one.
    pub step: usize,
    /// What was done.
    pub done: String,
    /// What was expected and what came.
    pub seen: String,
}

/// Checks every law by name, and random series of so many seeds.
///
/// # Errors
/// A law does not hold, or a queue cannot be opened.
pub fn check_all(
    open: &mut dyn FnMut(Arc<VirtualClock>) -> Result<Box<dyn Queue>, StoreError>,
    seeds: std::ops::Range<u64>,
) -> Result<(), BrokenLaw> {
    let mut run = |law: String, steps: &[QueueStep]| {
        let clock = Arc::new(VirtualClock::new(Timestamp::UNIX_EPOCH));
        let failed = |seen: String| BrokenLaw { law: law.clone(), step: 0, done: "open".to_owned(), seen };
        let queue = open(Arc::clone(&clock)).map_err(|error| failed(error.to_string()))?;
        check(&law, queue.as_ref(), &clock, steps)
    };
    for (law, steps) in named_laws() {
        run(law.to_owned(), &steps)?;
    }
    for seed in seeds {
        run(format!("random series {seed}"), &random_steps(seed, 60))?;
    }
    Ok(())
}

/// Does the steps on an empty queue and compares every answer with the reference.
///
/// # Errors
/// An answer is another one.
pub fn check(law: &str, queue: &dyn Queue, clock: &VirtualClock, steps: &[QueueStep]) -> Result<(), BrokenLaw> {
    let mut reference = Reference::default();
    let mut leases: Vec<(Lease, reference::Held)> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let broken = |seen: String| BrokenLaw { law: law.to_owned(), step: index + 1, done: format!("{step:?}"), seen };
        do_step(queue, clock, &mut reference, &mut leases, step).map_err(broken)?;
        let (depth, want) =
            (queue.depth().map_err(|error| broken(error.to_string()))?, reference.depth(clock.elapsed()));
        if depth != want {
            return Err(broken(format!("the depth is {depth:?}, not {want:?}")));
        }
    }
    Ok(())
}

fn do_step(
    queue: &dyn Queue,
    clock: &VirtualClock,
    reference: &mut Reference,
    leases: &mut Vec<(Lease, reference::Held)>,
    step: &QueueStep,
) -> Result<(), String> {
    let now = clock.elapsed();
    let failed = |error: StoreError| error.to_string();
    match step {
        QueueStep::Advance { ms } => clock.advance(Duration::from_millis(*ms)),
        QueueStep::Offer { jobs } => {
            let jobs: Vec<Job> = jobs.iter().map(|number| job(*number)).collect::<Result<_, _>>()?;
            let want: Vec<_> = jobs.iter().map(|job| reference.offer(job)).collect();
            same(&queue.offer(jobs).map_err(failed)?, &want)?;
        }
        QueueStep::Take { max } => {
            let request = TakeRequest { worker: "laws".to_owned(), max: *max, lease: LEASE, runs: Vec::new() };
            let taken = queue.take(&request, now).map_err(failed)?;
            let held = reference.take(*max, now);
            let seen: Vec<_> = taken.iter().map(reference::seen).collect();
            let want: Vec<_> = held.iter().map(|held| held.seen.clone()).collect();
            same(&seen, &want)?;
            for (lease, held) in taken.into_iter().zip(held) {
                if leases.iter().any(|(other, _)| other.token == lease.token) {
                    return Err("two deliveries have the same token".to_owned());
                }
                leases.push((lease, held));
            }
        }
        QueueStep::Extend { lease } => {
            let Some((lease, held)) = leases.get(*lease) else { return Ok(()) };
            let extended = queue.extend(std::slice::from_ref(&lease.token), LEASE).map_err(failed)?;
            same(&extended, &vec![reference.extend(held, now)])?;
        }
        QueueStep::Settle { lease, how } => {
            let Some((lease, held)) = leases.get(*lease) else { return Ok(()) };
            let disposition = steps::disposition(how, &lease.job);
            let want = reference.settle(held, &disposition, now)?;
            let settled = queue.settle(vec![(lease.token.clone(), disposition)]).map_err(failed)?;
            same(&settled, &vec![want])?;
            let result = queue.result(&lease.token.key).map_err(failed)?;
            same(&result, &reference.result(&lease.token.key))?;
        }
        QueueStep::Hasten { lease } => {
            let Some((lease, _)) = leases.get(*lease) else { return Ok(()) };
            queue.hasten(std::slice::from_ref(&lease.token.key)).map_err(failed)?;
            reference.hasten(&lease.token.key, now);
        }
        QueueStep::Withdraw { run } => {
            let run = run_id(*run)?;
            same(&queue.withdraw(&run).map_err(failed)?, &reference.withdraw(&run))?;
        }
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(seen: &T, want: &T) -> Result<(), String> {
    if seen == want { Ok(()) } else { Err(format!("{seen:?} instead of {want:?}")) }
}

fn run_id(number: u32) -> Result<RunId, String> {
    format!("run-{number}").parse().map_err(|error: crate::run::InvalidRunId| error.to_string())
}

/// The job of this number. Its run and its priority follow from the number.
fn job(number: u32) -> Result<Job, String> {
    let plugin =
        PluginRef { name: "noop".to_owned(), digest: Digest::of(b"noop"), is_adapter: number.is_multiple_of(5) };
    let call = PluginCall {
        plugin,
        params: std::collections::BTreeMap::new(),
        snapshot_params: Vec::new(),
        snapshot_digest: None,
        timeout_ms: None,
        retries: 0,
    };
    let priority = [Priority::Normal, Priority::Urgent, Priority::Bulk][number as usize % 3];
    let task = TaskId::new("laws", format!("task-{number}"));
    Job::new(run_id(number % 2)?, task, priority, format!("tenant-{}", number % 2), call)
        .map_err(|error| error.to_string())
}
