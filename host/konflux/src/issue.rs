//! [`Issue`]: what is wrong with a field, or worth knowing about it.

use serde::Serialize;

/// A fact about a field of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// Where it is, such as `spec.contexts[0].name`; empty for the whole document.
    pub path: String,
    /// A stable word for programs.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// What to write instead; empty when there is nothing to suggest.
    pub suggestion: String,
}

/// How many issues of one document are kept: a hostile file could have millions.
pub const ISSUES: usize = 100;

/// The issues of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issues {
    /// What does not stop it.
    pub warnings: Vec<Issue>,
    /// What does.
    pub errors: Vec<Issue>,
}

impl Issues {
    /// Adds what stops the document.
    pub fn error(
        &mut self,
        path: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        add(&mut self.errors, &path.into(), code, &message.into(), &suggestion.into());
    }

    /// Adds what is worth knowing.
    pub fn warn(
        &mut self,
        path: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        add(&mut self.warnings, &path.into(), code, &message.into(), &suggestion.into());
    }
}

fn add(to: &mut Vec<Issue>, path: &str, code: &'static str, message: &str, suggestion: &str) {
    if to.len() < ISSUES {
        to.push(Issue { path: shown(path), code, message: shown(message), suggestion: shown(suggestion) });
    }
}

/// Text from outside as part of a sentence: of limited length, control characters escaped.
#[must_use]
pub(crate) fn shown(text: &str) -> String {
    const CHARACTERS: usize = 400;
    let mut out: String = text.chars().take(CHARACTERS).flat_map(escaped).collect();
    if text.chars().nth(CHARACTERS).is_some() {
        out.push('…');
    }
    out
}

fn escaped(character: char) -> impl Iterator<Item = char> {
    let is_plain = !character.is_control() && !matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = is_plain.then_some(character);
    let escape = (!is_plain).then(|| character.escape_unicode());
    plain.into_iter().chain(escape.into_iter().flatten())
}

/// A part of a text from outside in a sentence: sixty characters.
#[must_use]
pub(crate) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(60).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_cut_and_cannot_command_a_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\u{202e}"), "a\\u{1b}[31mb\\u{202e}");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 401);
        let mut issues = Issues::default();
        (0..10_000).for_each(|n| issues.error(format!("p{n}"), "c", "m", ""));
        assert_eq!(issues.errors.len(), ISSUES);
    }
}
