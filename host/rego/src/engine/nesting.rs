//! [`too_deep`]: brackets so deep in one another that the parser would not come back.
//!
//! regorus takes every `[` and `{` first for the start of a comprehension and then for that of a list, so each level
//! doubles its work.

use crate::{compile_error::Place, limits::BRACKETS};

/// Where more than [`BRACKETS`] brackets are open.
pub(super) fn too_deep(file: &str, text: &str) -> Option<Place> {
    let (mut line, mut column, mut depth) = (1, 0, 0_usize);
    let mut within = Within::Code;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        column += 1;
        match (&within, character) {
            (Within::Text | Within::Comment, '\n') => within = Within::Code,
            (Within::Text, '\\') => {
                column += 1;
                characters.next();
            }
            (Within::Text, '"') | (Within::Raw, '`') => within = Within::Code,
            (Within::Code, '"') => within = Within::Text,
            (Within::Code, '`') => within = Within::Raw,
            (Within::Code, '#') => within = Within::Comment,
            (Within::Code, '[' | '{') => depth += 1,
            (Within::Code, ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > BRACKETS {
            return Some(Place { file: file.to_owned(), line, column });
        }
        if character == '\n' {
            (line, column) = (line + 1, 0);
        }
    }
    None
}

enum Within {
    Code,
    /// A text in quotes.
    Text,
    /// A text in backticks.
    Raw,
    Comment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_of_the_code_count() {
        let open = "[{".repeat(BRACKETS / 2);
        let place = |text: &str| too_deep("f", text).map(|place| (place.line, place.column));
        assert_eq!(place(&open), None);
        assert_eq!(place(&format!("{open}]}}[[")), None);
        assert_eq!(place(&format!("x\n{open}[")), Some((2, 17)));
        for harmless in ["\"[\"", "\"\\\"[\"", "`[\n[`", "# [\n", "(", "\"\n"] {
            assert_eq!(place(&format!("{open}{harmless}")), None, "{harmless}");
            assert!(place(&format!("{open}{harmless}[")).is_some(), "{harmless}");
        }
    }
}
