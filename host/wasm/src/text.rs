//! [`one_line`] and [`message`]: text from a guest, escaped for display.
//!
//! Control characters could move a terminal's cursor or forge a line of a log.

use std::fmt::Write as _;

/// The text on one line, cut after `max` bytes of it.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    escaped(text, max, |char| char.is_control())
}

/// The text with its lines, cut after `max` bytes of it.
pub(crate) fn message(text: &str, max: usize) -> String {
    escaped(text, max, |char| char.is_control() && char != '\n' && char != '\t')
}

/// The names, each quoted and on one line, as part of a sentence; `none` if there are none.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>, none: &str) -> String {
    let names: Vec<_> = names.map(|name| format!("`{}`", one_line(name, 200))).collect();
    match names.split_last() {
        None => none.to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn escaped(text: &str, max: usize, bad: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len().min(max));
    for (at, char) in text.char_indices() {
        if at + char.len_utf8() > max {
            shown.push('…');
            break;
        }
        if bad(char) {
            // Writing to a String cannot fail.
            let _infallible = write!(shown, "{}", char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_long_text_is_cut_between_characters() {
        assert_eq!(one_line("a\n\x1b[31mb\té", 99), "a\\n\\u{1b}[31mb\\té");
        assert_eq!(message("a\nb\r\n", 99), "a\nb\\r\n");
        assert_eq!(one_line("éé", 3), "é…");
        assert_eq!(one_line("éé", 4), "éé");
    }

    #[test]
    fn a_list_of_names_is_part_of_a_sentence() {
        let list = |names: &[&str]| super::list(names.iter().copied(), "nothing");
        assert_eq!(list(&[]), "nothing");
        assert_eq!(list(&["a\n"]), "`a\\n`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
