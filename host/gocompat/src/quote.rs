//! Strings in double quotes, as `strconv.Quote` and `%q` write them.

/// Appends a string with Go's escapes, without the quotes around it.
pub fn escape(to: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{7}' => to.push_str("\\a"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            '\u{b}' => to.push_str("\\v"),
            character if character < ' ' || character == '\u{7f}' => {
                to.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            character if is_unprintable(character) => {
                let code = u32::from(character);
                to.push_str(&if code > 0xffff { format!("\\U{code:08x}") } else { format!("\\u{code:04x}") });
            }
            character => to.push(character),
        }
    }
}

/// Whether Go escapes this character in quotes: controls, spaces other than the plain one, marks without a glyph.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{10ffff}')
}
