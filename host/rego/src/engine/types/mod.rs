//! Reports what can never have a value because of the types of values: an argument that a function does not accept, two
//! sides that cannot be equal, a part that is not there. The entry point is [`check`].
//!
//! [`kinds`] says what a kind is, [`bodies`] infers them literal by literal. Rules are looked at before those that read
//! them. What comes from `input` and from data is of any kind; in doubt everything is, since a wrong refusal is worse
//! than a late one.

mod bodies;
mod kinds;
mod schemas;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::engine::dependencies::Dependencies;
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::ir::{Expr, LitKind, NodeId, RuleIr, Slot};
use crate::engine::limits::NOTED_ERRORS;
use crate::engine::rule_tree::{Kind as NodeKind, RuleTree};
use crate::engine::safety::Bound;
use crate::engine::span::{Source, Span};
use crate::engine::work::Work;

use kinds::Kind;
use schemas::Given;
pub(crate) use schemas::Schemas;

/// What is known of the rules at one node.
#[derive(Clone, Debug)]
enum Known {
    /// A value.
    Value(Kind),
    /// A function: its arguments and its result.
    Function(Vec<Kind>, Kind),
}

struct Checker<'a> {
    tree: &'a RuleTree,
    sources: &'a [Source],
    known: Vec<Option<Known>>,
    /// The types of the current rule's variables; none where nothing is bound yet.
    slots: Vec<Option<Kind>>,
    names: &'a [crate::engine::ir::SlotInfo],
    schemas: &'a Schemas,
    /// What is known of `input` and data in the current rule.
    given: &'a Given,
    work: &'a Work,
    /// What is checked stands in a body of `every`, in which OPA checks only what is nested in closures.
    unchecked: bool,
    errors: &'a mut Vec<CompileError>,
}

/// Checks every rule; gives what the functions among the tests take and give, in OPA's words.
pub(crate) fn check(
    tree: &RuleTree,
    rules: &[RuleIr],
    dependencies: &Dependencies,
    sources: &[Source],
    schemas: &Schemas,
    work: &Work,
    errors: &mut Vec<CompileError>,
) -> BTreeMap<NodeId, String> {
    let mut signatures = BTreeMap::new();
    let mut of_node: Vec<Vec<&RuleIr>> = vec![Vec::new(); tree.nodes.len()];
    let mut unsound = vec![false; tree.nodes.len()];
    for rule in rules {
        if let Some(unsound) = unsound.get_mut(rule.node as usize) {
            *unsound |= !rule.sound;
        }
        if rule.sound
            && let Some(all) = of_node.get_mut(rule.node as usize)
        {
            all.push(rule);
        }
    }
    let known = vec![None; tree.nodes.len()];
    let given = schemas.of_rule(Span::default());
    let (slots, unchecked) = (Vec::new(), false);
    let mut checker = Checker { tree, sources, known, slots, names: &[], schemas, given, work, unchecked, errors };
    for id in dependencies.bottom_up() {
        if !work.go_on(1) {
            break;
        }
        let rules = of_node.get(id as usize).map(Vec::as_slice).unwrap_or_default();
        checker.node(id, rules);
        if tree.node(id).is_some_and(|node| node.kind == NodeKind::Function && node.is_test()) {
            signatures.extend(rules.first().map(|rule| (id, checker.signature(rule))));
        }
        // What is wrong with a rule says nothing about those that read it.
        if unsound.get(id as usize) == Some(&true)
            && let Some(known) = checker.known.get_mut(id as usize)
        {
            *known = None;
        }
    }
    signatures
}

impl<'a> Checker<'a> {
    fn error(&mut self, span: Span, message: String) {
        if let Some(source) = self.sources.get(span.file as usize)
            && self.errors.len() < NOTED_ERRORS
            && !self.unchecked
        {
            self.errors.push(CompileError::at(source, span, CompileCode::Type, message));
        }
    }

    fn node(&mut self, id: NodeId, rules: &[&'a RuleIr]) {
        let Some(node) = self.tree.node(id) else { return };
        let mut values = None;
        let mut keys = None;
        let mut args: Vec<Option<Kind>> = vec![None; node.arity];
        for rule in rules {
            self.given = self.schemas.of_rule(rule.span);
            for (called, span) in &rule.called {
                // As in OPA a rule of which nothing is known may be a function.
                if !matches!(self.known.get(*called as usize), Some(Some(Known::Value(Kind::Any)))) {
                    self.error(*span, format!("undefined function {}", self.tree.name(*called)));
                }
            }
            for branch in &rule.branches {
                self.names = &rule.slots;
                self.slots = vec![None; rule.slots.len()];
                self.work.go_on(rule.slots.len() / 8);
                let count = rule.arity;
                for lit in branch.body.iter().take(count) {
                    // Constants among the arguments stand in front of the body.
                    if let LitKind::Unify(Expr::Var(slot), Expr::Const(value)) = &lit.kind
                        && (*slot as usize) < count
                    {
                        self.set(*slot, Kind::of(value));
                    }
                }
                let mut bound = Bound::new(rule.slots.len(), rule.arity);
                self.body(&branch.body, &mut bound);
                if let [key] = branch.path.as_slice() {
                    keys = Kind::or(keys, self.expr(key));
                }
                // As in OPA the body says what the arguments can be.
                for (arg, slot) in args.iter_mut().zip(0..) {
                    let kind = self.slots.get(slot).cloned().flatten().unwrap_or(Kind::Any);
                    *arg = Kind::or(arg.take(), kind);
                }
                let value = self.expr(&branch.value);
                for key in &branch.path {
                    self.expr(key);
                }
                values = Kind::or(values, value);
            }
        }
        let nested = rules.iter().flat_map(|rule| &rule.branches).any(|branch| branch.path.len() != 1 || branch.set);
        let value = values.unwrap_or(Kind::Any);
        let found = match node.kind {
            NodeKind::Package => return,
            NodeKind::Function => {
                Known::Function(args.into_iter().map(|arg| arg.unwrap_or(Kind::Any)).collect(), value)
            }
            NodeKind::Complete => Known::Value(value),
            NodeKind::Set => Known::Value(Kind::set_of(value)),
            NodeKind::Object if nested || !node.children.is_empty() => Known::Value(Kind::Any),
            NodeKind::Object => Known::Value(Kind::object_of(keys.unwrap_or(Kind::Any), value)),
        };
        if let Some(location) = self.known.get_mut(id as usize) {
            *location = Some(found);
        }
    }

    /// What a function takes, as far as its body says so, and gives.
    fn signature(&mut self, rule: &'a RuleIr) -> String {
        let reported = self.errors.len();
        self.given = self.schemas.of_rule(rule.span);
        self.names = &rule.slots;
        self.slots = vec![None; rule.slots.len()];
        let mut result = None;
        for branch in &rule.branches {
            self.body(&branch.body, &mut Bound::new(rule.slots.len(), rule.arity));
            result = Kind::or(result, self.expr(&branch.value));
        }
        self.errors.truncate(reported);
        let args: Vec<_> = (0..rule.arity)
            .map(|slot| self.slots.get(slot).and_then(Option::as_ref).unwrap_or(&Kind::Any).to_string())
            .collect();
        format!("({}) => {}", args.join(", "), result.unwrap_or(Kind::Any))
    }

    fn set(&mut self, slot: Slot, kind: Kind) {
        if let Some(location) = self.slots.get_mut(slot as usize) {
            *location = Some(kind);
        }
    }

    /// The kind of a variable; any where nothing is known.
    fn slot(&self, slot: Slot) -> Option<&Kind> {
        self.slots.get(slot as usize).and_then(Option::as_ref)
    }
}
