//! The resolved form of a rule: names are slots or full paths, nested calls and references are literals of their own.
//!
//! [`resolve`](crate::engine::resolve) makes it, [`safety`](crate::engine::safety) puts its literals in order, [`plan`](crate::engine::plan)
//! turns it into steps.

use std::sync::Arc;

use regorus::Value;

use crate::engine::ast::Name;
use crate::engine::builtins::Builtin;
use crate::engine::span::Span;

/// A variable of a rule.
pub(crate) type Slot = u32;

/// A place in the rule tree.
pub(crate) type NodeId = u32;

/// A term without references and calls.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Const(Value),
    Var(Slot),
    Array(Vec<Self>),
    Set(Vec<Self>),
    Object(Vec<(Self, Self)>),
    Comprehension(Arc<Closure>),
    Template(Arc<Vec<Piece>>),
}

/// A piece of a template.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(Arc<str>),
    Value(Arc<Closure>),
}

/// What a comprehension collects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collect {
    Array,
    Set,
    Object,
}

/// A comprehension.
#[derive(Debug)]
pub(crate) struct Closure {
    pub collect: Collect,
    pub key: Option<Expr>,
    pub value: Expr,
    pub body: Vec<Lit>,
    /// Variables of the rule around it.
    pub free: Vec<Slot>,
    pub span: Span,
}

/// Where a reference begins.
#[derive(Clone, Debug)]
pub(crate) enum Root {
    Slot(Slot),
    Input,
    Data,
}

#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub root: Root,
    pub path: Vec<Expr>,
}

/// What is called.
#[derive(Clone, Copy)]
pub(crate) enum Callee {
    Builtin(&'static Builtin),
    /// A function of a policy.
    Function(NodeId),
    Engine(Special),
}

impl std::fmt::Debug for Callee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Builtin(builtin) => f.write_str(builtin.name),
            Self::Function(node) => write!(f, "function {node}"),
            Self::Engine(special) => write!(f, "{special:?}"),
        }
    }
}

/// Functions that the evaluator itself implements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Special {
    /// `x in xs`
    Member,
    /// `k, v in xs`
    MemberPair,
    Walk,
    Trace,
    Runtime,
    HttpSend,
}

/// One condition of a body.
#[derive(Clone, Debug)]
pub(crate) struct Lit {
    pub kind: LitKind,
    pub span: Span,
    /// The expression that it is a part of.
    pub unit: Unit,
}

/// An expression of a body as OPA orders them: a call, or what is left of a literal without its calls. References are moved out
/// of it here, but nothing of it is evaluated before all of it can be. [`ALONE`] is a literal that is an expression by itself.
pub(crate) type Unit = u32;

/// The unit of a literal without parts that were moved out of it.
pub(crate) const ALONE: Unit = 0;

#[derive(Clone, Debug)]
pub(crate) enum LitKind {
    /// `a = b`; either side may bind.
    Unify(Expr, Expr),
    /// `a == b`
    Equal(Expr, Expr),
    /// A reference; without `out` it must not be false.
    Ref {
        path: Path,
        out: Option<Expr>,
        /// Whether `out` may bind.
        bind: bool,
        /// It was moved out of a negation, so nothing on its path may bind.
        closed: bool,
        /// `out` is written on the left.
        flipped: bool,
    },
    Call {
        callee: Callee,
        args: Vec<Expr>,
        out: Option<Expr>,
        /// In OPA an expression of its own unifies the result with `out`.
        unified: bool,
    },
    Truthy(Expr),
    Not {
        body: Vec<Lit>,
        /// Variables that only the negated body has.
        own: Vec<Slot>,
    },
    In {
        key: Option<Expr>,
        value: Expr,
        domain: Expr,
    },
    Every {
        key: Option<Expr>,
        value: Expr,
        domain: Expr,
        body: Arc<Vec<Lit>>,
        free: Vec<Slot>,
    },
    With {
        mods: Vec<WithModifier>,
        body: Vec<Lit>,
    },
    Print(Vec<Arc<Closure>>),
}

/// What a `with` replaces.
#[derive(Clone, Debug)]
pub(crate) enum WithTarget {
    Input(Vec<Value>),
    Data(Vec<Value>),
    Function(Callee),
}

/// One `with`.
#[derive(Clone, Debug)]
pub(crate) struct WithModifier {
    pub target: WithTarget,
    pub value: Replacement,
}

#[derive(Clone, Debug)]
pub(crate) enum Replacement {
    Value(Expr),
    Function(Callee),
}

/// A variable as the source names it; `None` for one of ours.
#[derive(Clone, Debug)]
pub(crate) struct SlotInfo {
    pub name: Option<Name>,
    /// Nothing declares it, and it has the name of a built-in function.
    pub is_function: bool,
}

/// A definition of a rule.
#[derive(Debug)]
pub(crate) struct RuleIr {
    pub node: NodeId,
    pub arity: usize,
    pub branches: Vec<BranchIr>,
    pub slots: Vec<SlotInfo>,
    pub span: Span,
    pub default: bool,
    /// Rules that it calls as if they were functions without arguments.
    pub called: Vec<(NodeId, Span)>,
    /// Nothing is wrong with it so far: the later passes look at no other.
    pub sound: bool,
}

/// A body and what it gives.
#[derive(Debug)]
pub(crate) struct BranchIr {
    pub body: Vec<Lit>,
    /// Which literals of the body make the variables of `path`: those before are the source's own.
    pub keys: std::ops::Range<usize>,
    /// Where in the rule's object the value goes.
    pub path: Vec<Expr>,
    /// The value, or the element of a set.
    pub value: Expr,
    /// `contains`: the value joins a set at the path.
    pub set: bool,
    pub span: Span,
}

impl Expr {
    /// Calls `visit` with every variable it needs or binds.
    pub(crate) fn slots(&self, visit: &mut dyn FnMut(Slot)) {
        match self {
            Self::Const(_) => {}
            Self::Var(slot) => visit(*slot),
            Self::Array(items) | Self::Set(items) => {
                for item in items {
                    item.slots(visit);
                }
            }
            Self::Object(items) => {
                for (key, value) in items {
                    key.slots(visit);
                    value.slots(visit);
                }
            }
            Self::Comprehension(closure) => closure.free.iter().for_each(|slot| visit(*slot)),
            Self::Template(pieces) => {
                for piece in pieces.iter() {
                    if let Piece::Value(closure) = piece {
                        closure.free.iter().for_each(|slot| visit(*slot));
                    }
                }
            }
        }
    }
}

impl Expr {
    /// Calls `visit` with every variable of it that does not stand in a closure.
    pub(crate) fn open_slots(&self, visit: &mut dyn FnMut(Slot)) {
        match self {
            Self::Const(_) | Self::Comprehension(_) | Self::Template(_) => {}
            Self::Var(slot) => visit(*slot),
            Self::Array(items) | Self::Set(items) => items.iter().for_each(|item| item.open_slots(visit)),
            Self::Object(items) => {
                for (key, value) in items {
                    key.open_slots(visit);
                    value.open_slots(visit);
                }
            }
        }
    }

    /// Calls `visit` with every closure that stands in it, those within others left out.
    pub(crate) fn closures<'a>(&'a self, visit: &mut dyn FnMut(&'a Closure)) {
        match self {
            Self::Const(_) | Self::Var(_) => {}
            Self::Array(items) | Self::Set(items) => items.iter().for_each(|item| item.closures(visit)),
            Self::Object(items) => {
                for (key, value) in items {
                    key.closures(visit);
                    value.closures(visit);
                }
            }
            Self::Comprehension(closure) => visit(closure),
            Self::Template(pieces) => {
                for piece in pieces.iter() {
                    if let Piece::Value(closure) = piece {
                        visit(closure);
                    }
                }
            }
        }
    }
}

impl Lit {
    /// Calls `visit` with the variables that it gives to what follows, where it is taken without knowing all of them: those in
    /// closures and bodies are not among them.
    pub(crate) fn open_slots(&self, visit: &mut dyn FnMut(Slot)) {
        match &self.kind {
            LitKind::Unify(left, right) | LitKind::Equal(left, right) => {
                left.open_slots(visit);
                right.open_slots(visit);
            }
            LitKind::Ref { path, out, .. } => {
                if let Root::Slot(slot) = path.root {
                    visit(slot);
                }
                path.path.iter().chain(out).for_each(|expr| expr.open_slots(visit));
            }
            LitKind::Call { args, out, .. } => args.iter().chain(out).for_each(|expr| expr.open_slots(visit)),
            LitKind::Truthy(expr) => expr.open_slots(visit),
            LitKind::In { key, value, domain } => {
                key.iter().chain([value, domain]).for_each(|expr| expr.open_slots(visit));
            }
            LitKind::Not { body, .. } | LitKind::With { body, .. } => {
                for lit in body {
                    lit.open_slots(&mut |slot| visit(slot));
                }
            }
            LitKind::Every { domain, .. } => domain.open_slots(visit),
            LitKind::Print(_) => {}
        }
    }

    /// Calls `visit` with every closure that stands in it, those within others left out.
    pub(crate) fn closures<'a>(&'a self, visit: &mut dyn FnMut(&'a Closure)) {
        match &self.kind {
            LitKind::Unify(left, right) | LitKind::Equal(left, right) => {
                left.closures(visit);
                right.closures(visit);
            }
            LitKind::Ref { path, out, .. } => path.path.iter().chain(out).for_each(|expr| expr.closures(visit)),
            LitKind::Call { args, out, .. } => args.iter().chain(out).for_each(|expr| expr.closures(visit)),
            LitKind::Truthy(expr) => expr.closures(visit),
            LitKind::In { key, value, domain } => {
                key.iter().chain([value, domain]).for_each(|expr| expr.closures(visit));
            }
            LitKind::Not { body, .. } => body.iter().for_each(|lit| lit.closures(visit)),
            LitKind::Every { domain, body, .. } => {
                domain.closures(visit);
                body.iter().for_each(|lit| lit.closures(visit));
            }
            LitKind::With { mods, body } => {
                for replaced in mods {
                    if let Replacement::Value(expr) = &replaced.value {
                        expr.closures(visit);
                    }
                }
                body.iter().for_each(|lit| lit.closures(visit));
            }
            LitKind::Print(closures) => closures.iter().for_each(|closure| visit(closure)),
        }
    }

    /// Calls `visit` with the variables that an `every` gives a value for its body.
    pub(crate) fn bound_within(&self, visit: &mut dyn FnMut(Slot)) {
        if let LitKind::Every { key, value, .. } = &self.kind {
            key.iter().chain([value]).for_each(|expr| expr.slots(visit));
        }
    }

    /// Calls `visit` with every variable of the body that it stands in.
    pub(crate) fn slots(&self, visit: &mut dyn FnMut(Slot)) {
        match &self.kind {
            LitKind::Unify(left, right) | LitKind::Equal(left, right) => {
                left.slots(visit);
                right.slots(visit);
            }
            LitKind::Ref { path, out, .. } => {
                path.slots(visit);
                if let Some(out) = out {
                    out.slots(visit);
                }
            }
            LitKind::Call { args, out, .. } => {
                for arg in args.iter().chain(out) {
                    arg.slots(visit);
                }
            }
            LitKind::Truthy(expr) => expr.slots(visit),
            LitKind::Not { body, own } => {
                for lit in body {
                    lit.slots(&mut |slot| {
                        if !own.contains(&slot) {
                            visit(slot);
                        }
                    });
                }
            }
            LitKind::In { key, value, domain } => {
                for expr in key.iter().chain([value, domain]) {
                    expr.slots(visit);
                }
            }
            LitKind::Every { domain, free, .. } => {
                domain.slots(visit);
                free.iter().for_each(|slot| visit(*slot));
            }
            LitKind::With { mods, body } => {
                for replaced in mods {
                    if let Replacement::Value(expr) = &replaced.value {
                        expr.slots(visit);
                    }
                }
                for lit in body {
                    // A closure that calls itself must not become a new type at each level.
                    lit.slots(&mut |slot| visit(slot));
                }
            }
            LitKind::Print(closures) => {
                for closure in closures {
                    closure.free.iter().for_each(|slot| visit(*slot));
                }
            }
        }
    }
}

impl Path {
    fn slots(&self, visit: &mut dyn FnMut(Slot)) {
        if let Root::Slot(slot) = self.root {
            visit(slot);
        }
        for expr in &self.path {
            expr.slots(visit);
        }
    }
}

impl Special {
    /// Whether its result depends on its arguments alone, and it does nothing else.
    pub(crate) const fn is_pure(self) -> bool {
        matches!(self, Self::Member | Self::MemberPair | Self::Walk)
    }

    /// The name policies call it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Member => "internal.member_2",
            Self::MemberPair => "internal.member_3",
            Self::Walk => "walk",
            Self::Trace => "trace",
            Self::Runtime => "opa.runtime",
            Self::HttpSend => "http.send",
        }
    }
}
