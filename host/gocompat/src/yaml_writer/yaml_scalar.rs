//! [`style`]: how a string is written in YAML so that Go's reader, and everybody else's, takes it for that string.

use super::Dialect;
use crate::yaml_words::{Word, read};

/// The form of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
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
    break_then_space: bool,
}

/// True for strings that cannot stand before a colon.
pub(super) fn has_breaks(text: &str) -> bool {
    text.contains(is_break)
}

/// The form of a string; `is_key` where it stands before a colon.
pub(super) fn style(text: &str, is_key: bool, dialect: Dialect) -> Style {
    let has = traits(text, dialect);
    if has.special || has.space_then_break || text.is_empty() {
        return Style::Double;
    }
    if text.contains('\n') {
        return if has.ends_in_space || is_key { Style::Double } else { Style::Literal };
    }
    if has.break_then_space || !reads_as_string(text) {
        Style::Double
    } else if has.space_at_an_end || has.indicators || text.contains(is_break) {
        Style::Single
    } else {
        Style::Plain
    }
}

fn traits(text: &str, dialect: Dialect) -> Traits {
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
        has.break_then_space |= character == ' ' && before.is_some_and(is_break);
        // Go takes them for line breaks, which strings may hold.
        let is_plain_break = match dialect {
            Dialect::Go => matches!(character, '\n' | '\u{2028}' | '\u{2029}'),
            Dialect::Careful => character == '\n',
        };
        has.special |= !is_plain_break && escaped(character).is_some() && !matches!(character, '"' | '\\');
        before = Some(character);
    }
    has
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(super) const fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The escape of a character in double quotes; none when it stands for itself.
pub(super) fn escaped(character: char) -> Option<String> {
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

/// True when YAML 1.1, as Go reads it, does not take the plain text for something else.
fn reads_as_string(text: &str) -> bool {
    read(text) == Word::Text && !is_base_60(text)
}

/// `190:20:30`, which YAML 1.1 counts in sixties. Go does not, and quotes it for those who do.
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
