//! YAML as Go reads it: [`parse`] for documents that are evaluated, [`unambiguous`] for the configuration of a run.
//!
//! Kubernetes, conftest, OPA and `ec` read YAML with `sigs.k8s.io/yaml`, which is YAML 1.1: `hostNetwork: yes` is true and
//! `mode: 012` is ten. A rule about such a document has to see what its users see. What differs from there is stricter: a
//! key that stands twice, a second document, and what JSON cannot hold are errors, and so is what nests or refers to itself
//! beyond the limits. A merge (`<<`) replaces keys that stand before it, as there.

mod documents;

use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};

use crate::{
    float,
    yaml_words::{Word, differs, read},
};

pub use documents::{Part, split};

/// Levels of nesting of one document: readers that recurse stand so many.
pub const NESTING: usize = 128;

/// Nodes of one document: two million are 64 MiB of text, which is where the file limits stand; more come from aliases.
pub const NODES: usize = 8_000_000;

/// Bytes that aliases may add to a document: a few kilobytes that repeat one another could fill the memory.
pub const ALIAS_BYTES: usize = 64 << 20;

/// What an item costs beside its text.
const ITEM_BYTES: usize = 64;

const CORE: &str = "tag:yaml.org,2002:";

/// Why a text is not read; says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub(crate) String);

/// What a document may be, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Its nodes.
    pub nodes: usize,
    /// The bytes that its aliases add.
    pub alias_bytes: usize,
    /// The lines before it in its file, which errors count.
    pub lines_before: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { nodes: NODES, alias_bytes: ALIAS_BYTES, lines_before: 0 }
    }
}

/// Reads the one document of a text, as Go does. An empty text is null.
///
/// # Errors
/// What Go refuses, and what the limits stop.
pub fn parse(text: &str) -> Result<Value, ReadError> {
    parse_bounded(text, Bounds::default())
}

/// Reads a document within bounds of the caller's.
///
/// # Errors
/// What Go refuses, and what the bounds stop.
pub fn parse_bounded(text: &str, bounds: Bounds) -> Result<Value, ReadError> {
    let mut reader = Reader { bounds, ..Reader::default() };
    let place = |line: usize, column: usize| format!(" at line {}, column {}", line + bounds.lines_before, column + 1);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            ReadError(format!("{}{}", error.info(), place(marker.line(), marker.col())))
        })?;
        reader.event(event).map_err(|why| ReadError(format!("{why}{}", place(span.start.line(), span.start.col()))))?;
    }
    Ok(reader.root.map_or(Value::Null, |node| node.value))
}

/// An error where a plain word of the text is one value in YAML 1.1, which `ec` reads, and another in YAML 1.2, which assay
/// reads in what configures a run.
pub fn unambiguous(text: &str) -> Result<(), ReadError> {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return Ok(());
    }
    for event in Parser::new_from_str(text) {
        // The reader of the document reports syntax errors.
        let Ok((event, span)) = event else { return Ok(()) };
        let Event::Scalar(word, ScalarStyle::Plain, _, None) = event else { continue };
        if differs(&word) {
            let word: String = word.chars().take(60).collect();
            let place = place(&span);
            return Err(ReadError(format!(
                "`{word}`{place} is one value in YAML 1.1 and another in 1.2: quote strings, and write \
                 true, false or decimal numbers"
            )));
        }
    }
    Ok(())
}

fn place(span: &Span) -> String {
    format!(" at line {}, column {}", span.start.line(), span.start.col() + 1)
}

/// A value that has been read, with what it weighs and how deep it is.
#[derive(Clone, Debug)]
struct Node {
    value: Value,
    bytes: usize,
    depth: usize,
    /// Whether it is a plain `<<`, which in place of a key merges the value.
    is_merge: bool,
    /// Whether it may be a key: floats and times lose their form as values, so keys are made when they are read.
    key: Result<String, &'static str>,
}

enum Frame {
    List { items: Vec<Value>, bytes: usize, depth: usize, anchor: usize },
    Map(Fields),
}

#[derive(Default)]
struct Fields {
    found: Map<String, Value>,
    /// Keys that stand in the mapping itself, as opposed to those that were merged into it.
    own: BTreeSet<String>,
    key: Option<Node>,
    bytes: usize,
    depth: usize,
    anchor: usize,
}

#[derive(Default)]
struct Reader {
    above: Vec<Frame>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    alias_bytes: usize,
    documents: usize,
    bounds: Bounds,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("a second document begins".to_owned());
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style == ScalarStyle::Plain, tag.as_deref())?;
                self.add(node, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.enter(Frame::List { items: Vec::new(), bytes: ITEM_BYTES, depth: 1, anchor })?;
            }
            Event::MappingStart(_, anchor, _) => {
                self.enter(Frame::Map(Fields { bytes: ITEM_BYTES, depth: 1, anchor, ..Fields::default() }))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave()?,
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).ok_or("an alias refers to a node that contains it")?;
                self.alias_bytes = self.alias_bytes.saturating_add(node.bytes);
                self.nodes = self.nodes.saturating_add(node.bytes / ITEM_BYTES);
                if self.alias_bytes > self.bounds.alias_bytes {
                    return Err("the aliases of the document expand to too many values".to_owned());
                }
                let node = node.clone();
                self.add(node, 0)?;
            }
            Event::UnresolvedAlias(name) => return Err(format!("the anchor `{name}` is undefined")),
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, frame: Frame) -> Result<(), String> {
        self.above.push(frame);
        if self.above.len() > NESTING {
            return Err(too_deep());
        }
        self.count()
    }

    fn count(&mut self) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > self.bounds.nodes {
            return Err(format!("the document has more than {} values", self.bounds.nodes));
        }
        Ok(())
    }

    fn leave(&mut self) -> Result<(), String> {
        let no_key = Err("a sequence or mapping is used as a key");
        let (node, anchor) = match self.above.pop() {
            Some(Frame::List { mut items, bytes, depth, anchor }) => {
                items.shrink_to_fit();
                (Node { value: Value::Array(items), bytes, depth, is_merge: false, key: no_key }, anchor)
            }
            Some(Frame::Map(Fields { found, bytes, depth, anchor, .. })) => {
                (Node { value: Value::Object(found), bytes, depth, is_merge: false, key: no_key }, anchor)
            }
            None => return Ok(()),
        };
        self.add(node, anchor)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.count()?;
        if self.above.len() + node.depth > NESTING {
            return Err(too_deep());
        }
        if anchor > 0 {
            self.alias_bytes = self.alias_bytes.saturating_add(node.bytes);
            if self.alias_bytes > self.bounds.alias_bytes {
                return Err("the anchors of the document are too large".to_owned());
            }
            self.anchors.insert(anchor, node.clone());
        }
        match self.above.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, bytes, depth, .. }) => {
                *bytes = bytes.saturating_add(node.bytes);
                *depth = (*depth).max(node.depth + 1);
                items.push(node.value);
            }
            Some(Frame::Map(fields)) => fields.add(node)?,
        }
        Ok(())
    }
}

fn too_deep() -> String {
    format!("the document is nested more than {} levels deep", NESTING)
}

impl Fields {
    fn add(&mut self, node: Node) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(node.bytes);
        let Some(key) = self.key.take() else {
            self.key = Some(node);
            return Ok(());
        };
        self.depth = self.depth.max(node.depth + 1);
        if key.is_merge {
            return self.merge(node.value);
        }
        let key = key.key?;
        if !self.own.insert(key.clone()) {
            return Err(format!(
                "duplicate mapping key: {}, before the value",
                key.chars().take(60).collect::<String>()
            ));
        }
        self.found.insert(key, node.value);
        Ok(())
    }

    /// Of several mappings the first counts.
    fn merge(&mut self, from: Value) -> Result<(), String> {
        let wrong = || "only a mapping or a list of mappings is merged with `<<`".to_owned();
        match from {
            Value::Object(fields) => self.found.extend(fields),
            Value::Array(items) => {
                for item in items.into_iter().rev() {
                    let Value::Object(fields) = item else { return Err(wrong()) };
                    self.found.extend(fields);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(wrong()),
        }
        Ok(())
    }
}

fn scalar(text: &str, is_plain: bool, tag: Option<&Tag>) -> Result<Node, String> {
    let node = |value: Value, key: Result<String, &'static str>| Node {
        value,
        bytes: ITEM_BYTES + text.len(),
        depth: 0,
        is_merge: false,
        key,
    };
    let as_text = |text: &str| node(Value::String(text.to_owned()), Ok(text.to_owned()));
    let tag = match tag.map(Tag::parts) {
        Some(("", "!") | ("!", "")) if text.is_empty() => return Ok(as_text("")),
        // `! 12` is as good as no tag.
        None | Some(("", "!") | ("!", "")) => None,
        Some((CORE, suffix)) => Some(suffix.to_owned()),
        Some((handle, suffix)) => match format!("{handle}{suffix}").strip_prefix(CORE) {
            Some(suffix) => Some(suffix.to_owned()),
            // A tag of somebody's own, such as `!Ref`: Go takes the text.
            None => return Ok(as_text(text)),
        },
    };
    let word = match tag.as_deref() {
        None if is_plain => {
            if text == "<<" {
                return Ok(Node { is_merge: true, ..as_text(text) });
            }
            read(text)
        }
        None | Some("str") => Word::Text,
        Some("merge") if text == "<<" => return Ok(Node { is_merge: true, ..as_text(text) }),
        Some("binary") => return binary(text).map(|text| as_text(&text)),
        Some(tag @ ("null" | "bool" | "int" | "float" | "timestamp")) => {
            let word = read(text);
            match (tag, word) {
                ("null", Word::Null)
                | ("bool", Word::Bool(_))
                | ("int", Word::Whole(_))
                | ("float", Word::Float(_))
                | ("timestamp", Word::Timestamp) => word,
                #[expect(clippy::cast_precision_loss, reason = "requested by the tag")]
                ("float", Word::Whole(number)) => Word::Float(number as f64),
                _ => return Err(format!("`{}` is invalid for its tag `!!{tag}`", shown(text))),
            }
        }
        Some(_) => Word::Text,
    };
    Ok(match word {
        Word::Null => node(Value::Null, Err("a key is null")),
        Word::Bool(is_so) => node(is_so.into(), Ok(is_so.to_string())),
        Word::Whole(number) => {
            let value = Number::from_i128(number).ok_or("a number is too large")?;
            let is_key = i64::try_from(number).is_ok();
            node(Value::Number(value), is_key.then(|| number.to_string()).ok_or("a numeric key is too large"))
        }
        Word::Float(number) => {
            let value =
                float::json_value(number).ok_or_else(|| format!("{number} cannot be represented as a JSON number"))?;
            // Go writes keys as if they were of 32 bits.
            #[expect(clippy::cast_possible_truncation, reason = "as there")]
            let short = number as f32;
            let key = float::general_digits(&format!("{short:e}"), || short.to_string());
            node(value, Ok(key))
        }
        Word::Timestamp | Word::Text => as_text(text),
    })
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Text in base64, which may have line breaks in it.
fn binary(text: &str) -> Result<String, String> {
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let wrong = || "a `!!binary` value is not valid base64".to_owned();
    let characters: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let mut bytes = Vec::with_capacity(characters.len() / 4 * 3);
    let groups = characters.chunks(4).len();
    for (at, group) in characters.chunks(4).enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if group.len() != 4 || padding > 2 || padding > 0 && at + 1 < groups {
            return Err(wrong());
        }
        let mut bits = 0_u32;
        for byte in group.iter().take(4 - padding) {
            let value = CHARACTERS.iter().position(|character| character == byte).ok_or_else(wrong)?;
            bits = bits << 6 | u32::try_from(value).map_err(|_| wrong())?;
        }
        bits <<= 6 * padding;
        let [_, a, b, c] = bits.to_be_bytes();
        bytes.extend([a, b, c].into_iter().take(3 - padding));
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
