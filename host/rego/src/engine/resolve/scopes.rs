//! [`Scope`]: the names of one body. A name that nothing declares belongs to the outermost body it stands in.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::ast::{Literal, LiteralKind, Name, Part, Term, TermKind};
use crate::engine::ir::Slot;
use crate::engine::span::Span;

use super::Resolver;
use super::bodies::dotted;
use super::names::{builtin, joined};

/// The names of one body.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: BTreeMap<Name, Slot>,
    /// Names that `:=` or `some` have declared so far.
    declared: BTreeSet<Name>,
}

impl Resolver<'_> {
    pub(super) fn lookup(&self, name: &str) -> Option<Slot> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).copied())
    }

    pub(super) fn declared_here(&self, name: &str) -> bool {
        self.scopes.last().is_some_and(|scope| scope.names.contains_key(name))
    }

    pub(super) fn assigned_here(&self, name: &str) -> bool {
        self.scopes.last().is_some_and(|scope| scope.declared.contains(name))
    }

    pub(super) fn declare_as(&mut self, name: &Name, slot: Slot) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(name.clone(), slot);
            scope.declared.insert(name.clone());
        }
    }

    /// A new variable of this name in the innermost scope.
    pub(super) fn declare(&mut self, name: &Name, span: Span) -> Slot {
        let slot = self.slot(Some(name.clone()), span);
        self.declare_as(name, slot);
        slot
    }

    /// Declares every variable of a pattern.
    pub(super) fn declare_pattern(&mut self, pattern: &Term) {
        let mut names = BTreeMap::new();
        pattern_names(pattern, &mut names);
        for (name, span) in names {
            self.declare(&name, span);
        }
    }

    /// Opens the scope of a body whose results are `heads`, with the names that nothing declares.
    pub(super) fn open(&mut self, body: &[Literal], heads: &[&Term]) {
        let mut used = BTreeMap::new();
        let mut declared = BTreeSet::new();
        for literal in body {
            literal_names(literal, &mut used, &mut declared);
        }
        for term in heads {
            term_names(term, &mut used);
        }
        self.scopes.push(Scope::default());
        for (name, span) in used {
            let known = matches!(&*name, "input" | "data" | "_")
                || declared.contains(&name)
                || self.lookup(&name).is_some()
                || self.globals.contains_key(&name);
            if !known {
                let slot = self.slot(Some(name.clone()), span);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.names.insert(name, slot);
                }
            }
        }
    }

    /// Closes the innermost scope and gives its names.
    pub(super) fn close(&mut self) -> Vec<(Name, Slot)> {
        self.scopes.pop().map(|scope| scope.names.into_iter().collect()).unwrap_or_default()
    }
}

type Names = BTreeMap<Name, Span>;

/// Variables in the places of a pattern that can bind.
fn pattern_names(term: &Term, names: &mut Names) {
    match &term.kind {
        TermKind::Var(name) if &**name != "_" => {
            names.entry(name.clone()).or_insert(term.span);
        }
        TermKind::Array(items) => items.iter().for_each(|item| pattern_names(item, names)),
        TermKind::Object(items) => items.iter().for_each(|(_, value)| pattern_names(value, names)),
        _ => {}
    }
}

/// Variables of a literal, closures left out, and those it declares.
fn literal_names(literal: &Literal, used: &mut Names, declared: &mut BTreeSet<Name>) {
    match &literal.kind {
        LiteralKind::Expr(term) => {
            if let TermKind::Call(call) = &term.kind
                && call.operator
                && call.name.first().is_some_and(|name| &**name == "assign")
                && let Some(left) = call.args.first()
            {
                let mut names = Names::new();
                pattern_names(left, &mut names);
                declared.extend(names.into_keys());
            }
            term_names(term, used);
        }
        LiteralKind::Not(term) => term_names(term, used),
        LiteralKind::Some(names) => declared.extend(names.iter().map(|(name, _)| name.clone())),
        LiteralKind::SomeIn { key, value, domain } => {
            let mut names = Names::new();
            for term in key.iter().chain([value]) {
                pattern_names(term, &mut names);
                term_names(term, used);
            }
            declared.extend(names.into_keys());
            term_names(domain, used);
        }
        LiteralKind::Every { domain, .. } => term_names(domain, used),
    }
    for with in &literal.with {
        // `with f as count` names a function.
        if !dotted(&with.value).is_some_and(|name| builtin(&joined(&name)).is_some()) {
            term_names(&with.value, used);
        }
    }
}

fn term_names(term: &Term, names: &mut Names) {
    match &term.kind {
        TermKind::Var(name) => {
            names.entry(name.clone()).or_insert(term.span);
        }
        TermKind::Ref(reference) => {
            term_names(&reference.head, names);
            reference.path.iter().for_each(|term| term_names(term, names));
        }
        TermKind::Array(items) | TermKind::Set(items) => items.iter().for_each(|item| term_names(item, names)),
        TermKind::Object(items) => {
            for (key, value) in items {
                term_names(key, names);
                term_names(value, names);
            }
        }
        TermKind::Call(call) => call.args.iter().for_each(|term| term_names(term, names)),
        TermKind::Template(parts) => {
            // An expression in a template must find its variables outside.
            for part in parts {
                if let Part::Expr(literal) = part {
                    literal_names(literal, names, &mut BTreeSet::new());
                }
            }
        }
        TermKind::Scalar(_) | TermKind::ArrayOf(_) | TermKind::SetOf(_) | TermKind::ObjectOf(_) => {}
    }
}
