//! [`Xml`]: elements as Go's `encoding/xml` writes them, on one line and never closed in themselves.
//!
//! What XML cannot hold at all, such as ANSI escapes, becomes U+FFFD, in CDATA too, where Go would let it through. What a
//! terminal or a pipeline could obey is a character reference in attributes, and shown in CDATA, which has none.

use crate::sanitize;

/// Elements as they grow.
#[derive(Default)]
pub(crate) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// Opens an element. Attributes without a value are left out.
    pub(crate) fn open(&mut self, name: &'static str, attributes: &[(&str, Option<&str>)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            if let Some(value) = value {
                self.text.push(' ');
                self.text.push_str(name);
                self.text.push_str("=\"");
                escape(&mut self.text, value);
                self.text.push('"');
            }
        }
        self.text.push('>');
        self.open.push(name);
    }

    /// Closes the element that was opened last.
    pub(crate) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
    }

    /// Text that is not markup; nothing when it is empty.
    pub(crate) fn cdata(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.text.push_str("<![CDATA[");
        let text: String = text.chars().map(lawful).collect();
        let text = sanitize::lines(&text);
        self.text.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
        self.text.push_str("]]>");
    }

    /// The text, once every element is closed.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }
}

/// The character, where XML 1.0 has it.
const fn lawful(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}' => character,
        _ => '\u{fffd}',
    }
}

/// Text for between tags and for attributes.
pub(crate) fn escape(to: &mut String, text: &str) {
    for (character, is_command) in sanitize::characters(text) {
        match character {
            '"' => to.push_str("&#34;"),
            '\'' => to.push_str("&#39;"),
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '\t' => to.push_str("&#x9;"),
            '\n' => to.push_str("&#xA;"),
            '\r' => to.push_str("&#xD;"),
            other if lawful(other) == other && (is_command || sanitize::is_harmful(other)) => {
                to.push_str(&format!("&#x{:X};", u32::from(other)));
            }
            other => to.push(lawful(other)),
        }
    }
}
/// A property of a JUnit suite.
pub(crate) fn property(xml: &mut Xml, name: &str, value: &str) {
    xml.open("property", &[("name", Some(name)), ("value", Some(value))]);
    xml.close();
}
