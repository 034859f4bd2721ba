//! Text from outside for reports: [`line()`] and [`lines`] make it harmless, [`cut`] makes it short.

use std::borrow::Cow;

pub(crate) use assay_gocompat::sanitize::{beyond_yaml, characters, is_harmful, line, lines};

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
}
