//! Whether OPA finds an order for a body: it orders expressions as a whole, where the engine orders the references in them by
//! themselves. The entry point is [`order`].
//!
//! `[input.a[i], i + 1]` has a value here, and is refused: the sum is an expression of its own and needs `i`, which only the other
//! one binds, and that needs the sum. An expression is what a [`Unit`] has together.
//!
//! What a call would bind counts in the next unification even while the call waits, as in OPA: `[input.a[i], count({i})]` is
//! accepted. For that a call and the unification of its result are two expressions again.

use hashbrown::{HashMap, HashSet};

use crate::engine::ir::{ALONE, Closure, Expr, Lit, LitKind, Path, Piece, Replacement, Root, Slot, Unit};
use crate::engine::work::Work;

use super::unifier::{Reference, Unifier};
use super::{Bound, lacking, reorder};

/// An expression as OPA orders it.
struct Expression<'a> {
    /// A literal of it, for messages.
    lit: &'a Lit,
    role: Role<'a>,
    /// Its variables, those in closures left out.
    vars: Vec<Slot>,
    references: Vec<Reference>,
    closures: Vec<&'a Closure>,
    /// Other variables that bodies in it need.
    inner: Vec<Slot>,
    /// The variables of the values of its `with`.
    with: Vec<Slot>,
}

enum Role<'a> {
    /// It binds what its references bind.
    Term,
    /// It binds what unifying two terms binds.
    Unification(Expr, &'a Expr),
    /// The same with the value of a reference.
    Value(Vec<&'a Expr>),
    /// It binds its result, if there is a place for one, once the variables of its arguments are known, as far as they do not
    /// stand in sets, keys and closures.
    Call {
        visible: Vec<Slot>,
        outs: Option<Vec<Slot>>,
    },
    /// All must be known.
    Negation,
    Every,
}

/// The units of a body in an order that OPA finds. `bound` is what is known before the body.
///
/// # Errors
/// The literals that have no place, with the variables they lack.
pub(super) fn order<'a>(body: &'a [Lit], bound: &Bound, work: &Work) -> Result<Vec<Unit>, Vec<(Slot, &'a Lit)>> {
    let mut builder = Builder { next: Slot::try_from(bound.0.len()).unwrap_or(Slot::MAX), all: Vec::new() };
    builder.add(body, &[]);
    let Builder { next, all } = builder;
    let mut known = bound.copy(work);
    known.0.resize(next as usize, false);
    let globals = known.copy(work);
    let in_body: HashSet<_> = all.iter().flat_map(|expression| expression.vars.iter().copied()).collect();
    let mut waiting = all;
    let (mut leftover, mut ordered) = (Vec::new(), Vec::new());
    while !waiting.is_empty() {
        let count = waiting.len();
        if !work.go_on(count) {
            return Err(Vec::new());
        }
        let mut open = Vec::new();
        waiting.retain(|expression| match expression.outputs(&known, (&globals, &in_body), &mut leftover, work) {
            // As in OPA it has its place, in which what its closures lack is not bound yet.
            Some(_) if !expression.closes(&known, work) => {
                open.extend(expression.unknown_in_closures(&known));
                false
            }
            Some(outputs) => {
                for slot in outputs {
                    known.add(slot);
                }
                ordered.push(expression.lit.unit);
                false
            }
            None => true,
        });
        if !open.is_empty() {
            return Err(open);
        }
        if waiting.len() == count {
            let is_waiting =
                |lit: &&Lit| waiting.iter().any(|of| of.lit.unit == lit.unit || std::ptr::eq(of.lit, *lit));
            let literals: Vec<_> = body.iter().filter(is_waiting).collect();
            let mut missing = lacking(&literals, &known);
            // What waits forever although everything is known lacks the variables that its closures share with it.
            for of in waiting.iter().filter(|of| of.vars.iter().all(|slot| known.has(*slot))) {
                missing.extend(of.closed((&globals, &in_body)).into_iter().map(|slot| (slot, of.lit)));
            }
            return Err(missing);
        }
    }
    Ok(ordered)
}

impl<'a> Expression<'a> {
    /// What it binds, if it can have its place now. `leftover` is what the call before would bind.
    fn outputs(
        &self,
        known: &Bound,
        (globals, in_body): (&Bound, &HashSet<Slot>),
        leftover: &mut Vec<Slot>,
        work: &Work,
    ) -> Option<Vec<Slot>> {
        let knows_with = self.with.iter().all(|slot| known.has(*slot));
        let mut outputs = match &self.role {
            // As in OPA it binds nothing before the values of its `with` are known.
            _ if !knows_with => Vec::new(),
            Role::Negation => Vec::new(),
            Role::Every => leftover.clone(),
            Role::Term => self.bound_by_references(known),
            Role::Call { visible, outs } => {
                *leftover = self.bound_by_references(known);
                match outs {
                    None => leftover.clone(),
                    Some(outs) if all_known(visible, known, leftover) => {
                        leftover.extend(outs);
                        leftover.clone()
                    }
                    Some(_) => Vec::new(),
                }
            }
            Role::Unification(..) | Role::Value(_) => {
                let mut outputs = std::mem::take(leftover);
                outputs.extend(self.bound_by_references(known));
                let unified = self.unified(&outputs, known, work);
                outputs.extend(unified);
                outputs
            }
        };
        // As in OPA what a unification binds was not known before, and what another expression binds may have been.
        let named: HashSet<Slot> = outputs.iter().copied().collect();
        outputs.retain(|slot| !known.has(*slot));
        let bound: HashSet<Slot> = outputs.iter().copied().collect();
        let binds = if matches!(self.role, Role::Term | Role::Call { .. }) { &named } else { &bound };
        let closed = self.closed((globals, in_body));
        // As in OPA a closure over exactly what its own expression binds waits for another one.
        let binds_all = closed.iter().copied().collect::<HashSet<_>>() == *binds;
        if !closed.is_empty() && binds_all {
            return None;
        }
        let is_known = |slot: &Slot| known.has(*slot) || bound.contains(slot);
        // As in OPA the other variables do not count where closures share some with the body.
        let is_ready =
            if closed.is_empty() { self.vars.iter().all(is_known) && knows_with } else { closed.iter().all(is_known) };
        is_ready.then_some(outputs)
    }

    /// Whether its closures and bodies are safe with what is known.
    fn closes(&self, known: &Bound, work: &Work) -> bool {
        self.closures.iter().all(|closure| closes(closure, known, work)) && self.bodies_close(known, work)
    }

    /// The variables of its closures and bodies that have no value.
    fn unknown_in_closures(&self, known: &Bound) -> Vec<(Slot, &'a Lit)> {
        let inner = self.closures.iter().flat_map(|closure| &closure.free).chain(&self.inner);
        inner.filter(|slot| !known.has(**slot)).map(|slot| (*slot, self.lit)).collect()
    }

    /// The variables that closures and bodies in it share with the body around it.
    fn closed(&self, (globals, in_body): (&Bound, &HashSet<Slot>)) -> Vec<Slot> {
        let inner = self.inner.iter().chain(self.closures.iter().flat_map(|closure| &closure.free));
        inner.copied().filter(|slot| !globals.has(*slot) && in_body.contains(slot)).collect()
    }

    /// Whether the body of an `every` that knows `bound` alone is safe.
    fn bodies_close(&self, bound: &Bound, work: &Work) -> bool {
        let LitKind::Every { key, value, body, free, .. } = &self.lit.kind else { return true };
        if !matches!(self.role, Role::Every) || free.iter().all(|slot| bound.has(*slot)) {
            return true;
        }
        let mut inner = bound.copy(work);
        key.iter().chain([value]).for_each(|expr| {
            expr.slots(&mut |slot| {
                inner.add(slot);
            });
        });
        reorder(body, &mut inner, work).is_ok()
    }

    /// The variables on the paths of references that begin with what is known.
    fn bound_by_references(&self, known: &Bound) -> Vec<Slot> {
        let begins = |reference: &&Reference| reference.root.is_none_or(|root| known.has(root));
        self.references.iter().filter(begins).flat_map(|reference| reference.path.iter().copied()).collect()
    }

    /// What the two sides bind, where `outputs` are known as well.
    fn unified(&self, outputs: &[Slot], known: &Bound, work: &Work) -> HashSet<Slot> {
        let mut unifier = Unifier::new(known, outputs, &self.references, work);
        match &self.role {
            Role::Unification(left, right) => unifier.unify(left, right),
            // The value of a reference binds what it is unified with once its beginning is known.
            Role::Value(terms) if unifier.has_value() => terms.iter().for_each(|term| unifier.mark_shape(term)),
            _ => {}
        }
        unifier.into_unified()
    }
}

/// Whether all of these are known, or among the others.
fn all_known(slots: &[Slot], known: &Bound, others: &[Slot]) -> bool {
    let others: HashSet<&Slot> = others.iter().collect();
    slots.iter().all(|slot| known.has(*slot) || others.contains(slot))
}

/// Whether a closure that knows `bound` alone is safe: what its own expression binds is none of it.
pub(super) fn closes(closure: &Closure, bound: &Bound, work: &Work) -> bool {
    if closure.free.iter().all(|slot| bound.has(*slot)) {
        return true;
    }
    let mut inner = bound.copy(work);
    let is_ready = reorder(&closure.body, &mut inner, work).is_ok();
    is_ready && closure.key.iter().chain([&closure.value]).all(|expr| inner.ground(expr))
}

/// Collects the expressions of a body.
struct Builder<'a> {
    /// The next variable that only the check knows.
    next: Slot,
    all: Vec<Expression<'a>>,
}

impl<'a> Builder<'a> {
    fn slot(&mut self) -> Slot {
        let slot = self.next;
        self.next = self.next.saturating_add(1);
        slot
    }

    fn add(&mut self, body: &'a [Lit], with: &[Slot]) {
        for unit in units(body) {
            let Some((main, parts)) = unit.split_last() else { continue };
            self.unit(main, parts, with);
        }
    }

    fn unit(&mut self, main: &'a Lit, parts: &[&'a Lit], with: &[Slot]) {
        let mut new = Expression {
            lit: main,
            role: Role::Term,
            vars: Vec::new(),
            references: Vec::new(),
            closures: Vec::new(),
            inner: Vec::new(),
            with: with.to_vec(),
        };
        let mut moved = HashSet::new();
        for lit in parts {
            match &lit.kind {
                LitKind::Ref { path, out: Some(Expr::Var(out)), .. } => {
                    moved.insert(*out);
                    self.reference(path, Some(*out), &mut new);
                }
                // Two sides that are both references.
                _ => lit.slots(&mut |slot| new.vars.push(slot)),
            }
        }
        match &main.kind {
            LitKind::Unify(left, right) => {
                self.term(left, &mut new);
                self.term(right, &mut new);
                new.role = Role::Unification(left.clone(), right);
            }
            LitKind::Ref { path, out, bind, .. } => {
                self.reference(path, None, &mut new);
                out.iter().for_each(|out| self.term(out, &mut new));
                new.role = match out {
                    Some(out) if *bind => Role::Value(vec![out]),
                    Some(_) => Role::Call { visible: Vec::new(), outs: None },
                    None => Role::Term,
                };
            }
            LitKind::In { key, value, domain } => {
                // The value of a reference is looked into where that stands, another one is an expression of its own.
                let root = match domain {
                    Expr::Var(slot) if moved.contains(slot) => {
                        let of = new.references.iter().find(|reference| reference.out == Some(*slot));
                        of.and_then(|reference| reference.root)
                    }
                    Expr::Var(slot) => Some(*slot),
                    Expr::Const(_) => None,
                    domain => {
                        let slot = self.slot();
                        let mut of = Expression {
                            role: Role::Unification(Expr::Var(slot), domain),
                            references: std::mem::take(&mut new.references),
                            vars: std::mem::take(&mut new.vars),
                            ..new.without_parts()
                        };
                        self.term(domain, &mut of);
                        of.vars.push(slot);
                        of.vars.retain(|slot| !moved.contains(slot));
                        self.all.push(of);
                        Some(slot)
                    }
                };
                new.vars.extend(root);
                let mut path = Vec::new();
                match key {
                    Some(key) => key.slots(&mut |slot| path.push(slot)),
                    // It has a key all the same, which nothing but the reference binds.
                    None => {
                        let key = self.slot();
                        path.push(key);
                        new.vars.push(key);
                    }
                }
                new.references.push(Reference { root, path, out: None });
                key.iter().chain([value]).for_each(|term| self.term(term, &mut new));
                new.role = Role::Value(vec![value]);
            }
            LitKind::Equal(left, right) => {
                self.term(left, &mut new);
                self.term(right, &mut new);
                new.role = Role::Call { visible: Vec::new(), outs: None };
            }
            LitKind::Call { args, out, unified, .. } => return self.call(args, (out.as_ref(), *unified), &moved, new),
            LitKind::Truthy(expr) => self.term(expr, &mut new),
            LitKind::Print(closures) => {
                new.closures.extend(closures.iter().map(AsRef::as_ref));
                new.role = Role::Call { visible: Vec::new(), outs: None };
            }
            LitKind::Not { .. } => {
                main.slots(&mut |slot| new.vars.push(slot));
                main.closures(&mut |closure| new.closures.push(closure));
                new.role = Role::Negation;
            }
            LitKind::Every { domain, free, .. } => {
                // The domain is an expression of its own.
                let slot = self.slot();
                let mut of = Expression { role: Role::Unification(Expr::Var(slot), domain), ..new.without_parts() };
                self.term(domain, &mut of);
                of.vars.push(slot);
                self.all.push(of);
                new.vars.push(slot);
                new.inner.clone_from(free);
                new.role = Role::Every;
            }
            LitKind::With { mods, body } => {
                let mut with = with.to_vec();
                for replaced in mods {
                    if let Replacement::Value(expr) = &replaced.value {
                        expr.slots(&mut |slot| with.push(slot));
                    }
                }
                return self.add(body, &with);
            }
        }
        new.vars.retain(|slot| !moved.contains(slot));
        self.all.push(new);
    }

    /// A call binds a variable, which is unified with its result by an expression of its own where the result is more.
    fn call(
        &mut self,
        args: &'a [Expr],
        (out, unified): (Option<&'a Expr>, bool),
        moved: &HashSet<Slot>,
        mut new: Expression<'a>,
    ) {
        let mut visible = Vec::new();
        for arg in args {
            self.term(arg, &mut new);
            visible_in(arg, moved, &mut visible);
        }
        for reference in &new.references {
            visible.extend(reference.path.iter().copied());
        }
        let mut next = None;
        let outs = out.map(|out| match out {
            out if !unified => {
                let mut slots = Vec::new();
                visible_in(out, moved, &mut slots);
                self.term(out, &mut new);
                slots
            }
            out => {
                let slot = self.slot();
                next = Some((slot, out));
                vec![slot]
            }
        });
        new.role = Role::Call { visible, outs };
        new.vars.retain(|slot| !moved.contains(slot));
        let following = next.map(|(slot, out)| {
            new.vars.push(slot);
            let mut unified = Expression { role: Role::Unification(Expr::Var(slot), out), ..new.without_parts() };
            unified.vars.push(slot);
            self.term(out, &mut unified);
            unified
        });
        self.all.push(new);
        self.all.extend(following);
    }

    fn reference(&mut self, path: &'a Path, out: Option<Slot>, to: &mut Expression<'a>) {
        let root = match path.root {
            Root::Slot(slot) => Some(slot),
            Root::Input | Root::Data => None,
        };
        to.vars.extend(root);
        let from = to.vars.len();
        path.path.iter().for_each(|expr| self.term(expr, to));
        let path = to.vars.get(from..).unwrap_or_default().to_vec();
        to.references.push(Reference { root, path, out });
    }

    /// Notes what stands in a term. A template is a call in OPA.
    fn term(&mut self, expr: &'a Expr, to: &mut Expression<'a>) {
        match expr {
            Expr::Const(_) => {}
            Expr::Var(slot) => to.vars.push(*slot),
            Expr::Array(items) | Expr::Set(items) => items.iter().for_each(|item| self.term(item, to)),
            Expr::Object(items) => {
                for (key, value) in items {
                    self.term(key, to);
                    self.term(value, to);
                }
            }
            Expr::Comprehension(closure) => to.closures.push(closure),
            Expr::Template(pieces) => {
                let slot = self.slot();
                let outs = Some(vec![slot]);
                let mut call = Expression { role: Role::Call { visible: Vec::new(), outs }, ..to.without_parts() };
                call.vars.push(slot);
                for piece in pieces.iter() {
                    match piece {
                        Piece::Text(_) => {}
                        // A variable alone is an element of a set.
                        Piece::Value(closure) if closure.body.is_empty() && matches!(closure.value, Expr::Var(_)) => {
                            closure.value.slots(&mut |slot| call.vars.push(slot));
                        }
                        Piece::Value(closure) => call.closures.push(closure),
                    }
                }
                self.all.push(call);
                to.vars.push(slot);
            }
        }
    }
}

impl<'a> Expression<'a> {
    /// An expression with the same `with`, and nothing else so far.
    fn without_parts(&self) -> Self {
        Self {
            lit: self.lit,
            role: Role::Term,
            vars: Vec::new(),
            references: Vec::new(),
            closures: Vec::new(),
            inner: Vec::new(),
            with: self.with.clone(),
        }
    }
}

/// The variables of an argument that do not stand in sets, keys and closures, nor for references.
fn visible_in(expr: &Expr, moved: &HashSet<Slot>, visible: &mut Vec<Slot>) {
    match expr {
        Expr::Var(slot) if !moved.contains(slot) => visible.push(*slot),
        Expr::Array(items) => items.iter().for_each(|item| visible_in(item, moved, visible)),
        Expr::Object(items) => items.iter().for_each(|(_, value)| visible_in(value, moved, visible)),
        Expr::Const(_) | Expr::Var(_) | Expr::Set(_) | Expr::Comprehension(_) | Expr::Template(_) => {}
    }
}

/// The literals of each expression, in the order of the last ones: what was moved out stands in front of that.
fn units(body: &[Lit]) -> Vec<Vec<&Lit>> {
    let mut all: Vec<Vec<&Lit>> = Vec::with_capacity(body.len());
    let mut places = HashMap::new();
    for lit in body.iter().rev() {
        let at = if lit.unit == ALONE { all.len() } else { *places.entry(lit.unit).or_insert(all.len()) };
        match all.get_mut(at) {
            Some(unit) => unit.push(lit),
            None => all.push(vec![lit]),
        }
    }
    all.reverse();
    all.iter_mut().for_each(|unit| unit.reverse());
    all
}
