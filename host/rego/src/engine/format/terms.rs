//! Terms: references, calls, operators, collections, comprehensions, templates.

use std::collections::BTreeSet;

use super::term_text::{is_name, quoted, term_text};
use super::tree::{CallNode, Closure, Node, NodeKind, Piece, Place, Statement};
use super::writer::{Writer, Written, closing_row};
use crate::engine::error::CompileCode;

/// The sign of the operator that a function of this name is, and how many operands it has.
pub(super) fn operator_sign(name: &str) -> Option<(&'static str, usize)> {
    Some(match name {
        "assign" => (":=", 2),
        "eq" => ("=", 2),
        "equal" => ("==", 2),
        "neq" => ("!=", 2),
        "lt" => ("<", 2),
        "lte" => ("<=", 2),
        "gt" => (">", 2),
        "gte" => (">=", 2),
        "plus" => ("+", 2),
        "minus" => ("-", 2),
        "mul" => ("*", 2),
        "div" => ("/", 2),
        "rem" => ("%", 2),
        "and" => ("&", 2),
        "or" => ("|", 2),
        "internal.member_2" => ("in", 2),
        "internal.member_3" => ("in", 3),
        _ => return None,
    })
}

/// An element of a list, a set or an object.
#[derive(Clone, Copy)]
enum Element<'t> {
    One(&'t Node),
    Pair(&'t Node, &'t Node),
}

impl Element<'_> {
    fn place(self) -> Place {
        match self {
            Self::One(node) | Self::Pair(node, _) => node.place,
        }
    }
}

impl Writer<'_> {
    /// A term; what cannot hold its comments is written as it is.
    pub(super) fn term(&mut self, node: &Node, next: usize) -> Written {
        if next >= self.comments.len() {
            return self.term_in(false, node, next);
        }
        let length = self.out.len();
        match self.term_in(false, node, next) {
            Err(upset) if upset.is_comment => {
                self.out.truncate(length);
                let next = self.write_as_it_is(node.place, next)?;
                Err(super::writer::Upset { next, ..upset })
            }
            result => result.map_err(self.lost()),
        }
    }

    /// The same; with `parentheses` an operator is put in them.
    pub(super) fn term_in(&mut self, parentheses: bool, node: &Node, next: usize) -> Written {
        let mut next = self.insert_comments(next, Some(node.place.row)).map_err(self.lost())?;
        if !self.inline {
            self.start_line();
        }
        match &node.kind {
            NodeKind::Plain(text) => self.write(text),
            NodeKind::Text(text) => self.text_term(text, node.place),
            NodeKind::Var(name) => self.write(name),
            NodeKind::Ref(nodes) => next = self.reference(nodes, next).map_err(self.lost())?,
            NodeKind::Call(call) => next = self.call_term(parentheses, call, node.place, next).map_err(self.lost())?,
            NodeKind::Array(items) => {
                let items = items.iter().map(Element::One).collect();
                next = self.collection(items, node.place, (b'[', b']'), next).map_err(self.lost())?;
            }
            NodeKind::Set(items) if items.is_empty() => {
                self.write("set()");
                let row = closing_row(self.text(node.place), node.place.row, b'(', b')');
                next = self.insert_comments(next, row).map_err(self.lost())?;
            }
            NodeKind::Set(items) => {
                let mut seen = BTreeSet::new();
                let items = items.iter().filter(|item| seen.insert(term_text(item))).map(Element::One).collect();
                next = self.collection(items, node.place, (b'{', b'}'), next).map_err(self.lost())?;
            }
            NodeKind::Object(items) => {
                let items = last_of_each(items);
                next = self.collection(items, node.place, (b'{', b'}'), next).map_err(self.lost())?;
            }
            NodeKind::ArrayOf(closure) => {
                next = self.closure(closure, node.place, (b'[', b']'), next).map_err(self.lost())?;
            }
            NodeKind::SetOf(closure) | NodeKind::ObjectOf(closure) => {
                next = self.closure(closure, node.place, (b'{', b'}'), next).map_err(self.lost())?;
            }
            NodeKind::Template { raw, pieces } => next = self.template(*raw, pieces, next).map_err(self.lost())?,
        }
        if !self.inline {
            self.start_line();
        }
        Ok(next)
    }

    /// A string as it is in the source, where it stands there as a string.
    fn text_term(&mut self, value: &str, place: Place) {
        let text = self.text(place);
        if text.starts_with('`') {
            return self.write(text);
        }
        let quote = text.chars().next_back().filter(|last| matches!(last, '"' | '`'));
        match quote.and_then(|quote| Some((quote, text.split_once(quote)?.1))) {
            Some((quote, rest)) => {
                self.out.push(quote);
                self.write(rest);
            }
            None => self.write(&quoted(value)),
        }
    }

    fn template(&mut self, raw: bool, pieces: &[Piece], next: usize) -> Written {
        let mut next = next;
        let quote = if raw { "`" } else { "\"" };
        self.write("$");
        self.write(quote);
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Text { text, .. } => self.template_text(raw, text),
                Piece::Scalar(Node { kind: NodeKind::Text(text), .. }) => self.template_text(raw, text),
                Piece::Scalar(node) => self.write(&term_text(node)),
                Piece::Statement(statement) => {
                    next = self.template_statement(statement, pieces.get(at + 1).map(Piece::place), next)?;
                }
            }
        }
        self.write(quote);
        Ok(next)
    }

    fn template_statement(&mut self, statement: &Statement, behind: Option<Place>, next: usize) -> Written {
        let mut next = next;
        self.write("{");
        self.up();
        if self.line_comment.is_some() {
            // A comment stands behind the brace.
            self.end_line();
            self.start_line();
        } else {
            let above = self.comments_above(next, statement.place.row);
            if above > 0 {
                self.write(" ");
                self.inline = true;
                self.write_comments(next, next + above);
                next += above;
            }
        }
        next = self.statement(statement, next)?;
        if let Some(behind) = behind {
            let above = self.comments_above(next, behind.row);
            if above > 0 {
                self.end_line();
                self.write_comments(next, next + above);
                next += above;
                self.start_line();
            }
        }
        self.write("}");
        self.down()?;
        Ok(next)
    }

    fn template_text(&mut self, raw: bool, text: &str) {
        if raw {
            return self.write(&with_escaped_braces(text));
        }
        let text = with_escaped_braces(&quoted(text));
        self.write(text.get(1..text.len() - 1).unwrap_or_default());
    }

    /// `a.b["c d"][x]`
    pub(super) fn reference(&mut self, nodes: &[Node], next: usize) -> Written {
        let Some((head, path)) = nodes.split_first() else { return Ok(next) };
        let parentheses = matches!(head.kind, NodeKind::Call(_)) && self.text(head.place).starts_with('(');
        let mut next = self.term_in(parentheses, head, next).map_err(self.lost())?;
        for part in path {
            match &part.kind {
                NodeKind::Text(text) => self.field(text, part.place),
                NodeKind::Var(name) => self.write(&format!("[{name}]")),
                _ => {
                    self.write("[");
                    next = match self.term(part, next) {
                        Ok(next) => next,
                        Err(upset) if upset.is_comment => {
                            // The bracket must not become part of the comment.
                            self.write("\n");
                            upset.next
                        }
                        Err(upset) => return Err(self.lost()(upset)),
                    };
                    self.write("]");
                }
            }
        }
        Ok(next)
    }

    /// `.name` or `["name"]`; a keyword stays as it was written.
    fn field(&mut self, text: &str, place: Place) {
        let is_keyword = self.style.keywords.iter().any(|keyword| keyword == text);
        if !is_name(text) || (is_keyword && self.text(place).starts_with('"')) {
            self.write(&format!("[{}]", quoted(text)));
        } else {
            self.write(".");
            self.write(text);
        }
    }

    /// `f(a, b)`
    pub(super) fn plain_call(&mut self, call: &CallNode, next: usize) -> Written {
        self.reference(&call.function, next)?;
        self.write("(");
        // As in OPA the arguments are laid out by the name, of which no sign closes anything.
        let args = call.args.iter().map(Element::One).collect();
        let result = self.elements(args, call.place, None, next).map_err(self.lost());
        self.write(")");
        result
    }

    fn call_term(&mut self, parentheses: bool, call: &CallNode, place: Place, next: usize) -> Written {
        let Some((sign, arity)) = operator_sign(&call.name) else { return self.plain_call(call, next) };
        if sign == "in" {
            return self.membership(true, &call.args, arity, place, next);
        }
        if parentheses {
            self.write("(");
        }
        let [left, right] = call.args.as_slice() else {
            self.note(place, CompileCode::Type, format!("{}: arity mismatch", call.name));
            return Ok(next);
        };
        let next = self.term_in(true, left, next).map_err(self.lost())?;
        self.write(&format!(" {sign} "));
        let next = self.term_in(true, right, next).map_err(self.lost())?;
        if parentheses {
            self.write(")");
        }
        Ok(next)
    }

    /// `x in xs` and `k, v in xs`; the latter is put in parentheses where that is wanted.
    pub(super) fn membership(
        &mut self,
        parentheses: bool,
        operands: &[Node],
        arity: usize,
        place: Place,
        next: usize,
    ) -> Written {
        if operands.len() != arity {
            self.note(place, CompileCode::Type, format!("internal.member_{arity}: arity mismatch"));
            return Ok(next);
        }
        let parentheses = parentheses && arity == 3;
        if parentheses {
            self.write("(");
        }
        let result = self.membership_operands(operands, next);
        if parentheses {
            self.write(")");
        }
        result
    }

    fn membership_operands(&mut self, operands: &[Node], next: usize) -> Written {
        let mut next = next;
        for (at, operand) in operands.iter().enumerate() {
            if at + 1 == operands.len() {
                self.write(" in ");
            } else if at > 0 {
                self.write(", ");
            }
            next = self.term_in(true, operand, next).map_err(self.lost())?;
        }
        Ok(next)
    }

    fn collection(&mut self, items: Vec<Element<'_>>, place: Place, signs: (u8, u8), next: usize) -> Written {
        self.out.push(char::from(signs.0));
        let row = closing_row(self.text(place), place.row, signs.0, signs.1);
        let result = self.elements(items, place, row, next);
        self.out.push(char::from(signs.1));
        result
    }

    /// The arguments of a head.
    pub(super) fn head_arguments(&mut self, args: &[Node], place: Place, next: usize) -> Written {
        let row = closing_row(self.text(place), place.row, b'(', b')');
        self.elements(args.iter().map(Element::One).collect(), place, row, next)
    }

    /// Elements between two signs: those of one row of the source stay in one row.
    fn elements(&mut self, mut items: Vec<Element<'_>>, last: Place, close: Option<u32>, next: usize) -> Written {
        items.sort_by_key(|item| (item.place().row, item.place().column));
        let rows = grouped(&items, Element::place, last.row);
        let mut next = next;
        if rows.len() > 1 {
            self.delay_comment();
            self.start_lines();
        }
        for (at, row) in rows.iter().enumerate() {
            for (at, element) in row.iter().enumerate() {
                if at > 0 {
                    self.write(", ");
                }
                next = self.element(*element, next).map_err(self.lost())?;
            }
            if rows.len() > 1 {
                self.write(",");
                self.end_line();
                if at + 1 < rows.len() {
                    self.start_line();
                }
            }
        }
        if rows.len() > 1 {
            next = self.insert_comments(next, close).map_err(self.lost())?;
            self.down()?;
            self.start_line();
        }
        Ok(next)
    }

    fn element(&mut self, element: Element<'_>, next: usize) -> Written {
        match element {
            Element::One(node) => self.union_in_parentheses(node, next),
            Element::Pair(key, value) => {
                let next = self.union_in_parentheses(key, next).map_err(self.lost())?;
                self.write(": ");
                self.union_in_parentheses(value, next)
            }
        }
    }

    /// `(a | b)` keeps its parentheses in a collection, where it might be read as a comprehension.
    fn union_in_parentheses(&mut self, node: &Node, next: usize) -> Written {
        let is_union = matches!(&node.kind, NodeKind::Call(call) if call.name == "or");
        let parentheses = is_union && self.text(node.place).starts_with('(');
        if parentheses {
            self.write("(");
        }
        let result = self.term(node, next);
        if parentheses {
            self.write(")");
        }
        result
    }

    fn closure(&mut self, closure: &Closure, place: Place, signs: (u8, u8), next: usize) -> Written {
        self.out.push(char::from(signs.0));
        let result = self.closure_inside(closure, place, signs, next);
        self.out.push(char::from(signs.1));
        result
    }

    fn closure_inside(&mut self, closure: &Closure, place: Place, signs: (u8, u8), next: usize) -> Written {
        let mut next = next;
        let mut at = closure.value.place;
        let mut moved = None;
        if let Some(key) = &closure.key {
            if i64::from(key.place.row) - i64::from(place.row) > 1 {
                self.end_line();
                self.start_line();
            }
            next = self.term(key, next).map_err(self.lost())?;
            self.write(": ");
            // As in OPA the value stands where the key stands.
            at = key.place;
            moved = Some(Node { place: at, kind: closure.value.kind.clone() });
        }
        let value = moved.as_ref().unwrap_or(&closure.value);
        if at.row > place.row {
            self.end_line();
            self.start_line();
        }
        let parentheses = matches!(value.kind, NodeKind::Call(_)) && self.text(at).starts_with('(');
        let next = self.term_in(parentheses, value, next).map_err(self.lost())?;
        self.write(" |");
        let close = closing_row(self.text(place), place.row, signs.0, signs.1);
        self.closure_body(&closure.body, at.row, close, next)
    }
}

/// Elements by the rows of the source they stand in.
pub(super) fn grouped<T: Copy>(items: &[T], place: impl Fn(T) -> Place, first_row: u32) -> Vec<Vec<T>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut last = first_row;
    for (at, item) in items.iter().enumerate() {
        let here = place(*item).row;
        if here > last && at > 0 {
            rows.push(std::mem::take(&mut row));
        }
        last = here;
        row.push(*item);
    }
    rows.push(row);
    rows
}

/// Of the items of one key the first key and the last value.
fn last_of_each(items: &[(Node, Node)]) -> Vec<Element<'_>> {
    let mut found: Vec<Element<'_>> = Vec::with_capacity(items.len());
    let mut at = std::collections::BTreeMap::new();
    for (key, value) in items {
        let index = *at.entry(term_text(key)).or_insert(found.len());
        match found.get_mut(index) {
            Some(Element::Pair(_, last)) => *last = value,
            _ => found.push(Element::Pair(key, value)),
        }
    }
    found
}

/// `{` as `\{`, where it is not.
fn with_escaped_braces(text: &str) -> String {
    if text.matches('{').count() == text.matches("\\{").count() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 1);
    let mut before = ' ';
    for character in text.chars() {
        if character == '{' && before != '\\' {
            out.push('\\');
        }
        out.push(character);
        before = character;
    }
    out
}
