//! Puts the literals of a body in an order in which every variable is bound before it is used. The entry point is
//! [`reorder`]; a variable that nothing binds is unsafe.
//!
//! The order is the source's, except where a literal has to wait. OPA orders whole expressions, with the references in them:
//! [`expressions`] refuses what has no such order.

mod expressions;
mod unifier;

use hashbrown::{HashMap, HashSet};
use regorus::Value;

use crate::engine::ir::{ALONE, Collect, Expr, Lit, LitKind, Path, Replacement, Root, Slot, Unit};
use crate::engine::work::Work;

/// Which variables have a value at a point of a body.
#[derive(Clone, Debug)]
pub(crate) struct Bound(Vec<bool>);

impl Bound {
    /// Nothing bound but the first `inputs` of `slots`.
    pub(crate) fn new(slots: usize, inputs: usize) -> Self {
        Self((0..slots).map(|slot| slot < inputs).collect())
    }

    /// The same again; a copy takes work in proportion to the variables of the rule.
    pub(crate) fn copy(&self, work: &Work) -> Self {
        work.go_on(self.0.len() / 64);
        self.clone()
    }

    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.0.get(slot as usize).copied().unwrap_or(false)
    }

    /// Binds a variable; false when it was bound before.
    pub(crate) fn add(&mut self, slot: Slot) -> bool {
        match self.0.get_mut(slot as usize) {
            Some(bound) => !std::mem::replace(bound, true),
            None => false,
        }
    }

    /// A variable has no value any more.
    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Some(bound) = self.0.get_mut(slot as usize) {
            *bound = false;
        }
    }

    /// Whether every variable of a term has a value.
    pub(crate) fn ground(&self, expr: &Expr) -> bool {
        let mut ground = true;
        expr.slots(&mut |slot| ground &= self.has(slot));
        ground
    }

    fn all(&self, slots: &[Slot]) -> bool {
        slots.iter().all(|slot| self.has(*slot))
    }
}

/// Orders a body. What is bound before is in `bound`; afterwards all variables of the body are.
///
/// # Errors
/// The literals that can never run, with the variables they lack; none when the work has to stop.
pub(crate) fn reorder<'a>(
    body: &'a [Lit],
    bound: &mut Bound,
    work: &Work,
) -> Result<Vec<&'a Lit>, Vec<(Slot, &'a Lit)>> {
    let mut ordered = Vec::with_capacity(body.len());
    let mut waiting: Vec<&Lit> = body.iter().collect();
    let mut added = Vec::new();
    let mut is_checked = false;
    let mut forced: Option<Vec<Unit>> = None;
    let mut parts = None;
    while !waiting.is_empty() {
        let count = waiting.len();
        if !work.go_on(count) {
            return Err(Vec::new());
        }
        waiting.retain(|lit| {
            let mut outs = Vec::new();
            if !work.go_on(1) || !ready(lit, bound, &mut outs, work) {
                return true;
            }
            is_checked |= binds_within(lit, &outs, || parts.get_or_insert_with(|| counts(body)))
                || closes_beside(lit, body, &mut parts);
            // The parts of arguments are known before the body.
            let is_argument = lit.unit == ALONE && matches!(lit.kind, LitKind::Unify(..));
            added.extend(outs.into_iter().filter(|slot| bound.add(*slot) && !is_argument));
            ordered.push(*lit);
            false
        });
        if waiting.len() == count {
            // OPA takes some expressions of which not everything is known; a variable that has no value then is undefined.
            let units = match &forced {
                Some(units) => units,
                None => {
                    let before = without(bound, &added, work);
                    let Ok(units) = expressions::order(body, &before, work) else {
                        return Err(lacking(&waiting, bound));
                    };
                    forced.insert(units)
                }
            };
            let is_waiting = |unit: &&Unit| **unit != ALONE && waiting.iter().any(|lit| has_unit(lit, **unit));
            let Some(unit) = units.iter().find(is_waiting).copied() else { return Err(lacking(&waiting, bound)) };
            waiting.retain(|lit| {
                if has_unit(lit, unit) {
                    lit.open_slots(&mut |slot| added.extend(bound.add(slot).then_some(slot)));
                    ordered.push(*lit);
                }
                !has_unit(lit, unit)
            });
        }
    }
    if is_checked && forced.is_none() {
        expressions::order(body, &without(bound, &added, work), work)?;
    }
    Ok(ordered)
}

/// What was known before these were added.
fn without(bound: &Bound, added: &[Slot], work: &Work) -> Bound {
    let mut before = bound.copy(work);
    added.iter().for_each(|slot| before.remove(*slot));
    before
}

/// Whether a literal is part of an expression, or has one within its `with`.
fn has_unit(lit: &Lit, unit: Unit) -> bool {
    match &lit.kind {
        LitKind::With { body, .. } => lit.unit == unit || body.iter().any(|inner| has_unit(inner, unit)),
        _ => lit.unit == unit,
    }
}

/// How many literals each expression has.
fn counts(body: &[Lit]) -> HashMap<Unit, usize> {
    let mut counts = HashMap::new();
    body.iter().for_each(|lit| *counts.entry(lit.unit).or_default() += 1);
    counts
}

/// Whether a literal binds what the rest of its own expression may need: the order of OPA is one of whole expressions. `parts` counts
/// the literals of each expression, once for a body.
fn binds_within<'a>(lit: &Lit, outs: &[Slot], parts: impl FnOnce() -> &'a mut HashMap<Unit, usize>) -> bool {
    let LitKind::Ref { path, out, .. } = &lit.kind else { return false };
    if lit.unit == ALONE || outs.is_empty() {
        return false;
    }
    let mut binds = false;
    path.path.iter().for_each(|expr| expr.slots(&mut |slot| binds |= outs.contains(&slot)));
    binds && (!out.iter().all(is_plain) || parts().get(&lit.unit).is_some_and(|count| *count > 1))
}

/// Whether an expression that is no unification has closures and references: as in OPA it waits forever if they share exactly the
/// variables on the paths of those.
fn closes_beside(lit: &Lit, body: &[Lit], parts: &mut Option<HashMap<Unit, usize>>) -> bool {
    let has_closures = match &lit.kind {
        LitKind::Ref { out: Some(out), bind: false, .. } => return lit.unit != ALONE && !is_plain(out),
        LitKind::With { body, .. } => {
            let mut parts = None;
            return body.iter().any(|inner| closes_beside(inner, body, &mut parts));
        }
        LitKind::Truthy(expr) => !is_plain(expr),
        LitKind::Equal(left, right) => !is_plain(left) || !is_plain(right),
        LitKind::Call { args, .. } => !args.iter().all(is_plain),
        _ => false,
    };
    has_closures
        && lit.unit != ALONE
        && parts.get_or_insert_with(|| counts(body)).get(&lit.unit).is_some_and(|count| *count > 1)
}

/// Whether a term has no closures.
pub(crate) fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::Var(_) => true,
        Expr::Array(items) | Expr::Set(items) => items.iter().all(is_plain),
        Expr::Object(items) => items.iter().all(|(key, value)| is_plain(key) && is_plain(value)),
        Expr::Comprehension(_) | Expr::Template(_) => false,
    }
}

fn lacking<'a>(waiting: &[&'a Lit], bound: &Bound) -> Vec<(Slot, &'a Lit)> {
    let mut unsafe_vars = Vec::new();
    let mut found = HashSet::new();
    for lit in waiting {
        lit.slots(&mut |slot| {
            if !bound.has(slot) && found.insert(slot) {
                unsafe_vars.push((slot, *lit));
            }
        });
    }
    unsafe_vars
}

/// Whether a literal can run now; what it would bind is added to `outs`.
fn ready(lit: &Lit, bound: &Bound, outs: &mut Vec<Slot>, work: &Work) -> bool {
    match &lit.kind {
        LitKind::Unify(left, right) => unifies(left, right, bound, outs, work),
        LitKind::Equal(left, right) => bound.ground(left) && bound.ground(right),
        LitKind::Ref { path, out, bind, closed, .. } => {
            if !path_ready(path, bound, outs) || (*closed && !outs.is_empty()) {
                return false;
            }
            match out {
                None => true,
                Some(out) if *bind => pattern(out, bound, outs),
                Some(out) => {
                    let mut ground = true;
                    out.slots(&mut |slot| ground &= bound.has(slot) || outs.contains(&slot));
                    ground
                }
            }
        }
        LitKind::Call { args, out, .. } => {
            args.iter().all(|arg| bound.ground(arg)) && out.as_ref().is_none_or(|out| pattern(out, bound, outs))
        }
        LitKind::Truthy(expr) => bound.ground(expr),
        LitKind::Not { .. } | LitKind::Print(_) => {
            let mut ground = true;
            lit.slots(&mut |slot| ground &= bound.has(slot));
            ground
        }
        LitKind::In { key, value, domain } => {
            bound.ground(domain)
                && key.as_ref().is_none_or(|key| pattern(key, bound, outs))
                && pattern(value, bound, outs)
        }
        LitKind::Every { domain, free, .. } => bound.ground(domain) && bound.all(free),
        LitKind::With { mods, body } => {
            let values = mods.iter().all(|replaced| match &replaced.value {
                Replacement::Value(expr) => bound.ground(expr),
                Replacement::Function(_) => true,
            });
            if !values || reorder(body, &mut bound.copy(work), work).is_err() {
                return false;
            }
            for lit in body {
                lit.slots(&mut |slot| {
                    if !bound.has(slot) {
                        outs.push(slot);
                    }
                });
            }
            true
        }
    }
}

fn path_ready(path: &Path, bound: &Bound, outs: &mut Vec<Slot>) -> bool {
    if let Root::Slot(slot) = path.root
        && !bound.has(slot)
    {
        return false;
    }
    path.path.iter().all(|expr| pattern(expr, bound, outs))
}

/// A term that a value can be matched with: its free variables stand where they can be bound.
fn pattern(expr: &Expr, bound: &Bound, outs: &mut Vec<Slot>) -> bool {
    match expr {
        Expr::Const(_) => true,
        Expr::Var(slot) => {
            if !bound.has(*slot) {
                outs.push(*slot);
            }
            true
        }
        Expr::Array(items) => items.iter().all(|item| pattern(item, bound, outs)),
        Expr::Object(items) => items.iter().all(|(key, value)| bound.ground(key) && pattern(value, bound, outs)),
        Expr::Set(_) | Expr::Comprehension(_) | Expr::Template(_) => bound.ground(expr),
    }
}

/// `left = right`, element by element where both sides have something to bind.
fn unifies(left: &Expr, right: &Expr, bound: &Bound, outs: &mut Vec<Slot>, work: &Work) -> bool {
    if !bound.ground(left) && !bound.ground(right) && !may_split(left, right) {
        return false;
    }
    let mut inner = bound.copy(work);
    let Some(pairs) = split(left, right, &mut inner) else { return false };
    for (left, right) in pairs {
        for expr in [left, right] {
            expr.slots(&mut |slot| {
                if !bound.has(slot) {
                    outs.push(slot);
                }
            });
        }
    }
    true
}

/// Whether a unification of two unknown sides can be cut into pieces.
const fn may_split(left: &Expr, right: &Expr) -> bool {
    matches!((left, right), (Expr::Array(_), Expr::Array(_)) | (Expr::Object(_), Expr::Object(_)))
}

/// Cuts a unification into pieces of which one side is known when its turn comes; `None` if that cannot be.
/// Afterwards `bound` has every variable of both sides.
pub(crate) fn split<'a>(left: &'a Expr, right: &'a Expr, bound: &mut Bound) -> Option<Vec<(&'a Expr, &'a Expr)>> {
    let mut waiting = vec![(left, right)];
    let mut done = Vec::new();
    while !waiting.is_empty() {
        let mut progress = false;
        for (left, right) in std::mem::take(&mut waiting) {
            let known = if bound.ground(left) {
                Some((left, right))
            } else if bound.ground(right) {
                Some((right, left))
            } else {
                None
            };
            if let Some((known, other)) = known {
                let mut outs = Vec::new();
                if pattern(other, bound, &mut outs)
                    && (outs.is_empty() || has_shape(other, known, std::ptr::eq(other, left), bound))
                {
                    for slot in outs {
                        bound.add(slot);
                    }
                    done.push((known, other));
                    progress = true;
                    continue;
                }
            }
            match (left, right) {
                (Expr::Array(lefts), Expr::Array(rights)) if lefts.len() == rights.len() => {
                    waiting.extend(lefts.iter().zip(rights));
                    progress = true;
                }
                (Expr::Object(lefts), Expr::Object(rights)) => match same_keys(lefts, rights) {
                    Some(pairs) => {
                        waiting.extend(pairs);
                        progress = true;
                    }
                    None => waiting.push((left, right)),
                },
                _ => waiting.push((left, right)),
            }
        }
        if !progress {
            return None;
        }
    }
    Some(done)
}

/// Whether a pattern can be matched with what is known, as far as its shape says so: as in OPA a list of another length and
/// a value that is no list bind nothing.
fn has_shape(pattern: &Expr, known: &Expr, pattern_is_left: bool, bound: &Bound) -> bool {
    if bound.ground(pattern) {
        return true;
    }
    match (pattern, known) {
        // OPA looks at one side more closely than at the other.
        (Expr::Array(_), Expr::Comprehension(closure)) => pattern_is_left || closure.collect == Collect::Array,
        (Expr::Object(_), Expr::Comprehension(closure)) => !pattern_is_left && closure.collect == Collect::Object,
        (Expr::Array(items), Expr::Array(known)) => {
            items.len() == known.len()
                && items.iter().zip(known).all(|(item, known)| has_shape(item, known, pattern_is_left, bound))
        }
        (Expr::Array(items), Expr::Const(Value::Array(known))) => {
            items.len() == known.len()
                && items.iter().zip(known.iter()).all(|(item, known)| has_shape_of(item, known, bound))
        }
        (Expr::Object(items), Expr::Object(known)) => {
            items.len() == known.len()
                && items.iter().all(|(key, value)| match known.iter().find(|(other, _)| same(key, other)) {
                    Some((_, known)) => has_shape(value, known, pattern_is_left, bound),
                    None => bound.ground(value),
                })
        }
        (Expr::Object(items), Expr::Const(known @ Value::Object(_))) => has_keys(items, known, bound),
        (Expr::Array(_) | Expr::Object(_), Expr::Const(_) | Expr::Set(_) | Expr::Array(_) | Expr::Object(_)) => false,
        _ => true,
    }
}

/// Whether an object has as many keys as a pattern, and those under which the pattern binds something. As in OPA a variable is none of
/// them, even one that has a value.
fn has_keys(items: &[(Expr, Expr)], known: &Value, bound: &Bound) -> bool {
    let Value::Object(known) = known else { return false };
    let find = |key: &Expr| match key {
        Expr::Const(key) => known.get(key),
        _ => None,
    };
    known.len() == items.len()
        && items.iter().all(|(key, value)| match find(key) {
            Some(known) => has_shape_of(value, known, bound),
            None => bound.ground(value),
        })
}

/// The same for a part of a constant.
fn has_shape_of(pattern: &Expr, known: &Value, bound: &Bound) -> bool {
    match (pattern, known) {
        _ if bound.ground(pattern) => true,
        (Expr::Array(items), Value::Array(known)) => {
            items.len() == known.len()
                && items.iter().zip(known.iter()).all(|(item, known)| has_shape_of(item, known, bound))
        }
        (Expr::Object(items), Value::Object(_)) => has_keys(items, known, bound),
        (Expr::Array(_) | Expr::Object(_), _) => false,
        _ => true,
    }
}

type Pairs<'a> = Vec<(&'a Expr, &'a Expr)>;

fn same_keys<'a>(lefts: &'a [(Expr, Expr)], rights: &'a [(Expr, Expr)]) -> Option<Pairs<'a>> {
    if lefts.len() != rights.len() {
        return None;
    }
    lefts
        .iter()
        .map(|(key, left)| {
            let right = rights.iter().find(|(other, _)| same(key, other)).map(|(_, right)| right)?;
            Some((left, right))
        })
        .collect()
}

fn same(left: &Expr, right: &Expr) -> bool {
    match (left, right) {
        (Expr::Const(left), Expr::Const(right)) => left == right,
        (Expr::Var(left), Expr::Var(right)) => left == right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::span::Span;

    fn lit(kind: LitKind) -> Lit {
        Lit { kind, span: Span::default(), unit: ALONE }
    }

    #[test]
    fn a_literal_waits_for_its_variables() {
        let body =
            [lit(LitKind::Truthy(Expr::Var(0))), lit(LitKind::Unify(Expr::Var(0), Expr::Const(Value::Bool(true))))];
        let mut bound = Bound::new(1, 0);
        let ordered = reorder(&body, &mut bound, &Work::until(None)).unwrap();
        assert!(matches!(ordered[0].kind, LitKind::Unify(..)));
    }

    #[test]
    fn two_unknown_sides_are_unsafe_but_arrays_meet_element_by_element() {
        let body = [lit(LitKind::Unify(Expr::Var(0), Expr::Var(1)))];
        assert!(reorder(&body, &mut Bound::new(2, 0), &Work::until(None)).is_err());
        let one = || Expr::Const(Value::from(1_u64));
        let left = Expr::Array(vec![Expr::Var(0), Expr::Var(1)]);
        let right = Expr::Array(vec![Expr::Var(1), one()]);
        let body = [lit(LitKind::Unify(left, right))];
        let mut bound = Bound::new(2, 0);
        assert!(reorder(&body, &mut bound, &Work::until(None)).is_ok());
        assert!(bound.has(0) && bound.has(1));
    }
}
