//! [`line()`] and [`lines`]: text from outside made harmless for a terminal, for the layout of a report, and for a pipeline
//! that reads commands from a job's log.
//!
//! Findings quote images and attestations, so their text comes from the evaluated party. Control characters (ANSI
//! escapes and the C1 controls among them), Unicode line separators, bidirectional controls and characters without
//! width could hide or forge lines; each is shown as `\u{…}` instead. So is the first character of what GitHub Actions
//! (`::error::`, `##[…]`), Azure Pipelines (`##vso[…]`) or TeamCity (`##teamcity[…]`) would take for a command. All
//! other text stays as it is.

use std::borrow::Cow;

/// For a field that has one line.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_harmful)
}

/// For a field of several lines: line feeds and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |character| !matches!(character, '\n' | '\t') && is_harmful(character))
}

/// For a text in YAML, which has escapes of its own for control characters and line separators.
#[must_use]
pub fn beyond_yaml(text: &str) -> Cow<'_, str> {
    let is_yaml = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}');
    escape(text, |character| !is_yaml(character) && is_harmful(character))
}

/// Whether a terminal or a reader could obey a character, or not see it.
#[must_use]
pub const fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a command of a pipeline begins here; `before` is the character before.
#[must_use]
pub fn is_command(before: Option<char>, rest: &str) -> bool {
    if let Some(rest) = rest.strip_prefix("##") {
        // Looked for anywhere in a line.
        let word = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        return word.starts_with('[');
    }
    // At the begin of a line, white space aside; reports break lines at white space.
    before.is_none_or(char::is_whitespace)
        && rest.strip_prefix("::").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// The characters of a text, each with whether a command of a pipeline begins there.
pub fn characters(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    text.char_indices().map(move |(at, character)| {
        let is_command = is_command(before.replace(character), text.get(at..).unwrap_or_default());
        (character, is_command)
    })
}

fn escape(text: &str, is_harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_harmful) && !text.contains("##") && !text.contains("::") {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len() + 16);
    for (character, is_command) in characters(text) {
        if is_command || is_harmful(character) {
            harmless.extend(character.escape_unicode());
        } else {
            harmless.push(character);
        }
    }
    Cow::Owned(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        for (text, shown) in [
            ("\u{1b}[2J\u{1b}[32mok", r"\u{1b}[2J\u{1b}[32mok"),
            ("\u{9b}31m\u{7f}\0\r", r"\u{9b}31m\u{7f}\u{0}\u{d}"),
            ("a\u{202e}b\u{2028}c\u{2066}", r"a\u{202e}b\u{2028}c\u{2066}"),
            ("a\u{200b}b\u{feff}\u{2060}\u{e0041}", r"a\u{200b}b\u{feff}\u{2060}\u{e0041}"),
            ("é ✓ 漢 \u{a0}", "é ✓ 漢 \u{a0}"),
        ] {
            assert_eq!(line(text), shown);
            assert_eq!(lines(text), shown);
        }
        assert_eq!(line("a\n\tb"), r"a\u{a}\u{9}b");
        assert_eq!(lines("a\n\tb"), "a\n\tb");
    }

    #[test]
    fn what_a_pipeline_would_obey_is_shown_instead() {
        for (text, shown) in [
            ("::error::x", r"\u{3a}:error::x"),
            ("a\n::set-output name=a::b", "a\n\\u{3a}:set-output name=a::b"),
            ("a\n \t::Error file=a::b", "a\n \t\\u{3a}:Error file=a::b"),
            ("a ##vso[task.complete result=Succeeded;]", r"a \u{23}#vso[task.complete result=Succeeded;]"),
            ("##[error]a ###[b]", r"\u{23}#[error]a #\u{23}#[b]"),
            ("##teamcity[x]", r"\u{23}#teamcity[x]"),
            ("std::io ::1 a::b # ## x [a] ##x", "std::io ::1 a::b # ## x [a] ##x"),
        ] {
            assert_eq!(lines(text), shown);
        }
    }
}
