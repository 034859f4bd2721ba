//! Values, references, calls and operators.

use std::sync::Arc;

use regorus::Value;

use crate::engine::ast::{Call, Comprehension, Literal, LiteralKind, Name, Part, Ref, Term, TermKind};
use crate::engine::bytes::admitted;
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

/// Tokens of one file that may be read more than once: collections with `|` within one another take twice as long with
/// each level, `[a | [a | [a | …, 1], 1], 1]`.
const READ_TWICE: usize = 1_000_000;

/// Where a collection is read again from, when its first reading turned out wrong.
#[derive(Clone, Copy)]
struct Again {
    at: usize,
    errors: usize,
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
        if let Some((_, term, end)) = self.read.take_if(|(at, _, _)| *at == self.at) {
            self.at = end;
            return Ok(term);
        }
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
            Kind::Minus if self.token(1).kind == Kind::Number => {
                self.bump();
                let number = self.bump();
                TermKind::Scalar(self.number(number.span, true)?)
            }
            Kind::String | Kind::RawString => {
                self.bump();
                TermKind::Scalar(Value::String(self.string_text(token)?))
            }
            Kind::TemplateStart if !self.has_templates => {
                return self.fail(self.span(), "template strings are not supported by current capabilities");
            }
            Kind::TemplateStart => self.template()?,
            Kind::LBracket => self.array()?,
            Kind::LBrace => self.set_or_object()?,
            Kind::LParen => {
                self.bump();
                let inner = self.keyed_expr()?;
                self.expect(Kind::RParen, "`)`")?;
                self.parentheses.insert((inner.span.start, inner.span.end), self.since(start));
                return match inner.kind {
                    // Only these can be referred into.
                    TermKind::Scalar(_) | TermKind::Template(_) | TermKind::Ref(_) => Ok(inner),
                    _ => self.tail(inner),
                };
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
        if text == "set" && self.kind() == Kind::LParen && !self.token(0).space && self.token(1).kind == Kind::RParen {
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

    /// Where the elements of a collection begin.
    fn elements(&self) -> Again {
        Again { at: self.at, errors: self.errors.len() }
    }

    /// Goes back to where the elements begin. What stands there was a term by itself if `head` is given: it is not read
    /// twice.
    fn again(&mut self, from: Again, head: Option<Term>) -> Parsed<()> {
        if let Some(head) = head {
            self.read = Some((from.at, head, self.at));
        } else {
            self.read_twice += self.at.saturating_sub(from.at);
            if self.read_twice > READ_TWICE {
                return self.fail(self.span(), "too many collections with `|` within one another");
            }
        }
        self.errors.truncate(from.errors);
        self.at = from.at;
        Ok(())
    }

    /// The body of a comprehension behind its `|`, up to `end`, which is taken. None where it is the operator `|` after all,
    /// in one of several elements: as in OPA that is so when the body ends at a comma.
    fn comprehension(&mut self, end: Kind, wanted: &str) -> Parsed<Option<Vec<Literal>>> {
        self.bump();
        let body = self.nested(|parser| parser.body(end));
        match body {
            _ if self.kind() == Kind::Comma => Ok(None),
            Ok(body) => self.expect(end, wanted).map(|_| Some(body)),
            Err(failed) => Err(failed),
        }
    }

    fn array(&mut self) -> Parsed<TermKind> {
        self.bump();
        if self.eat(Kind::RBracket) {
            return Ok(TermKind::Array(Vec::new()));
        }
        let leading = self.eat(Kind::Comma);
        let from = self.elements();
        // As in OPA only a single term can stand in front of a comprehension's `|`.
        let head = self.term()?;
        match self.kind() {
            Kind::RBracket | Kind::Comma => self.again(from, Some(head))?,
            Kind::Or if !leading => match self.comprehension(Kind::RBracket, "`]`")? {
                Some(body) => {
                    return Ok(TermKind::ArrayOf(Arc::new(Comprehension { key: None, value: head, body })));
                }
                None => self.again(from, None)?,
            },
            _ => self.again(from, Some(head))?,
        }
        Ok(TermKind::Array(self.list(Kind::RBracket)?))
    }

    fn set_or_object(&mut self) -> Parsed<TermKind> {
        self.bump();
        if self.eat(Kind::RBrace) {
            return Ok(TermKind::Object(Vec::new()));
        }
        let leading = self.eat(Kind::Comma);
        let from = self.elements();
        let head = self.term()?;
        match self.kind() {
            Kind::Or if !leading => match self.comprehension(Kind::RBrace, "`}`")? {
                Some(body) => return Ok(TermKind::SetOf(Arc::new(Comprehension { key: None, value: head, body }))),
                None => {
                    self.again(from, None)?;
                    return Ok(TermKind::Set(self.list(Kind::RBrace)?));
                }
            },
            Kind::Colon => return self.object(head, !leading),
            _ => self.again(from, Some(head))?,
        }
        let first = self.expr()?;
        if self.kind() == Kind::Colon {
            return self.object(first, !leading);
        }
        let mut items = vec![first];
        if self.eat(Kind::Comma) {
            items.append(&mut self.list(Kind::RBrace)?);
        } else {
            self.expect(Kind::RBrace, "`,` or `}`")?;
        }
        Ok(TermKind::Set(items))
    }

    /// The rest of an object behind its first key.
    fn object(&mut self, key: Term, may_be_comprehension: bool) -> Parsed<TermKind> {
        self.bump();
        let from = self.elements();
        let value = self.term()?;
        if self.kind() == Kind::Or && may_be_comprehension {
            match self.comprehension(Kind::RBrace, "`}`")? {
                Some(body) => {
                    return Ok(TermKind::ObjectOf(Arc::new(Comprehension { key: Some(key), value, body })));
                }
                None => self.again(from, None)?,
            }
        } else {
            self.again(from, Some(value))?;
        }
        let value = self.expr()?;
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
                Kind::TemplateText => parts.push(Part::Text(self.escaped(token.span, self.text(token.span), true)?)),
                Kind::TemplateRaw => {
                    parts.push(Part::Text(admitted(&self.text(token.span).replace("\\{", "{")).into()));
                }
                Kind::ExprStart => {
                    let literal = self.nested(Self::literal)?;
                    let is_assignment =
                        |call: &Call| call.operator && call.name.first().is_some_and(|name| &**name == "assign");
                    match &literal.kind {
                        LiteralKind::Expr(Term { kind: TermKind::Call(call), .. }) if is_assignment(call) => {
                            return self.fail(literal.span, "unexpected assignment in a template");
                        }
                        LiteralKind::Expr(_) => {}
                        _ => return self.fail(literal.span, "only an expression can stand in a template"),
                    }
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
