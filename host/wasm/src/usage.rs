//! [`Usage`]: what one call used.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike as _},
};
use serde::{Deserialize, Serialize};

/// What one call used. Every result has one, whether the call succeeded or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Instructions, of a check. Other worlds do not count them.
    pub fuel: Option<u64>,
    /// Computing time of the thread that made the call, host calls included.
    pub cpu_ms: u64,
    /// The most memory that the instance had at once.
    pub memory_bytes: u64,
    /// Calls of the guest into the host.
    pub host_calls: u64,
    /// Time from the beginning to the end.
    pub wall_ms: u64,
}

impl Usage {
    /// Adds what a further call of the same job used; of memory the most counts.
    pub fn add(&mut self, call: Self) {
        self.fuel = match (self.fuel, call.fuel) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        self.cpu_ms = self.cpu_ms.saturating_add(call.cpu_ms);
        self.memory_bytes = self.memory_bytes.max(call.memory_bytes);
        self.host_calls = self.host_calls.saturating_add(call.host_calls);
        self.wall_ms = self.wall_ms.saturating_add(call.wall_ms);
    }
}

/// Measures the computing time of this thread, and the time that passes.
///
/// Reading the computing time takes a twentieth of a short call, so it is read once in [`PRECISION`] for all that begin on a
/// thread: what passes in between counts as computed before they began.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch {
    /// The computing time of the thread at the beginning, or up to [`PRECISION`] more.
    cpu: Duration,
    wall: Instant,
}

/// How exact a computing time is: the unit in which it is shown.
const PRECISION: Duration = Duration::from_millis(1);

/// The resolution of getrusage(2).
const LEAST: Duration = Duration::from_micros(1);

thread_local! {
    /// When the computing time of this thread was last read, and what it was.
    static LAST_READ: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        let wall = Instant::now();
        let last = LAST_READ.get().map(|(when, cpu)| (wall.saturating_duration_since(when), cpu));
        let cpu = match last {
            Some((since, cpu)) if since < PRECISION => cpu.saturating_add(since),
            _ => {
                let cpu = thread_time();
                LAST_READ.set(Some((wall, cpu)));
                cpu
            }
        };
        Self { cpu, wall }
    }

    /// Only on the thread that started it.
    pub(crate) fn cpu(&self) -> Duration {
        // A thread cannot compute for longer than what passes, and does compute.
        let wall = self.wall();
        if wall <= PRECISION { wall } else { thread_time().saturating_sub(self.cpu).max(LEAST) }
    }

    pub(crate) fn wall(&self) -> Duration {
        self.wall.elapsed()
    }
}

/// The computing time of this thread (getrusage(2), `RUSAGE_THREAD`, which takes half as long as clock_gettime(2)).
fn thread_time() -> Duration {
    let time = |value: TimeVal| Duration::from_micros(u64::try_from(value.num_microseconds()).unwrap_or_default());
    getrusage(UsageWho::RUSAGE_THREAD)
        .map_or(Duration::ZERO, |usage| time(usage.user_time()).saturating_add(time(usage.system_time())))
}

/// Whole milliseconds, rounded up, so that what took time is not nought.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computing_counts() {
        let computed = Stopwatch::start();
        let mut sum = 0_u64;
        while computed.cpu() < Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(sum > 0);
    }

    #[test]
    fn a_call_soon_after_another_is_measured_as_exactly_as_it_is_shown() {
        let first = Stopwatch::start();
        for _ in 0..10 {
            let (second, before) = (Stopwatch::start(), thread_time());
            while second.cpu() < Duration::from_millis(3) {}
            let computed = thread_time().saturating_sub(before);
            assert!(computed.abs_diff(second.cpu()) < PRECISION * 2, "{computed:?}");
        }
        assert!(first.cpu() >= Duration::from_millis(30));
    }

    #[test]
    fn waiting_is_no_computing() {
        let waited = Stopwatch::start();
        let (_silent, words) = std::sync::mpsc::channel::<()>();
        let _nothing = words.recv_timeout(Duration::from_millis(30));
        assert!(waited.cpu() < Duration::from_millis(20) && waited.wall() >= Duration::from_millis(30));
    }

    #[test]
    fn milliseconds_are_rounded_up() {
        assert_eq!(milliseconds(Duration::from_micros(1)), 1);
        assert_eq!(milliseconds(Duration::from_micros(2_000)), 2);
    }
}
