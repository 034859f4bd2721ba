//! Reports what can never have a value because of the types of values: an argument that a function does not accept, two
//! sides that cannot be equal, a part that is not there. The entry point is [`check`].
//!
//! [`kinds`] says what a kind is, [`bodies`] infers them literal by literal. Rules are looked at before those that read
//! them. What comes from `input` and from data is of any kind. [`unify`] has the rules, which are OPA's.

mod bodies;
mod kinds;
mod schemas;
#[cfg(test)]
mod tests;
mod unify;

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use regorus::Value;

use crate::engine::dependencies::Dependencies;
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::ir::{BranchIr, Expr, Lit, LitKind, NodeId, RuleIr, Slot};
use crate::engine::limits::NOTED_ERRORS;
use crate::engine::rule_tree::{Kind as NodeKind, RuleTree};
use crate::engine::safety::Bound;
use crate::engine::span::{Source, Span};
use crate::engine::work::Work;

use bodies::Head;
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
    /// What is checked stands in a body of `every`, in which OPA checks only references and what is nested in closures.
    refs_only: bool,
    /// The arguments of the current rule that are patterns.
    patterns: Vec<Slot>,
    /// How many closures are open whose inner ones are looked at again.
    level: usize,
    /// The kinds of the current rule's closures, by where they are in memory.
    closures: HashMap<usize, Kind>,
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
    let mut checker = Checker {
        tree,
        sources,
        known,
        slots: Vec::new(),
        names: &[],
        schemas,
        given,
        work,
        refs_only: false,
        patterns: Vec::new(),
        level: 0,
        closures: HashMap::new(),
        errors,
    };
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

const fn is_scalar(key: &Value) -> bool {
    !matches!(key, Value::Array(_) | Value::Object(_) | Value::Set(_))
}

/// Whether a set is the value of a variable of its own in OPA: a reference or a comprehension is part of it.
fn is_moved_set(branch: &BranchIr) -> bool {
    if !matches!(branch.value, Expr::Set(_)) {
        return false;
    }
    let mut found = false;
    branch.value.closures(&mut |closure| found |= !closure.body.is_empty());
    let out = |lit: &Lit| match &lit.kind {
        LitKind::Ref { out: Some(Expr::Var(out)), .. } => Some(*out),
        _ => None,
    };
    let made = branch.body.get(branch.keys.end..).unwrap_or_default();
    let outs: BTreeSet<Slot> = made.iter().filter_map(out).collect();
    branch.value.open_slots(&mut |slot| found |= outs.contains(&slot));
    found
}

/// What is known of a rule with a value at a constant place more: of other places nothing.
fn placed(known: Option<Kind>, path: &[Expr], kind: Kind) -> Kind {
    let anything = || Some((Kind::Any, Kind::Any));
    match (known, path) {
        (None, [Expr::Const(key)]) => Kind::object(BTreeMap::from([(key.clone(), kind)]), anything()),
        (Some(Kind::Object(fixed, Some(rest))), [Expr::Const(key)]) if *rest == (Kind::Any, Kind::Any) => {
            let mut fixed = (*fixed).clone();
            let merged = Kind::merged(fixed.remove(key), kind).unwrap_or(Kind::Any);
            fixed.insert(key.clone(), merged);
            Kind::object(fixed, anything())
        }
        _ => Kind::Any,
    }
}

impl<'a> Checker<'a> {
    fn error(&mut self, span: Span, message: String) {
        if let Some(source) = self.sources.get(span.file as usize)
            && self.errors.len() < NOTED_ERRORS
        {
            self.errors.push(CompileError::at(source, span, CompileCode::Type, message));
        }
    }

    fn node(&mut self, id: NodeId, rules: &[&'a RuleIr]) {
        let Some(node) = self.tree.node(id) else { return };
        let mut value = None;
        let mut args: Vec<Option<Kind>> = vec![None; node.arity];
        for rule in rules {
            self.given = self.schemas.of_rule(rule.span);
            // One that is unsafe was reported before.
            let functions = rule.slots.iter().filter(|info| info.is_function && self.errors.is_empty());
            for name in functions.filter_map(|info| info.name.as_ref()).collect::<Vec<_>>() {
                self.error(rule.span, format!("match error\n\tthe function {name} is used as a variable"));
            }
            for (called, span) in &rule.called {
                // As in OPA a rule of which nothing is known may be a function.
                if !matches!(self.known.get(*called as usize), Some(Some(Known::Value(Kind::Any)))) {
                    self.error(*span, format!("undefined function {}", self.tree.name(*called)));
                }
            }
            for branch in &rule.branches {
                let kind = self.branch(rule, branch);
                // As in OPA the body says what the arguments can be.
                for (arg, slot) in args.iter_mut().zip(0..) {
                    let kind = self.argument(branch, slot);
                    *arg = Kind::or(arg.take(), kind);
                }
                value = match node.kind {
                    NodeKind::Function => Kind::or(value, kind),
                    NodeKind::Set => Kind::merged(value, Kind::set_of(kind)),
                    // A set further down stands beside what else is there.
                    NodeKind::Object if branch.set => Some(Kind::Any),
                    // As in OPA a composite is a key as any other expression is.
                    NodeKind::Object if matches!(branch.path.first(), Some(Expr::Const(key)) if is_scalar(key)) => {
                        Some(placed(value, &branch.path, kind))
                    }
                    _ => {
                        let nested = branch.path.iter().rev().fold(kind, |kind, key| {
                            let key = self.expr(key);
                            if key == Kind::Unknown || kind == Kind::Unknown {
                                Kind::Unknown
                            } else {
                                Kind::object_of(key, kind)
                            }
                        });
                        if nested == Kind::Unknown {
                            value
                        } else if matches!(&value, Some(Kind::Object(fixed, _)) if !fixed.is_empty() && node.kind == NodeKind::Object)
                        {
                            Some(Kind::Any)
                        } else {
                            Kind::merged(value, nested)
                        }
                    }
                };
            }
        }
        let value = value.unwrap_or(Kind::Any);
        let found = match node.kind {
            NodeKind::Package => return,
            NodeKind::Function => {
                Known::Function(args.into_iter().map(|arg| arg.unwrap_or(Kind::Any)).collect(), value)
            }
            NodeKind::Object if !node.children.is_empty() => Known::Value(Kind::Any),
            NodeKind::Complete | NodeKind::Set | NodeKind::Object => Known::Value(value),
        };
        if let Some(location) = self.known.get_mut(id as usize) {
            *location = Some(found);
        }
    }

    /// Looks at one body and gives the kind of its value. As in OPA arguments that the body says nothing of are of any kind.
    fn branch(&mut self, rule: &'a RuleIr, branch: &BranchIr) -> Kind {
        self.names = &rule.slots;
        self.slots = vec![None; rule.slots.len()];
        self.work.go_on(rule.slots.len() / 8);
        self.closures.clear();
        self.patterns.clear();
        for lit in &branch.body {
            if let LitKind::Unify(Expr::Var(slot), _) = &lit.kind
                && (*slot as usize) < rule.arity
                && rule.slots.get(*slot as usize).is_some_and(|info| info.name.is_none())
            {
                self.patterns.push(*slot);
            }
        }
        // Comprehensions in the head are part of the body.
        let mut bound = Bound::new(rule.slots.len(), rule.arity);
        let head = Head { own: branch.keys.end, keys: &branch.path, value: Some(&branch.value) };
        self.body_before(&branch.body, &mut bound, &head);
        for term in branch.path.iter().chain([&branch.value]) {
            self.expr(term);
        }
        if is_moved_set(branch) {
            self.refuse_unknown_set(&branch.value, rule.span);
        }
        for slot in 0..Slot::try_from(rule.arity).unwrap_or(Slot::MAX) {
            let kind = self.argument(branch, slot);
            self.set(slot, kind);
        }
        self.expr(&branch.value)
    }

    fn is_pattern(&self, slot: Slot) -> bool {
        self.patterns.contains(&slot)
    }

    /// The kind of an argument after its body was looked at.
    fn argument(&mut self, branch: &BranchIr, at: Slot) -> Kind {
        let pattern = branch.body.iter().find_map(|lit| match &lit.kind {
            LitKind::Unify(Expr::Var(slot), pattern) if *slot == at && self.is_pattern(at) => Some(pattern),
            _ => None,
        });
        let Some(pattern) = pattern else { return self.slot(at).cloned().unwrap_or(Kind::Any) };
        let mut unknown = Vec::new();
        pattern.slots(&mut |slot| unknown.extend(self.slot(slot).is_none().then_some(slot)));
        unknown.into_iter().for_each(|slot| self.set(slot, Kind::Any));
        self.expr(pattern)
    }

    /// What a function takes, as far as its body says so, and gives.
    fn signature(&mut self, rule: &'a RuleIr) -> String {
        let reported = self.errors.len();
        self.given = self.schemas.of_rule(rule.span);
        let mut result = None;
        let mut args = Vec::new();
        for branch in &rule.branches {
            let kind = self.branch(rule, branch);
            result = Kind::or(result, kind);
            let slots = 0..Slot::try_from(rule.arity).unwrap_or(Slot::MAX);
            args = slots.map(|slot| self.argument(branch, slot).to_string()).collect::<Vec<_>>();
        }
        self.errors.truncate(reported);
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
