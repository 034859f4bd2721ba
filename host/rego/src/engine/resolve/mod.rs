//! Gives every name its meaning: globals become full paths, locals become slots, nested calls and references become
//! literals of their own. The entry point is [`resolve`].
//!
//! [`scopes`] holds what a name means where it stands, [`bodies`] and [`terms`] rewrite. The value of a `with` is moved
//! in front of the literal, and so are the operands of a negated call: both are evaluated outside.

mod bodies;
mod names;
mod query;
mod scopes;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::engine::annotations::Annotations;
use crate::engine::ast::{Module, Name, Rule, Term, TermKind};
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::ir::{BranchIr, Expr, Lit, LitKind, NodeId, RuleIr, Slot, SlotInfo};
use crate::engine::limits::SLOTS;
use crate::engine::modules::{Tree, constant_front};
use crate::engine::span::{Source, Span};

use scopes::Scope;

pub(crate) use query::{QueryIr, arity, resolve_query};

/// What a name of a file refers to: a full path, `data` or `input` first.
type Globals = BTreeMap<Name, Vec<Name>>;

struct Resolver<'a> {
    tree: &'a Tree,
    source: &'a Source,
    globals: &'a Globals,
    /// Annotations of the file and the rule at work, for `rego.metadata`.
    annotations: Option<(&'a Annotations, usize, usize)>,
    slots: Vec<SlotInfo>,
    scopes: Vec<Scope>,
    /// Every variable met, in order; a closure reads from it what it needs from outside.
    met: Vec<Slot>,
    errors: &'a mut Vec<CompileError>,
}

/// Resolves every rule of every file.
pub(crate) fn resolve(
    modules: &[Module],
    sources: &[Source],
    tree: &Tree,
    places: &[Vec<NodeId>],
    annotations: &Annotations,
    errors: &mut Vec<CompileError>,
) -> Vec<RuleIr> {
    let mut rules = Vec::new();
    for (file, ((module, source), nodes)) in modules.iter().zip(sources).zip(places).enumerate() {
        let globals = globals(tree, &module.package, module);
        for (at, (rule, node)) in module.rules.iter().zip(nodes).enumerate() {
            let mut resolver = Resolver {
                tree,
                source,
                globals: &globals,
                annotations: Some((annotations, file, at)),
                slots: Vec::new(),
                scopes: vec![Scope::default()],
                met: Vec::new(),
                errors,
            };
            rules.push(resolver.rule(rule, *node));
        }
    }
    rules
}

fn globals(tree: &Tree, package: &[Name], module: &Module) -> Globals {
    let mut globals = Globals::new();
    for name in tree.globals.get(package).into_iter().flatten() {
        let mut path = vec![Name::from("data")];
        path.extend(package.iter().cloned());
        path.push(name.clone());
        globals.insert(name.clone(), path);
    }
    for import in &module.imports {
        if let Some(name) = import.name() {
            globals.entry(name.clone()).or_insert_with(|| import.path.clone());
        }
    }
    globals
}

impl Resolver<'_> {
    fn error(&mut self, span: Span, code: CompileCode, message: impl Into<String>) {
        let error = CompileError::at(self.source, span, code, message);
        self.errors.push(error);
    }

    fn slot(&mut self, name: Option<Name>, span: Span) -> Slot {
        if self.slots.len() == SLOTS {
            self.error(span, CompileCode::Compile, format!("more than {SLOTS} variables in one rule"));
        }
        let slot = Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        self.slots.push(SlotInfo { name });
        slot
    }

    fn rule(&mut self, rule: &Rule, node: NodeId) -> RuleIr {
        let args = rule.head.args.as_deref().unwrap_or(&[]);
        // Arguments come first: the caller fills these slots.
        let inputs: Vec<_> = args.iter().map(|arg| self.slot(None, arg.span)).collect();
        let mut patterns = Vec::new();
        for (arg, slot) in args.iter().zip(&inputs) {
            match &arg.kind {
                TermKind::Var(name) if &**name == "_" => {}
                TermKind::Var(name) if !self.declared_here(name) => {
                    if let Some(info) = self.slots.get_mut(*slot as usize) {
                        info.name = Some(name.clone());
                    }
                    self.declare_as(name, *slot);
                }
                _ => patterns.push((arg, *slot)),
            }
        }
        for (arg, _) in &patterns {
            self.declare_pattern(arg);
        }
        let front = constant_front(rule);
        let suffix = rule.head.path.get(front..).unwrap_or(&[]);
        let branches = rule
            .bodies
            .iter()
            .map(|branch| {
                let mut heads: Vec<&Term> = suffix.iter().collect();
                heads.extend(&rule.head.key);
                heads.extend(&branch.value);
                self.open(&branch.body, &heads);
                let mut body = Vec::new();
                for (arg, slot) in &patterns {
                    let expr = self.term(arg, &mut body);
                    body.push(Lit { kind: LitKind::Unify(Expr::Var(*slot), expr), span: arg.span });
                }
                self.literals(&branch.body, &mut body);
                let path: Vec<_> = suffix.iter().map(|term| self.term(term, &mut body)).collect();
                let value = match (&rule.head.key, &branch.value) {
                    (Some(term), _) | (None, Some(term)) => self.term(term, &mut body),
                    (None, None) => Expr::Const(regorus::Value::Bool(true)),
                };
                self.close();
                BranchIr { body, path, value, set: rule.head.key.is_some(), span: branch.span }
            })
            .collect();
        let slots = std::mem::take(&mut self.slots);
        RuleIr { node, arity: args.len(), branches, slots, span: rule.span, default: rule.default }
    }
}
