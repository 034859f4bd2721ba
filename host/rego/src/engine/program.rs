//! The compiled form: what the evaluator runs. Made by [`plan`](crate::engine::plan), never changed afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use regorus::Value;

use crate::engine::ast::Name;
use crate::engine::bit_set::BitSet;
use crate::engine::ir::{Callee, Collect, NodeId, Slot};
use crate::engine::rule_tree::Kind;
use crate::engine::span::Span;

/// A term without anything unknown in it.
#[derive(Debug)]
pub(crate) enum Term {
    Const(Value),
    Var(Slot),
    Array(Vec<Self>),
    Set(Vec<Self>),
    Object(Vec<(Self, Self)>),
    Comprehension(Box<Comprehension>),
    Template(Vec<Piece>),
}

/// A piece of a template.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(Arc<str>),
    Value(Comprehension),
}

/// A comprehension.
#[derive(Debug)]
pub(crate) struct Comprehension {
    pub collect: Collect,
    pub key: Option<Term>,
    pub value: Term,
    pub steps: Vec<Step>,
    pub span: Span,
    /// How the values of all keys are made at once, where it selects by variables of the rule around it.
    pub index: Option<Box<ComprehensionIndex>>,
}

/// The second plan of a comprehension.
#[derive(Debug)]
pub(crate) struct ComprehensionIndex {
    /// The variables that it selects by: these steps bind them, and the others compare them.
    pub keys: Vec<Slot>,
    /// The other variables of the rule around it.
    pub others: Vec<Slot>,
    pub steps: Vec<Step>,
}

/// What a value is matched with.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Anything, not kept.
    Any,
    /// Anything, kept.
    Bind(Slot),
    /// Exactly this value.
    Is(Term),
    Array(Vec<Self>),
    Object(Vec<(Term, Self)>),
}

/// Where a reference begins.
#[derive(Debug)]
pub(crate) enum Base {
    Slot(Slot),
    Input,
    /// The node of the rule tree; the rest of the path goes on from there.
    Node(NodeId),
    /// A path of base data that no rule can touch.
    Doc(Vec<Value>),
}

/// What is done with a value that a reference or call gives.
#[derive(Debug)]
pub(crate) enum Target {
    /// It must not be false.
    Truthy,
    Pattern(Pattern),
}

#[derive(Debug)]
pub(crate) struct Step {
    pub op: Op,
    pub span: Span,
}

/// One step of a body. `Scan`, `Walk`, `In` and `With` may go on many times, the others once or not at all.
#[derive(Debug)]
pub(crate) enum Op {
    Match {
        term: Term,
        pattern: Pattern,
    },
    Equal(Term, Term),
    Truthy(Term),
    /// A reference with every part known.
    Lookup {
        base: Base,
        path: Vec<Term>,
        out: Target,
    },
    /// A reference that binds variables on its way.
    Scan {
        base: Base,
        path: Vec<Pattern>,
        out: Target,
    },
    Call {
        callee: Callee,
        args: Vec<Term>,
        out: Target,
    },
    Walk {
        value: Term,
        out: Target,
    },
    In {
        key: Option<Pattern>,
        value: Pattern,
        domain: Term,
    },
    Every {
        key: Option<Pattern>,
        value: Pattern,
        domain: Term,
        body: Vec<Step>,
    },
    Not(Vec<Step>),
    With {
        mods: Vec<WithModifier>,
        body: Vec<Step>,
    },
    Print(Vec<Comprehension>),
}

#[derive(Debug)]
pub(crate) enum ModifierTarget {
    Input(Vec<Value>),
    Data(Vec<Value>),
    Function(Callee),
}

/// One `with`.
#[derive(Debug)]
pub(crate) struct WithModifier {
    pub target: ModifierTarget,
    pub value: ModifierValue,
    /// The nodes whose value it can change; filled when all rules are known.
    pub affected: Arc<OnceLock<BitSet>>,
}

#[derive(Debug)]
pub(crate) enum ModifierValue {
    Value(Term),
    Function(Callee),
}

/// A definition.
#[derive(Debug)]
pub(crate) struct Rule {
    pub slots: usize,
    pub branches: Vec<Branch>,
    pub span: Span,
    /// Constants that arguments must be, by position: a quick look before a frame is made.
    pub guards: Vec<(usize, Value)>,
    /// The value, when every branch has the same constant.
    pub constant: Option<Value>,
}

/// A rule of a set or object with its first key known beforehand.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub key: KeyBinding,
    pub rule: Rule,
}

/// Where the known key goes.
#[derive(Debug)]
pub(crate) enum KeyBinding {
    Slot(Slot),
    /// The rule gives this key only.
    Const(Value),
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub steps: Vec<Step>,
    /// The case that a test `test_x[case]` is at, known as early as can be: these steps bind the variables of `path`. None
    /// for all other rules.
    pub case: Option<Vec<Step>>,
    pub path: Vec<Term>,
    pub value: Term,
    pub set: bool,
    pub span: Span,
    pub about: Arc<DebugInfo>,
}

/// What those who watch an evaluation want to know of the definition that a branch belongs to.
#[derive(Debug)]
pub(crate) struct DebugInfo {
    /// What it defines.
    pub node: NodeId,
    /// The names of its variables by slot; none for those that the source does not name.
    pub names: Vec<Option<Name>>,
    /// The definition in the source.
    pub span: Span,
}

/// A place in the rule tree with what is there.
#[derive(Debug)]
pub(crate) struct Node {
    pub path: Vec<Value>,
    pub kind: Kind,
    pub children: BTreeMap<Value, NodeId>,
    pub rules: Vec<Rule>,
    pub default: Option<Rule>,
    /// Which of the rules can have a value, where there are many.
    pub index: Option<RuleIndex>,
    /// For sets and objects: the rules again, for lookups of one key.
    pub keyed: Option<Vec<Keyed>>,
    pub name: String,
    pub span: Span,
}

/// A place whose value says which rules can hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IndexedPlace {
    /// A path of the input.
    Input(Vec<Value>),
    /// A path of an argument.
    Argument(usize, Vec<Value>),
}

/// The rules of a node by the value of one place, as places among its rules in order.
#[derive(Debug)]
pub(crate) struct RuleIndex {
    pub place: IndexedPlace,
    /// The rules that select by each value.
    pub by_value: BTreeMap<Value, Vec<usize>>,
    /// The rules that select by none.
    pub others: Vec<usize>,
}

/// A path or function that some `with` replaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Atom {
    /// A first key of `input`; `None` is all of it.
    Input(Option<Value>),
    /// A path of data.
    Data(Vec<Value>),
    /// A function of a policy.
    Node(NodeId),
    /// A built-in function.
    Builtin(&'static str),
}

/// All rules of a policy.
#[derive(Debug)]
pub(crate) struct Program {
    pub nodes: Vec<Node>,
}

impl Program {
    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// The node of a path below `data`, if there is one.
    pub(crate) fn find<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<NodeId> {
        let mut at = 0;
        for name in path {
            at = *self.node(at)?.children.get(&Value::from(name))?;
        }
        Some(at)
    }
}
