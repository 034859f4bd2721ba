//! The syntax tree: what the parser makes of one file. Names are not resolved yet.
//!
//! Operators are calls under the name of their built-in function (`plus`, `equal`, `internal.member_2`); `=` is `eq`,
//! `:=` is `assign`.

use std::sync::Arc;

use regorus::Value;

use crate::engine::span::Span;

/// A name, shared because it occurs often.
pub(crate) type Name = Arc<str>;

/// One file.
#[derive(Debug)]
pub(crate) struct Module {
    /// The package path, `data` left out.
    pub package: Vec<Name>,
    /// Where the package is named.
    pub package_span: Span,
    pub imports: Vec<Import>,
    /// `import rego.v1` and `import future.keywords`, which choose the language.
    pub language_imports: Vec<Import>,
    pub rules: Vec<Rule>,
    /// It is Rego of before 1.0 and does not import `rego.v1`.
    pub v0: bool,
    /// Every comment, from `#` to the end of the line, in source order.
    pub comments: Vec<Span>,
}

/// `import data.a.b as c`.
#[derive(Debug)]
pub(crate) struct Import {
    /// The whole path, with `data` or `input` in front.
    pub path: Vec<Name>,
    pub alias: Option<Name>,
    pub span: Span,
}

impl Import {
    /// The name the import is known by in its file.
    pub(crate) fn name(&self) -> Option<&Name> {
        self.alias.as_ref().or(self.path.last())
    }
}

/// One definition of a rule with its `else` branches.
#[derive(Debug)]
pub(crate) struct Rule {
    pub span: Span,
    pub default: bool,
    pub head: Head,
    pub bodies: Vec<Branch>,
}

/// One body and the value it gives; the first that holds decides.
#[derive(Debug)]
pub(crate) struct Branch {
    /// `None` is `true`, or the element of a partial set.
    pub value: Option<Term>,
    pub body: Vec<Literal>,
    /// The value stands behind `:=`.
    pub assigned: bool,
    pub span: Span,
}

/// The head of a rule: `a.b[x](args) contains key`.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub name: Name,
    /// What follows the name, as in a reference.
    pub path: Vec<Term>,
    pub args: Option<Vec<Term>>,
    pub key: Option<Term>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Literal {
    pub kind: LiteralKind,
    pub with: Vec<With>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum LiteralKind {
    Expr(Term),
    Not(Term),
    /// `some x, y`
    Some(Vec<(Name, Span)>),
    /// `some k, v in xs`
    SomeIn {
        key: Option<Term>,
        value: Term,
        domain: Term,
    },
    Every {
        key: Option<Term>,
        value: Term,
        domain: Term,
        body: Vec<Literal>,
    },
}

/// `with input.x as value`
#[derive(Debug)]
pub(crate) struct With {
    pub target: Term,
    pub value: Term,
    /// From `with` to the end of the value.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub(crate) struct Term {
    pub kind: TermKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum TermKind {
    Scalar(Value),
    /// `_` is a variable of that name.
    Var(Name),
    Ref(Arc<Ref>),
    Array(Vec<Term>),
    Set(Vec<Term>),
    Object(Vec<(Term, Term)>),
    Call(Arc<Call>),
    ArrayOf(Arc<Comprehension>),
    SetOf(Arc<Comprehension>),
    ObjectOf(Arc<Comprehension>),
    Template(Vec<Part>),
}

#[derive(Debug)]
pub(crate) struct Ref {
    pub head: Term,
    pub path: Vec<Term>,
}

#[derive(Debug)]
pub(crate) struct Call {
    /// The dotted name as written, or an operator's.
    pub name: Vec<Name>,
    pub args: Vec<Term>,
    /// Where the name stands.
    pub name_span: Span,
    /// Written as an operator: never shadowed, never an alias.
    pub operator: bool,
}

#[derive(Debug)]
pub(crate) struct Comprehension {
    /// The key of an object comprehension.
    pub key: Option<Term>,
    pub value: Term,
    pub body: Vec<Literal>,
}

/// A piece of `$"text {expression}"`.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(Arc<str>),
    Expr(Arc<Literal>),
}
