//! Durations as flags write them and as reports show them.

use std::{str::FromStr as _, time::Duration};

use jiff::SignedDuration;

pub(super) use assay_gocompat::duration::format as shown;

use crate::error::CliError;

/// As long as anyone waits: a century, which fits every clock.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The duration that a flag gives, such as `5s` or `1m30s`; 0 means no limit.
pub(super) fn limit(flag: &str, text: &str) -> Result<Duration, CliError> {
    let error =
        || CliError::new(format!("`{flag} {text}` is not a duration")).hint("use a duration such as 5s, 90s or 1m30s");
    if text == "0" {
        return Ok(FOR_EVER);
    }
    let duration = Duration::try_from(SignedDuration::from_str(text).map_err(|_| error())?).map_err(|_| error())?;
    Ok(if duration.is_zero() { FOR_EVER } else { duration.min(FOR_EVER) })
}

/// Nanoseconds as a JSON number.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_go() {
        for (nanoseconds, want) in
            [(0, "0ns"), (999, "999ns"), (184_075, "184.075µs"), (1_500_000, "1.5ms"), (2_000_000_000, "2s")]
        {
            assert_eq!(shown(Duration::from_nanos(nanoseconds)), want);
        }
    }

    #[test]
    fn a_limit_of_nothing_is_for_ever() {
        assert_eq!(limit("--timeout", "5s").ok(), Some(Duration::from_secs(5)));
        assert_eq!(limit("--timeout", "0").ok(), Some(FOR_EVER));
        assert!(limit("--timeout", "soon").is_err() && limit("--timeout", "-1s").is_err());
    }
}
