//! Literals become steps.

use std::sync::Arc;

use crate::engine::ir::{Callee, Closure, Expr, Lit, LitKind, Replacement, Special, WithTarget};
use crate::engine::limits::COMPILE_ERRORS;
use crate::engine::program::{
    Atom, Comprehension, ModifierTarget, ModifierValue, Op, Pattern, Step, Target, Term, WithModifier,
};
use crate::engine::safety::{Bound, reorder, split};

use super::Planner;

impl Planner<'_> {
    /// Orders and plans a body; afterwards all its variables are bound.
    pub(super) fn body(&mut self, body: &[Lit], bound: &mut Bound) -> Vec<Step> {
        let mut steps = Vec::with_capacity(body.len());
        match reorder(body, &mut bound.copy(self.work), self.work) {
            Ok(ordered) => {
                for lit in ordered {
                    self.lit(lit, bound, &mut steps);
                    // Those that never have a value, too.
                    lit.open_slots(&mut |slot| {
                        bound.add(slot);
                    });
                }
            }
            Err(lacking) => {
                if self.errors.len() < COMPILE_ERRORS {
                    self.report_unsafe(lacking.into_iter().map(|(slot, lit)| (slot, lit.span)));
                }
                // The variables count as bound from here, so that one mistake is one error.
                for lit in body {
                    lit.slots(&mut |slot| {
                        bound.add(slot);
                    });
                }
            }
        }
        steps
    }

    fn lit(&mut self, lit: &Lit, bound: &mut Bound, steps: &mut Vec<Step>) {
        let span = lit.span;
        let op = match &lit.kind {
            LitKind::Unify(left, right) => return self.unify(left, right, lit, bound, steps),
            LitKind::Equal(left, right) => Op::Equal(self.term(left, bound), self.term(right, bound)),
            LitKind::Ref { path, out, .. } => self.reference(path, out.as_ref(), bound),
            LitKind::Call { callee, args, out, .. } => {
                self.note_call(*callee);
                let mut args: Vec<_> = args.iter().map(|arg| self.term(arg, bound)).collect();
                let out = out.as_ref().map_or(Target::Truthy, |out| Target::Pattern(self.pattern(out, bound)));
                match callee {
                    Callee::Engine(Special::Walk) => match args.pop() {
                        Some(value) => Op::Walk { value, out },
                        None => return,
                    },
                    _ => Op::Call { callee: *callee, args, out },
                }
            }
            LitKind::Truthy(expr) => Op::Truthy(self.term(expr, bound)),
            LitKind::Not { body, .. } => Op::Not(self.body(body, &mut bound.copy(self.work))),
            LitKind::In { key, value, domain } => {
                let domain = self.term(domain, bound);
                let key = key.as_ref().map(|key| self.pattern(key, bound));
                let value = self.pattern(value, bound);
                Op::In { key, value, domain }
            }
            LitKind::Every { key, value, domain, body, .. } => {
                let domain = self.term(domain, bound);
                let mut inner = bound.copy(self.work);
                let key = key.as_ref().map(|key| self.pattern(key, &mut inner));
                let value = self.pattern(value, &mut inner);
                let body = self.body(body, &mut inner);
                Op::Every { key, value, domain, body }
            }
            LitKind::With { mods, body } => {
                let mods = mods.iter().map(|replaced| self.with(replaced, bound)).collect();
                Op::With { mods, body: self.body(body, bound) }
            }
            LitKind::Print(closures) => {
                Op::Print(closures.iter().map(|closure| self.closure(closure, bound)).collect())
            }
        };
        steps.push(Step { op, span });
    }

    fn unify(&mut self, left: &Expr, right: &Expr, lit: &Lit, bound: &mut Bound, steps: &mut Vec<Step>) {
        let Some(pairs) = split(left, right, &mut bound.copy(self.work)) else {
            // An expression of which OPA looks at the closures alone.
            let (known, other) = if bound.ground(left) { (left, right) } else { (right, left) };
            let term = self.term(known, bound);
            let op = Op::Match { term, pattern: self.pattern(other, bound) };
            return steps.push(Step { op, span: lit.span });
        };
        for (known, other) in pairs {
            let op = if bound.ground(other) {
                Op::Equal(self.term(known, bound), self.term(other, bound))
            } else {
                let term = self.term(known, bound);
                Op::Match { term, pattern: self.pattern(other, bound) }
            };
            steps.push(Step { op, span: lit.span });
        }
    }

    fn with(&mut self, replaced: &crate::engine::ir::WithModifier, bound: &Bound) -> WithModifier {
        let (target, atom) = match &replaced.target {
            WithTarget::Input(path) => (ModifierTarget::Input(path.clone()), Atom::Input(path.first().cloned())),
            WithTarget::Data(path) => (ModifierTarget::Data(path.clone()), Atom::Data(path.clone())),
            WithTarget::Function(callee) => (ModifierTarget::Function(*callee), callee_atom(*callee)),
        };
        // As in OPA a rule depends on what it replaces.
        match &replaced.target {
            WithTarget::Input(_) => {}
            WithTarget::Data(path) => {
                let names = path.iter().map(|part| part.as_string().map_or("", |part| part));
                self.reads.nodes.extend(self.tree.find(names));
            }
            WithTarget::Function(callee) => self.note_call(*callee),
        }
        let value = match &replaced.value {
            Replacement::Value(expr) => ModifierValue::Value(self.term(expr, bound)),
            Replacement::Function(callee) => {
                self.note_call(*callee);
                ModifierValue::Function(*callee)
            }
        };
        let affected = Arc::clone(self.targets.entry(atom).or_default());
        WithModifier { target, value, affected }
    }

    fn note_call(&mut self, callee: Callee) {
        self.reads.atoms.insert(callee_atom(callee));
        if let Callee::Function(node) = callee {
            self.reads.nodes.insert(node);
        }
    }

    /// A term all of whose variables are bound.
    pub(super) fn term(&mut self, expr: &Expr, bound: &Bound) -> Term {
        match expr {
            Expr::Const(value) => Term::Const(value.clone()),
            Expr::Var(slot) => Term::Var(*slot),
            Expr::Array(items) => Term::Array(items.iter().map(|item| self.term(item, bound)).collect()),
            Expr::Set(items) => Term::Set(items.iter().map(|item| self.term(item, bound)).collect()),
            Expr::Object(items) => Term::Object(
                items.iter().map(|(key, value)| (self.term(key, bound), self.term(value, bound))).collect(),
            ),
            Expr::Comprehension(closure) => Term::Comprehension(Box::new(self.closure(closure, bound))),
            Expr::Template(pieces) => Term::Template(
                pieces
                    .iter()
                    .map(|piece| match piece {
                        crate::engine::ir::Piece::Text(text) => crate::engine::program::Piece::Text(text.clone()),
                        crate::engine::ir::Piece::Value(closure) => {
                            crate::engine::program::Piece::Value(self.closure(closure, bound))
                        }
                    })
                    .collect(),
            ),
        }
    }

    fn closure(&mut self, closure: &Closure, bound: &Bound) -> Comprehension {
        let mut inner = bound.copy(self.work);
        let steps = self.body(&closure.body, &mut inner);
        let key = closure.key.as_ref().map(|key| self.head_term(key, &inner, closure.span));
        let value = self.head_term(&closure.value, &inner, closure.span);
        let index = self.comprehension_index(closure, bound).map(Box::new);
        Comprehension { collect: closure.collect, key, value, steps, span: closure.span, index }
    }

    /// What a value is matched with; its free variables are bound afterwards.
    pub(super) fn pattern(&mut self, expr: &Expr, bound: &mut Bound) -> Pattern {
        match expr {
            Expr::Var(slot) if !bound.has(*slot) => {
                bound.add(*slot);
                let wild = self.slots.get(*slot as usize).and_then(|info| info.name.as_deref()) == Some("_");
                if wild { Pattern::Any } else { Pattern::Bind(*slot) }
            }
            Expr::Array(items) if !bound.ground(expr) => {
                Pattern::Array(items.iter().map(|item| self.pattern(item, bound)).collect())
            }
            Expr::Object(items) if !bound.ground(expr) => Pattern::Object(
                items.iter().map(|(key, value)| (self.term(key, bound), self.pattern(value, bound))).collect(),
            ),
            _ => Pattern::Is(self.term(expr, bound)),
        }
    }
}

fn callee_atom(callee: Callee) -> Atom {
    match callee {
        Callee::Builtin(builtin) => Atom::Builtin(builtin.name),
        Callee::Function(node) => Atom::Node(node),
        Callee::Engine(special) => Atom::Builtin(special.name()),
    }
}
