//! Bodies and their expressions.

use super::terms::{grouped, operator_sign};
use super::tree::{CallNode, EveryNode, Node, NodeKind, Statement, StatementKind, WithNode};
use super::writer::{Upset, Writer, Written};
use crate::engine::error::CompileCode;

impl Writer<'_> {
    /// Expressions, each in a line of its own; blank lines between them are kept.
    pub(super) fn body(&mut self, body: &[Statement], next: usize) -> Written {
        let Some(first) = body.first() else { return Ok(next) };
        let mut next = self.insert_comments(next, Some(first.place.row))?;
        let mut last_row = None;
        for statement in body {
            if last_row.is_some_and(|last: u32| statement.place.row > last + 1) {
                self.blank_line();
            }
            self.start_line();
            next = match self.statement(statement, next) {
                Ok(next) => next,
                Err(upset) => self.noted(upset),
            };
            self.end_line();
            let rows = self.text(statement.place).matches('\n').count();
            last_row = Some(statement.place.row + u32::try_from(rows).unwrap_or(0));
        }
        Ok(next)
    }

    /// Keeps what went wrong for the end, unless it is about a comment.
    pub(super) fn noted(&mut self, upset: Upset) -> usize {
        if !upset.is_comment {
            self.note(super::build::NOWHERE, CompileCode::Format, upset.message);
        }
        upset.next
    }

    pub(super) fn statement(&mut self, statement: &Statement, next: usize) -> Written {
        let mut next = self.insert_comments(next, Some(statement.place.row))?;
        if !self.inline {
            self.start_line();
        }
        if statement.negated {
            self.write("not ");
        }
        next = match &statement.kind {
            StatementKind::Term(node) => self.term(node, next)?,
            StatementKind::Call(call) => self.call_statement(call, next)?,
            StatementKind::Some(names) => self.some(names, statement.place.row, next).map_err(self.lost())?,
            StatementKind::SomeIn(operands) => {
                next = self.insert_comments(next, Some(statement.place.row)).map_err(self.lost())?;
                self.write("some ");
                let arity = operands.len();
                self.membership(false, operands, arity, statement.place, next).map_err(self.lost())?
            }
            StatementKind::Every(every) => {
                let EveryNode { key, value, domain, body } = &**every;
                let parts = (key.as_ref(), value, domain);
                self.every(parts, body, statement.place.row, next).map_err(self.lost())?
            }
        };
        self.with(&statement.with, next).map_err(self.lost())
    }

    /// `with` as in the source in the same line or in lines of their own.
    fn with(&mut self, with: &[WithNode], next: usize) -> Written {
        let mut next = next;
        let mut indented = false;
        let mut last_row = None;
        for one in with {
            let same_line = last_row.is_none_or(|last| last == one.place.row);
            if !same_line {
                if !indented {
                    indented = true;
                    self.up();
                }
                self.end_line();
                self.start_line();
            }
            next = self.insert_comments(next, Some(one.place.row))?;
            if same_line {
                self.write(" ");
            }
            self.write("with ");
            next = self.term(&one.target, next)?;
            self.write(" as ");
            next = self.term(&one.value, next)?;
            last_row = Some(one.place.row);
        }
        if indented {
            self.down()?;
        }
        Ok(next)
    }

    fn some(&mut self, names: &[Node], row: u32, next: usize) -> Written {
        let mut next = self.insert_comments(next, Some(row))?;
        self.write("some ");
        let mut row = row;
        for (at, name) in names.iter().enumerate() {
            if !matches!(name.kind, NodeKind::Var(_)) {
                continue;
            }
            if name.place.row > row {
                self.end_line();
                self.start_line();
                self.write("\t");
                row = name.place.row;
            } else if at > 0 {
                self.write(" ");
            }
            next = self.term(name, next)?;
            if at + 1 < names.len() {
                self.write(",");
            }
        }
        Ok(next)
    }

    fn every(
        &mut self,
        (key, value, domain): (Option<&Node>, &Node, &Node),
        body: &[Statement],
        row: u32,
        next: usize,
    ) -> Written {
        let mut next = self.insert_comments(next, Some(row))?;
        self.write("every ");
        if let Some(key) = key {
            next = self.term(key, next)?;
            self.write(", ");
        }
        next = self.term(value, next)?;
        self.write(" in ");
        next = self.term(domain, next)?;
        self.write(" {");
        next = match self.closure_body(body, row, None, next) {
            Ok(next) => next,
            Err(upset) if upset.is_comment => upset.next,
            Err(upset) => return Err(upset),
        };
        if let [only] = body
            && only.place.row == row
        {
            self.write(" ");
        }
        self.write("}");
        Ok(next)
    }

    /// The body of a comprehension or `every`, whose front stands in `row`.
    pub(super) fn closure_body(&mut self, body: &[Statement], row: u32, close: Option<u32>, next: usize) -> Written {
        let Some((last, front)) = body.split_last() else { return Ok(next) };
        let mut order: Vec<_> = body.iter().collect();
        order.sort_by_key(|statement| (statement.place.row, statement.place.column));
        let rows = grouped(&order, |statement: &Statement| statement.place, row);
        if rows.len() > 1 || body.first().is_some_and(|first| first.place.row > row) {
            self.end_line();
            self.up();
            let result = self.body(body, next).and_then(|next| self.insert_comments(next, close).map_err(self.lost()));
            let down = self.down();
            self.start_line();
            return down.and(result);
        }
        let mut next = next;
        self.write(" ");
        for statement in front {
            next = self.statement(statement, next)?;
            self.write("; ");
        }
        next = self.statement(last, next)?;
        self.insert_comments(next, close).map_err(self.lost())
    }

    /// A call or an operator as an expression of its own.
    fn call_statement(&mut self, call: &CallNode, next: usize) -> Written {
        let Some((sign, arity)) = operator_sign(&call.name) else { return self.plain_call(call, next) };
        if sign == "in" {
            return self.membership(false, &call.args, arity, call.place, next);
        }
        match call.args.as_slice() {
            [left, right] => {
                let next = self.term(left, next).map_err(self.lost())?;
                self.write(&format!(" {sign} "));
                self.term(right, next)
            }
            [left, right, result] => {
                let next = self.term(result, next).map_err(self.lost())?;
                self.write(" = ");
                let next = self.term(left, next).map_err(self.lost())?;
                self.write(&format!(" {sign} "));
                self.term(right, next).map_err(self.lost())
            }
            _ => {
                self.note(call.place, CompileCode::Type, format!("{}: arity mismatch", call.name));
                self.plain_call(call, next)
            }
        }
    }
}
