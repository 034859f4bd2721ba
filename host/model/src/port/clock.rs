//! [`Clock`]: the time, so that tests can have one of their own; [`Wakeup`], what a wait ends with; [`VirtualClock`].

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

/// The time. Durations are measured by [`Clock::elapsed`] alone, which no one can set; the wall clock is for people.
pub trait Clock: Send + Sync {
    /// The wall clock, which may jump.
    fn now(&self) -> Timestamp;

    /// The time since an origin, which never goes back and goes on while the machine sleeps.
    fn elapsed(&self) -> Duration;

    /// What names the origin. Values of [`Clock::elapsed`] with another origin cannot be compared.
    fn origin(&self) -> &str;

    /// Waits until `wakeup` was raised since its generation was `seen`, or until `elapsed` reaches `until`, whichever is
    /// earlier. It may return before either.
    fn wait(&self, wakeup: &Wakeup, seen: u64, until: Duration);
}

/// Something that threads wait for. Each time it is raised, its generation goes up, so that nobody misses one that was
/// raised between looking and waiting.
#[derive(Debug, Default)]
pub struct Wakeup {
    generation: Mutex<u64>,
    raised: Condvar,
}

impl Wakeup {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.generation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often it was raised. To be read before looking at what may change.
    #[must_use]
    pub fn generation(&self) -> u64 {
        *self.lock()
    }

    /// Wakes everyone who waits.
    pub fn raise(&self) {
        *self.lock() += 1;
        self.raised.notify_all();
    }

    /// Waits at most so long until it was raised since that generation, for implementations of [`Clock::wait`].
    pub fn wait_at_most(&self, seen: u64, limit: Duration) {
        let generation = self.lock();
        if *generation == seen {
            let _guard = self.raised.wait_timeout(generation, limit).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// How long a wait in virtual time may last in real time before its caller looks again.
const VIRTUAL_WAIT: Duration = Duration::from_millis(2);

/// A clock that stands still until it is advanced, for tests.
#[derive(Debug)]
pub struct VirtualClock {
    state: Mutex<(Duration, Timestamp)>,
    moved: Wakeup,
}

impl VirtualClock {
    /// A clock at nought, with this wall-clock time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { state: Mutex::new((Duration::ZERO, now)), moved: Wakeup::default() }
    }

    fn lock(&self) -> MutexGuard<'_, (Duration, Timestamp)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time go by.
    pub fn advance(&self, by: Duration) {
        {
            let mut state = self.lock();
            state.0 = state.0.saturating_add(by);
            state.1 = state.1.checked_add(by).unwrap_or(Timestamp::MAX);
        }
        self.moved.raise();
    }

    /// Sets the wall clock alone, as an administrator or a time server does.
    pub fn set_wall_clock(&self, now: Timestamp) {
        self.lock().1 = now;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().1
    }

    fn elapsed(&self) -> Duration {
        self.lock().0
    }

    fn origin(&self) -> &str {
        "virtual"
    }

    fn wait(&self, wakeup: &Wakeup, seen: u64, until: Duration) {
        if self.elapsed() < until {
            wakeup.wait_at_most(seen, VIRTUAL_WAIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_goes_on_when_it_is_moved_and_the_wall_clock_may_jump() {
        let start: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let clock = VirtualClock::new(start);
        clock.advance(Duration::from_secs(3));
        assert_eq!((clock.elapsed(), clock.now().as_second() - start.as_second()), (Duration::from_secs(3), 3));
        clock.set_wall_clock("2026-01-30T12:00:00Z".parse().unwrap());
        assert_eq!(clock.elapsed(), Duration::from_secs(3));
    }

    #[test]
    fn a_wait_ends_when_it_was_raised_between_looking_and_waiting() {
        let wakeup = Wakeup::default();
        let seen = wakeup.generation();
        wakeup.raise();
        // Would take an hour.
        wakeup.wait_at_most(seen, Duration::from_secs(3600));
        assert_eq!(wakeup.generation(), seen + 1);
    }
}
