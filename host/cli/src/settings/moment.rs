//! The moment to judge at.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{error::Unusable, flags::image::PolicyFlags};

/// How far in the past a moment still counts as now: the time a caller takes to start the program.
const GRACE: SignedDuration = SignedDuration::from_secs(2);

pub(super) fn effective_time(flags: &PolicyFlags, now: Timestamp) -> Result<Timestamp, Unusable> {
    let text = flags.effective_time.as_str();
    if text.is_empty() || text.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    let error = || {
        Unusable::new(format!("`--effective-time {text}` is not a moment"))
            .hint("write `now`, a date like 2026-01-31, or an RFC 3339 time like 2026-01-31T12:00:00Z")
    };
    if text.eq_ignore_ascii_case("attestation") {
        return Err(Unusable::new("`--effective-time attestation` is not supported yet")
            .hint("give the time of the build as an RFC 3339 time"));
    }
    let of_date = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    let moment = match text.len() {
        10 => text.parse::<Date>().and_then(of_date).map_err(|_| error())?,
        _ => text.parse::<Timestamp>().map_err(|_| error())?,
    };
    if moment < now - GRACE && !flags.allow_past_effective_time {
        return Err(Unusable::new(format!("the effective time {moment} is in the past"))
            .hint("give `--allow-past-effective-time` if that is meant"));
    }
    Ok(moment)
}
