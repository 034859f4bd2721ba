//! [`style`]: how a string is written in YAML so that Go's reader, and everybody else's, takes it for that string.

/// The form of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a string holds that decides its form, in the terms of libyaml's emitter.
#[derive(Default)]
struct Traits {
    /// Characters that mean something in YAML, where they mean it.
    indicators: bool,
    /// Characters that only a double-quoted string can hold.
    special: bool,
    space_at_an_end: bool,
    ends_in_space: bool,
    space_then_break: bool,
}

/// True for strings that cannot stand before a colon.
pub(crate) fn has_breaks(text: &str) -> bool {
    text.contains(is_break)
}

/// The form of a string; `is_key` where it stands before a colon.
pub(crate) fn style(text: &str, is_key: bool) -> Style {
    let has = traits(text);
    if has.special || has.space_then_break || text.is_empty() {
        return Style::Double;
    }
    if text.contains('\n') {
        return if has.ends_in_space || is_key { Style::Double } else { Style::Literal };
    }
    if !reads_as_string(text) {
        Style::Double
    } else if has.space_at_an_end || has.indicators {
        Style::Single
    } else {
        Style::Plain
    }
}

fn traits(text: &str) -> Traits {
    let mut has = Traits { indicators: text.starts_with("---") || text.starts_with("..."), ..Traits::default() };
    let mut before: Option<char> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        let then_blank = next.is_none_or(is_blank);
        let after_blank = before.is_none_or(|before| is_blank(before) || is_break(before));
        has.indicators |= match character {
            '#' => after_blank,
            ':' => then_blank,
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                before.is_none()
            }
            '?' | '-' => before.is_none() && then_blank,
            _ => false,
        };
        let at_an_end = before.is_none() || next.is_none();
        if character == ' ' {
            has.space_at_an_end |= at_an_end;
            has.ends_in_space |= next.is_none();
        }
        has.space_then_break |= is_break(character) && before == Some(' ');
        has.special |= character != '\n' && escaped(character).is_some() && !matches!(character, '"' | '\\');
        before = Some(character);
    }
    has
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

const fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The escape of a character in double quotes; none when it stands for itself.
pub(crate) fn escaped(character: char) -> Option<String> {
    let short = match character {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' => return None,
        other => {
            let code = u32::from(other);
            return Some(match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    };
    Some(format!("\\{short}"))
}

/// What YAML 1.1 reads as a boolean, nothing, a number or a merge key.
const WORDS: [&str; 40] = [
    "", "~", "null", "Null", "NULL", "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N",
    "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF",
    "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", "<<",
];

/// True when YAML 1.1, as Go reads it, does not take the plain text for something else.
fn reads_as_string(text: &str) -> bool {
    if WORDS.contains(&text) {
        return false;
    }
    match text.chars().next() {
        Some('.') => !is_float(text),
        Some('+' | '-' | '0'..='9') => {
            let plain = text.replace('_', "");
            !(is_moment(text) || is_whole(&plain) || is_float(&plain) || is_base_60(text))
        }
        _ => true,
    }
}

/// A whole number in any of Go's bases. One too large for 64 bits is a float or a string to Go.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix =
        |digits: &str, radix: u32| u64::from_str_radix(digits, radix).is_ok() && !digits.starts_with(['+', '-']);
    match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => radix(digits.get(2..).unwrap_or_default(), 16),
        [b'0', b'b' | b'B', ..] => radix(digits.get(2..).unwrap_or_default(), 2),
        [b'0', b'o' | b'O', ..] => radix(digits.get(2..).unwrap_or_default(), 8),
        [b'0', _, ..] => radix(digits, 8),
        _ => radix(digits, 10),
    }
}

/// Digits with an optional point and exponent.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent
        .map(|text| text.strip_prefix(['+', '-']).unwrap_or(text))
        .is_none_or(|text| !text.is_empty() && digits(text));
    digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()) && exponent
}

/// `190:20:30`, which YAML 1.1 counts in sixties.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let last = last.split_once('.').map_or(*last, |(whole, _)| whole);
    let is_sixtieth = |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    first.starts_with(|first: char| first.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && middle.iter().all(|part| is_sixtieth(part))
        && is_sixtieth(last)
}

/// A date, or a date and a time.
fn is_moment(text: &str) -> bool {
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return false };
    if !number(year, 4..=4) || !number(month, 1..=2) {
        return false;
    }
    let Some((day, time)) = rest.split_once(['T', 't', ' ']) else { return number(rest, 1..=2) };
    // A time that is not quite one is quoted too: no reader minds.
    number(day, 1..=2) && time.matches(':').count() >= 2 && time.starts_with(|first: char| first.is_ascii_digit())
}
