//! Go's time layouts: a time is written the way the reference time (Mon Jan 2 15:04:05 MST 2006) is.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;
use jiff::{Timestamp, ZonedDateTime};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The layout of `time.parse_rfc3339_ns`.
pub const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

/// The layouts that have a name.
#[must_use]
pub fn named(layout: &str) -> &str {
    match layout {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => RFC3339,
        "RFC3339Nano" => "2006-01-02T15:04:05.999999999Z07:00",
        other => other,
    }
}

/// The name of a day.
#[must_use]
pub fn weekday(day: Weekday) -> &'static str {
    DAYS.get(usize::try_from(day.to_sunday_zero_offset()).unwrap_or(0)).copied().unwrap_or_default()
}

/// One part of a layout.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    LongMonth,
    ShortMonth,
    Month,
    Month2,
    LongDay,
    ShortDay,
    Day,
    DayBlank,
    Day2,
    YearDayBlank,
    YearDay,
    Hour,
    Hour12,
    Hour12Two,
    Minute,
    Minute2,
    Second,
    Second2,
    LongYear,
    Year,
    Noon,
    NoonSmall,
    ZoneName,
    /// Written with a `Z` for no offset; with colons; with hours only, minutes, or seconds (1, 2, 3).
    Offset(bool, bool, u8),
    /// Digits behind the separator; zeros at the end are left out.
    Fraction(usize, bool),
}

/// In the order they are tried: a longer one in front of its beginning.
const PARTS: [(&str, Part); 33] = [
    ("January", Part::LongMonth),
    ("Jan", Part::ShortMonth),
    ("Monday", Part::LongDay),
    ("Mon", Part::ShortDay),
    ("MST", Part::ZoneName),
    ("002", Part::YearDay),
    ("01", Part::Month2),
    ("02", Part::Day2),
    ("03", Part::Hour12Two),
    ("04", Part::Minute2),
    ("05", Part::Second2),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("1", Part::Month),
    ("2006", Part::LongYear),
    ("2", Part::Day),
    ("__2", Part::YearDayBlank),
    ("_2", Part::DayBlank),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::Noon),
    ("pm", Part::NoonSmall),
    ("-07:00:00", Part::Offset(false, true, 3)),
    ("-070000", Part::Offset(false, false, 3)),
    ("-07:00", Part::Offset(false, true, 2)),
    ("-0700", Part::Offset(false, false, 2)),
    ("-07", Part::Offset(false, false, 1)),
    ("Z07:00:00", Part::Offset(true, true, 3)),
    ("Z070000", Part::Offset(true, false, 3)),
    ("Z07:00", Part::Offset(true, true, 2)),
    ("Z0700", Part::Offset(true, false, 2)),
    ("Z07", Part::Offset(true, false, 1)),
];

/// Takes the next part off the layout: the literal text before it, the part, its text and the rest.
fn next(layout: &str) -> (&str, Option<(Part, &str, &str)>) {
    for (at, _) in layout.char_indices() {
        let (before, rest) = layout.split_at_checked(at).unwrap_or((layout, ""));
        if rest.starts_with("_2006") {
            // A blank in front of the year, not a day.
            let (literal, year) = layout.split_at_checked(at + 1).unwrap_or((layout, ""));
            return (literal, year.strip_prefix("2006").map(|behind| (Part::LongYear, "2006", behind)));
        }
        if let Some(found) = fraction(rest) {
            return (before, Some(found));
        }
        for (text, part) in &PARTS {
            let Some(behind) = rest.strip_prefix(text) else { continue };
            // "Jan" within a longer word of lowercase letters is not a month.
            if matches!(part, Part::ShortMonth | Part::ShortDay)
                && behind.starts_with(|character: char| character.is_ascii_lowercase())
            {
                continue;
            }
            return (before, Some((*part, text, behind)));
        }
    }
    (layout, None)
}

/// `.000` or `,999` that no further digit follows.
fn fraction(rest: &str) -> Option<(Part, &str, &str)> {
    let digits = rest.strip_prefix(['.', ','])?;
    let digit = digits.chars().next().filter(|digit| matches!(digit, '0' | '9'))?;
    let behind = digits.trim_start_matches(digit);
    if behind.starts_with(|character: char| character.is_ascii_digit()) {
        return None;
    }
    let count = digits.len() - behind.len();
    Some((Part::Fraction(count, digit == '9'), rest.get(..=count)?, behind))
}

/// The time in this layout.
#[must_use]
pub fn format(layout: &str, at: &ZonedDateTime) -> String {
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let (literal, part) = next(rest);
        out.push_str(literal);
        let Some((part, text, behind)) = part else { return out };
        write(&mut out, part, text, at);
        rest = behind;
    }
}

fn write(out: &mut String, part: Part, text: &str, at: &ZonedDateTime) {
    let month = MONTHS.get(usize::try_from(at.month() - 1).unwrap_or(0)).copied().unwrap_or_default();
    let day = weekday(at.weekday());
    let twelve = match at.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let short = |name: &'static str| name.get(..3).unwrap_or(name);
    out.push_str(&match part {
        Part::LongMonth => month.to_owned(),
        Part::ShortMonth => short(month).to_owned(),
        Part::Month => at.month().to_string(),
        Part::Month2 => format!("{:02}", at.month()),
        Part::LongDay => day.to_owned(),
        Part::ShortDay => short(day).to_owned(),
        Part::Day => at.day().to_string(),
        Part::DayBlank => format!("{:2}", at.day()),
        Part::Day2 => format!("{:02}", at.day()),
        Part::YearDayBlank => format!("{:3}", at.day_of_year()),
        Part::YearDay => format!("{:03}", at.day_of_year()),
        Part::Hour => format!("{:02}", at.hour()),
        Part::Hour12 => twelve.to_string(),
        Part::Hour12Two => format!("{twelve:02}"),
        Part::Minute => at.minute().to_string(),
        Part::Minute2 => format!("{:02}", at.minute()),
        Part::Second => at.second().to_string(),
        Part::Second2 => format!("{:02}", at.second()),
        Part::LongYear => format!("{:04}", at.year()),
        Part::Year => format!("{:02}", at.year().rem_euclid(100)),
        Part::Noon => if at.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        Part::NoonSmall => if at.hour() < 12 { "am" } else { "pm" }.to_owned(),
        Part::ZoneName => {
            let info = at.time_zone().to_offset_info(at.timestamp());
            info.abbreviation().to_owned()
        }
        Part::Offset(zulu, colons, precision) => offset(at.offset(), zulu, colons, precision),
        Part::Fraction(digits, trimmed) => {
            let all = format!("{:09}", at.subsec_nanosecond());
            let kept = all.get(..digits.min(9)).unwrap_or(&all);
            let kept = if trimmed { kept.trim_end_matches('0') } else { kept };
            let separator = text.get(..1).unwrap_or(".");
            if kept.is_empty() { String::new() } else { format!("{separator}{kept}") }
        }
    });
}

fn offset(offset: Offset, zulu: bool, colons: bool, precision: u8) -> String {
    let seconds = offset.seconds();
    if zulu && seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let size = seconds.unsigned_abs();
    let colon = if colons { ":" } else { "" };
    let (hours, minutes, seconds) = (size / 3600, size / 60 % 60, size % 60);
    match precision {
        1 => format!("{sign}{hours:02}"),
        2 => format!("{sign}{hours:02}{colon}{minutes:02}"),
        _ => format!("{sign}{hours:02}{colon}{minutes:02}{colon}{seconds:02}"),
    }
}

/// The fields of the time that were parsed so far.
#[derive(Default)]
struct Read {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    year_day: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    afternoon: Option<bool>,
    offset: i32,
}

/// Why a string is not a time in a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTime<'t> {
    /// What is left of the string is not what comes next in the layout.
    Mismatch {
        /// What is left of the string.
        rest: &'t str,
        /// The part of the layout.
        part: &'t str,
    },
    /// The string goes on behind the layout's end.
    Extra(&'t str),
    /// A part is out of its range.
    OutOfRange(&'static str),
}

impl InvalidTime<'_> {
    /// Go's message about this string and layout; `quoted` puts strings in quotes.
    #[must_use]
    pub fn message(&self, layout: &str, text: &str, quoted: &dyn Fn(&str) -> String) -> String {
        let text = quoted(text);
        match self {
            Self::Mismatch { rest, part } => {
                let (layout, rest, part) = (quoted(layout), quoted(rest), quoted(part));
                format!("parsing time {text} as {layout}: cannot parse {rest} as {part}")
            }
            Self::Extra(rest) => format!("parsing time {text}: extra text: {}", quoted(rest)),
            Self::OutOfRange(what) => format!("parsing time {text}: {what} out of range"),
        }
    }
}

/// Parses a time in this layout; without an offset it is in UTC.
///
/// # Errors
/// [`InvalidTime`] for what Go refuses.
pub fn parse<'t>(layout: &'t str, text: &'t str) -> Result<Timestamp, InvalidTime<'t>> {
    let mismatch = |rest, part| InvalidTime::Mismatch { rest, part };
    let mut read = Read::default();
    let (mut shape, mut rest) = (layout, text);
    loop {
        let (literal, part) = next(shape);
        rest = skip(rest, literal).ok_or_else(|| mismatch(rest, literal))?;
        let Some((part, name, behind)) = part else { break };
        let more = next(behind);
        let fraction_follows = more.0.is_empty() && matches!(more.1, Some((Part::Fraction(..), ..)));
        rest = take(&mut read, part, rest, fraction_follows).ok_or_else(|| mismatch(rest, name))?;
        shape = behind;
    }
    if !rest.is_empty() {
        return Err(InvalidTime::Extra(rest));
    }
    finish(&read).map_err(InvalidTime::OutOfRange)
}

/// A time as most policies and documents write it, `2006-01-02T15:04:05.9Z` or with an offset. None for everything
/// else, right or wrong: that is left to [`parse`].
#[must_use]
pub fn rfc3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let (time, rest) = rest.split_at_checked(9)?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date.as_bytes() else { return None };
    let [b'T', h0, h1, b':', i0, i1, b':', s0, s1] = time.as_bytes() else { return None };
    let two = |tens: &u8, ones: &u8| {
        let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
        digits.then(|| (tens - b'0') * 10 + (ones - b'0')).and_then(|number| i8::try_from(number).ok())
    };
    let year = i16::from(two(y0, y1)?) * 100 + i16::from(two(y2, y3)?);
    let date = Date::new(year, two(m0, m1)?, two(d0, d1)?).ok()?;
    let (nanosecond, rest) = match rest.strip_prefix('.') {
        Some(fraction) => {
            let behind = fraction.trim_start_matches(|character: char| character.is_ascii_digit());
            let digits = fraction.get(..fraction.len() - behind.len()).filter(|digits| !digits.is_empty())?;
            (nanoseconds(digits)?, behind)
        }
        None => (0, rest),
    };
    let time = Time::new(two(h0, h1)?, two(i0, i1)?, two(s0, s1)?, nanosecond).ok()?;
    let seconds = match rest.as_bytes() {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let (hours, minutes) = (two(h0, h1).filter(|hours| *hours < 24)?, two(m0, m1).filter(|part| *part < 60)?);
            let size = i32::from(hours) * 3600 + i32::from(minutes) * 60;
            if *sign == b'-' { -size } else { size }
        }
        _ => return None,
    };
    Offset::from_seconds(seconds).ok()?.to_timestamp(DateTime::from_parts(date, time)).ok()
}

/// A blank in the layout stands for any number of them.
fn skip<'t>(mut text: &'t str, literal: &str) -> Option<&'t str> {
    let mut characters = literal.chars();
    while let Some(character) = characters.next() {
        if character == ' ' {
            if !text.is_empty() && !text.starts_with(' ') {
                return None;
            }
            text = text.trim_start_matches(' ');
            characters = characters.as_str().trim_start_matches(' ').chars();
        } else {
            text = text.strip_prefix(character)?;
        }
    }
    Some(text)
}

/// A number of `least` to `most` digits.
fn number(text: &str, least: usize, most: usize) -> Option<(i32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (digits, rest) = text.split_at_checked(count)?;
    Some((digits.parse().ok()?, rest))
}

fn name<'t>(text: &'t str, names: &[&str], short: bool) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(at, name)| {
        let name = if short { name.get(..3)? } else { name };
        let start = text.get(..name.len())?;
        start.eq_ignore_ascii_case(name).then_some(())?;
        Some((at, text.get(name.len()..)?))
    })
}

fn take<'t>(read: &mut Read, part: Part, text: &'t str, fraction_follows: bool) -> Option<&'t str> {
    let small = |number: i32| i8::try_from(number).ok();
    Some(match part {
        Part::LongMonth | Part::ShortMonth => {
            let (at, rest) = name(text, &MONTHS, part == Part::ShortMonth)?;
            read.month = small(i32::try_from(at).ok()? + 1);
            rest
        }
        Part::Month | Part::Month2 => {
            let (month, rest) = number(text, if part == Part::Month { 1 } else { 2 }, 2)?;
            read.month = small(month);
            rest
        }
        Part::LongDay | Part::ShortDay => name(text, &DAYS, part == Part::ShortDay)?.1,
        Part::Day | Part::DayBlank | Part::Day2 => {
            let text = if part == Part::DayBlank { text.strip_prefix(' ').unwrap_or(text) } else { text };
            let (day, rest) = number(text, if part == Part::Day2 { 2 } else { 1 }, 2)?;
            read.day = small(day);
            rest
        }
        Part::YearDayBlank | Part::YearDay => {
            let blanks = text.len() - text.trim_start_matches(' ').len();
            let (day, rest) = number(text.get(blanks.min(2)..)?, 3 - blanks.min(2), 3 - blanks.min(2))?;
            read.year_day = i16::try_from(day).ok();
            rest
        }
        Part::Hour | Part::Hour12Two | Part::Hour12 => {
            let (hour, rest) = number(text, if part == Part::Hour12Two { 2 } else { 1 }, 2)?;
            read.hour = small(hour)?;
            rest
        }
        Part::Minute | Part::Minute2 => {
            let (minute, rest) = number(text, if part == Part::Minute { 1 } else { 2 }, 2)?;
            read.minute = small(minute)?;
            rest
        }
        Part::Second | Part::Second2 => {
            let (second, rest) = number(text, if part == Part::Second { 1 } else { 2 }, 2)?;
            read.second = small(second)?;
            // A fraction is taken even where the layout has none.
            let digits =
                rest.strip_prefix(['.', ',']).filter(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
            match digits {
                Some(digits) if !fraction_follows => {
                    let behind = digits.trim_start_matches(|digit: char| digit.is_ascii_digit());
                    read.nanosecond = nanoseconds(digits.get(..digits.len() - behind.len())?)?;
                    behind
                }
                _ => rest,
            }
        }
        Part::LongYear => {
            let (year, rest) = number(text, 4, 4)?;
            read.year = i16::try_from(year).ok();
            rest
        }
        Part::Year => {
            let (year, rest) = number(text, 2, 2)?;
            read.year = i16::try_from(if year >= 69 { 1900 + year } else { 2000 + year }).ok();
            rest
        }
        Part::Noon | Part::NoonSmall => {
            let (word, rest) = text.split_at_checked(2)?;
            let (before, after) = if part == Part::Noon { ("AM", "PM") } else { ("am", "pm") };
            read.afternoon = Some(if word == after {
                true
            } else if word == before {
                false
            } else {
                return None;
            });
            rest
        }
        Part::ZoneName => zone_name(read, text)?,
        Part::Offset(zulu, colons, precision) => read_offset(read, text, zulu, colons, precision)?,
        Part::Fraction(digits, trimmed) => {
            let present = text.strip_prefix(['.', ',']);
            match (present, trimmed) {
                (Some(rest), true) => {
                    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
                    read.nanosecond = nanoseconds(rest.get(..count)?)?;
                    rest.get(count..)?
                }
                (None, true) => text,
                (Some(rest), false) => {
                    read.nanosecond = nanoseconds(rest.get(..digits)?)?;
                    rest.get(digits..)?
                }
                (None, false) => return None,
            }
        }
    })
}

fn nanoseconds(digits: &str) -> Option<i32> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

/// A name without an offset counts as UTC; `GMT+3` has one.
fn zone_name<'t>(read: &mut Read, text: &'t str) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix("GMT")
        && let Some(sign) = rest.chars().next().filter(|sign| matches!(sign, '+' | '-'))
        && let Some((hours, rest)) = rest.get(1..).and_then(|digits| number(digits, 1, 2))
    {
        read.offset = hours * if sign == '-' { -3600 } else { 3600 };
        return Some(rest);
    }
    let count = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    if (3..=5).contains(&count) {
        return text.get(count..);
    }
    // Zones without letters are written as their offset.
    let sign = text.chars().next().filter(|sign| matches!(sign, '+' | '-'))?;
    let (hours, rest) = number(text.get(1..)?, 2, 2)?;
    read.offset = hours * if sign == '-' { -3600 } else { 3600 };
    Some(rest)
}

fn read_offset<'t>(read: &mut Read, text: &'t str, zulu: bool, colons: bool, precision: u8) -> Option<&'t str> {
    if zulu && let Some(rest) = text.strip_prefix('Z') {
        read.offset = 0;
        return Some(rest);
    }
    let sign = text.chars().next().filter(|sign| matches!(sign, '+' | '-'))?;
    let (hours, mut rest) = number(text.get(1..)?, 2, 2)?;
    let (mut size, mut unit) = (hours * 3600, 60);
    if hours > 24 {
        return None;
    }
    for _ in 1..precision {
        if colons {
            rest = rest.strip_prefix(':')?;
        }
        let (part, behind) = number(rest, 2, 2)?;
        if part > 60 {
            return None;
        }
        size += part * unit;
        unit = 1;
        rest = behind;
    }
    read.offset = if sign == '-' { -size } else { size };
    Some(rest)
}

fn finish(read: &Read) -> Result<Timestamp, &'static str> {
    let hour = match (read.afternoon, read.hour) {
        (Some(true), hour) if hour < 12 => hour + 12,
        (Some(false), 12) => 0,
        (_, hour) => hour,
    };
    if !(0..24).contains(&hour) {
        return Err("hour");
    }
    if !(0..60).contains(&read.minute) {
        return Err("minute");
    }
    if !(0..60).contains(&read.second) {
        return Err("second");
    }
    let year = read.year.unwrap_or(0);
    let date = match read.year_day {
        Some(day) => Date::new(year, 1, 1)
            .ok()
            .filter(|first| (1..=first.days_in_year()).contains(&day))
            .and_then(|first| first.with().day_of_year(day).build().ok())
            .ok_or("day-of-year")?,
        None => {
            let month = read.month.unwrap_or(1);
            if !(1..=12).contains(&month) {
                return Err("month");
            }
            Date::new(year, month, read.day.unwrap_or(1)).map_err(|_error| "day")?
        }
    };
    let time = Time::new(hour, read.minute, read.second, read.nanosecond).map_err(|_error| "second")?;
    Offset::from_seconds(read.offset)
        .and_then(|offset| offset.to_timestamp(DateTime::from_parts(date, time)))
        .map_err(|_error| "time zone offset")
}

#[cfg(test)]
mod tests;
