//! [`Hits`]: which expressions were evaluated and which definitions held; [`lines`]: which lines could have been.
//!
//! The rules of counting are OPA's (its package `cover`): a line counts when an expression or the head of a rule begins
//! on it; an expression is covered when it is evaluated, a head when its definition holds. A declaration such as
//! `some x` need not be covered.

use std::collections::BTreeSet;

use crate::engine::ast::{Branch, Literal, LiteralKind, Module, Part, Rule, Term, TermKind};
use crate::engine::eval::Event;
use crate::engine::span::{Source, Span};

/// What was evaluated, in all evaluations that were joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hits {
    /// The file and first byte of each expression that was evaluated.
    steps: BTreeSet<(u32, u32)>,
    /// The file, the first byte of the definition and of the branch that held.
    branches: BTreeSet<(u32, u32, u32)>,
}

/// Notes hits.
#[derive(Default)]
pub(super) struct Coverage(Hits);

/// The lines of a file that count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    expressions: BTreeSet<(u32, u32)>,
    /// The first byte of a definition and of its branch, and the row that counts for it.
    heads: BTreeSet<(u32, u32, u32)>,
}

/// Rows of a file, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub covered: BTreeSet<u32>,
    pub not_covered: BTreeSet<u32>,
}

impl Coverage {
    pub(super) fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Step { step, .. } => {
                self.0.steps.insert((step.span.file, step.span.start));
            }
            Event::Exit { branch, .. } => {
                let rule = branch.about.span;
                self.0.branches.insert((rule.file, rule.start, branch.span.start));
            }
            Event::Enter { .. } | Event::Failed { .. } | Event::Leave => {}
        }
    }

    pub(super) fn hits(self) -> Hits {
        self.0
    }
}

impl Hits {
    pub(crate) fn join(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.branches.extend(other.branches);
    }

    /// The rows of one file, the `file`th of the policy.
    pub(crate) fn rows(&self, file: u32, source: &Source, lines: &Lines) -> Rows {
        let mut rows = Rows::default();
        let steps = self.steps.range((file, 0)..=(file, u32::MAX));
        rows.covered.extend(steps.map(|(_, start)| source.row(*start)));
        for (rule, branch, row) in &lines.heads {
            if self.branches.contains(&(file, *rule, *branch)) {
                rows.covered.insert(*row);
            }
        }
        let all = lines.heads.iter().map(|(_, _, row)| *row).chain(lines.expressions.iter().map(|(_, row)| *row));
        rows.not_covered.extend(all.filter(|row| !rows.covered.contains(row)));
        rows
    }
}

impl Lines {
    fn rule(&mut self, rule: &Rule, source: &Source) {
        for (at, branch) in rule.bodies.iter().enumerate() {
            let begins = if at == 0 { rule.head.span.start } else { branch.span.start };
            self.heads.insert((rule.span.start, branch.span.start, source.row(begins)));
            self.branch(branch, source);
        }
        for term in rule.head.path.iter().chain(rule.head.args.iter().flatten()).chain(&rule.head.key) {
            self.term(term, source);
        }
    }

    fn branch(&mut self, branch: &Branch, source: &Source) {
        self.body(&branch.body, source);
        if let Some(value) = &branch.value {
            self.term(value, source);
        }
    }

    fn body(&mut self, body: &[Literal], source: &Source) {
        body.iter().for_each(|literal| self.literal(literal, source));
    }

    fn literal(&mut self, literal: &Literal, source: &Source) {
        let Span { start, .. } = literal.span;
        match &literal.kind {
            LiteralKind::Expr(term) | LiteralKind::Not(term) => {
                self.expressions.insert((start, source.row(start)));
                self.term(term, source);
            }
            LiteralKind::Some(_) => {}
            LiteralKind::SomeIn { key, value, domain } => {
                key.iter().chain([value, domain]).for_each(|term| self.term(term, source));
            }
            LiteralKind::Every { domain, body, .. } => {
                self.expressions.insert((start, source.row(start)));
                self.term(domain, source);
                self.body(body, source);
            }
        }
        literal.with.iter().for_each(|with| self.term(&with.value, source));
    }

    /// The expressions of comprehensions inside a term.
    fn term(&mut self, term: &Term, source: &Source) {
        match &term.kind {
            TermKind::Scalar(_) | TermKind::Var(_) => {}
            TermKind::Ref(reference) => {
                self.term(&reference.head, source);
                reference.path.iter().for_each(|term| self.term(term, source));
            }
            TermKind::Array(items) | TermKind::Set(items) => items.iter().for_each(|term| self.term(term, source)),
            TermKind::Object(items) => {
                for (key, value) in items {
                    self.term(key, source);
                    self.term(value, source);
                }
            }
            TermKind::Call(call) => call.args.iter().for_each(|term| self.term(term, source)),
            TermKind::ArrayOf(of) | TermKind::SetOf(of) | TermKind::ObjectOf(of) => {
                of.key.iter().chain([&of.value]).for_each(|term| self.term(term, source));
                self.body(&of.body, source);
            }
            TermKind::Template(parts) => {
                for part in parts {
                    if let Part::Expr(literal) = part {
                        self.literal(literal, source);
                    }
                }
            }
        }
    }
}

/// The lines of a file that count.
pub(crate) fn lines(module: &Module, source: &Source) -> Lines {
    let mut lines = Lines::default();
    module.rules.iter().for_each(|rule| lines.rule(rule, source));
    lines
}
