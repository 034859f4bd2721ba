//! [`read`]: simple YAML, line by line.
//!
//! Rule data is megabytes of block mappings and lists of short strings: one key, one item or one scalar in a line. A parser of
//! YAML finds out about each character what else it could be; here each line is looked at once. A document that has anything
//! else (flow collections, texts over several lines, escapes, anchors, tags, characters beyond ASCII), or is wrong in
//! any way, is left to the next reader. What is read here is what that would read: a property test.

use crate::memory::Memory;

use super::{
    common::{NESTING, charged, is_string_key, plain},
    values::{Scalar, Values},
};

/// Bytes of a key; YAML allows 1,024 characters.
const KEY: usize = 512;

/// The value of a simple document, none of any other. What it takes is charged; at most so many nodes.
pub(super) fn read<V: Values>(text: &str, nodes: usize, memory: &Memory, values: &mut V) -> Option<V::Value> {
    if !text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        return None;
    }
    let mut reader = Reader { rest: text, line: None, nodes, memory, values };
    reader.next_line();
    if reader.line.is_some_and(|line| line.indent == 0 && line.text == "---") {
        reader.next_line();
    }
    let value = reader.mapping(0, 0)?;
    reader.line.is_none().then_some(value)
}

/// A line that is not empty, and not a comment.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// The spaces in front of its text.
    indent: usize,
    /// Without spaces around it.
    text: &'a str,
}

struct Reader<'a, V> {
    rest: &'a str,
    /// The line that is read now; none at the end.
    line: Option<Line<'a>>,
    nodes: usize,
    memory: &'a Memory,
    values: &'a mut V,
}

impl<'a, V: Values> Reader<'a, V> {
    fn next_line(&mut self) {
        self.line = None;
        while !self.rest.is_empty() {
            let (line, rest) = match memchr::memchr(b'\n', self.rest.as_bytes()) {
                Some(end) => self.rest.split_at(end),
                None => (self.rest, ""),
            };
            self.rest = rest.get(1..).unwrap_or_default();
            let text = line.trim_start_matches(' ');
            if !text.is_empty() && !text.starts_with('#') {
                self.line = Some(Line { indent: line.len() - text.len(), text: text.trim_end_matches(' ') });
                return;
            }
        }
    }

    /// The line that is next within a collection that is indented so far: none behind its end, no value if it is wrong.
    fn line_at(&self, indent: usize) -> Option<Option<&'a str>> {
        match self.line {
            Some(line) if line.indent > indent => None,
            Some(line) if line.indent == indent => Some(Some(line.text)),
            _ => Some(None),
        }
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> Option<V::Value> {
        self.nodes = self.nodes.checked_sub(1)?;
        if depth >= NESTING {
            return None;
        }
        let mut fields = Vec::new();
        while let Some(text) = self.line_at(indent)? {
            if let Some(key) = text.strip_prefix("? ") {
                fields.push(self.long_key(key.trim_start_matches(' '), indent, depth)?);
                continue;
            }
            let (key, rest) = split_key(text)?;
            let key = self.key(key)?;
            let value = if rest.is_empty() { self.below(indent, depth)? } else { self.scalar(rest)? };
            fields.push((key, value));
        }
        if fields.is_empty() { None } else { self.values.object(fields) }
    }

    /// A key, in whose line the reader is.
    fn key(&mut self, key: &str) -> Option<V::Key> {
        if !is_string_key(key, true) {
            return None;
        }
        self.nodes = self.nodes.checked_sub(1)?;
        self.memory.field(key).ok()?;
        self.next_line();
        Some(self.values.key(key))
    }

    /// A key that stands behind a question mark, and the list behind a colon in the next line: how Go writes long keys.
    fn long_key(&mut self, key: &str, indent: usize, depth: usize) -> Option<(V::Key, V::Value)> {
        if !is_plain(key) || split_key(key).is_some() || key.len() > KEY {
            return None;
        }
        let key = self.key(key)?;
        let text = self.line_at(indent)??;
        let item = text.strip_prefix(": ")?.trim_start_matches(' ');
        if !item.starts_with("- ") {
            return None;
        }
        let indent = indent + text.len() - item.len();
        self.line = Some(Line { indent, text: item });
        Some((key, self.list(indent, depth + 1)?))
    }

    /// The value of a key that nothing stands behind.
    fn below(&mut self, indent: usize, depth: usize) -> Option<V::Value> {
        match self.line {
            Some(line) if line.text.starts_with("- ") && line.indent >= indent => self.list(line.indent, depth + 1),
            Some(line) if line.indent > indent => self.mapping(line.indent, depth + 1),
            _ => {
                self.nodes = self.nodes.checked_sub(1)?;
                Some(self.values.scalar(Scalar::Null))
            }
        }
    }

    fn list(&mut self, indent: usize, depth: usize) -> Option<V::Value> {
        self.nodes = self.nodes.checked_sub(1)?;
        if depth >= NESTING {
            return None;
        }
        let mut items = Vec::new();
        while let Some(text) = self.line_at(indent)? {
            // What is no item may be the next key of the mapping that the list is in, which finds that out.
            let Some(item) = text.strip_prefix("- ") else { break };
            let item = item.trim_start_matches(' ');
            if item.starts_with('-') {
                return None;
            }
            self.memory.item().ok()?;
            let is_quoted = item.starts_with(['"', '\'']);
            items.push(if !is_quoted && split_key(item).is_some() {
                let indent = indent + text.len() - item.len();
                self.line = Some(Line { indent, text: item });
                self.mapping(indent, depth + 1)?
            } else {
                self.next_line();
                self.scalar(item)?
            });
        }
        Some(self.values.list(items))
    }

    fn scalar(&mut self, text: &str) -> Option<V::Value> {
        self.nodes = self.nodes.checked_sub(1)?;
        let scalar = match text.as_bytes() {
            [b'"', inner @ .., b'"'] if memchr::memchr2(b'"', b'\\', inner).is_none() => {
                Scalar::Text(text.get(1..text.len() - 1)?)
            }
            [b'\'', inner @ .., b'\''] if memchr::memchr(b'\'', inner).is_none() => {
                Scalar::Text(text.get(1..text.len() - 1)?)
            }
            _ if is_plain(text) && split_key(text).is_none() => plain(text)?,
            _ => return None,
        };
        charged(scalar, self.memory, self.values)
    }
}

/// Whether a text begins as a scalar without quotes does, and no comment stands behind it.
fn is_plain(text: &str) -> bool {
    let indicator = |byte: &u8| b"-?:,[]{}#&*!|>'\"%@`.".contains(byte);
    !text.as_bytes().first().is_none_or(indicator) && memchr::memmem::find(text.as_bytes(), b" #").is_none()
}

/// The key at the beginning of a text, and what stands behind its colon; none where there is no key, or an uncommon one.
fn split_key(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let is_end = |at: &usize| matches!(bytes.get(at + 1), None | Some(b' '));
    let at = memchr::memchr_iter(b':', bytes).find(is_end)?;
    let (key, rest) = (text.get(..at)?, text.get(at + 1..)?);
    let is_common = is_plain(key) && !key.ends_with(' ') && key.len() <= KEY;
    is_common.then(|| (key, rest.trim_start_matches(' ')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::yaml::{parse_general, values::Json};

    fn simple(text: &str) -> Option<Value> {
        read(text, 1000, &Memory::of(1 << 20), &mut Json)
    }

    #[test]
    fn simple_documents_are_read() {
        let text = "# data\n\n---\na:\n- b: 'x # y'\n  c:   \"1: 2\"  \n  d: 12\n-   e: {\n";
        assert_eq!(simple(text), None);
        let text = "# data\n\n---\na:\n- b: 'x # y'\n  c:   \"1: 2\"  \n\n  # more\n  d: 12\n-   e: 2024-01-01\n    f:\n      g: \
                    a{b}\n- word\n- true\nh:\n  - x::y:1\noci://a:1/b:0.1:\n    i: ~\nj:\n";
        let value = json!({
            "a": [{"b": "x # y", "c": "1: 2", "d": 12}, {"e": "2024-01-01", "f": {"g": "a{b}"}}, "word", true],
            "h": ["x::y:1"],
            "oci://a:1/b:0.1": {"i": null},
            "j": null,
        });
        assert_eq!(simple(text), Some(value.clone()));
        assert_eq!(parse_general(text, &Memory::of(1 << 20)), Ok(value));
    }

    #[test]
    fn long_keys_are_read() {
        let text = "a:\n  ? oci://b/c\n  : - d: 1\n      e: 2\n    - f\n  ?  g h\n  :   - i\n  j: k\n";
        let value = json!({"a": {"oci://b/c": [{"d": 1, "e": 2}, "f"], "g h": ["i"], "j": "k"}});
        assert_eq!(simple(text), Some(value.clone()));
        assert_eq!(parse_general(text, &Memory::of(1 << 20)), Ok(value));
    }

    #[test]
    fn what_is_not_simple_or_wrong_is_left_to_the_next_reader() {
        for text in [
            "",
            "# a",
            "a",
            "- a",
            " a: 1",
            "a: 1\na: 2",
            "1: x",
            "<<: x",
            "a: [1]",
            "a: &b x",
            "a: |\n  x",
            "a: x\n  y",
            "a: \"x\n  y\"",
            "a: \"x\\n\"",
            "a: 'x''y'",
            "a: \"x\" # y",
            "a: x # y",
            "a: x: y",
            "a: x:",
            "a:\n  b: 1\n c: 2",
            "a:\n    b: 1\n  c: 2",
            "a:\n  - b\n - c",
            "a:\n- b\n  c",
            "a:\n- - b",
            "a:\n-\n  b: 1",
            "a: 1\n- b",
            "a\t: 1",
            "a: \u{e9}",
            "a: 1\r\n",
            "a: 012",
            "a: 1.5",
            "a: .inf",
            "a : 1",
            "\"a\": 1",
            "? a\n: b",
            "? a\n",
            "? a\nb: - c",
            "? a: b\n: - c",
            "? a\n  b\n: - c",
            "? a #b\n: - c",
            "? [a]\n: - c",
            "? 1\n: - c",
            "? a\n : - c",
            "? a\n: - c\n- d",
            "? a\n: - c\n : d",
            "? a\n: - c\na: d",
            "a: 1\n---\nb: 2",
            "a: 1\n...\n",
            "---\n---\na: 1",
            "%YAML 1.2\n---\na: 1",
            "$serde_json::private::Number: 1",
        ] {
            assert_eq!(simple(text), None, "{text:?}");
        }
        let deep = |levels: usize| (0..levels).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<String>();
        assert!(simple(&deep(NESTING)).is_some());
        assert_eq!(simple(&deep(NESTING + 1)), None);
        let long = |length: usize| format!("{}: 1", "k".repeat(length));
        assert!(simple(&long(KEY)).is_some());
        assert_eq!(simple(&long(KEY + 1)), None);
        assert!(read("a:\n- b\n- c", 5, &Memory::of(1 << 20), &mut Json).is_some());
        assert_eq!(read("a:\n- b\n- c", 4, &Memory::of(1 << 20), &mut Json), None);
        assert_eq!(read("a: b", 10, &Memory::of(64), &mut Json), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_read_is_what_the_general_reader_reads(
            text in "(---\n)?(( {0,5}(- {1,3}){0,2}[ab#'\"\\-?:.<0]{0,2}(a|bc|k: |k:|\"x y\"|'z'|\\{|\\[|#| #|1|012|~|true|<<|&a|\\*|!|%|\\.\\.\\.|---|\\||>|\\\\){0,3} {0,2})?\n){0,7}",
        ) {
            if let Some(value) = simple(&text) {
                prop_assert_eq!(parse_general(&text, &Memory::of(1 << 20)), Ok(value), "{:?}", text);
            }
        }

        #[test]
        fn long_keys_are_read_as_the_general_reader_reads_them(
            text in "(k:\n)?( {0,2}(\\? {1,2}|: {1,2}|: - |- |  )?(a|b|k: |k:|\"x\"|#){0,2}\n){1,6}",
        ) {
            if let Some(value) = simple(&text) {
                prop_assert_eq!(parse_general(&text, &Memory::of(1 << 20)), Ok(value), "{:?}", text);
            }
        }

        #[test]
        fn what_is_read_of_records_is_what_the_general_reader_reads(
            text in "(k[0-9]:( (\"[a-z: #]{0,4}\"|'[a-z]{0,3}'|[a-z:#/.0-9-]{1,6}))?\n( {1,2}(- ){0,1}(x|y|z|[0-9]):?( [a-z0-9]{1,3})?\n){0,5}){1,4}",
        ) {
            if let Some(value) = simple(&text) {
                prop_assert_eq!(parse_general(&text, &Memory::of(1 << 20)), Ok(value), "{:?}", text);
            }
        }
    }
}
