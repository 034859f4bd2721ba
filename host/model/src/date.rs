//! Dates of policies: [`parse_rfc3339`], [`parse_datetime_or_date`] and [`parse_rfc3339_utc`] read what Go reads by the same names, and nothing else.
//!
//! An exclusion must hold in assay exactly as long as in `ec`, so the forms are Go's: hours of one digit, and fractions
//! of any length behind a point or a comma; but no lowercase letters, no leap seconds, and no time without seconds.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// A date and a time with an offset, as in `2026-01-31T12:00:00+01:00`.
///
/// A time after the last one that can be represented is that last one: `9999-12-31T23:59:59Z` is meant as never.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (when, rest) = date_and_time(text)?;
    when.at(offset(rest)?)
}

/// The same, or a date like `2026-01-31`, which is its midnight in UTC.
#[must_use]
pub fn parse_datetime_or_date(text: &str) -> Option<Timestamp> {
    let day = || match date(text)? {
        (date, "") => When { date, hour: 0, minute: 0, second: 0, nanosecond: 0 }.at(SignedDuration::ZERO),
        _ => None,
    };
    parse_rfc3339(text).or_else(day)
}

/// A date and a time in UTC that ends in `Z`, the form of a rule's `effective_on`.
#[must_use]
pub fn parse_rfc3339_utc(text: &str) -> Option<Timestamp> {
    match date_and_time(text)? {
        (when, "Z") => when.at(SignedDuration::ZERO),
        _ => None,
    }
}

/// A date and a time of day.
struct When {
    date: Date,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
}

impl When {
    /// This local time in a zone that is this far ahead of UTC.
    fn at(&self, offset: SignedDuration) -> Option<Timestamp> {
        if self.hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let civil = self.date.at(self.hour, self.minute, self.second, self.nanosecond);
        let there = TimeZone::UTC.to_timestamp(civil).unwrap_or(Timestamp::MAX);
        Some(there.checked_sub(offset).unwrap_or(Timestamp::MAX))
    }
}

fn date_and_time(text: &str) -> Option<(When, &str)> {
    let (date, rest) = date(text)?;
    let rest = rest.strip_prefix('T')?;
    let (hour, rest) = digits(rest, 2).or_else(|| digits(rest, 1))?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (nanosecond, rest) = fraction(rest);
    let small = |number: i32| i8::try_from(number).ok();
    Some((When { date, hour: small(hour)?, minute: small(minute)?, second: small(second)?, nanosecond }, rest))
}

fn date(text: &str) -> Option<(Date, &str)> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some((date, rest))
}

/// A number of so many digits.
fn digits(text: &str, count: usize) -> Option<(i32, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| is_number)?, rest))
}

/// The nanoseconds of `.5` or `,5`. Digits behind the ninth are dropped.
fn fraction(text: &str) -> (i32, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return (0, text) };
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (written, rest) = rest.split_at(count);
    if written.is_empty() {
        return (0, text);
    }
    let nine: String = written.chars().chain("00000000".chars()).take(9).collect();
    (nine.parse().unwrap_or_default(), rest)
}

/// How far `Z` or `+hh:mm` is ahead of UTC.
fn offset(text: &str) -> Option<SignedDuration> {
    if text == "Z" {
        return Some(SignedDuration::ZERO);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let is_fine = rest.is_empty() && hours <= 24 && minutes <= 60;
    is_fine.then(|| SignedDuration::from_mins(sign * (i64::from(hours) * 60 + i64::from(minutes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_forms_that_go_reads() {
        const NOT: &str = "none";
        let shown = |time: Option<Timestamp>| time.map_or_else(|| NOT.to_owned(), |time| time.to_string());
        for (text, rfc, any, zulu_form) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00+01:30", "2026-01-31T10:30:00Z", "2026-01-31T10:30:00Z", NOT),
            ("2026-01-31T12:00:00-24:00", "2026-02-01T12:00:00Z", "2026-02-01T12:00:00Z", NOT),
            ("2026-01-31T0:00:00.5Z", "2026-01-31T00:00:00.5Z", "2026-01-31T00:00:00.5Z", "2026-01-31T00:00:00.5Z"),
            (
                "2026-01-31T00:00:00,25Z",
                "2026-01-31T00:00:00.25Z",
                "2026-01-31T00:00:00.25Z",
                "2026-01-31T00:00:00.25Z",
            ),
            (
                "2026-01-31T00:00:00.1234567899Z",
                "2026-01-31T00:00:00.123456789Z",
                "2026-01-31T00:00:00.123456789Z",
                "2026-01-31T00:00:00.123456789Z",
            ),
            ("2026-01-31", NOT, "2026-01-31T00:00:00Z", NOT),
            ("0001-01-01", NOT, "0001-01-01T00:00:00Z", NOT),
            // The last time that can be represented.
            ("9999-12-31", NOT, "9999-12-30T22:00:00.999999999Z", NOT),
            (
                "9999-12-31T23:59:59Z",
                "9999-12-30T22:00:00.999999999Z",
                "9999-12-30T22:00:00.999999999Z",
                "9999-12-30T22:00:00.999999999Z",
            ),
        ] {
            let got = [parse_rfc3339(text), parse_datetime_or_date(text), parse_rfc3339_utc(text)].map(shown);
            assert_eq!(got, [rfc, any, zulu_form], "{text}");
        }
        for text in [
            "",
            "soon",
            " 2026-01-31",
            "2026-1-31",
            "2026-02-30",
            "20260131",
            "2026-W01-1",
            "+002026-01-31",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31t12:00:00Z",
            "2026-01-31T12:00:00z",
            "2026-01-31 12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:60Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00+01",
            "2026-01-31T12:00:00+25:00",
            "2026-01-31T12:00:00Z[UTC]",
            "2026-01-31T1 :00:00Z",
            "2026-01-3١",
        ] {
            assert_eq!(
                [parse_rfc3339(text), parse_datetime_or_date(text), parse_rfc3339_utc(text)].map(shown),
                [NOT; 3],
                "{text}"
            );
        }
    }
}
