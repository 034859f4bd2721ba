//! What two terms, or a term and a kind, say of each other. As in OPA a variable gets the kind of what it first meets, and where
//! nothing is known of either side the terms themselves decide.

use regorus::Value;

use crate::engine::ir::Expr;
use crate::engine::span::Span;

use super::Checker;
use super::kinds::{ELEMENTS, Kind};

impl Checker<'_> {
    /// `left = right`.
    pub(super) fn unify(&mut self, left: &Expr, right: &Expr, span: Span) {
        let reported = self.errors.len();
        let (one, other) = (self.operand(left), self.operand(right));
        if self.refs_only || self.unify2(left, &one, right, &other) {
            return;
        }
        // What is wrong within an operand says more.
        if self.errors.len() == reported || !(one.has_unknown() || other.has_unknown()) {
            self.error(span, format!("match error\n\tleft  : {one}\n\tright : {other}"));
        }
    }

    /// The kind of a whole side, or of a whole expression. Comprehensions further in are moved out of them by OPA, and must have
    /// a kind by themselves.
    pub(super) fn operand(&mut self, term: &Expr) -> Kind {
        if let Expr::Comprehension(closure) = term { self.closure(closure) } else { self.expr(term) }
    }

    /// A term that is the value of a reference, of which this is the kind. With `flipped` the term stands on the left.
    pub(super) fn unify_kind(&mut self, term: &Expr, kind: &Kind, flipped: bool, span: Span) {
        let own = self.operand(term);
        if self.refs_only {
            return;
        }
        let fits = match (own.has_unknown(), kind.has_unknown()) {
            (true, false) => self.unify1(term, kind, false),
            (true, true) => false,
            _ => own.meets(kind),
        };
        if !fits {
            let (left, right) = if flipped { (&own, kind) } else { (kind, &own) };
            self.error(span, format!("match error\n\tleft  : {left}\n\tright : {right}"));
        }
    }

    fn unify2(&mut self, left: &Expr, one: &Kind, right: &Expr, other: &Kind) -> bool {
        match (one.has_unknown(), other.has_unknown()) {
            (true, false) => return self.unify1(left, other, false),
            (false, true) => return self.unify1(right, one, false),
            (false, false) => return one.meets(other),
            (true, true) => {}
        }
        match (left, right) {
            (Expr::Array(lefts), Expr::Array(rights)) => {
                lefts.len() == rights.len()
                    && lefts.iter().zip(rights).all(|(left, right)| self.unify_parts(left, right))
            }
            (Expr::Object(lefts), Expr::Object(rights)) => {
                lefts.len() == rights.len()
                    && lefts.iter().all(|(key, left)| {
                        let right = rights.iter().find(|(other, _)| same(key, other));
                        right.is_some_and(|(_, right)| self.unify_parts(left, right))
                    })
            }
            (Expr::Var(_) | Expr::Array(_) | Expr::Object(_), Expr::Var(_)) => {
                self.unify1(left, &Kind::Any, false) && {
                    let kind = self.expr(left);
                    self.unify1(right, &kind, false)
                }
            }
            (Expr::Var(_), Expr::Array(_) | Expr::Object(_)) => {
                self.unify1(right, &Kind::Any, false) && {
                    let kind = self.expr(right);
                    self.unify1(left, &kind, false)
                }
            }
            _ => false,
        }
    }

    fn unify_parts(&mut self, left: &Expr, right: &Expr) -> bool {
        let (one, other) = (self.expr(left), self.expr(right));
        self.unify2(left, &one, right, &other)
    }

    /// Whether a term can be of a kind; its variables that have no kind get one. With `joined` they get one more: the kind is
    /// one of several.
    pub(super) fn unify1(&mut self, term: &Expr, kind: &Kind, joined: bool) -> bool {
        match (term, kind) {
            (Expr::Const(value), _) => fits(value, kind),
            // In OPA they stand in variables of their own, which can be one of several kinds as all variables can.
            (Expr::Comprehension(closure), _) if joined => {
                self.join(closure, kind);
                true
            }
            (Expr::Comprehension(_) | Expr::Template(_), _) => self.expr(term).meets(kind) || joined,
            (Expr::Var(slot), _) => {
                match self.slot(*slot) {
                    Some(own) if !joined => return own.meets(kind),
                    own => {
                        let both = Kind::or(own.cloned(), kind.clone()).unwrap_or(Kind::Unknown);
                        self.set(*slot, both);
                    }
                }
                true
            }
            (Expr::Array(items) | Expr::Set(items), Kind::Any) => {
                for item in items {
                    self.unify1(item, &Kind::Any, true);
                }
                true
            }
            (Expr::Object(items), Kind::Any) => {
                for (key, value) in items {
                    self.unify1(key, &Kind::Any, true);
                    self.unify1(value, &Kind::Any, true);
                }
                true
            }
            (_, Kind::One(all)) => {
                let mut fits = false;
                for one in all.iter() {
                    fits |= self.unify1(term, one, true);
                }
                fits
            }
            (Expr::Array(items), Kind::Array(fixed, rest)) => {
                (items.len() == fixed.len() || rest.is_some())
                    && items.iter().enumerate().all(|(at, item)| {
                        fixed.get(at).or(rest.as_deref()).is_some_and(|kind| self.unify1(item, kind, joined))
                    })
            }
            (Expr::Set(items), Kind::Set(of)) => items.iter().all(|item| self.unify1(item, of, joined)),
            (Expr::Object(items), Kind::Object(fixed, rest)) => {
                (items.len() == fixed.len() || rest.is_some())
                    && items.iter().all(|(key, value)| match key {
                        Expr::Const(key) => kind.select(key).is_some_and(|kind| self.unify1(value, &kind, joined)),
                        _ => {
                            self.unify1(value, &Kind::Any, joined);
                            true
                        }
                    })
            }
            _ => false,
        }
    }
}

/// The same for a constant.
fn fits(value: &Value, kind: &Kind) -> bool {
    match (value, kind) {
        (Value::Array(all), Kind::Array(fixed, rest)) if all.len() <= ELEMENTS => {
            (all.len() == fixed.len() || rest.is_some())
                && all
                    .iter()
                    .enumerate()
                    .all(|(at, value)| fixed.get(at).or(rest.as_deref()).is_some_and(|kind| fits(value, kind)))
        }
        (Value::Set(all), Kind::Set(of)) if all.len() <= ELEMENTS => all.iter().all(|value| fits(value, of)),
        (Value::Object(all), Kind::Object(fixed, rest)) if all.len() <= ELEMENTS => {
            (all.len() == fixed.len() || rest.is_some())
                && all.iter().all(|(key, value)| kind.select(key).is_some_and(|kind| fits(value, &kind)))
        }
        (Value::Array(_) | Value::Set(_) | Value::Object(_), Kind::One(all)) => all.iter().any(|one| fits(value, one)),
        _ => Kind::of(value).meets(kind),
    }
}

/// Whether two keys are one.
fn same(one: &Expr, other: &Expr) -> bool {
    match (one, other) {
        (Expr::Const(one), Expr::Const(other)) => one == other,
        (Expr::Var(one), Expr::Var(other)) => one == other,
        _ => false,
    }
}
