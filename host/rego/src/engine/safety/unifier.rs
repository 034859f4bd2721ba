//! [`Unifier`]: which variables a unification binds, as far as OPA looks.

use hashbrown::{HashMap, HashSet};
use regorus::Value;

use crate::engine::ir::{Collect, Expr, Slot};
use crate::engine::work::Work;

use super::Bound;

/// A reference: where it begins, if that is a variable, the variables on its path, and the one it was moved to.
pub(super) struct Reference {
    pub(super) root: Option<Slot>,
    pub(super) path: Vec<Slot>,
    pub(super) out: Option<Slot>,
}

/// What is bound so far, and what waits for that.
pub(super) struct Unifier<'a> {
    known: &'a Bound,
    /// Known as well.
    outputs: HashSet<Slot>,
    references: &'a [Reference],
    /// The references that were moved to variables, by these.
    moved: HashMap<Slot, &'a Reference>,
    unified: HashSet<Slot>,
    /// Variables with those that they wait for.
    unknown: HashMap<Slot, HashSet<Slot>>,
    /// Variables with those that wait for them.
    needed_by: HashMap<Slot, Vec<Slot>>,
    work: &'a Work,
}

impl<'a> Unifier<'a> {
    /// Where `known` and `outputs` are known.
    pub(super) fn new(known: &'a Bound, outputs: &[Slot], references: &'a [Reference], work: &'a Work) -> Self {
        Self {
            known,
            outputs: outputs.iter().copied().collect(),
            references,
            moved: references.iter().filter_map(|reference| Some((reference.out?, reference))).collect(),
            unified: HashSet::new(),
            unknown: HashMap::new(),
            needed_by: HashMap::new(),
            work,
        }
    }

    /// What was bound.
    pub(super) fn into_unified(self) -> HashSet<Slot> {
        self.unified
    }

    fn is_known(&self, slot: Slot) -> bool {
        self.known.has(slot) || self.outputs.contains(&slot) || self.unified.contains(&slot)
    }

    /// Whether the value of a reference is had, whose beginning was known before the unification.
    pub(super) fn has_value(&self) -> bool {
        self.references.iter().any(|of| of.out.is_none() && self.begins(of))
    }

    fn begins(&self, reference: &Reference) -> bool {
        reference.root.is_none_or(|root| self.known.has(root) || self.outputs.contains(&root))
    }

    /// The reference that was moved to a variable.
    fn moved(&self, expr: &Expr) -> Option<&'a Reference> {
        let Expr::Var(slot) = expr else { return None };
        self.moved.get(slot).copied()
    }

    /// Unifies two terms.
    pub(super) fn unify(&mut self, left: &Expr, right: &Expr) {
        if let Some(begins) = self.moved(left).map(|reference| self.begins(reference)) {
            return if begins {
                self.mark_shape(right);
            };
        }
        if let Some(begins) = self.moved(right).map(|reference| self.begins(reference)) {
            return if begins {
                self.mark_shape(left);
            };
        }
        match (left, right) {
            (Expr::Var(one), Expr::Var(other)) => {
                if self.is_known(*other) {
                    self.mark(*one);
                } else if self.is_known(*one) {
                    self.mark(*other);
                } else {
                    self.wait(*one, *other);
                    self.wait(*other, *one);
                }
            }
            (Expr::Var(slot), composite @ (Expr::Array(_) | Expr::Object(_)))
            | (composite @ (Expr::Array(_) | Expr::Object(_)), Expr::Var(slot)) => self.unify_all(*slot, composite),
            (Expr::Var(slot), _) | (_, Expr::Var(slot)) => self.mark(*slot),
            (Expr::Array(lefts), Expr::Array(rights)) if lefts.len() == rights.len() => {
                lefts.iter().zip(rights).for_each(|(left, right)| self.unify(left, right));
            }
            (Expr::Object(lefts), Expr::Object(rights)) if lefts.len() == rights.len() => {
                for (key, left) in lefts {
                    if !self.work.go_on(rights.len() / 64) {
                        return;
                    }
                    if let Some((_, right)) = rights.iter().find(|(other, _)| super::same(key, other)) {
                        self.unify(left, right);
                    }
                }
            }
            (Expr::Array(_) | Expr::Object(_), Expr::Const(value)) => self.unify_with(left, value),
            (Expr::Const(value), Expr::Array(_) | Expr::Object(_)) => self.unify_with(right, value),
            // OPA looks at one side more closely than at the other.
            (Expr::Array(_), Expr::Comprehension(_)) => self.mark_all(left),
            (Expr::Comprehension(closure), composite @ (Expr::Array(_) | Expr::Object(_))) => {
                let fits = match composite {
                    Expr::Array(_) => closure.collect == Collect::Array,
                    _ => closure.collect == Collect::Object,
                };
                if fits {
                    self.mark_all(right);
                }
            }
            _ => {}
        }
    }

    /// The same with a constant.
    fn unify_with(&mut self, expr: &Expr, value: &Value) {
        match (expr, value) {
            (Expr::Var(slot), _) if self.moved(expr).is_none() => self.mark(*slot),
            (Expr::Array(items), Value::Array(values)) if items.len() == values.len() => {
                items.iter().zip(values.iter()).for_each(|(item, value)| self.unify_with(item, value));
            }
            (Expr::Object(items), Value::Object(values)) if items.len() == values.len() => {
                for (key, item) in items {
                    if let Expr::Const(key) = key
                        && let Some(value) = values.get(key)
                    {
                        self.unify_with(item, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// The same, if it is one that OPA looks into.
    pub(super) fn mark_shape(&mut self, expr: &Expr) {
        if matches!(expr, Expr::Var(_) | Expr::Array(_) | Expr::Object(_)) {
            self.mark_all(expr);
        }
    }

    /// Every variable of a term is bound, those in keys and closures left out.
    fn mark_all(&mut self, expr: &Expr) {
        let mut slots = Vec::new();
        self.listed(expr, &mut slots);
        slots.into_iter().for_each(|slot| self.mark(slot));
    }

    fn listed(&self, expr: &Expr, slots: &mut Vec<Slot>) {
        match expr {
            Expr::Var(slot) => match self.moved(expr) {
                Some(reference) => slots.extend(&reference.path),
                None => slots.push(*slot),
            },
            Expr::Array(items) | Expr::Set(items) => items.iter().for_each(|item| self.listed(item, slots)),
            Expr::Object(items) => items.iter().for_each(|(_, value)| self.listed(value, slots)),
            Expr::Const(_) | Expr::Comprehension(_) | Expr::Template(_) => {}
        }
    }

    fn unify_all(&mut self, slot: Slot, composite: &Expr) {
        if self.is_known(slot) {
            return self.mark_all(composite);
        }
        let mut slots = Vec::new();
        self.listed(composite, &mut slots);
        slots.retain(|other| !self.is_known(*other));
        if slots.is_empty() {
            return self.mark(slot);
        }
        slots.into_iter().for_each(|other| self.wait(slot, other));
    }

    fn wait(&mut self, slot: Slot, other: Slot) {
        if self.unknown.entry(slot).or_default().insert(other) {
            self.needed_by.entry(other).or_default().push(slot);
        }
    }

    fn mark(&mut self, slot: Slot) {
        let mut waiting = vec![slot];
        while let Some(slot) = waiting.pop() {
            if !self.unified.insert(slot) {
                continue;
            }
            waiting.extend(self.unknown.remove(&slot).into_iter().flatten());
            for waits in self.needed_by.remove(&slot).into_iter().flatten() {
                let Some(others) = self.unknown.get_mut(&waits) else { continue };
                others.remove(&slot);
                if others.is_empty() {
                    self.unknown.remove(&waits);
                    waiting.push(waits);
                }
            }
        }
    }
}
