//! [`Markup`]: HTML as it grows. Markup is written by this program only; everything else goes in as text.

use std::fmt::Write as _;

use crate::sanitize;

/// HTML that is well-formed XML too, so that tests can read it back.
#[derive(Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Markup: a text of this program's own, which the type makes sure of.
    pub(super) fn tag(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A text from anywhere, for between tags and for attributes in double quotes. Control characters are shown.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for character in sanitize::lines(text).chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // What Unicode has no meaning for, XML does not allow.
                '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
        self
    }

    /// A text from anywhere, in which what stands between backticks is code, as people write it in messages.
    pub(super) fn prose(&mut self, text: &str) -> &mut Self {
        let mut rest = text;
        while let Some((before, code, after)) = sanitize::code_span(rest) {
            self.text(before).tag("<code>").text(code).tag("</code>");
            rest = after;
        }
        self.text(rest)
    }

    /// A number.
    pub(super) fn number(&mut self, number: usize) -> &mut Self {
        // Writing to a String cannot fail.
        let _infallible = write!(self.0, "{number}");
        self
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.0
    }
}
