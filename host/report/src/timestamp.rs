//! [`seconds`]: a time as reports have it.

use jiff::{Timestamp, Unit};

/// RFC 3339 in UTC without decimals.
pub(crate) fn seconds(at: Timestamp) -> String {
    let whole = at.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor));
    whole.unwrap_or(at).to_string()
}
