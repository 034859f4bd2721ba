//! HCL 2, as Terraform has it, as the JSON that conftest makes of it (`hcl2json`).
//!
//! Blocks are objects below their labels, and each block is an item of a list. What is not a literal, list, object or
//! string stays the text of the expression in `${…}`.

mod expression;
mod template;

use serde_json::{Map, Value, map::Entry};

use crate::MAX_DEPTH;

/// Reads a file.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut parser = Parser { text, at: 0, depth: 0, newlines: false };
    let body = parser.body(None).map_err(|why| parser.placed(&why))?;
    Ok(Value::Object(body))
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// Whether line breaks are as good as spaces: between brackets and parentheses.
    newlines: bool,
}

type Read<T> = Result<T, String>;

impl<'t> Parser<'t> {
    fn placed(&self, why: &str) -> String {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{why} at line {line}, column {column}")
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn starts(&self, what: &str) -> bool {
        self.rest().starts_with(what)
    }

    fn take(&mut self, what: &str) -> bool {
        let found = self.starts(what);
        if found {
            self.at += what.len();
        }
        found
    }

    fn expect(&mut self, what: &str) -> Read<()> {
        if self.take(what) { Ok(()) } else { Err(format!("`{what}` is missing")) }
    }

    fn while_(&mut self, is: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|character| !is(character)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Goes on to the next word, over spaces and comments, and over line breaks where they mean nothing.
    fn space(&mut self) -> Read<()> {
        loop {
            let newlines = self.newlines;
            self.while_(|one| matches!(one, ' ' | '\t' | '\r') || newlines && one == '\n');
            if self.starts("#") || self.starts("//") {
                self.while_(|one| one != '\n');
            } else if self.starts("/*") {
                let end = self.rest().find("*/").ok_or("a comment is not closed")?;
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    /// The same over line breaks, too.
    fn lines(&mut self) -> Read<()> {
        let before = std::mem::replace(&mut self.newlines, true);
        let done = self.space();
        self.newlines = before;
        done
    }

    fn enter(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(format!("it is nested more than {MAX_DEPTH} levels deep")) } else { Ok(()) }
    }

    fn name(&mut self) -> Option<&'t str> {
        self.peek().filter(|first| first.is_alphabetic() || *first == '_')?;
        Some(self.while_(|one| one.is_alphanumeric() || one == '_' || one == '-'))
    }

    /// Attributes and blocks up to `}`, or to the end.
    fn body(&mut self, end: Option<&str>) -> Read<Map<String, Value>> {
        self.enter()?;
        let (mut attributes, mut blocks) = (Map::new(), Map::new());
        loop {
            self.lines()?;
            match end {
                Some(end) if self.take(end) => break,
                None if self.rest().is_empty() => break,
                _ => {}
            }
            let name = self.name().ok_or("a name is missing")?;
            self.space()?;
            if self.starts("=") && !self.starts("==") {
                self.at += 1;
                let value = self.expression()?.value(self);
                if attributes.insert(name.to_owned(), value).is_some() {
                    return Err(format!("`{name}` is set twice"));
                }
            } else {
                self.block(name, &mut blocks)?;
            }
            self.space()?;
            let over = self.rest().is_empty() || self.starts("\n") || end.is_some_and(|end| self.starts(end));
            if !over {
                return Err("a line break is missing".to_owned());
            }
        }
        self.depth -= 1;
        blocks.extend(attributes);
        Ok(blocks)
    }

    /// A block from its labels on.
    fn block(&mut self, name: &str, to: &mut Map<String, Value>) -> Read<()> {
        let mut path = vec![name.to_owned()];
        loop {
            self.space()?;
            if self.take("{") {
                break;
            }
            let label = if self.take("\"") {
                self.label()?
            } else {
                self.name().ok_or("neither a value nor a block follows the name")?.to_owned()
            };
            path.push(label);
            self.enter()?;
        }
        let outer = std::mem::replace(&mut self.newlines, false);
        let body = Value::Object(self.body(Some("}"))?);
        self.newlines = outer;
        self.depth -= path.len() - 1;
        let mixed = || format!("there are `{name}` blocks with and without labels");
        let mut to = to;
        let last = path.pop().unwrap_or_default();
        for part in path {
            let inner = to.entry(part).or_insert_with(|| Value::Object(Map::new()));
            to = inner.as_object_mut().ok_or_else(mixed)?;
        }
        match to.entry(last) {
            Entry::Vacant(place) => drop(place.insert(Value::Array(vec![body]))),
            Entry::Occupied(mut place) => place.get_mut().as_array_mut().ok_or_else(mixed)?.push(body),
        }
        Ok(())
    }

    /// A label in quotes, from behind the first one.
    fn label(&mut self) -> Read<String> {
        let mut label = String::new();
        loop {
            match self.peek() {
                None | Some('\n') => return Err("a label is not closed".to_owned()),
                Some('"') => {
                    self.at += 1;
                    return Ok(label);
                }
                Some('\\') => label.push(self.escape()?),
                Some(other) => {
                    self.at += other.len_utf8();
                    label.push(other);
                }
            }
        }
    }

    /// A character that is written with a backslash.
    fn escape(&mut self) -> Read<char> {
        let mut characters = self.rest().chars().skip(1);
        let (value, length) = match characters.next() {
            Some('n') => ('\n', 2),
            Some('r') => ('\r', 2),
            Some('t') => ('\t', 2),
            Some(same @ ('"' | '\\')) => (same, 2),
            Some(kind @ ('u' | 'U')) => {
                let digits = if kind == 'u' { 4 } else { 8 };
                let code = self.rest().get(2..2 + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                (code.and_then(char::from_u32).ok_or("an escape sequence is not a valid character")?, 2 + digits)
            }
            _ => return Err("unknown escape sequence".to_owned()),
        };
        self.at += length;
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
