//! [`wrap`]: breaks text into lines the way `ec` does, whose text reports are matched byte for byte.
//!
//! The rules are those of Go's `go-wordwrap` 1.0.1: lines break only at white space, which the break replaces; width
//! counts characters; a word longer than a line stays whole on a line of its own; a no-break space is no white space.

/// The text with lines of at most `width` characters where white space allows it. `width` is at least 2.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    let mut to = String::with_capacity(text.len() + text.len() / 32);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            to.push('\n');
        }
        wrap_line(&mut to, line, width);
    }
    to
}

fn wrap_line(to: &mut String, line: &str, width: usize) {
    let mut column = 0;
    let mut rest = line;
    while !rest.is_empty() {
        let (space, after) = split(rest, |character| !is_space(character));
        let (word, after) = split(after, is_space);
        rest = after;
        let gap = space.chars().count();
        let length = word.chars().count();
        if length == 0 {
            // White space at the end of a line stays, as long as it fits.
            if column + gap <= width {
                to.push_str(space);
            }
        // A word that fills a line by itself is never worth a break for its last characters.
        } else if column + gap + length.min(width.saturating_sub(1)) > width {
            to.push('\n');
            to.push_str(word);
            column = length;
        } else {
            to.push_str(space);
            to.push_str(word);
            column += gap + length;
        }
    }
}

fn split(text: &str, at: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}

fn is_space(character: char) -> bool {
    character.is_whitespace() && character != '\u{a0}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_white_space_only() {
        for (text, wrapped) in [
            ("", ""),
            ("aaa bbb", "aaa bbb"),
            ("aaa bbbbbbb", "aaa\nbbbbbbb"),
            ("aaa  bbbbbb c", "aaa\nbbbbbb c"),
            ("aaa bbb ccc ddd", "aaa bbb\nccc ddd"),
            ("bbbbbbbbbbbbbbb", "bbbbbbbbbbbbbbb"),
            ("a bbbbbbbbbbbbbbb c", "a\nbbbbbbbbbbbbbbb\nc"),
            ("aaa\u{a0}bbb ccc ddd", "aaa\u{a0}bbb\nccc ddd"),
            ("äöü ßßßßßßß", "äöü\nßßßßßßß"),
            ("äöü ßßß", "äöü ßßß"),
            ("aaa bb\nccc dd\n\n", "aaa bb\nccc dd\n\n"),
            ("aaa: ", "aaa: "),
            ("aaaaaaaa ", "aaaaaaaa"),
            ("  indented", "\nindented"),
        ] {
            assert_eq!(wrap(text, 8), wrapped, "{text:?}");
        }
    }

    #[test]
    fn a_megabyte_of_words_or_of_one_word_is_wrapped() {
        let words = wrap(&"word ".repeat(200_000), 128);
        assert!(words.lines().all(|line| line.chars().count() <= 128));
        let word = "x".repeat(1 << 20);
        assert_eq!(wrap(&word, 128), word);
    }
}
