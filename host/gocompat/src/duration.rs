//! Durations: [`parse`] as `time.ParseDuration` reads them, [`format()`] as Go writes those below a minute.

use std::time::Duration;

/// Why a string is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidDuration<'t> {
    /// It has another form, or is out of range.
    Form,
    /// An amount has no unit.
    MissingUnit,
    /// An amount has a unit that Go does not know.
    UnknownUnit(&'t str),
}

/// Reads a duration, in nanoseconds.
///
/// # Errors
/// [`InvalidDuration`] for what Go refuses.
pub fn parse(text: &str) -> Result<i64, InvalidDuration<'_>> {
    let invalid = || InvalidDuration::Form;
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
        let (amount, behind) = rest.split_at_checked(end).ok_or_else(invalid)?;
        let end = behind.find(|character: char| character.is_ascii_digit() || character == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(end).ok_or_else(invalid)?;
        let (before, after) = amount.split_once('.').unwrap_or((amount, ""));
        if before.len() + after.len() == 0 || after.contains('.') || before.len() > 20 {
            return Err(invalid());
        }
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(InvalidDuration::MissingUnit),
            other => return Err(InvalidDuration::UnknownUnit(other)),
        };
        let before: i128 = if before.is_empty() { 0 } else { before.parse().map_err(|_error| invalid())? };
        // More digits than these are less than a nanosecond of an hour.
        let digits: String = after.chars().take(18).collect();
        let power = 10_i128.pow(u32::try_from(digits.len()).unwrap_or(0));
        let fraction: i128 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_error| invalid())? };
        total = total.saturating_add(before * scale + fraction * scale / power);
        rest = behind;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_error| invalid())
}

/// A duration in its largest unit up to seconds, as Go writes it: `184.075µs`, `1.5ms`, `2s`.
#[must_use]
pub fn format(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    let (unit, digits) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds}ns"),
        1_000..1_000_000 => ("µs", 3),
        1_000_000..1_000_000_000 => ("ms", 6),
        _ => ("s", 9),
    };
    let one = 10_u128.pow(digits);
    let (whole, part) = (nanoseconds / one, nanoseconds % one);
    let part = format!("{part:0width$}", width = digits as usize);
    let part = part.trim_end_matches('0');
    if part.is_empty() { format!("{whole}{unit}") } else { format!("{whole}.{part}{unit}") }
}
