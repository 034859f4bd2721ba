//! Texts from outside in GitHub's Markdown: they make no markup, mention nobody and link nowhere, and read as they are.
//!
//! Nothing that a reader would see is put into a text. What Markdown could take for markup is escaped, which its rendering
//! removes; a word in which GitHub would find a mention, a reference or an address becomes code, where it looks for none.

use crate::sanitize;

/// A text as one line of Markdown, in which what stands between backticks is code.
pub(crate) fn prose(text: &str) -> String {
    let line = one_line(text);
    let mut to = String::with_capacity(line.len() + line.len() / 8);
    for part in parts(&line) {
        match part {
            Part::Code(text) => to.push_str(&code(text)),
            Part::Text(text) => escape(&mut to, text),
        }
    }
    no_block(to.trim())
}

/// A text as code: nothing in it is escaped, since nothing in it is markup.
pub(crate) fn code(text: &str) -> String {
    let line = one_line(text);
    let line = line.trim();
    if line.is_empty() {
        return "–".to_owned();
    }
    let longest = line.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let space = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{line}{space}{fence}")
}

/// A text as code in a cell of a table, where a bar would end the cell even in code.
pub(crate) fn cell(text: &str) -> String {
    code(&text.replace('|', "¦"))
}

/// A text in a line of HTML, where Markdown is not read.
pub(crate) fn html(text: &str) -> String {
    let line = one_line(text);
    let mut to = String::with_capacity(line.len() + line.len() / 8);
    for part in parts(&line) {
        let (Part::Code(text) | Part::Text(text)) = part;
        let is_code = matches!(part, Part::Code(_));
        to.push_str(if is_code { "<code>" } else { "" });
        for character in text.chars() {
            match character {
                '&' => to.push_str("&amp;"),
                '<' => to.push_str("&lt;"),
                '>' => to.push_str("&gt;"),
                other => to.push(other),
            }
        }
        to.push_str(if is_code { "</code>" } else { "" });
    }
    to.trim().to_owned()
}

fn one_line(text: &str) -> String {
    sanitize::line(&text.replace(['\n', '\t'], " ")).into_owned()
}

/// A part of a line.
#[derive(Clone, Copy)]
enum Part<'a> {
    Text(&'a str),
    Code(&'a str),
}

/// What its author wrote as code, and words that must be code, with what is between them.
fn parts(line: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((before, code, after)) = sanitize::code_span(rest) {
        words(&mut parts, before);
        parts.push(Part::Code(code));
        rest = after;
    }
    words(&mut parts, rest);
    parts
}

fn words<'a>(parts: &mut Vec<Part<'a>>, text: &'a str) {
    for word in text.split_inclusive(' ') {
        let (word, space) = word.strip_suffix(' ').map_or((word, ""), |word| (word, " "));
        parts.push(if is_active(word) { Part::Code(word) } else { Part::Text(word) });
        parts.push(Part::Text(space));
    }
}

/// Whether GitHub would make a link of a part of that word: a mention or an address of mail, a reference to an issue, an
/// address on the web.
fn is_active(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    word.contains(['@', '#']) || ["://", "www.", "gh-", "mailto:", "xmpp:"].iter().any(|part| lower.contains(part))
}

fn escape(to: &mut String, text: &str) {
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            // Inside a word it is none of Markdown's.
            '_' if before.is_alphanumeric() && characters.peek().is_some_and(|next| next.is_alphanumeric()) => {
                to.push('_');
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '$' | '|' => {
                to.push('\\');
                to.push(character);
            }
            other => to.push(other),
        }
        before = character;
    }
}

/// The line so that nothing at its start makes a list or a heading of it.
fn no_block(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = line.split_at_checked(digits).unwrap_or(("", line));
    if line.starts_with(['-', '+', '=', '#', ':']) || (digits > 0 && rest.starts_with(['.', ')'])) {
        format!("{number}\\{rest}")
    } else {
        line.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    #[test]
    fn texts_make_no_markup_and_mention_nobody() {
        for (text, shown) in [
            ("a|b", "a\\|b"),
            ("run `cargo test` now", "run `cargo test` now"),
            ("a `b", "a \\`b"),
            ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
            ("by @team in #12, see GH-7", "by `@team` in `#12,` see `GH-7`"),
            ("see https://evil.example now", "see `https://evil.example` now"),
            ("WWW.evil.example", "`WWW.evil.example`"),
            ("r.example/a@sha256:00", "`r.example/a@sha256:00`"),
            ("[a](b) ![c](d)", "\\[a\\](b) !\\[c\\](d)"),
            ("snake_case and _emphasis_", "snake_case and \\_emphasis\\_"),
            ("one\n# two", "one `#` two"),
            ("1. item", "1\\. item"),
            ("- item", "\\- item"),
            ("1.2.3", "1\\.2.3"),
            ("a - b (c): d.", "a - b (c): d."),
            ("  ", ""),
            ("\u{1b}[2J", "\\\\u{1b}\\[2J"),
        ] {
            assert_eq!(prose(text), shown, "{text:?}");
        }
    }

    #[test]
    fn code_ends_where_its_text_ends() {
        for (text, shown) in [
            ("a", "`a`"),
            ("", "–"),
            ("a`b", "``a`b``"),
            ("``", "``` `` ```"),
            ("a|b", "`a|b`"),
            ("one\ntwo", "`one two`"),
        ] {
            assert_eq!(code(text), shown, "{text:?}");
        }
        assert_eq!(cell("a|b"), "`a¦b`");
    }

    #[test]
    fn in_html_texts_are_texts() {
        assert_eq!(html("<b> `x` & @team"), "&lt;b&gt; <code>x</code> &amp; <code>@team</code>");
        assert_eq!(html("a_b *c* \\"), "a_b *c* \\");
    }

    #[test]
    fn nothing_is_there_that_a_reader_does_not_see() {
        for message in test_data::hostile_messages() {
            for text in [prose(&message), code(&message), html(&message)] {
                assert!(!text.contains(['\n', '\u{200b}', '\u{1b}', '\u{202e}', '\t']), "{text:.80}");
            }
        }
    }
}
