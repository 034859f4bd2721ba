//! [`read`]: what a plain word of YAML is to Go: YAML 1.1 as `go.yaml.in/yaml/v2` resolves it.
//!
//! `sigs.k8s.io/yaml`, and with it Kubernetes, conftest, OPA and `ec`, read every document so. The one table for
//! reading documents ([`crate::yaml_reader`]), for writing them ([`crate::yaml_writer`]) and for finding the words that the
//! two versions of YAML take differently ([`differs`]).

use jiff::civil::Date;

/// What a plain word is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Word {
    Null,
    Bool(bool),
    /// A whole number that 64 bits hold, signed or not.
    Whole(i128),
    /// A float, which may be infinite or no number.
    Float(f64),
    /// A date or a date and a time; as a value it stays the text that it is.
    Timestamp,
    Text,
}

/// The words that stand for a value without being a number.
const NAMED: [(&str, Word); 33] = [
    ("", Word::Null),
    ("~", Word::Null),
    ("null", Word::Null),
    ("Null", Word::Null),
    ("NULL", Word::Null),
    ("y", Word::Bool(true)),
    ("Y", Word::Bool(true)),
    ("yes", Word::Bool(true)),
    ("Yes", Word::Bool(true)),
    ("YES", Word::Bool(true)),
    ("true", Word::Bool(true)),
    ("True", Word::Bool(true)),
    ("TRUE", Word::Bool(true)),
    ("on", Word::Bool(true)),
    ("On", Word::Bool(true)),
    ("ON", Word::Bool(true)),
    ("n", Word::Bool(false)),
    ("N", Word::Bool(false)),
    ("no", Word::Bool(false)),
    ("No", Word::Bool(false)),
    ("NO", Word::Bool(false)),
    ("false", Word::Bool(false)),
    ("False", Word::Bool(false)),
    ("FALSE", Word::Bool(false)),
    ("off", Word::Bool(false)),
    ("Off", Word::Bool(false)),
    ("OFF", Word::Bool(false)),
    (".nan", Word::Float(f64::NAN)),
    (".NaN", Word::Float(f64::NAN)),
    (".NAN", Word::Float(f64::NAN)),
    (".inf", Word::Float(f64::INFINITY)),
    (".Inf", Word::Float(f64::INFINITY)),
    (".INF", Word::Float(f64::INFINITY)),
];

/// The longest word that can be anything but a text: digits without end are a float at most, and one of so many is not.
const LONGEST: usize = 4096;

/// What a word without quotes and tags is.
pub(crate) fn read(text: &str) -> Word {
    let named = |text: &str| NAMED.iter().find(|(name, _)| *name == text).map(|(_, word)| *word);
    match text.bytes().next() {
        None | Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            named(text).unwrap_or(Word::Text)
        }
        _ if text.len() > LONGEST => Word::Text,
        Some(b'.') => named(text).or_else(|| float(&between_digits(text)?)).unwrap_or(Word::Text),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let infinity = text.strip_prefix(['+', '-']).and_then(named);
            if let Some(Word::Float(size)) = infinity.filter(|word| *word == Word::Float(f64::INFINITY)) {
                return Word::Float(if text.starts_with('-') { -size } else { size });
            }
            if is_timestamp(text) {
                return Word::Timestamp;
            }
            let plain = text.replace('_', "");
            whole(&plain).or_else(|| float(&plain)).unwrap_or(Word::Text)
        }
        Some(_) => Word::Text,
    }
}

/// The text without the underscores between its digits. None where one stands elsewhere.
#[must_use]
pub fn between_digits(text: &str) -> Option<String> {
    let mut parts = text.split('_');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let is_between = plain.ends_with(|last: char| last.is_ascii_digit())
            && part.starts_with(|first: char| first.is_ascii_digit());
        if !is_between {
            return None;
        }
        plain.push_str(part);
    }
    Some(plain)
}

/// A whole number in any of Go's bases, if 64 bits hold it.
fn whole(text: &str) -> Option<Word> {
    let (digits, is_negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let has_sign = digits.len() < text.len();
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', b'b' | b'B', ..] => (digits.get(2..)?, 2),
        [b'0', b'o' | b'O', ..] => (digits.get(2..)?, 8),
        [b'0', _, ..] => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    let value = if is_negative { -i128::from(size) } else { i128::from(size) };
    (i64::try_from(value).is_ok() || !has_sign).then_some(Word::Whole(value))
}

/// Digits with an optional point and exponent. One that is too large for a float is a string.
fn float(text: &str) -> Option<Word> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent
        .map(|text| text.strip_prefix(['+', '-']).unwrap_or(text))
        .is_none_or(|text| !text.is_empty() && digits(text));
    if !(digits(before) && digits(after) && exponent) || before.is_empty() && after.is_empty() {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Word::Float)
}

/// A date, or a date and a time, in the forms that Go tries.
fn is_timestamp(text: &str) -> bool {
    fn date(text: &str) -> Option<&str> {
        let (year, rest) = digits(text, 4, 4)?;
        let (month, rest) = digits(rest.strip_prefix('-')?, 1, 2)?;
        let (day, rest) = digits(rest.strip_prefix('-')?, 1, 2)?;
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Some(rest)
    }
    fn time(text: &str) -> Option<&str> {
        let (hour, rest) = digits(text, 1, 2)?;
        let (minute, rest) = digits(rest.strip_prefix(':')?, 1, 2)?;
        let (second, rest) = digits(rest.strip_prefix(':')?, 1, 2)?;
        let fraction =
            rest.strip_prefix(['.', ',']).filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        let rest = fraction.map_or(rest, |rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
        (hour < 24 && minute < 60 && second < 60).then_some(rest)
    }
    fn is_zone(text: &str) -> bool {
        let parts = || {
            let (hours, rest) = digits(text.strip_prefix(['+', '-'])?, 2, 2)?;
            let (minutes, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
            Some(hours <= 24 && minutes <= 60 && rest.is_empty())
        };
        text == "Z" || parts().unwrap_or(false)
    }
    let Some(rest) = date(text) else { return false };
    if let Some(rest) = rest.strip_prefix(['T', 't']) {
        return time(rest).is_some_and(is_zone);
    }
    rest.is_empty() || rest.starts_with(' ') && time(rest.trim_start_matches(' ')) == Some("")
}

/// A number of `least` to `most` digits, and what follows it.
fn digits(text: &str, least: usize, most: usize) -> Option<(i16, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(count).filter(|_| count >= least)?;
    Some((number.parse().ok()?, rest))
}

/// What a plain word is in YAML 1.2 with the core schema.
fn core(text: &str) -> Word {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Word::Null,
        "true" | "True" | "TRUE" => return Word::Bool(true),
        "false" | "False" | "FALSE" => return Word::Bool(false),
        _ => {}
    }
    let radix = |digits: &str, radix: u32| {
        let digits = Some(digits).filter(|digits| !digits.starts_with(['+', '-']))?;
        u64::from_str_radix(digits, radix).ok().map(|number| Word::Whole(number.into()))
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16).unwrap_or(Word::Text);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8).unwrap_or(Word::Text);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') || text.len() > LONGEST {
        return Word::Text;
    }
    if let ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" = unsigned {
        return read(text);
    }
    let is_whole = unsigned.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_whole { text.parse().ok().map(Word::Whole) } else { None };
    number.or_else(|| float(text)).unwrap_or(Word::Text)
}

/// Whether YAML 1.1, as Go reads it, takes a plain word for another value than YAML 1.2 does.
pub(crate) fn differs(text: &str) -> bool {
    let number = |word: Word| match word {
        // As JSON they are the same.
        #[expect(clippy::cast_precision_loss, reason = "compared as what Go's JSON makes of both, a float")]
        Word::Whole(number) => Word::Float(number as f64),
        Word::Timestamp => Word::Text,
        other => other,
    };
    match (number(read(text)), number(core(text))) {
        (Word::Float(a), Word::Float(b)) => a != b && !(a.is_nan() && b.is_nan()),
        (a, b) => a != b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_go_takes_them_for() {
        use Word::{Bool, Float, Null, Text, Timestamp, Whole};
        for (text, word) in [
            ("", Null),
            ("~", Null),
            ("NULL", Null),
            ("nULL", Text),
            ("yes", Bool(true)),
            ("yEs", Text),
            ("y", Bool(true)),
            ("N", Bool(false)),
            ("On", Bool(true)),
            ("off", Bool(false)),
            ("True", Bool(true)),
            ("truE", Text),
            ("0", Whole(0)),
            ("-0", Whole(0)),
            ("0_0", Whole(0)),
            ("012", Whole(10)),
            ("-012", Whole(-10)),
            ("08", Float(8.0)),
            ("0o14", Whole(12)),
            ("0O14", Whole(12)),
            ("0x1F", Whole(31)),
            ("0b11", Whole(3)),
            ("-0b11", Whole(-3)),
            ("0b12", Text),
            ("+1", Whole(1)),
            ("+-1", Text),
            ("1_000", Whole(1000)),
            ("_1", Text),
            ("18446744073709551615", Whole(18_446_744_073_709_551_615)),
            ("+18446744073709551615", Float(18_446_744_073_709_551_615.0)),
            ("18446744073709551616", Float(18_446_744_073_709_551_616.0)),
            ("-9223372036854775808", Whole(-9_223_372_036_854_775_808)),
            ("1.", Float(1.0)),
            (".5", Float(0.5)),
            (".", Text),
            ("._5", Text),
            (".5_0", Float(0.5)),
            (".5_", Text),
            ("1e3", Float(1000.0)),
            ("1e", Text),
            ("1e400", Text),
            ("685.230_15e+03", Float(685_230.15)),
            (".inf", Float(f64::INFINITY)),
            ("+.INF", Float(f64::INFINITY)),
            ("-.Inf", Float(f64::NEG_INFINITY)),
            ("+.nan", Text),
            ("inf", Text),
            ("1:30", Text),
            ("190:20:30.15", Text),
            ("2001-12-14", Timestamp),
            ("2001-1-2", Timestamp),
            ("2001-02-30", Text),
            ("2001-12-14T21:59:43Z", Timestamp),
            ("2001-12-14t21:59:43.10-05:00", Timestamp),
            ("2001-12-14 21:59:43.10", Timestamp),
            ("2001-12-14 21:59:43.10 -5", Text),
            ("2001-12-14T21:59:43", Text),
            ("2001-12-14T25:00:00Z", Text),
            ("2001-12", Text),
            ("<<", Text),
            ("=", Text),
            ("1.2.3", Text),
            ("-", Text),
            ("é", Text),
        ] {
            assert_eq!(read(text), word, "{text:?}");
        }
        assert!(matches!(read(".NaN"), Float(number) if number.is_nan()));
        assert_eq!(read(&"1".repeat(1 << 20)), Text);
    }

    #[test]
    fn words_that_the_two_versions_parse_differently_are_reported() {
        for text in ["yes", "n", "ON", "012", "-012", "0_0", "1_000", "0b11", "0X1f", "0O14", "685.230_15e+03"] {
            assert!(differs(text), "{text}");
        }
        for text in [
            "true",
            "null",
            "~",
            "",
            "12",
            "08",
            "0o14",
            "0x1f",
            "1.5",
            "1e3",
            "1:30",
            "2001-12-14",
            ".inf",
            "-.inf",
            ".nan",
            "text",
            "v1.2",
            "sha256:0",
            "18446744073709551616",
            "+1",
            "-3",
            "00",
            "_1",
        ] {
            assert!(!differs(text), "{text}");
        }
    }
}
