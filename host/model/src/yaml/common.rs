//! [`read`]: common YAML, straight from the parser's events.
//!
//! Rule data is megabytes of block mappings with strings, and a general reader spends most of its time on what such
//! documents do not have: anchors, tags, merges, keys that are no strings. A document that has one of them, or is wrong in
//! any way, is left to that reader, which also reports the error. What is read here is what it would read: a property test.

use granit_parser::{Event, Options, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Value};

use crate::{memory::Memory, strict::PRIVATE};

/// Levels of nesting, half of what the general reader stands, so that this one never stands more.
const NESTING: usize = crate::limits::NESTING / 2;

/// The value of a document that has nothing uncommon, `None` of any other. What it takes is charged; at most so many nodes.
pub(super) fn read(text: &str, nodes: usize, memory: &Memory) -> Option<Value> {
    let mut options = Options::default();
    options.emit_comments = false;
    let mut reader = Reader { events: Parser::with_options(StrInput::new(text), options), nodes, memory };
    let (Event::StreamStart, Event::DocumentStart(..)) = (reader.next()?, reader.next()?) else { return None };
    let first = reader.next()?;
    let value = reader.node(first, 0)?;
    let (Event::DocumentEnd, Event::StreamEnd) = (reader.next()?, reader.next()?) else { return None };
    Some(value)
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    nodes: usize,
    memory: &'a Memory,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Event<'a>> {
        self.events.next()?.ok().map(|(event, _)| event)
    }

    /// The node that begins with an event.
    fn node(&mut self, event: Event<'a>, depth: usize) -> Option<Value> {
        self.nodes = self.nodes.checked_sub(1)?;
        match event {
            Event::Scalar(text, style, 0, None) => {
                let value = if style == ScalarStyle::Plain { plain(&text)? } else { Value::String(text.into_owned()) };
                match &value {
                    Value::Number(_) => self.memory.number().ok()?,
                    Value::String(text) => self.memory.text(text).ok()?,
                    _ => {}
                }
                Some(value)
            }
            Event::SequenceStart(_, 0, None) if depth < NESTING => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => return Some(Value::Array(items)),
                        event => {
                            self.memory.item().ok()?;
                            items.push(self.node(event, depth + 1)?);
                        }
                    }
                }
            }
            Event::MappingStart(_, 0, None) if depth < NESTING => {
                let mut fields = Map::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => return Some(Value::Object(fields)),
                        Event::Scalar(key, style, 0, None) if is_string_key(&key, style) => key.into_owned(),
                        _ => return None,
                    };
                    self.nodes = self.nodes.checked_sub(1)?;
                    self.memory.field(&key).ok()?;
                    let event = self.next()?;
                    let value = self.node(event, depth + 1)?;
                    if fields.insert(key, value).is_some() {
                        return None;
                    }
                }
            }
            _ => None,
        }
    }
}

/// Whether a key is a string to every reader, and none that `serde_json` keeps for itself.
fn is_string_key(key: &str, style: ScalarStyle) -> bool {
    if style == ScalarStyle::Plain {
        matches!(plain(key), Some(Value::String(_))) && key != "<<"
    } else {
        !key.starts_with(PRIVATE)
    }
}

/// The value of a plain scalar in the core schema, `None` if a number is written in an uncommon way.
fn plain(text: &str) -> Option<Value> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "0" => Value::from(0_u64),
        _ => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            match text.as_bytes() {
                // At most 18 digits: those of every 64-bit integer.
                [b'1'..=b'9', rest @ ..] if rest.len() < 18 && rest.iter().all(u8::is_ascii_digit) => {
                    Value::from(text.parse::<u64>().ok()?)
                }
                [b'0'..=b'9' | b'+' | b'-' | b'.', ..]
                    if digits.starts_with(['.', '0']) || digits.parse::<f64>().is_ok() =>
                {
                    return None;
                }
                [b'$', ..] if text.starts_with(PRIVATE) => return None,
                _ => Value::String(text.to_owned()),
            }
        }
    };
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::yaml::parse_general;

    fn common(text: &str) -> Option<Value> {
        read(text, 1000, &Memory::of(1 << 20))
    }

    #[test]
    fn common_documents_are_read() {
        let text = "---\n# data\na:\n- b: 'x'\n  c: \"1\"\n  d: 12\n- [true, ~, 2024-01-01, -]\n\"e f\": |\n  text\ng: {}\nh:\n";
        let value = json!({"a": [{"b": "x", "c": "1", "d": 12}, [true, null, "2024-01-01", "-"]], "e f": "text\n", "g": {}, "h": null});
        assert_eq!(common(&text.replace(", -]", ", '-']")), Some(value));
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
        assert_eq!(read("[a, b, c]", 3, &Memory::of(1 << 20)), None);
        assert_eq!(read("[a, b, c]", 10, &Memory::of(64)), None);
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
