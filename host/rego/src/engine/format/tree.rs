//! The syntax tree with the places that OPA's parser gives its nodes: the layout depends on them.

use crate::engine::ast::Name;

/// Where a node stands. Row and column are those of its first word, the text may begin further left, at a parenthesis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub row: u32,
    pub column: u32,
    /// First byte of the text.
    pub start: u32,
    /// The byte behind it.
    pub end: u32,
}

/// A term.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: Place,
    pub kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    /// Null, a boolean or a number, as it is written.
    Plain(String),
    Text(Name),
    Var(Name),
    /// The head and the path.
    Ref(Vec<Node>),
    Call(CallNode),
    Array(Vec<Node>),
    Set(Vec<Node>),
    Object(Vec<(Node, Node)>),
    ArrayOf(Box<Closure>),
    SetOf(Box<Closure>),
    ObjectOf(Box<Closure>),
    /// `raw` for backquotes.
    Template {
        raw: bool,
        pieces: Vec<Piece>,
    },
}

/// A call or an operator.
#[derive(Clone, Debug)]
pub(super) struct CallNode {
    /// The dotted name, or the name of the operator's function.
    pub name: String,
    /// The name as a reference.
    pub function: Vec<Node>,
    /// Where the name or the operator stands.
    pub place: Place,
    pub args: Vec<Node>,
}

/// A comprehension.
#[derive(Clone, Debug)]
pub(super) struct Closure {
    pub key: Option<Node>,
    pub value: Node,
    pub body: Vec<Statement>,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text {
        place: Place,
        text: Name,
    },
    /// A scalar that stands in braces.
    Scalar(Node),
    Statement(Box<Statement>),
}

impl Piece {
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Text { place, .. } => *place,
            Self::Scalar(node) => node.place,
            Self::Statement(statement) => statement.place,
        }
    }
}

/// An expression of a body.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub place: Place,
    pub negated: bool,
    pub kind: StatementKind,
    pub with: Vec<WithNode>,
}

#[derive(Clone, Debug)]
pub(super) enum StatementKind {
    Term(Node),
    Call(CallNode),
    /// `some x, y`
    Some(Vec<Node>),
    /// `some x in xs`
    SomeIn(Vec<Node>),
    Every(Box<EveryNode>),
}

/// `every key, value in domain { body }`
#[derive(Clone, Debug)]
pub(super) struct EveryNode {
    pub key: Option<Node>,
    pub value: Node,
    pub domain: Node,
    pub body: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(super) struct WithNode {
    pub place: Place,
    pub target: Node,
    pub value: Node,
}

/// A rule with its `else` branches.
#[derive(Debug)]
pub(super) struct RuleNode {
    /// The rule and what follows each `else`; never empty.
    pub branches: Vec<BranchNode>,
}

impl RuleNode {
    /// What decides how the rule is laid out beside others.
    pub(super) fn first(&self) -> Option<&BranchNode> {
        self.branches.first()
    }
}

#[derive(Debug)]
pub(super) struct BranchNode {
    pub place: Place,
    pub default: bool,
    pub head: HeadNode,
    /// Empty for `true`, written or not.
    pub body: Vec<Statement>,
}

#[derive(Debug)]
pub(super) struct HeadNode {
    pub place: Place,
    pub is_else: bool,
    /// The name and the path.
    pub reference: Vec<Node>,
    pub args: Vec<Node>,
    pub key: Option<Node>,
    pub value: Option<Node>,
    /// The value is not written, or stands where the head stands: `true` is not printed then.
    pub implied: bool,
    /// The value stands behind `:=`.
    pub assigned: bool,
}

/// An import.
#[derive(Clone, Debug)]
pub(super) struct ImportNode {
    pub place: Place,
    pub path: Vec<Node>,
    pub alias: Option<Name>,
}

impl ImportNode {
    /// The path as words.
    pub(super) fn words(&self) -> Vec<Name> {
        let word = |node: &'_ Node| match &node.kind {
            NodeKind::Text(text) | NodeKind::Var(text) => Some(text.clone()),
            _ => None,
        };
        self.path.iter().filter_map(word).collect()
    }

    pub(super) fn is_rego_v1(&self) -> bool {
        matches!(self.words().as_slice(), [root, version] if &**root == "rego" && &**version == "v1")
    }

    /// `future.keywords` or one of them.
    pub(super) fn is_future(&self) -> bool {
        self.words().first().is_some_and(|root| &**root == "future")
    }
}

/// A file.
#[derive(Debug)]
pub(super) struct ModuleNode {
    pub package: Vec<Node>,
    pub package_place: Place,
    pub imports: Vec<ImportNode>,
    pub rules: Vec<RuleNode>,
}

/// Gives a term and all within it one place, as OPA does with parts that it copies.
pub(super) fn relocate(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.kind {
        NodeKind::Plain(_) | NodeKind::Text(_) | NodeKind::Var(_) => {}
        NodeKind::Ref(nodes) | NodeKind::Array(nodes) | NodeKind::Set(nodes) => relocate_all(nodes, place),
        NodeKind::Call(call) => relocate_call(call, place),
        NodeKind::Object(items) => {
            for (key, value) in items {
                relocate(key, place);
                relocate(value, place);
            }
        }
        NodeKind::ArrayOf(closure) | NodeKind::SetOf(closure) | NodeKind::ObjectOf(closure) => {
            relocate_all(&mut closure.key, place);
            relocate(&mut closure.value, place);
            relocate_body(&mut closure.body, place);
        }
        NodeKind::Template { pieces, .. } => {
            for piece in pieces {
                match piece {
                    Piece::Text { place: at, .. } => *at = place,
                    Piece::Scalar(node) => relocate(node, place),
                    Piece::Statement(statement) => relocate_body(std::slice::from_mut(&mut **statement), place),
                }
            }
        }
    }
}

pub(super) fn relocate_all<'a>(nodes: impl IntoIterator<Item = &'a mut Node>, place: Place) {
    nodes.into_iter().for_each(|node| relocate(node, place));
}

fn relocate_call(call: &mut CallNode, place: Place) {
    call.place = place;
    relocate_all(&mut call.function, place);
    relocate_all(&mut call.args, place);
}

/// The same for all that a body holds.
pub(super) fn relocate_body(body: &mut [Statement], place: Place) {
    for statement in body {
        statement.place = place;
        match &mut statement.kind {
            StatementKind::Term(node) => relocate(node, place),
            StatementKind::Call(call) => relocate_call(call, place),
            StatementKind::Some(nodes) | StatementKind::SomeIn(nodes) => relocate_all(nodes, place),
            StatementKind::Every(every) => {
                let EveryNode { key, value, domain, body } = &mut **every;
                relocate_all(key, place);
                relocate(value, place);
                relocate(domain, place);
                relocate_body(body, place);
            }
        }
        for with in &mut statement.with {
            with.place = place;
            relocate(&mut with.target, place);
            relocate(&mut with.value, place);
        }
    }
}
