//! Terms: what is nested in them moves in front of the literal.

use std::collections::BTreeMap;
use std::sync::Arc;

use regorus::Value;

use crate::engine::ast::{Call, Comprehension, Part, Term, TermKind};
use crate::engine::error::CompileCode;
use crate::engine::ir::{Callee, Closure, Collect, Expr, Lit, LitKind, Path, Piece, Root};
use crate::engine::rule_tree::Kind;
use crate::engine::span::Span;

use super::Resolver;
use super::names::joined;
use super::scopes::term_names;

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
            _ => match self.term(head, pre) {
                Expr::Var(slot) => Root::Slot(slot),
                expr => {
                    let slot = self.slot(None, head.span);
                    self.met.push(slot);
                    pre.push(Lit { kind: LitKind::Unify(Expr::Var(slot), expr), span: head.span });
                    Root::Slot(slot)
                }
            },
        };
        path.extend(rest.iter().map(|term| self.term(term, pre)));
        if matches!(root, Root::Data)
            && let Some(function) = self.tree.function_at(&path)
        {
            let message = format!("function {} used as reference, not called", self.tree.name(function));
            self.error(term.span, CompileCode::Type, message);
        }
        Some(Path { root, path })
    }

    fn hoisted(&mut self, path: Path, span: Span, pre: &mut Vec<Lit>) -> Expr {
        let slot = self.slot(None, span);
        self.met.push(slot);
        let kind = LitKind::Ref { path, out: Some(Expr::Var(slot)), bind: true, closed: self.negated };
        pre.push(Lit { kind, span });
        Expr::Var(slot)
    }

    pub(super) fn hoisted_call(&mut self, call: &Arc<Call>, span: Span, pre: &mut Vec<Lit>) -> Expr {
        if let Some(value) = self.metadata(call) {
            return Expr::Const(value);
        }
        let slot = self.slot(None, span);
        self.met.push(slot);
        let out = Some((Expr::Var(slot), true));
        // As in OPA a nested call leaves the negation that it stands in, and its arguments may bind.
        let negated = std::mem::replace(&mut self.negated, false);
        if let Some(kind) = self.call(call, span, out, false, pre) {
            pre.push(Lit { kind, span });
        }
        self.negated = negated;
        Expr::Var(slot)
    }

    /// A call with its arguments moved to `pre`. A call as a whole expression may have its result as a last argument.
    pub(super) fn call(
        &mut self,
        call: &Arc<Call>,
        span: Span,
        out: Option<(Expr, bool)>,
        statement: bool,
        pre: &mut Vec<Lit>,
    ) -> Option<LitKind> {
        let mut args: Vec<_> = call.args.iter().map(|arg| self.term(arg, pre)).collect();
        if let Some("eq" | "assign") = call.operator.then(|| call.name.first().map_or("", |name| &**name)) {
            self.error(span, CompileCode::Parse, "`=` and `:=` cannot stand inside a term");
            return None;
        }
        if let Some(path) = args.is_empty().then(|| self.called_rule(call)).flatten() {
            let bound = match &out {
                Some((out, true)) => Some(out.clone()),
                Some((_, false)) => {
                    let slot = self.slot(None, span);
                    self.met.push(slot);
                    Some(Expr::Var(slot))
                }
                None => None,
            };
            let called = LitKind::Ref { path, out: bound.clone(), bind: true, closed: self.negated };
            return match (out, bound) {
                (Some((out, false)), Some(bound)) => {
                    pre.push(Lit { kind: called, span });
                    Some(LitKind::Equal(bound, out))
                }
                _ => Some(called),
            };
        }
        let found = self.function(call)?;
        let mut out = out;
        if statement && args.len() == found.arity + 1 {
            out = args.pop().map(|last| (last, true));
        } else if args.len() != found.arity {
            let message = self.wrong_count(&found, &args, &joined(&call.name));
            self.error(span, CompileCode::Type, message);
            return None;
        }
        let out = match out {
            Some((out, true)) => Some(out),
            // `f(x) == y`: the result goes to a variable of its own, so that `y` is not bound by it.
            Some((out, false)) => {
                let slot = self.slot(None, span);
                self.met.push(slot);
                let kind = LitKind::Call { callee: found.callee, args, out: Some(Expr::Var(slot)) };
                pre.push(Lit { kind, span });
                return Some(LitKind::Equal(Expr::Var(slot), out));
            }
            None => None,
        };
        Some(LitKind::Call { callee: found.callee, args, out })
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
            resolver.open(&of.body, &heads);
            let mut body = Vec::new();
            resolver.literals(&of.body, &mut body);
            let key = of.key.as_ref().map(|key| resolver.term(key, &mut body));
            let value = resolver.term(&of.value, &mut body);
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
            let value = resolver.term(term, &mut body);
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
        let mut names = BTreeMap::new();
        term_names(term, &mut names, self.options.functions);
        for (name, span) in names {
            let unknown = match self.lookup(&name) {
                _ if &*name == "_" => true,
                // As in OPA a closure of the head prints nothing of the body.
                _ if !in_template && self.is_of_the_body(&name) => true,
                Some(slot) => !self.is_declared(&name) && self.uses.get(slot as usize) == Some(&0),
                None => false,
            };
            if unknown {
                self.error(span, CompileCode::Compile, format!("var {name} is undeclared"));
            }
        }
    }

    fn template(&mut self, parts: &[Part]) -> Expr {
        let pieces = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Piece::Text(text.clone()),
                Part::Expr(literal) => match &literal.kind {
                    // As in OPA a variable alone is ordered as in any other term.
                    crate::engine::ast::LiteralKind::Expr(term @ Term { kind: TermKind::Var(_), .. })
                        if literal.with.is_empty() =>
                    {
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
            let value = resolver.term(term, &mut inner);
            inner.push(Lit { kind: LitKind::Unify(Expr::Var(slot), value), span: literal.span });
            body.push(Lit { kind: LitKind::With { mods, body: inner }, span: literal.span });
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
