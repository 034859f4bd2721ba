//! Comprehensions that select by a variable of the rule around them, such as `{y.v | some y in xs; y.key == key}`: for
//! each key all of `xs` would be walked again. Their second plan binds the key instead of comparing it, so that one walk
//! gives the values of every key.

use crate::engine::ir::{Callee, Closure, Expr, Lit, LitKind, Path, Root, Slot};
use crate::engine::limits::NOTED_ERRORS;
use crate::engine::program::ComprehensionIndex;
use crate::engine::safety::{Bound, reorder};

use super::Planner;

impl Planner<'_> {
    /// The second plan of a comprehension; none where it would not give the same values.
    pub(super) fn comprehension_index(&mut self, closure: &Closure, bound: &Bound) -> Option<ComprehensionIndex> {
        if closure.free.is_empty() || closure.body.len() < 2 || self.errors.len() >= NOTED_ERRORS {
            return None;
        }
        // A comprehension inside would be planned twice at each level.
        if closure.body.iter().any(has_body) || closure.key.iter().chain([&closure.value]).any(has_closure) {
            return None;
        }
        let mut body = closure.body.clone();
        let mut keys = Vec::new();
        for slot in &closure.free {
            if let Some((at, lit)) = selection(closure, *slot) {
                *body.get_mut(at)? = lit;
                keys.push(*slot);
            }
        }
        if keys.is_empty() {
            return None;
        }
        let mut without = bound.copy(self.work);
        keys.iter().for_each(|slot| without.remove(*slot));
        let order = |body: &[Lit], bound: &Bound| {
            let ordered = reorder(body, &mut bound.copy(self.work), self.work).ok()?;
            // Literals of one body are known by where they stand in it.
            let place = |lit: &&Lit| body.iter().position(|other| std::ptr::eq(other, *lit));
            Some(ordered.iter().map(place).collect::<Vec<_>>())
        };
        let ordered = order(&body, &without)?;
        // Values come in the order of the walk, so the walk must be the same.
        if order(&closure.body, bound)? != ordered {
            return None;
        }
        let mut is_known = false;
        for lit in ordered.iter().filter_map(|at| body.get((*at)?)) {
            // What is behind the selection runs for every key, also for those that nothing requests.
            if is_known && !is_plain(lit) {
                return None;
            }
            lit.slots(&mut |slot| is_known |= keys.contains(&slot));
        }
        let errors = self.errors.len();
        let steps = self.body(&body, &mut without);
        if self.errors.len() != errors {
            self.errors.truncate(errors);
            return None;
        }
        let others = closure.free.iter().copied().filter(|slot| !keys.contains(slot)).collect();
        Some(ComprehensionIndex { keys, others, steps })
    }
}

/// The one literal that has a variable, with its place: it compares the variable, and could bind it as well.
fn selection(closure: &Closure, slot: Slot) -> Option<(usize, Lit)> {
    let stands = |expr: &Expr| {
        let mut found = false;
        expr.slots(&mut |other| found |= other == slot);
        found
    };
    if closure.key.iter().chain([&closure.value]).any(stands) {
        return None;
    }
    let has = |lit: &Lit| {
        let mut count = 0;
        lit.slots(&mut |other| count += usize::from(other == slot));
        count
    };
    let mut found = closure.body.iter().enumerate().filter(|(_, lit)| has(lit) > 0);
    let (at, lit) = found.next()?;
    if found.next().is_some() || has(lit) != 1 {
        return None;
    }
    let is_it = |expr: &Expr| matches!(expr, Expr::Var(other) if *other == slot);
    let kind = match &lit.kind {
        LitKind::Equal(left, right) | LitKind::Unify(left, right) if is_it(left) || is_it(right) => {
            LitKind::Unify(left.clone(), right.clone())
        }
        LitKind::Ref { path, out: Some(out), closed: false, flipped, .. } if is_it(out) => {
            LitKind::Ref { path: path.clone(), out: Some(out.clone()), bind: true, closed: false, flipped: *flipped }
        }
        LitKind::Call { out: Some(out), .. } if is_it(out) => lit.kind.clone(),
        _ => return None,
    };
    Some((at, Lit { kind, ..lit.clone() }))
}

/// Whether a literal has a body of its own, or prints.
fn has_body(lit: &Lit) -> bool {
    match &lit.kind {
        LitKind::Not { .. } | LitKind::Every { .. } | LitKind::With { .. } | LitKind::Print(_) => true,
        LitKind::Unify(left, right) | LitKind::Equal(left, right) => has_closure(left) || has_closure(right),
        LitKind::Ref { path, out, .. } => path.path.iter().chain(out).any(has_closure),
        LitKind::Call { args, out, .. } => args.iter().chain(out).any(has_closure),
        LitKind::Truthy(expr) => has_closure(expr),
        LitKind::In { key, value, domain } => key.iter().chain([value, domain]).any(has_closure),
    }
}

fn has_closure(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::Var(_) => false,
        Expr::Array(items) | Expr::Set(items) => items.iter().any(has_closure),
        Expr::Object(items) => items.iter().any(|(key, value)| has_closure(key) || has_closure(value)),
        Expr::Comprehension(_) | Expr::Template(_) => true,
    }
}

/// Whether a literal evaluates no rule and calls no host function: it may run where it would not have.
fn is_plain(lit: &Lit) -> bool {
    match &lit.kind {
        LitKind::Call { callee: Callee::Builtin(builtin), .. } => builtin.deterministic && !builtin.is_registered(),
        LitKind::Call { callee, .. } => matches!(callee, Callee::Engine(special) if special.is_pure()),
        LitKind::Ref { path: Path { root, .. }, .. } => matches!(root, Root::Slot(_) | Root::Input),
        _ => true,
    }
}
