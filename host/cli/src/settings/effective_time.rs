//! The effective time of an evaluation.

use assay_model::{date, effective_time::EffectiveTime};
use jiff::{SignedDuration, Timestamp};

use crate::{error::CliError, flags::image::PolicyFlags};

/// How far in the past a time still counts as now: the time a caller takes to start the program.
const GRACE: SignedDuration = SignedDuration::from_secs(2);

pub(super) fn effective_time_from_flags(flags: &PolicyFlags, now: Timestamp) -> Result<EffectiveTime, CliError> {
    parse_effective_time(&flags.effective_time, flags.allow_past_effective_time, now)
}

/// The time that a string names; `now` and the empty string are the time given.
pub(crate) fn parse_effective_time(text: &str, allow_past: bool, now: Timestamp) -> Result<EffectiveTime, CliError> {
    if text.is_empty() || text.eq_ignore_ascii_case("now") {
        return Ok(EffectiveTime::At(now));
    }
    let error = || {
        CliError::new(format!("`--effective-time {text}`: invalid timestamp")).hint(
            "use `now`, `attestation`, a date such as 2026-01-31, or an RFC 3339 time such as 2026-01-31T12:00:00Z",
        )
    };
    if text.eq_ignore_ascii_case("attestation") {
        return Ok(EffectiveTime::PerBuild { fallback: now });
    }
    // A time that is too late to be represented would be reported as another one.
    let time = date::parse_datetime_or_date(text).filter(|time| *time < Timestamp::MAX).ok_or_else(error)?;
    if time < now - GRACE && !allow_past {
        return Err(CliError::new(format!("the effective time {time} is in the past"))
            .hint("pass `--allow-past-effective-time` if intended"));
    }
    Ok(EffectiveTime::At(time))
}
