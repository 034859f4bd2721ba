//! YAML as Go writes it: `go.yaml.in/yaml/v2`, which `sigs.k8s.io/yaml`, OPA's `yaml.marshal` and `ec`'s reports write with.
//!
//! Keys are sorted as people sort them, items are not indented below their key, lines are folded at the first white space
//! after 80 characters, and strings are plain where YAML 1.1 would read them as strings.

mod order;
mod yaml_scalar;

use serde_json::{Map, Value};

use self::{order::sorted_fields, yaml_scalar::Style};
use crate::{
    float,
    yaml_words::{Word, read},
};

/// Where two readers would not agree on what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As Go writes it, to the byte.
    Go,
    /// For every reader: U+2028 and U+2029, which YAML 1.2 does not take for line breaks as Go does, are escaped, and whole
    /// numbers keep their digits, where Go makes a float of one that 64 bits do not hold.
    Careful,
}

/// The column after which a line is folded at the next white space.
const WIDTH: usize = 80;

/// A key longer than this stands on lines of its own, after `?`.
const SIMPLE_KEY_BYTES: usize = 128;

/// A document as YAML. Objects and lists may nest as deeply as JSON that was read.
#[must_use]
pub fn to_string(value: &Value, dialect: Dialect) -> String {
    let mut writer = Writer { text: String::new(), column: 0, begun: false, dialect };
    match value {
        Value::Object(fields) if !fields.is_empty() => writer.mapping(fields, 0, true),
        Value::Array(items) if !items.is_empty() => writer.sequence(items, 0, true),
        other => writer.leaf(other, 0),
    }
    writer.new_line(0);
    writer.text
}

struct Writer {
    text: String,
    /// Characters on the current line.
    column: usize,
    /// Whether the line that comes next has begun: a line break of another kind than `\n` ended the last one.
    begun: bool,
    dialect: Dialect,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
        self.begun &= text.is_empty();
    }

    fn character(&mut self, character: char) {
        self.text.push(character);
        self.column += 1;
    }

    fn new_line(&mut self, indent: usize) {
        if !std::mem::take(&mut self.begun) {
            self.text.push('\n');
        }
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Fields at `indent`; the first one stands where the writer is when it is `inline`.
    fn mapping(&mut self, fields: &Map<String, Value>, indent: usize, mut inline: bool) {
        for (key, value) in sorted_fields(fields) {
            if !std::mem::take(&mut inline) {
                self.new_line(indent);
            }
            if key.len() <= SIMPLE_KEY_BYTES && !yaml_scalar::has_breaks(key) {
                self.scalar(key, indent, true);
                self.put(":");
                self.below_key(value, indent);
            } else {
                self.put("? ");
                self.scalar(key, indent, false);
                self.new_line(indent);
                self.put(": ");
                self.inline(value, indent);
            }
        }
    }

    fn below_key(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(fields) if !fields.is_empty() => self.mapping(fields, indent + 2, false),
            Value::Array(items) if !items.is_empty() => self.sequence(items, indent, false),
            other => {
                self.put(" ");
                self.leaf(other, indent);
            }
        }
    }

    /// Items at `indent`; the first one stands where the writer is when it is `inline`.
    fn sequence(&mut self, items: &[Value], indent: usize, mut inline: bool) {
        for item in items {
            if !std::mem::take(&mut inline) {
                self.new_line(indent);
            }
            self.put("- ");
            self.inline(item, indent);
        }
    }

    /// A value right after an indicator of two characters.
    fn inline(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(fields) if !fields.is_empty() => self.mapping(fields, indent + 2, true),
            Value::Array(items) if !items.is_empty() => self.sequence(items, indent + 2, true),
            other => self.leaf(other, indent),
        }
    }

    fn leaf(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(value) => self.put(if *value { "true" } else { "false" }),
            Value::Number(number) => {
                let text = number.to_string();
                let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                let text = match (self.dialect, read(&text)) {
                    (Dialect::Careful, _) if is_whole => text,
                    (Dialect::Careful, _) => number.as_f64().map_or(text, float::general),
                    (Dialect::Go, Word::Whole(number)) => number.to_string(),
                    (Dialect::Go, Word::Float(number)) => float::general(number),
                    (Dialect::Go, _) => text,
                };
                self.put(&text);
            }
            Value::String(text) => self.scalar(text, indent, false),
            Value::Array(_) => self.put("[]"),
            Value::Object(_) => self.put("{}"),
        }
    }

    /// A string below something at `indent`.
    fn scalar(&mut self, text: &str, indent: usize, is_key: bool) {
        let indent = indent + 2;
        match yaml_scalar::style(text, is_key, self.dialect) {
            Style::Plain => self.folded(text, indent, !is_key, "", |_| false),
            Style::Single => {
                self.put("'");
                self.folded(text, indent, !is_key, "'", |character| character == '\'');
                self.put("'");
            }
            Style::Double => self.double(text, indent, !is_key),
            Style::Literal => self.literal(text, indent),
        }
    }

    /// Text without `\n`, folded at single spaces; `escape` stands before each character that wants it.
    fn folded(&mut self, text: &str, indent: usize, may_fold: bool, escape: &str, wants: fn(char) -> bool) {
        let mut characters = text.chars().peekable();
        let mut spaces = false;
        let mut is_first = true;
        while let Some(character) = characters.next() {
            if character == ' ' {
                let next = characters.peek();
                let is_inside = next.is_some_and(|next| *next != ' ') && !is_first;
                if may_fold && !spaces && self.column > WIDTH && is_inside {
                    self.new_line(indent);
                } else {
                    self.character(' ');
                }
                spaces = true;
            } else if yaml_scalar::is_break(character) {
                self.other_break(character);
                if characters.peek().is_some_and(|next| !yaml_scalar::is_break(*next)) {
                    self.new_line(indent);
                }
                spaces = false;
            } else {
                if wants(character) {
                    self.put(escape);
                }
                self.character(character);
                spaces = false;
            }
            is_first = false;
        }
    }

    fn double(&mut self, text: &str, indent: usize, may_fold: bool) {
        self.put("\"");
        let mut characters = text.chars().peekable();
        let mut spaces = false;
        let mut is_first = true;
        while let Some(character) = characters.next() {
            if let Some(escaped) = yaml_scalar::escaped(character) {
                self.put(&escaped);
                spaces = false;
            } else if character == ' ' {
                let next = characters.peek();
                if may_fold && !spaces && self.column > WIDTH && next.is_some() && !is_first {
                    self.new_line(indent);
                    if next == Some(&' ') {
                        self.put("\\");
                    }
                } else {
                    self.character(' ');
                }
                spaces = true;
            } else {
                self.character(character);
                spaces = false;
            }
            is_first = false;
        }
        self.put("\"");
    }

    /// A line break that is not `\n` stands for itself.
    fn other_break(&mut self, character: char) {
        self.text.push(character);
        self.begun = true;
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with(' ') || text.starts_with(yaml_scalar::is_break) {
            self.put("2");
        }
        match text.strip_suffix(yaml_scalar::is_break) {
            None => self.put("-"),
            Some(rest) if rest.is_empty() || rest.ends_with(yaml_scalar::is_break) => self.put("+"),
            Some(_) => {}
        }
        let mut at_start = true;
        // The break after `|` comes with what follows.
        let mut breaks = 1_usize;
        for character in text.chars() {
            if character == '\n' && self.begun {
                self.text.push('\n');
                at_start = true;
            } else if character == '\n' {
                breaks += 1;
                at_start = true;
            } else if yaml_scalar::is_break(character) {
                std::iter::repeat_n((), std::mem::take(&mut breaks)).for_each(|()| self.new_line(0));
                self.other_break(character);
                at_start = true;
            } else {
                if std::mem::take(&mut at_start) {
                    (1..std::mem::take(&mut breaks)).for_each(|_| self.new_line(0));
                    self.new_line(indent);
                }
                self.character(character);
            }
        }
        // The last one is that of the line that comes next.
        (1..breaks).for_each(|_| self.new_line(0));
    }
}
