//! [`SystemClock`]: the machine's time.

use std::time::{Duration, Instant};

use assay_model::port::{Clock, Wakeup};
use jiff::Timestamp;

/// The machine's time. Its origin is its making, so durations are never compared with those of another process.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    origin: String,
}

impl SystemClock {
    /// A clock that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now(), origin: format!("{}.{}", std::process::id(), Timestamp::now()) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn origin(&self) -> &str {
        &self.origin
    }

    fn wait(&self, wakeup: &Wakeup, seen: u64, until: Duration) {
        wakeup.wait_at_most(seen, until.saturating_sub(self.started.elapsed()));
    }
}
