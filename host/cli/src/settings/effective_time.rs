//! The moment to judge at.

use assay_model::{date, effective_time::EffectiveTime};
use jiff::{SignedDuration, Timestamp};

use crate::{error::CliError, flags::image::PolicyFlags};

/// How far in the past a moment still counts as now: the time a caller takes to start the program.
const GRACE: SignedDuration = SignedDuration::from_secs(2);

pub(super) fn effective_time_from_flags(flags: &PolicyFlags, now: Timestamp) -> Result<EffectiveTime, CliError> {
    parse_effective_time(&flags.effective_time, flags.allow_past_effective_time, now)
}

/// The moment that a text names; `now` and nothing are the moment given.
pub(crate) fn parse_effective_time(text: &str, allow_past: bool, now: Timestamp) -> Result<EffectiveTime, CliError> {
    if text.is_empty() || text.eq_ignore_ascii_case("now") {
        return Ok(EffectiveTime::At(now));
    }
    let error = || {
        CliError::new(format!("`--effective-time {text}` is not a moment"))
            .hint("write `now`, `attestation`, a date like 2026-01-31, or an RFC 3339 time like 2026-01-31T12:00:00Z")
    };
    if text.eq_ignore_ascii_case("attestation") {
        return Ok(EffectiveTime::PerBuild { fallback: now });
    }
    // What is later than all that can be told would be told as another moment.
    let time = date::parse_datetime_or_date(text).filter(|time| *time < Timestamp::MAX).ok_or_else(error)?;
    if time < now - GRACE && !allow_past {
        return Err(CliError::new(format!("the effective time {time} is in the past"))
            .hint("give `--allow-past-effective-time` if that is meant"));
    }
    Ok(EffectiveTime::At(time))
}
