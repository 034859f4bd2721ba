//! Terms: what is nested in them moves in front of the literal.

use std::collections::BTreeMap;
use std::sync::Arc;

use regorus::Value;

use crate::engine::ast::{Call, Comprehension, Part, Term, TermKind};
use crate::engine::error::CompileCode;
use crate::engine::ir::{ALONE, Callee, Closure, Collect, Expr, Lit, LitKind, Path, Piece, Root, Slot};
use crate::engine::rule_tree::Kind;
use crate::engine::safety::is_plain;
use crate::engine::span::Span;

use super::Resolver;
use super::names::joined;
use super::scopes::{How, kept_body, term_names};

impl Resolver<'_> {
    /// The term without references and calls; those become literals in `pre`.
    pub(super) fn term(&mut self, term: &Term, pre: &mut Vec<Lit>) -> Expr {
        match &term.kind {
            TermKind::Scalar(value) => Expr::Const(value.clone()),
            TermKind::Var(name) if &**name == "_" => {
                let slot = self.slot(Some(name.clone()), term.span);
                self.met.push(slot);
                Expr::Var(slot)
            }
            TermKind::Var(_) | TermKind::Ref(_) => match self.path(term, pre) {
                Some(path) => self.hoisted(path, term.span, pre),
                None => self.local(term),
            },
            TermKind::Array(items) => {
                let items = items.iter().map(|item| self.term(item, pre)).collect();
                fold(Expr::Array(items))
            }
            TermKind::Set(items) => {
                let items = items.iter().map(|item| self.term(item, pre)).collect();
                fold(Expr::Set(items))
            }
            TermKind::Object(items) => {
                let items = items.iter().map(|(key, value)| (self.term(key, pre), self.term(value, pre))).collect();
                fold(Expr::Object(items))
            }
            TermKind::Call(call) => self.hoisted_call(call, term.span, pre),
            TermKind::ArrayOf(of) => self.comprehension(Collect::Array, of, term.span),
            TermKind::SetOf(of) => self.comprehension(Collect::Set, of, term.span),
            TermKind::ObjectOf(of) => self.comprehension(Collect::Object, of, term.span),
            TermKind::Template(parts) => self.template(parts),
        }
    }

    fn local(&mut self, term: &Term) -> Expr {
        let TermKind::Var(name) = &term.kind else { return Expr::Const(Value::Undefined) };
        self.note_in_head(name);
        match self.lookup(name) {
            Some(slot) => {
                self.meet(slot);
                Expr::Var(slot)
            }
            None => {
                self.refuse_unknown(name, term.span);
                Expr::Const(Value::Undefined)
            }
        }
    }

    /// The path of a reference; `None` for a plain local variable.
    pub(super) fn path(&mut self, term: &Term, pre: &mut Vec<Lit>) -> Option<Path> {
        let (head, rest) = match &term.kind {
            TermKind::Var(_) => (term, &[][..]),
            TermKind::Ref(reference) => (&reference.head, reference.path.as_slice()),
            _ => return None,
        };
        let mut path = Vec::with_capacity(rest.len() + 2);
        let root = match &head.kind {
            TermKind::Var(name) => match self.lookup(name) {
                Some(_) if rest.is_empty() => return None,
                Some(slot) => {
                    self.note_in_head(name);
                    self.meet(slot);
                    Root::Slot(slot)
                }
                None => match self.full_path(std::slice::from_ref(name)) {
                    Some(full) => {
                        path.extend(full.iter().skip(1).map(|name| Expr::Const(Value::String(name.clone()))));
                        if full.first().is_some_and(|name| &**name == "input") { Root::Input } else { Root::Data }
                    }
                    None if rest.is_empty() => return None,
                    None => match self.local(head) {
                        Expr::Var(slot) => Root::Slot(slot),
                        _ => return None,
                    },
                },
            },
            _ => Root::Slot(self.in_unit(|resolver| match resolver.term(head, pre) {
                Expr::Var(slot) => slot,
                expr => resolver.moved_out(expr, head.span, pre),
            })),
        };
        path.extend(rest.iter().map(|term| self.term(term, pre)));
        // In rules the check of types says so, which does not look at queries.
        if self.annotations.is_none()
            && matches!(root, Root::Data)
            && let Some(function) = self.tree.function_at(&path)
        {
            let message = format!("function {} used as reference, not called", self.tree.name(function));
            self.error(term.span, CompileCode::Type, message);
        }
        Some(Path { root, path })
    }

    /// A literal of the expression that is resolved.
    pub(super) fn lit(&self, kind: LitKind, span: Span) -> Lit {
        Lit { kind, span, unit: self.unit }
    }

    /// Whether references were moved out of the expression that is resolved.
    pub(super) fn has_parts(&self, pre: &[Lit]) -> bool {
        // Units count upwards, so its parts are among the last.
        pre.iter().rev().take_while(|lit| lit.unit >= self.unit).any(|lit| lit.unit == self.unit)
    }

    /// Resolves an expression of its own.
    pub(super) fn in_unit<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.units = self.units.saturating_add(1);
        let around = std::mem::replace(&mut self.unit, self.units);
        let result = inner(self);
        self.unit = around;
        result
    }

    /// A term that as in OPA is an expression of its own: where a reference in it may bind something and more is needed for the
    /// term, such as what a call in it gives, the whole has a variable.
    pub(super) fn whole(&mut self, term: &Term, pre: &mut Vec<Lit>) -> Expr {
        self.in_unit(|resolver| {
            let from = pre.len();
            let expr = resolver.term(term, pre);
            let unit = resolver.unit;
            let own = pre.get(from..).unwrap_or_default();
            let binds = own.iter().any(|lit| lit.unit == unit && resolver.may_need(lit));
            let mut needs = own.iter().any(|lit| lit.unit != unit) || !is_plain(&expr);
            expr.slots(&mut |slot| needs |= resolver.is_named(slot));
            if binds && needs && !matches!(expr, Expr::Var(_)) {
                Expr::Var(resolver.moved_out(expr, term.span, pre))
            } else {
                expr
            }
        })
    }

    /// Whether a reference has variables of the policy, that it binds or needs.
    fn may_need(&self, lit: &Lit) -> bool {
        let LitKind::Ref { path, .. } = &lit.kind else { return false };
        let mut found = matches!(path.root, Root::Slot(slot) if self.is_named(slot));
        for expr in &path.path {
            expr.slots(&mut |slot| found |= self.is_named(slot));
        }
        found
    }

    /// Whether a variable is one of the policy.
    fn is_named(&self, slot: Slot) -> bool {
        self.slots.get(slot as usize).is_some_and(|info| info.name.is_some())
    }

    /// A variable that has the value of a term.
    fn moved_out(&mut self, expr: Expr, span: Span, pre: &mut Vec<Lit>) -> Slot {
        let slot = self.slot(None, span);
        self.met.push(slot);
        pre.push(self.lit(LitKind::Unify(Expr::Var(slot), expr), span));
        slot
    }

    fn hoisted(&mut self, path: Path, span: Span, pre: &mut Vec<Lit>) -> Expr {
        let slot = self.slot(None, span);
        self.met.push(slot);
        let out = Some(Expr::Var(slot));
        let kind = LitKind::Ref { path, out, bind: true, closed: self.negated, flipped: false };
        pre.push(self.lit(kind, span));
        Expr::Var(slot)
    }

    pub(super) fn hoisted_call(&mut self, call: &Arc<Call>, span: Span, pre: &mut Vec<Lit>) -> Expr {
        if let Some(value) = self.metadata(call) {
            return Expr::Const(value);
        }
        let slot = self.slot(None, span);
        self.met.push(slot);
        let out = Some(Expr::Var(slot));
        // As in OPA a nested call leaves the negation that it stands in, and its arguments may bind.
        let negated = std::mem::replace(&mut self.negated, false);
        self.in_unit(|resolver| {
            if let Some(kind) = resolver.call(call, span, out, false, pre) {
                pre.push(resolver.lit(kind, span));
            }
        });
        self.negated = negated;
        Expr::Var(slot)
    }

    /// A call with its arguments moved to `pre`. A call as a whole expression may have its result as a last argument.
    pub(super) fn call(
        &mut self,
        call: &Arc<Call>,
        span: Span,
        out: Option<Expr>,
        statement: bool,
        pre: &mut Vec<Lit>,
    ) -> Option<LitKind> {
        let mut args: Vec<_> = call.args.iter().map(|arg| self.term(arg, pre)).collect();
        if let Some("eq" | "assign") = call.operator.then(|| call.name.first().map_or("", |name| &**name))
            && !self.is_redefined(call)
        {
            self.error(span, CompileCode::Parse, "`=` and `:=` cannot stand inside a term");
            return None;
        }
        if let Some(path) = args.is_empty().then(|| self.called_rule(call)).flatten() {
            return Some(LitKind::Ref { path, out, bind: true, closed: self.negated, flipped: false });
        }
        let found = self.function(call)?;
        let mut out = out;
        if statement && args.len() == found.arity + 1 {
            out = args.pop();
        } else if args.len() != found.arity {
            let message = self.wrong_count(&found, &args, &joined(&call.name));
            self.error(span, CompileCode::Type, message);
            return None;
        }
        Some(LitKind::Call { callee: found.callee, args, out, unified: false })
    }

    /// The rule that `f()` names, if it is no function. As in OPA that is a reference to it, as long as nothing is known of its
    /// value; else the check of types refuses it.
    fn called_rule(&mut self, call: &Call) -> Option<Path> {
        if call.operator || call.name.first().is_some_and(|first| self.is_declared(first)) {
            return None;
        }
        let full = self.full_path(&call.name)?;
        let (root, path) = full.split_first()?;
        let node = self.tree.find(path.iter().map(|name| &**name)).filter(|_| &**root == "data")?;
        if self.tree.node(node)?.kind != Kind::Complete {
            return None;
        }
        self.called.push((node, call.name_span));
        let path = path.iter().map(|name| Expr::Const(Value::String(name.clone()))).collect();
        Some(Path { root: Root::Data, path })
    }

    /// What is said to a call with too few or too many arguments.
    fn wrong_count(&self, found: &super::names::ResolvedFunction, args: &[Expr], name: &str) -> String {
        let have = args.len();
        if let Callee::Function(id) = found.callee {
            let plural = if have == 1 { "" } else { "s" };
            let name = self.tree.name(id);
            return format!("function {name} has arity {}, got {have} argument{plural}", found.arity);
        }
        let shown = args.iter().map(|arg| match arg {
            Expr::Const(Value::Null) => "null",
            Expr::Const(Value::Bool(_)) => "boolean",
            Expr::Const(Value::Number(_)) => "number",
            Expr::Const(Value::String(_)) => "string",
            _ => "???",
        });
        let shown: Vec<_> = shown.chain(["???"]).collect();
        let mut message = format!("{name}: arity mismatch\n\thave: ({})", shown.join(", "));
        if let Callee::Builtin(builtin) = found.callee {
            let want: Vec<_> = builtin.args.iter().map(ToString::to_string).collect();
            message.push_str(&format!("\n\twant: ({})", want.join(", ")));
        }
        message
    }

    /// The constant that a call of `rego.metadata.*` is in this rule.
    fn metadata(&mut self, call: &Call) -> Option<Value> {
        let name = joined(&call.name);
        let (annotations, file, rule) = self.annotations?;
        match name.as_str() {
            "rego.metadata.chain" if !self.work.made(annotations.links(file)) => Some(Value::Undefined),
            "rego.metadata.chain" => Some(annotations.chain(file, rule)),
            "rego.metadata.rule" => Some(annotations.rule(file, rule)),
            _ => None,
        }
    }

    fn comprehension(&mut self, collect: Collect, of: &Comprehension, span: Span) -> Expr {
        let ((key, value, body), free) = self.closed(|resolver| {
            let mut heads: Vec<&Term> = of.key.iter().collect();
            heads.push(&of.value);
            let kept = kept_body(&of.body, &heads);
            resolver.open(kept, &heads);
            let mut body = Vec::new();
            resolver.literals(kept, &mut body);
            let around = resolver.inner_head_from.replace(resolver.scopes.len());
            let key = of.key.as_ref().map(|key| resolver.whole(key, &mut body));
            let value = resolver.whole(&of.value, &mut body);
            resolver.inner_head_from = around;
            resolver.close();
            (key, value, body)
        });
        Expr::Comprehension(Arc::new(Closure { collect, key, value, body, free, span }))
    }

    /// An argument of `print` or a part of a template: the set of its values, which may be empty.
    pub(super) fn printed(&mut self, term: &Term) -> Arc<Closure> {
        self.refuse_undeclared(term, false);
        self.captured(term)
    }

    /// The set of the values of a term.
    fn captured(&mut self, term: &Term) -> Arc<Closure> {
        let ((value, body), free) = self.closed(|resolver| {
            let mut body = Vec::new();
            let value = resolver.whole(term, &mut body);
            (value, body)
        });
        Arc::new(Closure { collect: Collect::Set, key: None, value, body, free, span: term.span })
    }

    /// A call in a template gives one value at most.
    fn refuse_relation(&mut self, term: &Term) {
        if let TermKind::Call(call) = &term.kind
            && joined(&call.name) == "walk"
            && self.full_path(&call.name).is_none()
        {
            let message = "illegal call to relation built-in 'walk' that may cause multiple outputs";
            self.error(term.span, CompileCode::Compile, message);
        }
    }

    /// A variable in an argument of `print` or in a template is known from what stands in front of it.
    fn refuse_undeclared(&mut self, term: &Term, in_template: bool) {
        // As in OPA nobody looks at what a head prints there.
        if self.ignores && !in_template && self.inner_head_from.is_some_and(|from| from < self.scopes.len()) {
            return;
        }
        let mut names = BTreeMap::new();
        term_names(term, &mut names, self.options.functions);
        for (name, span) in names {
            let unknown = match self.lookup_scope(&name) {
                _ if &*name == "_" => true,
                // As in OPA a closure of the head prints nothing of the body.
                _ if !in_template && self.is_of_the_body(&name) => true,
                Some((_, scope)) if matches!(self.how(&name, scope), Some(How::Argument | How::Every)) => false,
                // Any other place of the body may bind what stands in a template.
                Some((slot, _)) if in_template => {
                    self.in_templates.push((slot, name.clone(), span));
                    false
                }
                // As in OPA what its own body declares is known.
                Some((_, scope)) if scope + 1 == self.scopes.len() && self.how(&name, scope).is_some() => false,
                Some((slot, scope)) => !self.stands_before(slot, scope),
                None => false,
            };
            if unknown {
                self.error(span, CompileCode::Compile, format!("var {name} is undeclared"));
            }
        }
    }

    /// Reports the variables that stand in templates alone.
    pub(super) fn refuse_unbound_in_templates(&mut self) {
        for (slot, name, span) in std::mem::take(&mut self.in_templates) {
            if self.outside.get(slot as usize) == Some(&false) {
                self.error(span, CompileCode::Compile, format!("var {name} is undeclared"));
            }
        }
    }

    fn template(&mut self, parts: &[Part]) -> Expr {
        self.in_template += 1;
        let pieces = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Piece::Text(text.clone()),
                Part::Expr(literal) => match &literal.kind {
                    // As in OPA a variable alone is ordered as in any other term.
                    crate::engine::ast::LiteralKind::Expr(term @ Term { kind: TermKind::Var(_), .. })
                        if literal.with.is_empty() =>
                    {
                        if let TermKind::Var(name) = &term.kind
                            && &**name == "_"
                        {
                            self.error(term.span, CompileCode::UnsafeVar, "var _ is unsafe");
                        }
                        Piece::Value(self.captured(term))
                    }
                    crate::engine::ast::LiteralKind::Expr(term) if literal.with.is_empty() => {
                        self.refuse_relation(term);
                        self.refuse_undeclared(term, true);
                        Piece::Value(self.captured(term))
                    }
                    _ => Piece::Value(self.printed_literal(literal)),
                },
            })
            .collect();
        self.in_template -= 1;
        Expr::Template(Arc::new(pieces))
    }

    /// `{term with input as x}` in a template: the `with` covers the whole of its evaluation.
    fn printed_literal(&mut self, literal: &crate::engine::ast::Literal) -> Arc<Closure> {
        let crate::engine::ast::LiteralKind::Expr(term) = &literal.kind else {
            self.error(literal.span, CompileCode::Compile, "only an expression can stand in a template");
            return self.printed(&Term { kind: TermKind::Scalar(Value::Null), span: literal.span });
        };
        let (body, free) = self.closed(|resolver| {
            let slot = resolver.slot(None, literal.span);
            let mut body = Vec::new();
            let mods: Vec<_> = literal.with.iter().filter_map(|with| resolver.with(with, &mut body)).collect();
            let mut inner = Vec::new();
            resolver.in_unit(|resolver| {
                let value = resolver.term(term, &mut inner);
                inner.push(resolver.lit(LitKind::Unify(Expr::Var(slot), value), literal.span));
            });
            body.push(Lit { kind: LitKind::With { mods, body: inner }, span: literal.span, unit: ALONE });
            (body, slot)
        });
        let (body, slot) = body;
        let value = Expr::Var(slot);
        Arc::new(Closure { collect: Collect::Set, key: None, value, body, free, span: literal.span })
    }
}

/// A composite of constants is a constant.
fn fold(expr: Expr) -> Expr {
    let constant = |expr: &Expr| match expr {
        Expr::Const(value) => Some(value.clone()),
        _ => None,
    };
    let value = match &expr {
        Expr::Array(items) => items.iter().map(constant).collect::<Option<Vec<_>>>().map(Value::from),
        Expr::Set(items) => {
            items.iter().map(constant).collect::<Option<std::collections::BTreeSet<_>>>().map(Value::from)
        }
        Expr::Object(items) => items
            .iter()
            .map(|(key, value)| Some((constant(key)?, constant(value)?)))
            .collect::<Option<std::collections::BTreeMap<_, _>>>()
            .map(Value::from),
        _ => None,
    };
    value.map_or(expr, Expr::Const)
}
