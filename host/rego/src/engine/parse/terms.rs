//! Values, references, calls and operators.

use std::sync::Arc;

use regorus::Value;

use crate::engine::ast::{Call, Comprehension, Literal, LiteralKind, Name, Part, Ref, Term, TermKind};
use crate::engine::lex::Kind;
use crate::engine::limits::{ARGUMENTS, PATH};
use crate::engine::span::Span;

use super::{Parsed, Parser};

/// Operators from the weakest to the strongest, each level with the functions they stand for.
const LEVELS: &[&[(Kind, &str)]] = &[
    &[
        (Kind::Equal, "equal"),
        (Kind::NotEqual, "neq"),
        (Kind::Less, "lt"),
        (Kind::LessEqual, "lte"),
        (Kind::Greater, "gt"),
        (Kind::GreaterEqual, "gte"),
    ],
    &[(Kind::Or, "or")],
    &[(Kind::And, "and")],
    &[(Kind::Plus, "plus"), (Kind::Minus, "minus")],
    &[(Kind::Star, "mul"), (Kind::Slash, "div"), (Kind::Percent, "rem")],
];

/// What stands between `[` or `{` and a `|`.
enum Opened {
    Body(Vec<Literal>),
    /// It was the operator `|` after all, and this is the whole expression.
    Operator(Term),
}

impl Parser<'_> {
    /// An expression: operators, calls, `x in xs`.
    pub(super) fn expr(&mut self) -> Parsed<Term> {
        self.membership(false)
    }

    /// The same where `k, v in xs` may stand.
    pub(super) fn keyed_expr(&mut self) -> Parsed<Term> {
        self.membership(true)
    }

    fn membership(&mut self, keyed: bool) -> Parsed<Term> {
        let start = self.span();
        let mut left = self.level(0)?;
        if keyed && self.kind() == Kind::Comma && self.pair_ahead() {
            self.bump();
            let value = self.level(0)?;
            let sign = self.span();
            if !self.eat_keyword("in") {
                return self.unexpected("`in`");
            }
            let domain = self.level(0)?;
            left = self.operator(start, "internal.member_3", sign, vec![left, value, domain]);
        }
        let mut chain = 0_usize;
        while self.at_keyword("in") {
            chain += 1;
            if chain > crate::engine::limits::NESTING {
                return self.fail(self.span(), "too many operators in one expression");
            }
            let sign = self.bump().span;
            let domain = self.level(0)?;
            left = self.operator(start, "internal.member_2", sign, vec![left, domain]);
        }
        Ok(left)
    }

    /// Whether an `in` follows the comma before the expression can end: only then it is `k, v in xs`.
    fn pair_ahead(&self) -> bool {
        let mut open = 0_usize;
        let mut ahead = 1;
        loop {
            let token = self.token(ahead);
            match token.kind {
                Kind::End => return false,
                Kind::LBrace | Kind::LBracket | Kind::LParen | Kind::ExprStart => open += 1,
                Kind::RBrace | Kind::RBracket | Kind::RParen | Kind::ExprEnd => match open.checked_sub(1) {
                    Some(less) => open = less,
                    None => return false,
                },
                Kind::Comma | Kind::Semicolon | Kind::Assign | Kind::Unify if open == 0 => return false,
                Kind::Ident if open == 0 && self.text(token.span) == "in" && self.is_keyword(ahead) => return true,
                _ => {}
            }
            if open == 0 && ahead > 1 && token.newline {
                return false;
            }
            ahead += 1;
        }
    }

    fn level(&mut self, level: usize) -> Parsed<Term> {
        let Some(operators) = LEVELS.get(level) else { return self.term() };
        let start = self.span();
        let mut left = self.level(level + 1)?;
        let mut chain = 0_usize;
        loop {
            let kind = self.kind();
            if kind == Kind::Or && self.no_or {
                return Ok(left);
            }
            let Some((_, name)) = operators.iter().find(|(operator, _)| *operator == kind) else { return Ok(left) };
            // A chain is a tree as deep as it is long.
            chain += 1;
            if chain > crate::engine::limits::NESTING {
                return self.fail(self.span(), "too many operators in one expression");
            }
            let sign = self.bump().span;
            let right = self.level(level + 1)?;
            left = self.operator(start, name, sign, vec![left, right]);
        }
    }

    pub(super) fn operator(&mut self, start: Span, name: &str, sign: Span, args: Vec<Term>) -> Term {
        let call = Call { name: vec![Name::from(name)], args, name_span: sign, operator: true };
        Term { kind: TermKind::Call(Arc::new(call)), span: self.since(start) }
    }

    /// A term without operators around it.
    pub(super) fn term(&mut self) -> Parsed<Term> {
        self.nested(Self::term_inner)
    }

    fn term_inner(&mut self) -> Parsed<Term> {
        let token = self.token(0);
        let start = token.span;
        let kind = match token.kind {
            Kind::Ident => return self.named(),
            Kind::Number => {
                self.bump();
                TermKind::Scalar(self.number(start, false)?)
            }
            Kind::Minus if self.token(1).kind == Kind::Number && !self.token(1).space => {
                self.bump();
                let number = self.bump();
                TermKind::Scalar(self.number(number.span, true)?)
            }
            Kind::String | Kind::RawString => {
                self.bump();
                TermKind::Scalar(Value::String(self.string_text(token)?))
            }
            Kind::TemplateStart => self.template()?,
            Kind::LBracket => self.array()?,
            Kind::LBrace => self.set_or_object()?,
            Kind::LParen => {
                self.bump();
                let inner = self.keyed_expr()?;
                self.expect(Kind::RParen, "`)`")?;
                return Ok(inner);
            }
            _ => return self.unexpected("a value"),
        };
        let term = Term { kind, span: self.since(start) };
        match term.kind {
            TermKind::Scalar(_) | TermKind::Template(_) => Ok(term),
            _ => self.tail(term),
        }
    }

    /// What begins with a word: a constant, a variable, a reference, a call.
    fn named(&mut self) -> Parsed<Term> {
        let token = self.token(0);
        let text = self.text(token.span);
        if self.is_keyword(0) {
            let value = match text {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                // A function of the same name as a keyword, as in `contains(x, y)`.
                _ if self.token(1).kind == Kind::LParen && !self.token(1).space && text == "contains" => {
                    self.bump();
                    let head = Term { kind: TermKind::Var(self.name(token.span)), span: token.span };
                    return self.tail(head);
                }
                _ => return self.unexpected("a value"),
            };
            self.bump();
            return Ok(Term { kind: TermKind::Scalar(value), span: token.span });
        }
        self.bump();
        if text == "set" && self.kind() == Kind::LParen && self.token(1).kind == Kind::RParen {
            self.bump();
            self.bump();
            let term = Term { kind: TermKind::Set(Vec::new()), span: self.since(token.span) };
            return self.tail(term);
        }
        let name = self.name(token.span);
        self.tail(Term { kind: TermKind::Var(name), span: token.span })
    }

    /// `.a[b](c)` behind a term.
    fn tail(&mut self, head: Term) -> Parsed<Term> {
        let start = head.span;
        let mut head = head;
        let mut path: Vec<Term> = Vec::new();
        loop {
            let token = self.token(0);
            if token.space {
                break;
            }
            match token.kind {
                Kind::Dot => {
                    self.bump();
                    let field = self.expect(Kind::Ident, "a name")?;
                    if field.space {
                        return self.fail(field.span, "unexpected space behind a dot");
                    }
                    path.push(self.field(field.span));
                }
                Kind::LBracket => {
                    self.bump();
                    let key = self.nested(Self::expr)?;
                    path.push(key);
                    self.expect(Kind::RBracket, "`]`")?;
                }
                Kind::LParen => {
                    let Some(name) = dotted_name(&head, &path) else {
                        return self.fail(token.span, "only a function can be called");
                    };
                    let name_span = self.since(start);
                    self.bump();
                    let args = self.nested(|parser| parser.list(Kind::RParen))?;
                    if args.len() > ARGUMENTS {
                        return self.fail(name_span, format!("more than {ARGUMENTS} arguments"));
                    }
                    let call = Call { name, args, name_span, operator: false };
                    head = Term { kind: TermKind::Call(Arc::new(call)), span: self.since(start) };
                    path.clear();
                }
                _ => break,
            }
            if path.len() > PATH {
                return self.fail(start, format!("a reference of more than {PATH} parts"));
            }
        }
        if path.is_empty() {
            return Ok(head);
        }
        let span = self.since(start);
        Ok(Term { kind: TermKind::Ref(Arc::new(Ref { head, path })), span })
    }

    /// Expressions up to `end`, which is taken; a comma may stand behind the last.
    pub(super) fn list(&mut self, end: Kind) -> Parsed<Vec<Term>> {
        let mut terms = Vec::new();
        loop {
            if self.eat(end) {
                return Ok(terms);
            }
            terms.push(self.expr()?);
            if !self.eat(Kind::Comma) {
                self.expect(end, "`,` or the end of the list")?;
                return Ok(terms);
            }
        }
    }

    /// An expression in front of a possible `|`.
    fn head_expr(&mut self) -> Parsed<Term> {
        self.no_or = true;
        let term = self.expr();
        self.no_or = false;
        term
    }

    /// The body behind `|`, or the rest of an expression with the operator `|`.
    fn after_or(&mut self, start: Span, head: &Term, end: Kind) -> Parsed<Opened> {
        let sign = self.bump().span;
        let mut body = self.body(end)?;
        if self.kind() != Kind::Comma {
            return Ok(Opened::Body(body));
        }
        match (body.pop(), body.is_empty()) {
            (Some(Literal { kind: LiteralKind::Expr(right), with, .. }), true) if with.is_empty() => {
                Ok(Opened::Operator(self.operator(start, "or", sign, vec![head.clone(), right])))
            }
            _ => self.unexpected("the end of the comprehension"),
        }
    }

    fn array(&mut self) -> Parsed<TermKind> {
        let start = self.bump().span;
        if self.eat(Kind::RBracket) {
            return Ok(TermKind::Array(Vec::new()));
        }
        let mut first = self.head_expr()?;
        if self.kind() == Kind::Or {
            match self.after_or(start, &first, Kind::RBracket)? {
                Opened::Body(body) => {
                    self.expect(Kind::RBracket, "`]`")?;
                    return Ok(TermKind::ArrayOf(Arc::new(Comprehension { key: None, value: first, body })));
                }
                Opened::Operator(term) => first = term,
            }
        }
        let mut items = vec![first];
        if self.eat(Kind::Comma) {
            items.append(&mut self.list(Kind::RBracket)?);
        } else {
            self.expect(Kind::RBracket, "`,` or `]`")?;
        }
        Ok(TermKind::Array(items))
    }

    fn set_or_object(&mut self) -> Parsed<TermKind> {
        let start = self.bump().span;
        if self.eat(Kind::RBrace) {
            return Ok(TermKind::Object(Vec::new()));
        }
        let mut first = self.head_expr()?;
        if self.eat(Kind::Colon) {
            return self.object(start, first);
        }
        if self.kind() == Kind::Or {
            match self.after_or(start, &first, Kind::RBrace)? {
                Opened::Body(body) => {
                    self.expect(Kind::RBrace, "`}`")?;
                    return Ok(TermKind::SetOf(Arc::new(Comprehension { key: None, value: first, body })));
                }
                Opened::Operator(term) => first = term,
            }
        }
        let mut items = vec![first];
        if self.eat(Kind::Comma) {
            items.append(&mut self.list(Kind::RBrace)?);
        } else {
            self.expect(Kind::RBrace, "`,` or `}`")?;
        }
        Ok(TermKind::Set(items))
    }

    /// The rest of an object behind its first key and colon.
    fn object(&mut self, start: Span, key: Term) -> Parsed<TermKind> {
        let mut value = self.head_expr()?;
        if self.kind() == Kind::Or {
            match self.after_or(start, &value, Kind::RBrace)? {
                Opened::Body(body) => {
                    self.expect(Kind::RBrace, "`}`")?;
                    return Ok(TermKind::ObjectOf(Arc::new(Comprehension { key: Some(key), value, body })));
                }
                Opened::Operator(term) => value = term,
            }
        }
        let mut items = vec![(key, value)];
        while self.eat(Kind::Comma) {
            if self.kind() == Kind::RBrace {
                break;
            }
            let key = self.expr()?;
            self.expect(Kind::Colon, "`:`")?;
            let value = self.expr()?;
            items.push((key, value));
        }
        self.expect(Kind::RBrace, "`,` or `}`")?;
        Ok(TermKind::Object(items))
    }

    fn template(&mut self) -> Parsed<TermKind> {
        self.bump();
        let mut parts = Vec::new();
        loop {
            let token = self.bump();
            match token.kind {
                Kind::TemplateText => parts.push(Part::Text(self.escaped(token.span, self.text(token.span))?)),
                Kind::TemplateRaw => parts.push(Part::Text(self.text(token.span).replace("\\{", "{").into())),
                Kind::ExprStart => {
                    let literal = self.nested(Self::literal)?;
                    self.expect(Kind::ExprEnd, "`}` of the template")?;
                    parts.push(Part::Expr(Arc::new(literal)));
                }
                Kind::TemplateEnd => return Ok(TermKind::Template(parts)),
                _ => return self.fail(token.span, "expected the end of the template"),
            }
        }
    }
}

/// The name of a function: a variable and strings.
fn dotted_name(head: &Term, path: &[Term]) -> Option<Vec<Name>> {
    let TermKind::Var(first) = &head.kind else { return None };
    let mut name = vec![first.clone()];
    for term in path {
        match &term.kind {
            TermKind::Scalar(Value::String(text)) => name.push(text.clone()),
            _ => return None,
        }
    }
    Some(name)
}
