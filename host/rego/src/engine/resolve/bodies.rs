//! Literals of a body.

use std::sync::Arc;

use regorus::Value;

use crate::engine::ast::{Call, Literal, LiteralKind, Term, TermKind, With};
use crate::engine::error::CompileCode;
use crate::engine::ir::{ALONE, Expr, Lit, LitKind, Replacement, Slot, WithModifier, WithTarget};
use crate::engine::safety::is_plain;
use crate::engine::span::Span;

use super::Resolver;
use super::names::{dotted, joined};
use super::scopes::How;

impl Resolver<'_> {
    pub(super) fn literals(&mut self, literals: &[Literal], out: &mut Vec<Lit>) {
        for literal in literals {
            if !self.work.go_on(1) {
                return;
            }
            self.literal(literal, out);
        }
    }

    pub(super) fn literal(&mut self, literal: &Literal, out: &mut Vec<Lit>) {
        self.in_unit(|resolver| {
            resolver.begin_literal();
            resolver.literal_in_unit(literal, out);
        });
    }

    fn literal_in_unit(&mut self, literal: &Literal, out: &mut Vec<Lit>) {
        // As in OPA nothing changes what is printed, nor whether.
        if let LiteralKind::Expr(term) | LiteralKind::Not(term) = &literal.kind
            && let TermKind::Call(call) = &term.kind
            && self.is_print(call)
        {
            literal.with.iter().for_each(|with| self.ignored(with));
            return self.print(call, term.span, out);
        }
        let binds_nothing = match &literal.kind {
            LiteralKind::SomeIn { domain, .. } if !matches!(domain.kind, TermKind::Var(_) | TermKind::Ref(_)) => {
                !self.is_known(domain)
            }
            _ => false,
        };
        self.binds_nothing = binds_nothing || literal.with.iter().any(|with| !self.is_known(&with.value));
        self.literal_with(literal, out);
        self.binds_nothing = false;
    }

    fn literal_with(&mut self, literal: &Literal, out: &mut Vec<Lit>) {
        if literal.with.is_empty() {
            return self.literal_kind(literal, out);
        }
        if matches!(literal.kind, LiteralKind::Every { .. }) {
            literal.with.iter().for_each(|with| self.refuse_functions(with));
        }
        let mut body = Vec::new();
        // As in OPA what `some … in` declares is declared in the values of its `with`, too.
        let declares = matches!(literal.kind, LiteralKind::SomeIn { .. });
        if declares {
            self.literal_kind(literal, &mut body);
        }
        let mods: Vec<_> = literal.with.iter().filter_map(|with| self.with(with, out)).collect();
        if !declares {
            self.literal_kind(literal, &mut body);
        }
        out.push(self.lit(LitKind::With { mods, body }, literal.span));
    }

    fn is_print(&self, call: &Call) -> bool {
        joined(&call.name) == "print" && !self.is_redefined(call)
    }

    /// Looks at the names of a `with` that changes nothing.
    fn ignored(&mut self, with: &With) {
        let noted = self.errors.len();
        if let Some(name) = target_head(&with.target)
            && !matches!(&**name, "input" | "data")
            && self.lookup(name).is_none()
        {
            self.refuse_unknown(name, with.target.span);
        }
        let around = (self.inner_head_from.take(), std::mem::replace(&mut self.ignores, true));
        self.closed(|resolver| resolver.term(&with.value, &mut Vec::new()));
        (self.inner_head_from, self.ignores) = around;
        let mut own = self.errors.split_off(noted);
        own.retain(|error| error.code == CompileCode::Compile);
        self.errors.append(&mut own);
    }

    fn print(&mut self, call: &Call, span: Span, out: &mut Vec<Lit>) {
        self.note_function(call);
        let parts = call.args.iter().map(|arg| self.printed(arg)).collect();
        out.push(Lit { kind: LitKind::Print(parts), span, unit: ALONE });
    }

    fn literal_kind(&mut self, literal: &Literal, out: &mut Vec<Lit>) {
        let span = literal.span;
        match &literal.kind {
            LiteralKind::Expr(term) => {
                let mut main = Vec::new();
                self.expression(term, false, out, &mut main, &mut Vec::new());
                out.append(&mut main);
            }
            LiteralKind::Not(term) => {
                let mut body = Vec::new();
                let mut own = Vec::new();
                self.negated = true;
                self.expression(term, true, out, &mut body, &mut own);
                self.negated = false;
                out.push(Lit { kind: LitKind::Not { body, own }, span, unit: self.unit });
            }
            LiteralKind::Some(names) => {
                for (name, span) in names {
                    self.declare(name, *span, How::Some, 0);
                }
            }
            LiteralKind::SomeIn { key, value, domain } => {
                if self.is_declared("eq") {
                    self.error(span, CompileCode::Type, "undefined function eq");
                }
                self.note("eq");
                let patterns: Vec<_> = key.iter().chain([value]).collect();
                let names = self.members(&patterns, domain, &literal.with);
                let domain = self.term(domain, out);
                for (name, span) in names {
                    self.declare(&name, span, How::SomeIn, 1);
                }
                let key = key.as_ref().map(|key| self.term(key, out));
                let value = self.term(value, out);
                out.push(Lit { kind: LitKind::In { key, value, domain }, span, unit: self.unit });
            }
            LiteralKind::Every { key, value, domain, body } => {
                let domain = self.whole(domain, out);
                let lit = self.closed(|resolver| {
                    resolver.scopes.push(super::Scope::default());
                    for term in key.iter().chain([value]) {
                        resolver.declare_pattern(term, How::Every, 1);
                    }
                    let mut lits = Vec::new();
                    let key = key.as_ref().map(|key| resolver.term(key, &mut lits));
                    let value = resolver.term(value, &mut lits);
                    resolver.open(body, &[]);
                    resolver.foresee(body);
                    resolver.go_on();
                    resolver.literals(body, &mut lits);
                    resolver.close();
                    resolver.close();
                    (key, value, lits)
                });
                let ((key, value, body), free) = lit;
                let body = Arc::new(body);
                out.push(self.lit(LitKind::Every { key, value, domain, body, free }, span));
            }
        }
    }

    /// Resolves something with variables of its own and gives those it needs from outside.
    pub(super) fn closed<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> (T, Vec<Slot>) {
        let met = self.met.len();
        let own = Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        let units = self.units;
        let negated = std::mem::replace(&mut self.negated, false);
        let binds_nothing = std::mem::replace(&mut self.binds_nothing, false);
        let result = inner(self);
        self.negated = negated;
        self.binds_nothing = binds_nothing;
        let mut free: Vec<_> = self.met.iter().skip(met).copied().filter(|slot| *slot < own).collect();
        free.sort_unstable();
        free.dedup();
        // What a closure binds it binds for itself.
        for slot in &free {
            if let Some(first) = self.first_met.get_mut(*slot as usize) {
                *first = first.filter(|first| *first <= units);
            }
        }
        (result, free)
    }

    /// One expression: what must come in front of it goes to `pre`, itself to `main`.
    fn expression(&mut self, term: &Term, negated: bool, pre: &mut Vec<Lit>, main: &mut Vec<Lit>, own: &mut Vec<Slot>) {
        let span = term.span;
        match &term.kind {
            TermKind::Call(call) => match operator(call).filter(|_| !self.is_redefined(call)) {
                Some("assign") => self.assignment(call, span, pre, main),
                Some("eq") => self.equality(call, span, true, negated, pre, main, own),
                Some("equal") => self.equality(call, span, false, negated, pre, main, own),
                _ => {
                    if let Some(kind) = self.call(call, span, None, true, pre) {
                        main.push(self.lit(kind, span));
                    }
                }
            },
            TermKind::Ref(_) | TermKind::Var(_) => match self.path(term, pre) {
                Some(path) => {
                    let kind = LitKind::Ref { path, out: None, bind: false, closed: false, flipped: false };
                    main.push(self.lit(kind, span));
                }
                None => {
                    let expr = self.term(term, pre);
                    main.push(self.lit(LitKind::Truthy(expr), span));
                }
            },
            _ => {
                let expr = self.term(term, pre);
                main.push(self.lit(LitKind::Truthy(expr), span));
            }
        }
    }

    fn assignment(&mut self, call: &Call, span: Span, pre: &mut Vec<Lit>, main: &mut Vec<Lit>) {
        let [left, right] = call.args.as_slice() else { return };
        let refused = not_assignable(left);
        if !refused.is_empty() {
            for (at, what) in refused {
                self.error(at, CompileCode::Compile, format!("cannot assign to {what}"));
            }
            // What else is wrong follows from it.
            return self.declare_pattern(left, How::Assigned, 0);
        }
        for (key, name) in keys_of(left) {
            // As in OPA keys are not renamed as the variables are that they mean.
            self.error(key, CompileCode::UnsafeVar, format!("var {name} is unsafe"));
        }
        // The right side is resolved first: in `x := x + 1` its `x` is the outer one.
        let right = match Side::of(self, right, false, pre) {
            Side::Call(call, call_span) if self.shares_names(left, right) => {
                Side::Expr(self.hoisted_call(&call, call_span, pre))
            }
            other => other,
        };
        self.declare_pattern(left, How::Assigned, 1);
        let left = Side::Expr(self.term(left, pre));
        self.unify(left, right, true, span, pre, main, &mut Vec::new());
    }

    #[expect(clippy::too_many_arguments, reason = "the three lists are where the parts of one expression go")]
    fn equality(
        &mut self,
        call: &Call,
        span: Span,
        bind: bool,
        negated: bool,
        pre: &mut Vec<Lit>,
        main: &mut Vec<Lit>,
        own: &mut Vec<Slot>,
    ) {
        let [left, right] = call.args.as_slice() else { return };
        self.note_function(call);
        let left = Side::of(self, left, negated, pre);
        let right = Side::of(self, right, negated, pre);
        self.unify(left, right, bind, span, pre, main, own);
    }

    #[expect(clippy::too_many_arguments, reason = "the three lists are where the parts of one expression go")]
    fn unify(
        &mut self,
        left: Side,
        right: Side,
        bind: bool,
        span: Span,
        pre: &mut Vec<Lit>,
        main: &mut Vec<Lit>,
        own: &mut Vec<Slot>,
    ) {
        let kind = match (left, right) {
            (Side::Expr(left), Side::Expr(right)) if bind => LitKind::Unify(left, right),
            (Side::Expr(left), Side::Expr(right)) => LitKind::Equal(left, right),
            (Side::Path(path), Side::Expr(out)) => {
                LitKind::Ref { path, out: Some(out), bind, closed: false, flipped: false }
            }
            (Side::Expr(out), Side::Path(path)) => {
                LitKind::Ref { path, out: Some(out), bind, closed: false, flipped: true }
            }
            (Side::Path(left), Side::Path(right)) => {
                let slot = self.slot(None, span);
                own.push(slot);
                let read = |path, bind| {
                    let out = Some(Expr::Var(slot));
                    LitKind::Ref { path, out, bind, closed: false, flipped: false }
                };
                main.push(self.lit(read(right, true), span));
                read(left, false)
            }
            // The call binds the other side itself where nothing of that has to be evaluated.
            (Side::Call(call, call_span), Side::Expr(out)) | (Side::Expr(out), Side::Call(call, call_span))
                if bind && is_plain(&out) && !self.has_parts(pre) =>
            {
                let lit = self.in_unit(|resolver| {
                    let mut kind = resolver.call(&call, call_span, Some(out), false, pre)?;
                    if let LitKind::Call { unified, .. } = &mut kind {
                        *unified = true;
                    }
                    Some(resolver.lit(kind, span))
                });
                main.extend(lit);
                return;
            }
            (Side::Call(call, call_span), other) => {
                let value = self.hoisted_call(&call, call_span, pre);
                return self.unify(Side::Expr(value), other, bind, span, pre, main, own);
            }
            (other, Side::Call(call, call_span)) => {
                let value = self.hoisted_call(&call, call_span, pre);
                return self.unify(other, Side::Expr(value), bind, span, pre, main, own);
            }
        };
        main.push(self.lit(kind, span));
    }

    pub(super) fn with(&mut self, with: &With, out: &mut Vec<Lit>) -> Option<WithModifier> {
        let target = self.with_target(&with.target)?;
        if matches!(target, WithTarget::Function(_))
            && let Some(name) = dotted(&with.value)
        {
            let full = self.full_path(&name);
            let found = match &full {
                Some(path) => self.policy_function(path),
                None if self.lookup(name.first()?).is_none() => self.allowed_builtin(&joined(&name)),
                None => None,
            };
            if let Some(found) = found {
                if self.arity_of(&with.target).is_some_and(|arity| arity != found.arity) {
                    let name = self.function_text(&with.target);
                    self.error(with.value.span, CompileCode::Type, format!("{name}: arity mismatch"));
                    return None;
                }
                return Some(WithModifier { target, value: Replacement::Function(found.callee) });
            }
        }
        let value = self.whole(&with.value, out);
        Some(WithModifier { target, value: Replacement::Value(value) })
    }

    /// As in OPA the types of what a `with` of `every` names are checked as those of references, of which none is a function.
    fn refuse_functions(&mut self, with: &With) {
        for term in [&with.target, &with.value] {
            let Some(name) = dotted(term) else { continue };
            let is_function = match self.full_path(&name) {
                Some(path) => self.policy_function(&path).is_some(),
                None if name.first().is_some_and(|first| self.lookup(first).is_some()) => false,
                None => self.allowed_builtin(&joined(&name)).is_some(),
            };
            if is_function {
                let message = format!("function {} used as reference, not called", self.function_text(term));
                self.error(term.span, CompileCode::Type, message);
            }
        }
    }

    /// How many arguments the function that a `with` replaces takes.
    fn arity_of(&self, target: &Term) -> Option<usize> {
        let name = dotted(target)?;
        match self.full_path(&name) {
            Some(path) => self.policy_function(&path).map(|found| found.arity),
            None => self.allowed_builtin(&joined(&name)).map(|found| found.arity),
        }
    }

    /// The full name of a function.
    fn function_text(&self, target: &Term) -> String {
        let name = dotted(target).unwrap_or_default();
        joined(&self.full_path(&name).unwrap_or(name))
    }

    fn with_target(&mut self, term: &Term) -> Option<WithTarget> {
        let (head, path) = match &term.kind {
            TermKind::Var(name) => (name.clone(), &[][..]),
            TermKind::Ref(reference) => match &reference.head.kind {
                TermKind::Var(name) => (name.clone(), reference.path.as_slice()),
                _ => return self.bad_target(term),
            },
            _ => return self.bad_target(term),
        };
        let mut values = Vec::new();
        for term in path {
            match &term.kind {
                TermKind::Scalar(value) => values.push(value.clone()),
                _ => return self.bad_target(term),
            }
        }
        if let Some(name) = dotted(term) {
            let full = self.full_path(&name);
            if let Some(found) = full.as_deref().and_then(|path| self.policy_function(path)) {
                return Some(WithTarget::Function(found.callee));
            }
            let name = joined(&name);
            if full.is_none()
                && let Some(found) = self.allowed_builtin(&name)
            {
                if let Some(why) = not_replaceable(&name) {
                    return self.refuse_target(term, format!("with keyword replacing built-in function: {why}"));
                }
                return Some(WithTarget::Function(found.callee));
            }
        }
        if let Some(name @ ("eq" | "rego.metadata.chain" | "rego.metadata.rule")) =
            dotted(term).map(|name| joined(&name)).as_deref()
        {
            let message = format!("with keyword replacing built-in function: replacement of {name:?} invalid");
            return self.refuse_target(term, message);
        }
        // In Rego of before 1.0 a local variable may be named `input`; the target of a `with` is still the document.
        let front = match self.full_path(std::slice::from_ref(&head)) {
            Some(front) => front,
            None if &*head == "input" => vec![head],
            None => return self.bad_target(term),
        };
        let mut full: Vec<Value> = front.iter().skip(1).map(|name| Value::String(name.clone())).collect();
        full.append(&mut values);
        match front.first().map(|name| &**name) {
            Some("input") => Some(WithTarget::Input(full)),
            _ if self.tree.is_inside_a_rule(&full) => {
                self.refuse_target(term, "with keyword cannot partially replace virtual document(s)")
            }
            _ => Some(WithTarget::Data(full)),
        }
    }

    /// In what is ignored a target may be what cannot be replaced, as in OPA.
    fn refuse_target<T>(&mut self, term: &Term, message: impl Into<String>) -> Option<T> {
        if !self.ignores {
            self.error(term.span, CompileCode::Compile, message);
        }
        None
    }

    fn bad_target<T>(&mut self, term: &Term) -> Option<T> {
        let message = "with keyword target must reference existing input, data, or a function";
        self.error(term.span, CompileCode::Type, message);
        None
    }
}

/// The name with which the target of a `with` begins.
fn target_head(target: &Term) -> Option<&crate::engine::ast::Name> {
    match &target.kind {
        TermKind::Var(name) => Some(name),
        TermKind::Ref(reference) => target_head(&reference.head),
        _ => None,
    }
}

/// The variables that are keys in a pattern.
fn keys_of(term: &Term) -> Vec<(Span, crate::engine::ast::Name)> {
    match &term.kind {
        TermKind::Array(items) => items.iter().flat_map(keys_of).collect(),
        TermKind::Object(items) => {
            let own = items.iter().filter_map(|(key, _)| match &key.kind {
                TermKind::Var(name) => Some((key.span, name.clone())),
                _ => None,
            });
            own.chain(items.iter().flat_map(|(_, value)| keys_of(value))).collect()
        }
        _ => Vec::new(),
    }
}

/// Why a `with` cannot replace a built-in function, in OPA's words.
fn not_replaceable(name: &str) -> Option<String> {
    match name {
        "walk" => Some("target must not be a relation".to_owned()),
        "print" => Some("target must not be a void function".to_owned()),
        _ if name.starts_with("internal.") => Some(format!("replacement of internal function {name:?} invalid")),
        _ => None,
    }
}

/// What stands in an assignment's pattern that no value can be assigned to, in OPA's words.
fn not_assignable(term: &Term) -> Vec<(Span, &'static str)> {
    let what = match &term.kind {
        TermKind::Var(_) => return Vec::new(),
        TermKind::Array(items) => return items.iter().flat_map(not_assignable).collect(),
        TermKind::Object(items) => return items.iter().flat_map(|(_, value)| not_assignable(value)).collect(),
        TermKind::Scalar(Value::Null) => "null",
        TermKind::Scalar(Value::Bool(_)) => "boolean",
        TermKind::Scalar(Value::Number(_)) => "number",
        TermKind::Scalar(_) => "string",
        TermKind::Ref(_) => "ref",
        TermKind::Set(_) => "set",
        TermKind::Call(_) => "call",
        TermKind::ArrayOf(_) => "arraycomprehension",
        TermKind::SetOf(_) => "setcomprehension",
        TermKind::ObjectOf(_) => "objectcomprehension",
        TermKind::Template(_) => "templatestring",
    };
    vec![(term.span, what)]
}

/// The name of an operator or a function.
fn operator(call: &Call) -> Option<&str> {
    if call.operator { call.name.first().map(|name| &**name) } else { None }
}

/// One side of `=`.
enum Side {
    Expr(Expr),
    Path(crate::engine::ir::Path),
    Call(Arc<Call>, Span),
}

impl Side {
    fn of(resolver: &mut Resolver<'_>, term: &Term, negated: bool, pre: &mut Vec<Lit>) -> Self {
        match &term.kind {
            TermKind::Call(call) if !negated && call_is_plain(call) => Self::Call(call.clone(), term.span),
            TermKind::Ref(_) | TermKind::Var(_) => match resolver.path(term, pre) {
                Some(path) => Self::Path(path),
                None => Self::Expr(resolver.term(term, pre)),
            },
            _ => Self::Expr(resolver.term(term, pre)),
        }
    }
}

/// Whether a call needs nothing special: the rest goes through `term`.
fn call_is_plain(call: &Call) -> bool {
    !joined(&call.name).starts_with("rego.metadata.")
}
