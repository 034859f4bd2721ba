//! What may stand among the arguments of a function's head beside variables.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::engine::ast::{Term, TermKind};
use crate::engine::error::CompileCode;
use crate::engine::ir::{Expr, Lit, LitKind, Slot};
use crate::engine::span::Span;

use super::Resolver;
use super::scopes::{How, term_names};

impl Resolver<'_> {
    /// Reports the calls in an argument, operators among them.
    pub(super) fn refuse_calls(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Call(_) => {
                self.error(term.span, CompileCode::Compile, "rule arguments cannot contain calls");
            }
            TermKind::Array(items) | TermKind::Set(items) => items.iter().for_each(|item| self.refuse_calls(item)),
            TermKind::Object(items) => {
                for (key, value) in items {
                    self.refuse_calls(key);
                    self.refuse_calls(value);
                }
            }
            _ => {}
        }
    }

    /// Declares the variables that stand only in sets and gives their slots. Nothing binds them: as in OPA no argument
    /// is ever equal to such a set.
    pub(super) fn declare_in_sets<'t>(&mut self, patterns: impl Iterator<Item = &'t Term>) -> Vec<Slot> {
        let mut names = BTreeMap::new();
        for pattern in patterns {
            for set in sets_in(pattern) {
                term_names(set, &mut names, self.options.functions);
            }
        }
        let new = |resolver: &Self, name: &str| {
            name != "_" && !resolver.declared_here(name) && resolver.globals.get(name).is_none()
        };
        let mut slots = Vec::new();
        for (name, span) in names {
            if new(self, &name) {
                slots.push(self.declare(&name, span, How::Argument, 0));
            }
        }
        slots
    }
}

/// The sets in a pattern.
fn sets_in(term: &Term) -> Vec<&Term> {
    match &term.kind {
        TermKind::Set(_) => vec![term],
        TermKind::Array(items) => items.iter().flat_map(sets_in).collect(),
        TermKind::Object(items) => items.iter().flat_map(|(_, value)| sets_in(value)).collect(),
        _ => Vec::new(),
    }
}

/// Whether a template stands in a pattern.
pub(super) fn has_template(term: &Term) -> bool {
    match &term.kind {
        TermKind::Template(_) => true,
        TermKind::Array(items) | TermKind::Set(items) => items.iter().any(has_template),
        TermKind::Object(items) => items.iter().any(|(key, value)| has_template(key) || has_template(value)),
        _ => false,
    }
}

/// A variable that has no value at all.
pub(super) fn never_bound(slot: Slot, span: Span) -> Lit {
    let domain = Expr::Const(Value::from(BTreeSet::<Value>::new()));
    Lit { kind: LitKind::In { key: None, value: Expr::Var(slot), domain }, span }
}
