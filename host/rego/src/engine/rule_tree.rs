//! Gathers the rules of all files into one tree by their paths. The entry point is [`build`]; the main type is [`RuleTree`].
//!
//! A rule stands at the node of the constant front of its head: `p.q[x].r` at `p.q`. Definitions of one rule may be
//! spread over files.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::data_path::written;
use crate::engine::ast::{Module, Name, Rule, Term, TermKind};
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::ir::{Expr, NodeId};
use crate::engine::limits::NOTED_ERRORS;
use crate::engine::span::{Source, Span};

/// What the rules of a node make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No rules: a package, or a name on the way to one.
    Package,
    /// One value.
    Complete,
    /// `contains`, right at the node.
    Set,
    /// Keys below the node, from heads with variables in them.
    Object,
    Function,
}

/// Default rules of one name that are reported: each error names all of them.
const SHOWN_DEFAULTS: usize = 20;

/// Which definition: the file and the rule in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleAt {
    pub file: usize,
    pub rule: usize,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// The path below `data`.
    pub path: Vec<Value>,
    pub children: BTreeMap<Name, NodeId>,
    pub rules: Vec<RuleAt>,
    pub kind: Kind,
    pub arity: usize,
    /// How many of the rules are defaults.
    defaults: usize,
    /// For each rule, what of its head behind the node is constant: `p.q[1][x]` at `p.q` has `[1]`.
    pub constants: Vec<Vec<Value>>,
}

/// What the names of tests begin with.
pub(crate) const TEST: &str = "test_";

impl Node {
    /// Whether a rule here is a test.
    pub(crate) fn is_test(&self) -> bool {
        self.path.iter().any(|part| matches!(part, Value::String(name) if name.starts_with(TEST)))
    }
}

/// The rules of a policy by path; node 0 is `data`.
#[derive(Debug)]
pub(crate) struct RuleTree {
    pub nodes: Vec<Node>,
    /// For each package path, the names its rules begin with.
    pub globals: BTreeMap<Vec<Name>, BTreeSet<Name>>,
}

impl RuleTree {
    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// The node of a path, if there is one.
    pub(crate) fn find<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<NodeId> {
        let mut at = 0;
        for name in path {
            at = *self.node(at)?.children.get(name)?;
        }
        Some(at)
    }

    /// Whether a path below `data` leads into the value of a rule, beyond what the rule's head names.
    pub(crate) fn is_inside_a_rule(&self, path: &[Value]) -> bool {
        let (mut at, mut rest) = (0, path);
        while let Some(node) = self.node(at) {
            let below = |constants: &Vec<Value>| constants.len() < rest.len() && rest.starts_with(constants);
            if node.constants.iter().any(below) {
                return true;
            }
            let Some((Value::String(name), behind)) = rest.split_first() else { return false };
            let Some(child) = node.children.get(name) else { return false };
            (at, rest) = (*child, behind);
        }
        false
    }

    /// The function that a path below `data` names or leads through, if its constant front does.
    pub(crate) fn function_at(&self, path: &[Expr]) -> Option<NodeId> {
        let mut at = 0;
        for step in path {
            let Expr::Const(Value::String(name)) = step else { return None };
            at = *self.node(at)?.children.get(name)?;
            if self.node(at)?.kind == Kind::Function {
                return Some(at);
            }
        }
        None
    }

    /// The path of a node as text, `data` in front.
    pub(crate) fn name(&self, id: NodeId) -> String {
        let path = self.node(id).map_or(&[][..], |node| &node.path);
        written(path.iter().filter_map(|part| if let Value::String(part) = part { Some(&**part) } else { None }))
    }

    fn child(&mut self, parent: NodeId, name: &Name) -> NodeId {
        let Some(node) = self.nodes.get(parent as usize) else { return 0 };
        if let Some(child) = node.children.get(name) {
            return *child;
        }
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        let mut path = node.path.clone();
        path.push(Value::String(name.clone()));
        self.nodes.push(Node {
            path,
            children: BTreeMap::new(),
            rules: Vec::new(),
            kind: Kind::Package,
            arity: 0,
            defaults: 0,
            constants: Vec::new(),
        });
        if let Some(node) = self.nodes.get_mut(parent as usize) {
            node.children.insert(name.clone(), id);
        }
        id
    }
}

/// How many terms behind the name of a head are constant strings.
pub(crate) fn constant_front(rule: &Rule) -> usize {
    rule.head.path.iter().take_while(|term| matches!(term.kind, TermKind::Scalar(Value::String(_)))).count()
}

/// The constants of a head behind its constant front.
fn constant_rest(rule: &Rule) -> Vec<Value> {
    let rest = rule.head.path.get(constant_front(rule)..).unwrap_or_default();
    let constant = |term: &Term| match &term.kind {
        TermKind::Scalar(value) => Some(value.clone()),
        _ => None,
    };
    rest.iter().map_while(constant).collect()
}

/// Builds the tree and gives, for each rule of each file, its node.
pub(crate) fn build(
    modules: &[Module],
    sources: &[Source],
    errors: &mut Vec<CompileError>,
) -> (RuleTree, Vec<Vec<NodeId>>) {
    let root = Node {
        path: Vec::new(),
        children: BTreeMap::new(),
        rules: Vec::new(),
        kind: Kind::Package,
        arity: 0,
        defaults: 0,
        constants: Vec::new(),
    };
    let mut tree = RuleTree { nodes: vec![root], globals: BTreeMap::new() };
    let mut places = Vec::with_capacity(modules.len());
    for (file, module) in modules.iter().enumerate() {
        let mut package = 0;
        for name in &module.package {
            package = tree.child(package, name);
        }
        let globals = tree.globals.entry(module.package.clone()).or_default();
        for rule in &module.rules {
            globals.insert(rule.head.name.clone());
        }
        let mut nodes = Vec::with_capacity(module.rules.len());
        for (at, rule) in module.rules.iter().enumerate() {
            let mut node = tree.child(package, &rule.head.name);
            for term in rule.head.path.iter().take(constant_front(rule)) {
                if let TermKind::Scalar(Value::String(name)) = &term.kind {
                    node = tree.child(node, name);
                }
            }
            location(&mut tree, node, RuleAt { file, rule: at }, rule, modules, sources, errors);
            nodes.push(node);
        }
        places.push(nodes);
    }
    check_children(&tree, modules, sources, errors);
    (tree, places)
}

fn kind_of(rule: &Rule) -> Kind {
    if rule.head.args.is_some() {
        Kind::Function
    } else if constant_front(rule) < rule.head.path.len() {
        Kind::Object
    } else if rule.head.key.is_some() {
        Kind::Set
    } else {
        Kind::Complete
    }
}

fn report(
    sources: &[Source],
    span: Span,
    code: CompileCode,
    message: impl Into<String>,
    errors: &mut Vec<CompileError>,
) {
    if let Some(source) = sources.get(span.file as usize)
        && errors.len() < NOTED_ERRORS
    {
        errors.push(CompileError::at(source, span, code, message));
    }
}

fn location(
    tree: &mut RuleTree,
    id: NodeId,
    at: RuleAt,
    rule: &Rule,
    modules: &[Module],
    sources: &[Source],
    errors: &mut Vec<CompileError>,
) {
    let name = tree.name(id);
    let Some(node) = tree.nodes.get_mut(id as usize) else { return };
    if node.kind == Kind::Package && rule.default {
        node.defaults = 1;
    }
    let kind = kind_of(rule);
    let arity = rule.head.args.as_ref().map_or(0, Vec::len);
    if node.kind == Kind::Package {
        node.kind = kind;
        node.arity = arity;
    } else if node.kind != kind || node.arity != arity {
        let rule_at = |at: &RuleAt| modules.get(at.file).and_then(|module| module.rules.get(at.rule));
        let first = node.rules.first().and_then(rule_at).unwrap_or(rule);
        let message = format!("conflicting rules {name} found");
        report(sources, first.head.span, CompileCode::Type, message, errors);
    } else if rule.default {
        node.defaults += 1;
        if node.defaults > SHOWN_DEFAULTS {
            // Already reported for the previous ones.
            node.rules.push(at);
            return;
        }
        let defaults = node.rules.iter().chain([&at]).filter_map(|at| {
            let rule = modules.get(at.file).and_then(|module| module.rules.get(at.rule))?;
            let source = sources.get(rule.span.file as usize)?;
            rule.default.then(|| format!("{}:{}", source.name, source.row(rule.span.start)))
        });
        let places: Vec<_> = defaults.collect();
        if places.len() > 1 {
            let message = format!("multiple default rules {name} found at {}", places.join(", "));
            report(sources, rule.head.span, CompileCode::Type, message, errors);
        }
    }
    node.rules.push(at);
    node.constants.push(constant_rest(rule));
}

/// A rule that is one value, a set or a function cannot have rules below it.
fn check_children(tree: &RuleTree, modules: &[Module], sources: &[Source], errors: &mut Vec<CompileError>) {
    for (at, node) in tree.nodes.iter().enumerate() {
        if node.children.is_empty() || matches!(node.kind, Kind::Package | Kind::Object) {
            continue;
        }
        let Some(rule) = node.rules.first() else { continue };
        let Some(rule) = modules.get(rule.file).and_then(|module| module.rules.get(rule.rule)) else { continue };
        let name = tree.name(NodeId::try_from(at).unwrap_or(NodeId::MAX));
        let below: Vec<_> = node.children.values().map(|child| tree.name(*child)).collect();
        let message = format!("rule {name} conflicts with [{}]", below.join(" "));
        report(sources, rule.head.span, CompileCode::Type, message, errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parse::parse;

    fn built(texts: &[&str]) -> (RuleTree, Vec<String>) {
        let sources: Vec<_> = texts.iter().map(|text| Source::new("t.rego".into(), (*text).into())).collect();
        let modules: Vec<_> = sources.iter().map(|source| parse(source, 0, false).ok().unwrap()).collect();
        let mut errors = Vec::new();
        let (tree, _) = build(&modules, &sources, &mut errors);
        (tree, errors.into_iter().map(|error| error.message).collect())
    }

    #[test]
    fn a_rule_stands_at_the_constant_front_of_its_head() {
        let (tree, errors) = built(&["package a\np.q[x].r := 1 if x := 1\n", "package a\np.q.s := 2\n"]);
        assert!(errors.is_empty());
        let node = tree.node(tree.find(["a", "p", "q"]).unwrap()).unwrap();
        assert_eq!((node.kind, node.children.len()), (Kind::Object, 1));
    }

    #[test]
    fn definitions_that_do_not_fit_together_are_errors() {
        assert_eq!(built(&["package a\np := 1\np contains 2"]).1, ["conflicting rules data.a.p found"]);
        assert_eq!(built(&["package a\nf(x) := 1\nf(x, y) := 2"]).1, ["conflicting rules data.a.f found"]);
        let twice = built(&["package a\ndefault p := 1\n", "package a\ndefault p := 2"]).1;
        assert_eq!(twice, ["multiple default rules data.a.p found at t.rego:2, t.rego:2"]);
        assert_eq!(
            built(&["package a\nb := 1\n", "package a.b\nc := 1"]).1,
            ["rule data.a.b conflicts with [data.a.b.c]"]
        );
    }
}
