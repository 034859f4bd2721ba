//! [`Usage`]: what one call used.

use std::time::{Duration, Instant};

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
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch {
    cpu: Duration,
    wall: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { cpu: thread_time(), wall: Instant::now() }
    }

    /// Only on the thread that started it.
    pub(crate) fn cpu(&self) -> Duration {
        thread_time().saturating_sub(self.cpu)
    }

    pub(crate) fn wall(&self) -> Duration {
        self.wall.elapsed()
    }
}

/// The computing time of this thread (getrusage(2), `RUSAGE_THREAD`).
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
    fn milliseconds_are_rounded_up() {
        assert_eq!(milliseconds(Duration::from_micros(1)), 1);
        assert_eq!(milliseconds(Duration::from_micros(2_000)), 2);
    }
}
