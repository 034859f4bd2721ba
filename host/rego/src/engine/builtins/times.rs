//! `time.*`: times as nanoseconds since 1970, with Go's layouts and time zones by name. The clock is the scope's.

use assay_gocompat::{
    duration::{self, InvalidDuration},
    time as go_time,
};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use regorus::Value;

use super::errors::BuiltinError;
use super::operands::{int, list, some, string};
use super::scope::Scope;
use super::types::{Type, tuple};
use super::{Builtin, Outcome, builtin};

const NUMBER: Type = Type::Number;
const TIME: Type = Type::Any(&[NUMBER, tuple(&[NUMBER, Type::String])]);
const FORMATTED: Type =
    Type::Any(&[NUMBER, tuple(&[NUMBER, Type::String]), tuple(&[NUMBER, Type::String, Type::String])]);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("time.now_ns"() -> NUMBER => scoped |scope: &mut Scope<'_>| some(scope.now_ns)).volatile(),
    builtin!("time.parse_ns"(layout: Type::String, text: Type::String) -> NUMBER => parse),
    builtin!("time.parse_rfc3339_ns"(text: Type::String) -> NUMBER => |text: &Value| parsed("RFC3339", string(text, 1)?)),
    builtin!("time.parse_duration_ns"(text: Type::String) -> NUMBER => parse_duration),
    builtin!("time.format"(instant: FORMATTED) -> Type::String => format),
    builtin!("time.date"(instant: TIME) -> tuple(&[NUMBER, NUMBER, NUMBER]) => date),
    builtin!("time.clock"(instant: TIME) -> tuple(&[NUMBER, NUMBER, NUMBER]) => clock),
    builtin!("time.weekday"(instant: TIME) -> Type::String => weekday),
    builtin!("time.add_date"(instant: NUMBER, years: NUMBER, months: NUMBER, days: NUMBER) -> NUMBER => add_date),
    builtin!("time.diff"(a: TIME, b: TIME) -> tuple(&[NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER]) => diff),
];

fn out_of_range() -> BuiltinError {
    BuiltinError::failed("time outside of valid range")
}

/// Nanoseconds in a word reach from 1677 to 2262.
fn nanoseconds(instant: Timestamp) -> Outcome {
    match i64::try_from(instant.as_nanosecond()) {
        Ok(nanoseconds) => some(nanoseconds),
        Err(_) => Err(out_of_range()),
    }
}

fn parse(layout: &Value, text: &Value) -> Outcome {
    parsed(string(layout, 1)?, string(text, 2)?)
}

/// A string as messages show it.
fn quoted(text: &str) -> String {
    let mut shown = String::new();
    super::term::quote(&mut shown, text);
    shown
}

fn parsed(layout: &str, text: &str) -> Outcome {
    let layout = go_time::named(layout);
    let default = if layout == go_time::RFC3339 { go_time::rfc3339(text) } else { None };
    match default {
        Some(instant) => nanoseconds(instant),
        None => nanoseconds(
            go_time::parse(layout, text).map_err(|error| BuiltinError::failed(error.message(layout, text, &quoted)))?,
        ),
    }
}

/// `1h15m30.5s`: amounts with units, added up.
fn parse_duration(text: &Value) -> Outcome {
    let shown = || super::term::term(text);
    duration::parse(string(text, 1)?).map_or_else(
        |error| {
            Err(BuiltinError::failed(match error {
                InvalidDuration::Form => format!("time: invalid duration {}", shown()),
                InvalidDuration::MissingUnit => format!("time: missing unit in duration {}", shown()),
                InvalidDuration::UnknownUnit(unit) => {
                    format!("time: unknown unit {} in duration {}", super::term::term(&Value::from(unit)), shown())
                }
            }))
        },
        some,
    )
}

/// A time in its zone, and the layout that came with it.
fn instant(value: &Value) -> Result<(ZonedDateTime, Option<&str>), BuiltinError> {
    let wrong = || BuiltinError::wrong_type(1, value, &["either number (ns) or [number (ns), string (tz)]"]);
    let (number, zone, layout) = match value {
        Value::Number(_) => (value, None, None),
        Value::Array(parts) => (parts.first().ok_or_else(wrong)?, parts.get(1), parts.get(2)),
        _ => return Err(wrong()),
    };
    let nanoseconds = match number {
        Value::Number(number) if number.is_integer() => number.as_i64(),
        Value::Number(_) => None,
        other => return Err(BuiltinError::wrong_type(1, other, &["number"])),
    };
    let nanoseconds = nanoseconds.ok_or_else(|| BuiltinError::failed("timestamp too big"))?;
    let at = Timestamp::from_nanosecond(nanoseconds.into()).map_err(|_error| out_of_range())?;
    let zone = match zone.map(|zone| string(zone, 1)).transpose()?.unwrap_or_default() {
        // The zone of this machine must not change a verdict.
        "" | "UTC" | "Local" => TimeZone::UTC,
        name => TimeZone::get(name).map_err(|_error| BuiltinError::failed(format!("unknown time zone {name}")))?,
    };
    Ok((at.to_zoned_datetime(zone), layout.map(|layout| string(layout, 1)).transpose()?))
}

fn format(value: &Value) -> Outcome {
    let (at, layout) = instant(value)?;
    let layout = layout.filter(|layout| !layout.is_empty()).unwrap_or("RFC3339Nano");
    super::operands::text(go_time::format(go_time::named(layout), &at))
}

fn date(value: &Value) -> Outcome {
    let (at, _) = instant(value)?;
    some(list([i64::from(at.year()), at.month().into(), at.day().into()]))
}

fn clock(value: &Value) -> Outcome {
    let (at, _) = instant(value)?;
    some(list([i64::from(at.hour()), at.minute().into(), at.second().into()]))
}

fn weekday(value: &Value) -> Outcome {
    let (at, _) = instant(value)?;
    some(go_time::weekday(at.weekday()))
}

/// A day that a month does not have runs over into the next one.
fn add_date(value: &Value, years: &Value, months: &Value, days: &Value) -> Outcome {
    let (at, _) = instant(value)?;
    let (years, months, days) = (int(years, 2)?, int(months, 3)?, int(days, 4)?);
    let bounded = |number: i64| (number.unsigned_abs() < 10_000_000).then_some(number).ok_or_else(out_of_range);
    let month = (i64::from(at.year()) + bounded(years)?) * 12 + i64::from(at.month()) - 1 + bounded(months)?;
    let year = i16::try_from(month.div_euclid(12)).map_err(|_error| out_of_range())?;
    let first = i8::try_from(month.rem_euclid(12) + 1).map_err(|_error| out_of_range())?;
    let first = Date::new(year, first, 1).map_err(|_error| out_of_range())?;
    let span = jiff::Span::new().try_days(i64::from(at.day()) - 1 + bounded(days)?).map_err(|_error| out_of_range())?;
    let day = first.checked_add(span).map_err(|_error| out_of_range())?;
    let local = DateTime::from_parts(day, at.time());
    nanoseconds(local.to_zoned_datetime(at.time_zone().clone()).map_err(|_error| out_of_range())?.timestamp())
}

/// Years, months, days, hours, minutes and seconds between two times, in the zone of the first.
fn diff(a: &Value, b: &Value) -> Outcome {
    let (first, _) = instant(a)?;
    let (second, _) = instant(b)?;
    let second = second.with_time_zone(first.time_zone().clone());
    let (from, to) = if first > second { (second, first) } else { (first, second) };
    let field = |get: fn(&ZonedDateTime) -> i64| get(&to) - get(&from);
    let mut parts = [
        field(|at| at.year().into()),
        field(|at| at.month().into()),
        field(|at| at.day().into()),
        field(|at| at.hour().into()),
        field(|at| at.minute().into()),
        field(|at| at.second().into()),
    ];
    let sizes = [0, 12, i64::from(from.days_in_month()), 24, 60, 60];
    for place in (1..parts.len()).rev() {
        if parts[place] < 0 {
            parts[place] += sizes[place];
            parts[place - 1] -= 1;
        }
    }
    some(list(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_adds_up_its_parts() {
        for (text, want) in [
            ("100ms", Some(100_000_000_i64)),
            ("1h15m30.5s", Some(4_530_500_000_000)),
            ("-1.5h", Some(-5_400_000_000_000)),
            ("0", Some(0)),
            (".5s", Some(500_000_000)),
            ("3", None),
            ("", None),
            ("1x", None),
            ("9999999h", None),
            ("s", None),
        ] {
            let got = parse_duration(&Value::from(text)).ok().flatten();
            assert_eq!(got, want.map(Value::from), "{text}");
        }
    }

    #[test]
    fn a_month_too_short_runs_over() {
        let at = parsed("2006-01-02", "2021-10-31").unwrap().unwrap();
        let next = add_date(&at, &Value::from(0), &Value::from(1), &Value::from(0)).unwrap().unwrap();
        assert_eq!(date(&next).unwrap().unwrap(), list([2021_i64, 12, 1]));
        let far = Value::from(i64::MAX);
        assert!(add_date(&at, &far, &far, &far).is_err());
    }
}
