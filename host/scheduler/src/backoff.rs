//! How long to wait before the next attempt.

use std::time::Duration;

use assay_model::{digest::Digest, run::JobKey};

/// The waits before the second, third, … attempt; the last one is repeated.
const STEPS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300)];

/// The wait after this attempt, from one: a step and up to half of it more, so that what failed together does not come back
/// together. The same for the same seed, job and attempt. What the other side requests is waited for at least.
pub(crate) fn after(seed: u64, key: &JobKey, attempt: u32, requested: Option<Duration>) -> Duration {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let step = STEPS.get(index).or(STEPS.last()).copied().unwrap_or_default();
    let mut bytes = key.0.as_bytes().to_vec();
    bytes.extend(seed.to_le_bytes());
    bytes.extend(attempt.to_le_bytes());
    let [a, b, ..] = *Digest::of(&bytes).as_bytes();
    let jitter = step.mul_f64(f64::from(u16::from_le_bytes([a, b])) / f64::from(u16::MAX) / 2.0);
    (step + jitter).max(requested.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_differ_between_jobs_and_respect_what_the_other_side_requested() {
        let keys: Vec<_> = (0..50_u8).map(|number| JobKey(Digest::of(&[number]))).collect();
        for (attempt, step) in (1..).zip(STEPS) {
            let waits: std::collections::BTreeSet<_> = keys.iter().map(|key| after(7, key, attempt, None)).collect();
            assert!(waits.len() > 40, "jitter");
            assert!(waits.iter().all(|wait| (step..=step + step / 2).contains(wait)));
        }
        let key = &keys[0];
        assert_eq!(after(7, key, 1, None), after(7, key, 1, None));
        assert_ne!(after(7, key, 1, None), after(8, key, 1, None));
        assert_eq!(after(7, key, 1, Some(Duration::from_secs(100))), Duration::from_secs(100));
        assert!(after(7, key, u32::MAX, None) >= STEPS[3]);
    }
}
