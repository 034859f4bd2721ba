//! [`line()`] and [`lines`]: text from outside made harmless for a terminal and for the layout of a report; [`cut`].
//!
//! Findings quote images and attestations, so their text is written by whoever is judged. Control characters (ANSI
//! escapes among them), Unicode line separators and bidirectional controls could hide or forge lines of a report; each
//! is shown as `\u{…}` instead. All other text stays as it is.

use std::borrow::Cow;

/// For a field that has one line.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_harmful)
}

/// For a field of several, indented lines: line feeds and tabs stay.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |character| !matches!(character, '\n' | '\t') && is_harmful(character))
}

/// The first text between two backticks on one line, which people write for code, with what stands before and after it.
pub(crate) fn code_span(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    (!code.is_empty() && !code.contains('\n')).then_some((before, code, after))
}

/// At most so many characters, the last of them an ellipsis where something was cut off. `characters` is at least 1.
pub(crate) fn cut(text: &str, characters: usize) -> Cow<'_, str> {
    if text.chars().nth(characters).is_none() {
        return Cow::Borrowed(text);
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect::<String>().into()
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn escape(text: &str, is_harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_harmful(character) {
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
    fn what_is_too_long_ends_in_an_ellipsis() {
        for (text, shown) in [("", ""), ("äöü", "äöü"), ("äöüß", "äö…")] {
            assert_eq!(cut(text, 3), shown);
        }
    }

    #[test]
    fn code_stands_between_two_backticks_on_a_line() {
        assert_eq!(code_span("a `b` c `d`"), Some(("a ", "b", " c `d`")));
        for none in ["a", "a ` b", "``", "`a\nb`"] {
            assert_eq!(code_span(none), None, "{none:?}");
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        for (text, shown) in [
            ("\u{1b}[2J\u{1b}[32mok", r"\u{1b}[2J\u{1b}[32mok"),
            ("\u{9b}31m\u{7f}\0\r", r"\u{9b}31m\u{7f}\u{0}\u{d}"),
            ("a\u{202e}b\u{2028}c\u{2066}", r"a\u{202e}b\u{2028}c\u{2066}"),
            ("é ✓ 漢 \u{a0}", "é ✓ 漢 \u{a0}"),
        ] {
            assert_eq!(line(text), shown);
            assert_eq!(lines(text), shown);
        }
        assert_eq!(line("a\n\tb"), r"a\u{a}\u{9}b");
        assert_eq!(lines("a\n\tb"), "a\n\tb");
    }
}
