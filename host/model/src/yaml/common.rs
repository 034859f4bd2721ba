//! [`read`]: common YAML, straight from the parser's events.
//!
//! Rule data is megabytes of block mappings with strings, and a general reader spends most of its time on what such
//! documents do not have: anchors, tags, merges, keys that are no strings. A document that has one of them, or is wrong in
//! any way, is left to that reader, which also reports the error. What is read here is what it would read: a property test.

use granit_parser::{Event, Options, Parser, ScalarStyle, StrInput};

use crate::{memory::Memory, strict::PRIVATE};

use super::values::{Scalar, Values};

/// Levels of nesting, half of what the general reader stands, so that this one never stands more.
pub(super) const NESTING: usize = crate::limits::NESTING / 2;

/// The value of a document that has nothing uncommon, `None` of any other. What it takes is charged; at most so many nodes.
pub(super) fn read<V: Values>(text: &str, nodes: usize, memory: &Memory, values: &mut V) -> Option<V::Value> {
    let mut options = Options::default();
    options.emit_comments = false;
    let mut reader = Reader { events: Parser::with_options(StrInput::new(text), options), nodes, memory, values };
    let (Event::StreamStart, Event::DocumentStart(..)) = (reader.next()?, reader.next()?) else { return None };
    let first = reader.next()?;
    let value = reader.node(first, 0)?;
    let (Event::DocumentEnd, Event::StreamEnd) = (reader.next()?, reader.next()?) else { return None };
    Some(value)
}

struct Reader<'a, V> {
    events: Parser<'a, StrInput<'a>>,
    nodes: usize,
    memory: &'a Memory,
    values: &'a mut V,
}

impl<'a, V: Values> Reader<'a, V> {
    fn next(&mut self) -> Option<Event<'a>> {
        self.events.next()?.ok().map(|(event, _)| event)
    }

    /// The node that begins with an event.
    fn node(&mut self, event: Event<'a>, depth: usize) -> Option<V::Value> {
        self.nodes = self.nodes.checked_sub(1)?;
        match event {
            Event::Scalar(text, style, 0, None) => {
                let scalar = if style == ScalarStyle::Plain { plain(&text)? } else { Scalar::Text(&text) };
                charged(scalar, self.memory, self.values)
            }
            Event::SequenceStart(_, 0, None) if depth < NESTING => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => return Some(self.values.list(items)),
                        event => {
                            self.memory.item().ok()?;
                            items.push(self.node(event, depth + 1)?);
                        }
                    }
                }
            }
            Event::MappingStart(_, 0, None) if depth < NESTING => {
                let mut fields = Vec::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => return self.values.object(fields),
                        Event::Scalar(key, style, 0, None) if is_string_key(&key, style == ScalarStyle::Plain) => key,
                        _ => return None,
                    };
                    self.nodes = self.nodes.checked_sub(1)?;
                    self.memory.field(&key).ok()?;
                    let key = self.values.key(&key);
                    let event = self.next()?;
                    let value = self.node(event, depth + 1)?;
                    fields.push((key, value));
                }
            }
            _ => None,
        }
    }
}

/// The value of a scalar, whose memory is charged; none if there is not so much.
pub(super) fn charged<V: Values>(scalar: Scalar<'_>, memory: &Memory, values: &mut V) -> Option<V::Value> {
    match scalar {
        Scalar::Natural(_) => memory.number().ok()?,
        Scalar::Text(text) => memory.text(text).ok()?,
        _ => {}
    }
    Some(values.scalar(scalar))
}

/// Whether a key, with quotes or without, is a string to every reader, and none that `serde_json` keeps for itself.
pub(super) fn is_string_key(key: &str, is_plain: bool) -> bool {
    if is_plain { matches!(plain(key), Some(Scalar::Text(_))) && key != "<<" } else { !key.starts_with(PRIVATE) }
}

/// Whether a text is of hexadecimal digits alone, at least one of which stands neither in a number of base ten, as an exponent does,
/// nor in one of base two (`0b1`).
fn is_hex_word(text: &str) -> bool {
    let digits = text.strip_prefix("0b").or_else(|| text.strip_prefix("0B")).unwrap_or(text);
    let is_other = |byte: u8| byte.is_ascii_alphabetic() && !byte.eq_ignore_ascii_case(&b'e');
    text.bytes().all(|byte| byte.is_ascii_hexdigit()) && digits.bytes().any(is_other)
}

/// The value of a plain scalar in the core schema, `None` if a number is written in an uncommon way.
pub(super) fn plain(text: &str) -> Option<Scalar<'_>> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        "0" => Scalar::Natural(0),
        _ => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            match text.as_bytes() {
                // At most 18 digits: those of every 64-bit integer.
                [b'1'..=b'9', rest @ ..] if rest.len() < 18 && rest.iter().all(u8::is_ascii_digit) => {
                    Scalar::Natural(text.parse::<u64>().ok()?)
                }
                // The digest of a commit, which no reader takes for a number.
                [b'0', ..] if is_hex_word(text) => Scalar::Text(text),
                [b'0'..=b'9' | b'+' | b'-' | b'.', ..]
                    if digits.starts_with(['.', '0']) || digits.parse::<f64>().is_ok() =>
                {
                    return None;
                }
                [b'$', ..] if text.starts_with(PRIVATE) => return None,
                _ => Scalar::Text(text),
            }
        }
    };
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::yaml::{parse_general, values::Json};

    fn common(text: &str) -> Option<Value> {
        read(text, 1000, &Memory::of(1 << 20), &mut Json)
    }

    #[test]
    fn common_documents_are_read() {
        let text = "---\n# data\na:\n- b: 'x'\n  c: \"1\"\n  d: 12\n- [true, ~, 2024-01-01, -]\n\"e f\": |\n  text\ng: {}\nh:\n";
        let value = json!({"a": [{"b": "x", "c": "1", "d": 12}, [true, null, "2024-01-01", "-"]], "e f": "text\n", "g": {}, "h": null});
        assert_eq!(common(&text.replace(", -]", ", '-']")), Some(value));
    }

    #[test]
    fn the_digest_of_a_commit_is_a_text() {
        for text in ["006d3917e39d621ca848472737526939e829c543", "0a", "00e1f", "01b", "0E2c", "0b1a"] {
            assert_eq!(common(&format!("ref: {text}\n{text}: 1")), Some(json!({"ref": text, text: 1})));
            assert_eq!(parse_general(&format!("ref: {text}"), &Memory::of(1 << 20)), Ok(json!({"ref": text})));
        }
    }

    proptest! {
        #[test]
        fn hexadecimal_digits_are_read_as_the_general_reader_reads_them(text in "(a: )?0[0-9a-fA-FxX]{1,6}") {
            if let Some(value) = common(&text) {
                prop_assert_eq!(parse_general(&text, &Memory::of(1 << 20)), Ok(value), "{:?}", text);
            }
        }
    }

    #[test]
    fn what_is_uncommon_or_wrong_is_left_to_the_general_reader() {
        for text in [
            "",
            "# a",
            "&a x",
            "!!str x",
            "a: 1\na: 2",
            "1: x",
            "~: x",
            "<<: {a: 1}",
            "a: 012",
            "a: 1.5",
            "a: 0x1f",
            "a: 0b1",
            "a: 0B1",
            "a: 0o7",
            "a: 0e3",
            "a: 0_a",
            "a: .inf",
            "a: +1",
            "a: -1",
            "a: 1234567890123456789",
            "a\n---\nb",
            "a: [",
            "$serde_json::private::Number: 1",
            "\"$serde_json::private::Number\": 1",
            "? [a]\n: x",
            "a: &b 1\nc: *b",
        ] {
            assert_eq!(common(text), None, "{text}");
        }
        assert_eq!(common(&"[".repeat(NESTING + 1)), None);
        assert_eq!(read("[a, b, c]", 3, &Memory::of(1 << 20), &mut Json), None);
        assert_eq!(read("[a, b, c]", 10, &Memory::of(64), &mut Json), None);
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_general_reader_reads(
            text in "([-a0 ]{0,2}(a|b|k: |- |: |\\? |\\[|\\]|\\{|\\}|, |'|\"|\n|\n  |1|0|12|-|\\.5|e3|_|~|null|true|No|<<|&a |\\*a|!t |#|\\||>|\\$|é|\t|\\.inf|0x1|%|---)){0,12}",
        ) {
            if let Some(value) = common(&text) {
                prop_assert_eq!(parse_general(&text, &Memory::of(1 << 20)), Ok(value), "{:?}", text);
            }
        }
    }
}
