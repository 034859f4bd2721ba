//! [`Retry`]: how often a request is made again, and after what waits.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

/// A wait that grows from one attempt to the next, up to a longest one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Attempts after the first one.
    pub times: u32,
    /// The first wait.
    pub wait: Duration,
    /// What each wait is multiplied by to make the next one.
    pub factor: f64,
    /// The part of a wait that is added by chance at most, so that many clients do not come back at once.
    pub jitter: f64,
    /// The maximum delay, whatever the registry requests.
    pub longest: Duration,
}

impl Default for Retry {
    /// As `ec` does.
    fn default() -> Self {
        Self { times: 3, wait: Duration::from_secs(1), factor: 2.0, jitter: 0.1, longest: Duration::from_secs(3) }
    }
}

impl Retry {
    /// The delay after this many attempts, from none; `requested` is what the registry requests.
    pub(super) fn wait(&self, attempts: u32, requested: Option<Duration>) -> Duration {
        self.wait_by_chance(attempts, requested, chance())
    }

    fn wait_by_chance(&self, attempts: u32, requested: Option<Duration>, chance: f64) -> Duration {
        let grown = self.factor.powi(i32::try_from(attempts).unwrap_or(i32::MAX)) * (1.0 + self.jitter * chance);
        let wait = Duration::try_from_secs_f64(self.wait.as_secs_f64() * grown).unwrap_or(self.longest);
        wait.max(requested.unwrap_or_default()).min(self.longest)
    }
}

/// A number from nought to one that nobody needs to be unable to guess.
fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_follow_the_registry() {
        let retry = Retry::default();
        let millis = |attempts, requested, chance| {
            retry.wait_by_chance(attempts, Some(Duration::from_millis(requested)), chance).as_millis()
        };
        assert_eq!((millis(0, 0, 0.0), millis(1, 0, 0.0), millis(2, 0, 0.0)), (1000, 2000, 3000));
        assert_eq!((millis(0, 0, 1.0), millis(0, 2500, 0.0), millis(0, 60_000, 0.0)), (1100, 2500, 3000));
        assert_eq!(millis(u32::MAX, 0, 1.0), 3000);
        let chance = chance();
        assert!((0.0..=1.0).contains(&chance), "{chance}");
    }
}
