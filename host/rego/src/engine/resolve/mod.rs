//! Gives every name its meaning: globals become full paths, locals become slots, nested calls and references become
//! literals of their own. The entry point is [`resolve`].
//!
//! [`scopes`] holds what a name means where it stands, [`bodies`] and [`terms`] rewrite. The value of a `with` is moved
//! in front of the literal, and so are the operands of a negated call: both are evaluated outside.

mod arguments;
mod bodies;
mod imports;
mod names;
mod query;
mod scopes;
mod terms;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::compile_options::CompileOptions;
use crate::engine::annotations::Annotations;
use crate::engine::ast::{Module, Name, Rule, Term, TermKind};
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::ir::{ALONE, BranchIr, Expr, Lit, LitKind, NodeId, RuleIr, Slot, SlotInfo, Unit};
use crate::engine::limits::{NOTED_ERRORS, SLOTS};
use crate::engine::rule_tree::{RuleTree, constant_front};
use crate::engine::span::{Source, Span};
use crate::engine::work::Work;

use arguments::{has_template, never};
use scopes::{How, Local, Scope, kept_body};

pub(crate) use imports::check as check_imports;
pub(crate) use names::DEPRECATED;
pub(crate) use query::{QueryIr, arity, resolve_query};

/// What the names of a file refer to.
#[derive(Default)]
struct Globals {
    /// The names of its package.
    own: Arc<BTreeMap<Name, Global>>,
    /// Those it imports, which hide the others, as in OPA.
    imports: BTreeMap<Name, Global>,
}

impl Globals {
    fn get(&self, name: &str) -> Option<&Global> {
        self.imports.get(name).or_else(|| self.own.get(name))
    }

    fn of(tree: &RuleTree, module: &Module) -> Self {
        Self { own: Arc::new(own_names(tree, &module.package)), imports: imported(module) }
    }
}

/// What one name of a file refers to.
struct Global {
    /// A full path, `data` or `input` first.
    path: Vec<Name>,
    /// Which of the file's imports provides it, if any.
    import: Option<usize>,
}

struct Resolver<'a> {
    tree: &'a RuleTree,
    source: &'a Source,
    globals: &'a Globals,
    /// Annotations of the current file and rule, for `rego.metadata`.
    annotations: Option<(&'a Annotations, usize, usize)>,
    options: CompileOptions,
    /// The file is Rego of before 1.0.
    v0: bool,
    /// Which of the file's imports something uses.
    used: &'a [Cell<bool>],
    slots: Vec<SlotInfo>,
    /// How often each slot is met.
    uses: Vec<u32>,
    /// The unit in which each slot is met first, of those that can bind it.
    first_met: Vec<Option<Unit>>,
    /// Whether each slot is met outside of templates, where it can be bound.
    outside: Vec<bool>,
    /// As in OPA the expression that is resolved binds nothing for templates and `print`: it needs what is not known yet.
    binds_nothing: bool,
    /// A `with` that changes nothing is resolved.
    ignores: bool,
    /// How many templates are open.
    in_template: usize,
    /// Variables of templates.
    in_templates: Vec<(Slot, Name, Span)>,
    /// What is resolved stands in a negation: references that are moved in front of it bind nothing.
    negated: bool,
    /// Rules that are called as if they were functions without arguments.
    called: Vec<(NodeId, Span)>,
    /// Variables of `some` that only closures use: each closure has its own.
    unshared: Vec<Slot>,
    /// The number of scopes around the rule's head, while that is resolved.
    head_from: Option<usize>,
    /// The same for the head of a comprehension.
    inner_head_from: Option<usize>,
    /// The expression that is resolved.
    unit: Unit,
    /// How many there are.
    units: Unit,
    /// What is declared in the rule.
    locals: Vec<Local>,
    scopes: Vec<Scope>,
    /// Every variable met, in order; a closure reads from it what it needs from outside.
    met: Vec<Slot>,
    errors: &'a mut Vec<CompileError>,
    /// How many errors there were before the current rule.
    sound: usize,
    work: &'a Work,
}

/// Resolves every rule of every file.
#[expect(clippy::too_many_arguments, reason = "what the passes before made, and what all of them count with")]
pub(crate) fn resolve(
    modules: &[Module],
    sources: &[Source],
    tree: &RuleTree,
    places: &[Vec<NodeId>],
    annotations: &Annotations,
    options: CompileOptions,
    work: &Work,
    errors: &mut Vec<CompileError>,
) -> Vec<RuleIr> {
    let mut rules = Vec::new();
    let mut packages = BTreeMap::new();
    for (file, ((module, source), nodes)) in modules.iter().zip(sources).zip(places).enumerate() {
        // Files of one package share its names.
        let own = packages.entry(&module.package).or_insert_with(|| Arc::new(own_names(tree, &module.package)));
        let globals = Globals { own: Arc::clone(own), imports: imported(module) };
        let used: Vec<_> = module.imports.iter().map(|_| Cell::new(false)).collect();
        for (at, (rule, node)) in module.rules.iter().zip(nodes).enumerate() {
            if !work.go_on(1) {
                return rules;
            }
            let mut resolver = Resolver {
                tree,
                source,
                globals: &globals,
                annotations: Some((annotations, file, at)),
                options,
                v0: module.v0,
                used: &used,
                slots: Vec::new(),
                uses: Vec::new(),
                first_met: Vec::new(),
                outside: Vec::new(),
                binds_nothing: false,
                ignores: false,
                in_template: 0,
                in_templates: Vec::new(),
                negated: false,
                called: Vec::new(),
                unshared: Vec::new(),
                head_from: None,
                inner_head_from: None,
                unit: ALONE,
                units: 0,
                locals: Vec::new(),
                scopes: vec![Scope::default()],
                met: Vec::new(),
                sound: errors.len(),
                work,
                errors,
            };
            rules.push(resolver.rule(rule, *node));
        }
        imports::check(module, source, &used, options, errors);
    }
    rules
}

fn own_names(tree: &RuleTree, package: &[Name]) -> BTreeMap<Name, Global> {
    let mut names = BTreeMap::new();
    for name in tree.globals.get(package).into_iter().flatten() {
        let mut path = vec![Name::from("data")];
        path.extend(package.iter().cloned());
        path.push(name.clone());
        names.insert(name.clone(), Global { path, import: None });
    }
    names
}

/// The names of the imports, of which the last counts: Rego of before 1.0 allows several of one name.
fn imported(module: &Module) -> BTreeMap<Name, Global> {
    let mut names = BTreeMap::new();
    for (at, import) in module.imports.iter().enumerate() {
        if let Some(name) = import.name() {
            names.insert(name.clone(), Global { path: import.path.clone(), import: Some(at) });
        }
    }
    names
}

impl Resolver<'_> {
    fn error(&mut self, span: Span, code: CompileCode, message: impl Into<String>) {
        // One error is enough for the rule to be unsound.
        if self.errors.len() < NOTED_ERRORS || self.errors.len() == self.sound {
            let error = CompileError::at(self.source, span, code, message);
            self.errors.push(error);
        }
    }

    fn slot(&mut self, name: Option<Name>, span: Span) -> Slot {
        if self.slots.len() == SLOTS {
            self.error(span, CompileCode::Compile, format!("more than {SLOTS} variables in one rule"));
        }
        let slot = Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        self.slots.push(SlotInfo { name, is_function: false });
        self.uses.push(0);
        self.first_met.push(None);
        self.outside.push(false);
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
                    self.declare_as(name, *slot, arg.span, How::Argument, 0);
                }
                _ => patterns.push((arg, *slot)),
            }
        }
        for arg in args {
            self.refuse_calls(arg);
            self.refuse_references(arg);
        }
        for (arg, _) in &patterns {
            self.declare_pattern(arg, How::Argument, u32::try_from(rule.bodies.len()).unwrap_or(u32::MAX));
        }
        let (unbound, is_never) = self.declare_unbound(args.iter());
        let front = constant_front(rule);
        let suffix = rule.head.path.get(front..).unwrap_or(&[]);
        let branches = rule
            .bodies
            .iter()
            .map(|branch| {
                let mut heads: Vec<&Term> = suffix.iter().collect();
                heads.extend(&rule.head.key);
                heads.extend(&branch.value);
                let kept = kept_body(&branch.body, &heads);
                self.open(kept, &heads);
                self.go_on();
                let mut body = Vec::new();
                if is_never {
                    body.append(&mut never(&unbound, branch.span));
                }
                let (late, early): (Vec<_>, Vec<_>) = patterns.iter().copied().partition(|(arg, _)| has_template(arg));
                for (arg, slot) in early {
                    let expr = self.term(arg, &mut body);
                    body.push(Lit { kind: LitKind::Unify(Expr::Var(slot), expr), span: arg.span, unit: ALONE });
                }
                self.literals(kept, &mut body);
                // A template among the arguments has the variables of the body.
                for (arg, slot) in late {
                    let expr = self.term(arg, &mut body);
                    body.push(Lit { kind: LitKind::Unify(Expr::Var(slot), expr), span: arg.span, unit: ALONE });
                }
                let own = body.len();
                // As in OPA the parts of the head's reference stand in the body, behind the rest.
                self.in_unit(Self::begin_literal);
                let path: Vec<_> = suffix.iter().map(|term| self.whole(term, &mut body)).collect();
                let keys = own..body.len();
                self.head_from = Some(self.scopes.len());
                let value = match (&rule.head.key, &branch.value) {
                    (Some(term), _) | (None, Some(term)) => self.whole(term, &mut body),
                    (None, None) => Expr::Const(regorus::Value::Bool(true)),
                };
                self.head_from = None;
                self.close();
                BranchIr { body, keys, path, value, set: rule.head.key.is_some(), span: branch.span }
            })
            .collect();
        self.refuse_unused();
        self.refuse_unbound_in_templates();
        let slots = std::mem::take(&mut self.slots);
        let sound = self.errors.len() == self.sound;
        let called = std::mem::take(&mut self.called);
        RuleIr { node, arity: args.len(), branches, slots, span: rule.span, default: rule.default, called, sound }
    }
}
