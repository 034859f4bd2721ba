//! Literals: expressions, `some`, `every`, `not`, `with`.

use crate::engine::ast::{Literal, LiteralKind, Term, TermKind, With};
use crate::engine::lex::Kind;

use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn braced(&mut self) -> Parsed<Vec<Literal>> {
        self.expect(Kind::LBrace, "`{`")?;
        let empty = self.kind() == Kind::RBrace;
        if empty {
            return self.fail(self.span(), "found empty body");
        }
        let body = self.nested(|parser| parser.body(Kind::RBrace))?;
        self.expect(Kind::RBrace, "`}`")?;
        Ok(body)
    }

    /// Literals up to `end`, which is not taken.
    pub(super) fn body(&mut self, end: Kind) -> Parsed<Vec<Literal>> {
        let mut body = Vec::new();
        if self.kind() == end {
            return self.fail(self.span(), "found empty body");
        }
        loop {
            body.push(self.literal()?);
            // As in OPA a semicolon stands between two expressions, and nowhere else.
            if self.eat(Kind::Semicolon) {
                continue;
            }
            let next = self.token(0);
            if next.kind == end {
                return Ok(body);
            }
            if !next.newline {
                return self.unexpected("a new line, `;` or the end of the body");
            }
        }
    }

    pub(super) fn literal(&mut self) -> Parsed<Literal> {
        let start = self.span();
        let kind = if self.at_keyword("some") {
            self.bump();
            self.some()?
        } else if self.at_keyword("every") {
            self.bump();
            self.every()?
        } else if self.eat_keyword("not") {
            LiteralKind::Not(self.statement_expr()?)
        } else {
            LiteralKind::Expr(self.statement_expr()?)
        };
        let span = self.since(start);
        let mut with = Vec::new();
        while self.at_keyword("with") {
            let start = self.bump().span;
            let target = self.term()?;
            if !self.eat_keyword("as") {
                return self.unexpected("`as`");
            }
            let value = self.keyed_expr()?;
            with.push(With { target, value, span: self.since(start) });
        }
        Ok(Literal { kind, with, span })
    }

    /// An expression with an optional `:=` or `=`.
    fn statement_expr(&mut self) -> Parsed<Term> {
        let start = self.span();
        let left = self.keyed_expr()?;
        let operator = match self.kind() {
            Kind::Assign => "assign",
            Kind::Unify => "eq",
            _ => return Ok(left),
        };
        let sign = self.bump().span;
        let right = self.keyed_expr()?;
        Ok(self.operator(start, operator, sign, vec![left, right]))
    }

    fn some(&mut self) -> Parsed<LiteralKind> {
        let first = self.term()?;
        let mut terms = vec![first];
        while self.eat(Kind::Comma) {
            terms.push(self.term()?);
        }
        if self.eat_keyword("in") {
            let domain = self.expr()?;
            let value = terms.pop();
            let key = terms.pop();
            return match (value, terms.is_empty()) {
                (Some(value), true) => Ok(LiteralKind::SomeIn { key, value, domain }),
                _ => self.fail(domain.span, "`some … in` takes a value, or a key and a value"),
            };
        }
        let mut names = Vec::new();
        for Term { kind, span } in terms {
            match kind {
                TermKind::Var(name) => names.push((name, span)),
                _ => return self.fail(span, "expected `x in xs`, `x, y in xs`, or a list of variables behind `some`"),
            }
        }
        Ok(LiteralKind::Some(names))
    }

    fn every(&mut self) -> Parsed<LiteralKind> {
        let first = self.term()?;
        let second = if self.eat(Kind::Comma) { Some(self.term()?) } else { None };
        if !self.eat_keyword("in") {
            return self.unexpected("`in` of `every`");
        }
        let domain = self.expr()?;
        for term in [Some(&first), second.as_ref()].into_iter().flatten() {
            if !matches!(&term.kind, TermKind::Var(name) if !matches!(&**name, "input" | "data")) {
                return self.fail(term.span, "expected a variable in front of the `in` of `every`");
            }
        }
        let body = self.braced()?;
        let (key, value) = match second {
            Some(value) => (Some(first), value),
            None => (None, first),
        };
        Ok(LiteralKind::Every { key, value, domain, body })
    }
}
