//! What may stand among the arguments of a function's head beside variables.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::engine::ast::{Name, Term, TermKind};
use crate::engine::error::CompileCode;
use crate::engine::ir::{ALONE, Expr, Lit, LitKind, Slot};
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

    /// Reports the references in an argument: as in OPA the name that they begin with is a variable that nothing binds.
    pub(super) fn refuse_references(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Ref(reference) => {
                if let TermKind::Var(name) = &reference.head.kind {
                    self.error(term.span, CompileCode::UnsafeVar, format!("var {name} is unsafe"));
                }
            }
            TermKind::Array(items) => items.iter().for_each(|item| self.refuse_references(item)),
            TermKind::Object(items) => items.iter().for_each(|(_, value)| self.refuse_references(value)),
            _ => {}
        }
    }

    /// Declares the variables that stand in sets and keys before anything binds them, and gives the slots of those that nothing
    /// binds at all. The other result is whether there are such variables: as in OPA arguments are bound one after the other,
    /// and no argument is ever equal to a set or an object that is not known by then.
    pub(super) fn declare_unbound<'t>(&mut self, args: impl Iterator<Item = &'t Term>) -> (Vec<Slot>, bool) {
        let mut bound = BTreeSet::new();
        let mut unknown = BTreeMap::new();
        for arg in args {
            self.unbound_in(arg, &mut bound, &mut unknown);
        }
        let is_any = !unknown.is_empty();
        let mut slots = Vec::new();
        for (name, span) in unknown {
            if !self.declared_here(&name) && self.globals.get(&name).is_none() {
                slots.push(self.declare(&name, span, How::Argument, 0));
            }
        }
        (slots, is_any)
    }

    fn unbound_in(&self, term: &Term, bound: &mut BTreeSet<Name>, unknown: &mut BTreeMap<Name, Span>) {
        // A rule may stand in a set, and is not looked up as a key.
        let note = |term: &Term, may_be_rule: bool, bound: &BTreeSet<Name>, unknown: &mut BTreeMap<Name, Span>| {
            let mut names = BTreeMap::new();
            term_names(term, &mut names, self.options.functions);
            let is_rule =
                |name: &Name| may_be_rule && (self.globals.get(name).is_some() || matches!(&**name, "input" | "data"));
            let is_known = |name: &Name| &**name == "_" || bound.contains(name) || is_rule(name);
            unknown.extend(names.into_iter().filter(|(name, _)| !is_known(name)));
        };
        match &term.kind {
            TermKind::Var(name) => drop(bound.insert(name.clone())),
            TermKind::Set(_) => note(term, true, bound, unknown),
            TermKind::Array(items) => items.iter().for_each(|item| self.unbound_in(item, bound, unknown)),
            TermKind::Object(items) => {
                for (key, _) in items {
                    note(key, false, bound, unknown);
                }
                for (_, value) in items {
                    self.unbound_in(value, bound, unknown);
                }
            }
            _ => {}
        }
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

/// A body of variables that have no value at all does not hold.
pub(super) fn never(slots: &[Slot], span: Span) -> Vec<Lit> {
    let lit = |kind| Lit { kind, span, unit: ALONE };
    let bound = slots.iter().map(|slot| lit(LitKind::Unify(Expr::Var(*slot), Expr::Const(Value::Undefined))));
    std::iter::once(lit(LitKind::Truthy(Expr::Const(Value::Bool(false))))).chain(bound).collect()
}
