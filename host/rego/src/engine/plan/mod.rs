//! Turns ordered literals into steps over slots. The entry point is [`plan`].
//!
//! [`steps`] plans literals, [`comprehension_index`] and [`rule_index`] what saves evaluating many times or many rules, [`paths`] references. What each rule reads is noted on the way, for cycles and for `with`.

mod comprehension_index;
mod paths;
mod query;
mod rule_index;
mod steps;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use regorus::Value;

use crate::engine::bit_set::BitSet;
use crate::engine::dependencies::{Dependencies, DirectReads};
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::ir::{BranchIr, Expr, Lit, LitKind, NodeId, RuleIr, Slot, SlotInfo};
use crate::engine::limits::{NOTED_ERRORS, SHOWN_CYCLE};
use crate::engine::program::{Atom, Branch, DebugInfo, KeyBinding, Keyed, Node, Program, Rule, Step, Term};
use crate::engine::rule_tree::{Kind, Node as TreeNode, RuleTree};
use crate::engine::safety::{Bound, reorder};
use crate::engine::span::{Source, Span};
use crate::engine::work::Work;

pub(crate) use query::{QueryPlan, plan_query};

/// What each distinct `with` can change.
type Targets = BTreeMap<Atom, Arc<OnceLock<BitSet>>>;

struct Planner<'a> {
    tree: &'a RuleTree,
    sources: &'a [Source],
    slots: &'a [SlotInfo],
    reads: DirectReads,
    targets: &'a mut Targets,
    work: &'a Work,
    errors: &'a mut Vec<CompileError>,
}

/// Plans every rule.
pub(crate) fn plan(
    tree: &RuleTree,
    rules: &[RuleIr],
    sources: &[Source],
    work: &Work,
    errors: &mut Vec<CompileError>,
) -> (Program, Dependencies) {
    let mut targets = Targets::new();
    let mut dependencies = Dependencies::new(tree.nodes.len());
    let mut nodes: Vec<_> = tree.nodes.iter().enumerate().map(|(at, _)| empty_node(tree, at)).collect();
    let mut wanted = vec![Vec::new(); nodes.len()];
    for rule in rules.iter().filter(|rule| rule.sound) {
        if !work.go_on(1) {
            break;
        }
        let mut planner = Planner {
            tree,
            sources,
            slots: &rule.slots,
            reads: DirectReads::default(),
            targets: &mut targets,
            work,
            errors,
        };
        let planned = planner.rule(rule, None);
        let keyed = planner.keyed(rule);
        let reads = std::mem::take(&mut planner.reads);
        let Some(node) = nodes.get_mut(rule.node as usize) else { continue };
        if node.rules.is_empty() && node.default.is_none() {
            node.span = rule.span;
        }
        match (&mut node.keyed, keyed) {
            (Some(all), Some(keyed)) => all.push(keyed),
            (all, _) => *all = None,
        }
        if rule.default {
            node.default = Some(planned);
        } else {
            node.rules.push(planned);
            if let Some(all) = wanted.get_mut(rule.node as usize) {
                all.push(rule_index::wanted(rule));
            }
        }
        if let Some(all) = dependencies.reads.get_mut(rule.node as usize) {
            all.atoms.extend(reads.atoms);
            all.nodes.extend(reads.nodes);
        }
    }
    for (node, wanted) in nodes.iter_mut().zip(wanted) {
        node.index = rule_index::rule_index(&wanted);
    }
    for (node, reads) in nodes.iter_mut().zip(&mut dependencies.reads) {
        if !matches!(node.kind, Kind::Set | Kind::Object) || !node.children.is_empty() {
            node.keyed = None;
        }
        if matches!(node.kind, Kind::Package | Kind::Object) {
            reads.nodes.extend(node.children.values().copied());
        }
        // A replaced path of data hides the rules at it.
        reads.atoms.insert(Atom::Data(node.path.clone()));
    }
    dependencies.close();
    report_cycles(tree, &nodes, &dependencies, sources, errors);
    fill(&targets, &dependencies, work);
    (Program { nodes }, dependencies)
}

fn fill(targets: &Targets, dependencies: &Dependencies, work: &Work) {
    for (atom, bits) in targets {
        // Each has a bit for each node, and looks at all that any of them reads.
        if !work.made(dependencies.reads.len() / 64) || !work.go_on(dependencies.reads.len()) {
            break;
        }
        bits.get_or_init(|| dependencies.affected(atom));
    }
}

fn empty_node(tree: &RuleTree, at: usize) -> Node {
    let id = NodeId::try_from(at).unwrap_or(NodeId::MAX);
    let (path, kind, children) = match tree.node(id) {
        Some(node) => (node.path.clone(), node.kind, Some(&node.children)),
        None => (Vec::new(), Kind::Package, None),
    };
    let children = children.into_iter().flatten().map(|(name, child)| (Value::String(name.clone()), *child)).collect();
    Node {
        path,
        kind,
        children,
        rules: Vec::new(),
        default: None,
        index: None,
        keyed: Some(Vec::new()),
        name: tree.name(id),
        span: Span::default(),
    }
}

fn report_cycles(
    tree: &RuleTree,
    nodes: &[Node],
    dependencies: &Dependencies,
    sources: &[Source],
    errors: &mut Vec<CompileError>,
) {
    let mut reported = BitSet::new(nodes.len());
    for mut cycle in dependencies.cycles() {
        // The cycle ends with its first node again.
        cycle.pop();
        cycle.retain(|id| nodes.get(*id as usize).is_some_and(|node| node.kind != Kind::Package));
        for at in 0..cycle.len() {
            let Some(node) = cycle.get(at).and_then(|id| nodes.get(*id as usize)) else { continue };
            let Some(source) = sources.get(node.span.file as usize) else { continue };
            let id = cycle.get(at).copied().unwrap_or_default() as usize;
            if reported.has(id) {
                continue;
            }
            reported.add(id);
            if errors.len() >= NOTED_ERRORS {
                return;
            }
            let around = cycle.iter().cycle().skip(at).take(cycle.len() + 1);
            let mut path: Vec<_> = around.take(SHOWN_CYCLE).map(|id| tree.name(*id)).collect();
            if cycle.len() >= SHOWN_CYCLE {
                path.push(format!("… ({} rules)", cycle.len()));
            }
            let message = format!("rule {} is recursive: {}", node.name, path.join(" -> "));
            errors.push(CompileError::at(source, node.span, CompileCode::Recursion, message));
        }
    }
}

impl Planner<'_> {
    fn error(&mut self, span: Span, code: CompileCode, message: impl Into<String>) {
        if let Some(source) = self.sources.get(span.file as usize).or(self.sources.last())
            && self.errors.len() < NOTED_ERRORS
        {
            self.errors.push(CompileError::at(source, span, code, message));
        }
    }

    /// Plans a definition; a variable `known` has a value beforehand.
    fn rule(&mut self, rule: &RuleIr, known: Option<Slot>) -> Rule {
        let names = rule.slots.iter().map(|slot| slot.name.clone()).collect();
        let about = Arc::new(DebugInfo { node: rule.node, names, span: rule.span });
        let is_test = self.tree.node(rule.node).is_some_and(TreeNode::is_test);
        let branches: Vec<_> = rule
            .branches
            .iter()
            .map(|branch| {
                let mut bound = Bound::new(rule.slots.len(), rule.arity);
                self.work.go_on(rule.slots.len() / 64);
                if let Some(slot) = known {
                    bound.add(slot);
                }
                let case = if known.is_none() && is_test { self.case(rule, branch) } else { None };
                let steps = self.body(&branch.body, &mut bound);
                let path = branch.path.iter().map(|expr| self.head_term(expr, &bound, branch.span)).collect();
                let value = self.head_term(&branch.value, &bound, branch.span);
                Branch { steps, case, path, value, set: branch.set, span: branch.span, about: Arc::clone(&about) }
            })
            .collect();
        let guards = guards(rule);
        let constant = constant(&branches);
        Rule { slots: rule.slots.len(), branches, span: rule.span, guards, constant }
    }

    /// The steps of a test up to where its case is known: as in OPA behind the first literal with each variable that the
    /// case needs. A case that is reached and does not hold has failed.
    fn case(&mut self, rule: &RuleIr, branch: &BranchIr) -> Option<Vec<Step>> {
        if branch.path.is_empty() || branch.set {
            return None;
        }
        let keys = branch.body.get(branch.keys.clone())?;
        let own = branch.body.get(..branch.keys.start)?;
        let mut last = 0;
        let mut needs = |slot: Slot| {
            let stands = |lit: &Lit| {
                let mut found = false;
                lit.slots(&mut |other| found |= other == slot);
                found
            };
            last = last.max(own.iter().position(stands).map_or(0, |at| at + 1));
        };
        branch.path.iter().for_each(|expr| expr.slots(&mut needs));
        keys.iter().for_each(|lit| lit.slots(&mut needs));
        let body: Vec<Lit> = own.iter().take(last).chain(keys).cloned().collect();
        let mut bound = Bound::new(rule.slots.len(), rule.arity);
        let mut known = reorder(&body, &mut bound.clone(), self.work).is_ok();
        if known {
            let steps = self.body(&body, &mut bound);
            branch.path.iter().for_each(|expr| known &= bound.ground(expr));
            return known.then_some(steps);
        }
        None
    }

    fn head_term(&mut self, expr: &Expr, bound: &Bound, span: Span) -> Term {
        let mut lacking = Vec::new();
        expr.slots(&mut |slot| {
            if !bound.has(slot) {
                lacking.push(slot);
            }
        });
        self.report_unsafe(lacking.into_iter().map(|slot| (slot, span)));
        self.term(expr, bound)
    }

    /// The rule again with its key known beforehand, where the key is a variable or a constant.
    fn keyed(&mut self, rule: &RuleIr) -> Option<Keyed> {
        let [branch] = rule.branches.as_slice() else { return None };
        let key = match (branch.set, branch.path.first()) {
            (_, Some(key)) => key,
            (true, None) => &branch.value,
            (false, None) => return None,
        };
        match key {
            Expr::Const(value) => Some(Keyed { key: KeyBinding::Const(value.clone()), rule: self.rule(rule, None) }),
            Expr::Var(slot) => {
                // Errors of this variant are those of the rule itself, reported already.
                let errors = self.errors.len();
                let planned = self.rule(rule, Some(*slot));
                let clean = self.errors.len() == errors;
                self.errors.truncate(errors);
                clean.then_some(Keyed { key: KeyBinding::Slot(*slot), rule: planned })
            }
            _ => None,
        }
    }

    fn report_unsafe(&mut self, lacking: impl Iterator<Item = (Slot, Span)>) {
        let mut silent = None;
        let mut named = false;
        for (slot, span) in lacking {
            match self.slots.get(slot as usize).and_then(|info| info.name.clone()) {
                Some(name) => {
                    named = true;
                    let before = self.errors.len();
                    self.error(span, CompileCode::UnsafeVar, format!("var {name} is unsafe"));
                    // A template in a head is looked at as a part of the head and by itself.
                    let new = self.errors.get(before);
                    let is_known = before.checked_sub(1).and_then(|last| self.errors.get(last)).zip(new).is_some_and(
                        |(last, new)| last.message == new.message && (&last.file, last.row) == (&new.file, new.row),
                    );
                    if is_known {
                        self.errors.truncate(before);
                    }
                }
                None => silent = Some(span),
            }
        }
        if let Some(span) = silent
            && !named
        {
            self.error(span, CompileCode::UnsafeVar, "expression is unsafe");
        }
    }
}

/// Constants that arguments are unified with in every branch.
fn guards(rule: &RuleIr) -> Vec<(usize, Value)> {
    let mut all: Option<Vec<(usize, Value)>> = None;
    for branch in &rule.branches {
        let here = branch.body.iter().take(rule.arity).filter_map(|lit| match &lit.kind {
            LitKind::Unify(Expr::Var(slot), Expr::Const(value)) if (*slot as usize) < rule.arity => {
                Some((*slot as usize, value.clone()))
            }
            _ => None,
        });
        let here: Vec<_> = here.collect();
        match &mut all {
            Some(all) => all.retain(|guard| here.contains(guard)),
            None => all = Some(here),
        }
    }
    all.unwrap_or_default()
}

fn constant(branches: &[Branch]) -> Option<Value> {
    let mut value = None;
    for branch in branches {
        let Term::Const(this) = &branch.value else { return None };
        if value.as_ref().is_some_and(|value| value != this) {
            return None;
        }
        value = Some(this.clone());
    }
    value
}
