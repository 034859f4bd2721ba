//! Literals in the order they run: what each binds and what each can never do.

use std::collections::BTreeSet;

use regorus::Value;

use crate::engine::builtins::{Builtin, is_composite};
use crate::engine::ir::{
    Callee, Closure, Collect, Expr, Lit, LitKind, NodeId, Path, Piece, Replacement, Root, Slot, Special, WithTarget,
};
use crate::engine::rule_tree::Kind as NodeKind;
use crate::engine::safety::{Bound, reorder};
use crate::engine::span::Span;

use super::kinds::{Kind, shown};
use super::{Checker, Known};

/// Levels of closures at which those within are looked at again.
const LEVELS: usize = 4;

/// The head of a body.
pub(super) struct Head<'h> {
    /// The first literal of the body that was made for the value.
    pub(super) own: usize,
    /// The keys, which come before the value.
    pub(super) keys: &'h [Expr],
    pub(super) value: Option<&'h Expr>,
}

impl Checker<'_> {
    /// Looks at a body; afterwards its variables have kinds.
    pub(super) fn body(&mut self, body: &[Lit], bound: &mut Bound) {
        self.body_before(body, bound, &Head { own: body.len(), keys: &[], value: None });
    }

    /// The same for a body with a head, which is looked at after it.
    pub(super) fn body_before(&mut self, body: &[Lit], bound: &mut Bound, head: &Head<'_>) {
        let term = head.value;
        let made: &[Lit] = body.get(head.own..).unwrap_or_default();
        let mut keys = head.keys;
        let mut has_closures = false;
        body.iter().for_each(|lit| lit.closures(&mut |_| has_closures = true));
        term.into_iter().for_each(|term| term.closures(&mut |_| has_closures = true));
        let has_calls = body.iter().any(|lit| matches!(lit.kind, LitKind::Call { .. }));
        let mut before = (has_calls && body.iter().any(is_moved_out)).then(|| bound.copy(self.work));
        // What cannot be ordered has been reported before.
        let Ok(mut ordered) = reorder(body, bound, self.work) else { return };
        let is_made = |lit: &Lit| made.as_ptr_range().contains(&std::ptr::from_ref(lit));
        // The last expression whose calls are all in front of its references.
        let mut settled = None;
        for at in 0..ordered.len() {
            if let (Some(before), Some(rest)) = (&before, ordered.get_mut(at..))
                && let Some(unit) = rest.first().map(|lit| lit.unit).filter(|unit| settled != Some(*unit))
                && self.calls_first(rest, before, &is_made)
            {
                settled = Some(unit);
            }
            let (Some(lit), Some(rest)) = (ordered.get(at), ordered.get(at + 1..)) else { return };
            if let Some(before) = &mut before {
                lit.open_slots(&mut |slot| {
                    before.add(slot);
                });
            }
            if is_made(lit) {
                for key in std::mem::take(&mut keys) {
                    let mut is_known = true;
                    key.slots(&mut |slot| is_known &= self.slot(slot).is_some());
                    if is_known {
                        self.expr(key);
                    }
                }
            }
            if has_closures && matches!(lit.kind, LitKind::Ref { out: Some(_), .. }) {
                self.comprehensions_before(lit.span, rest, term.filter(|_| is_made(lit)));
            }
            if has_closures && !self.refs_only {
                self.templates(terms(lit));
            }
            // The kinds of one literal may have a thousand parts.
            if !self.work.go_on(64) {
                return;
            }
            self.lit(lit, bound);
        }
    }

    /// Moves the calls of an expression in front of the reference that comes first of it, as in OPA, where they do not need what
    /// the reference binds. Gives whether none is left behind it.
    fn calls_first(&self, literals: &mut [&Lit], before: &Bound, is_made: &dyn Fn(&Lit) -> bool) -> bool {
        let Some((first, rest)) = literals.split_first().filter(|(first, _)| is_moved_out(first)) else { return false };
        let reference: &Lit = first;
        let is_within =
            |inner: Span, outer: Span| outer != inner && outer.start <= inner.start && outer.end >= inner.end;
        let around = rest.iter().position(|lit| is_within(reference.span, lit.span));
        let whole = around.and_then(|at| rest.get(at)).map(|lit| lit.span);
        let end = around.or_else(|| is_made(reference).then_some(rest.len()));
        let Some(group) = end.and_then(|end| literals.get_mut(..=end)) else { return false };
        if !self.work.go_on(group.len() / 16) {
            return true;
        }
        let (mut moved, mut kept): (Vec<&Lit>, Vec<&Lit>) = (Vec::new(), Vec::new());
        let (mut open, mut is_left) = (BTreeSet::new(), false);
        for lit in group.iter().copied() {
            let is_call =
                lit.unit != reference.unit && whole.map_or_else(|| is_made(lit), |whole| is_within(lit.span, whole));
            let mut waits = !is_call;
            lit.slots(&mut |slot| waits |= open.contains(&slot));
            if waits {
                is_left |= is_call;
                lit.slots(&mut |slot| {
                    if !before.has(slot) {
                        open.insert(slot);
                    }
                });
                kept.push(lit);
            } else {
                moved.push(lit);
            }
        }
        moved.append(&mut kept);
        group.copy_from_slice(&moved);
        !is_left
    }

    /// Looks at the comprehensions that stand in front of a reference in one expression: a literal of its own here, it says as
    /// little about them as in OPA, where what an expression consists of is looked at from left to right.
    fn comprehensions_before(&mut self, reference: Span, literals: &[&Lit], term: Option<&Expr>) {
        let is_around = |lit: &&Lit| lit.span.start < reference.start && lit.span.end >= reference.end;
        self.work.go_on(literals.len() / 16);
        let around = literals.iter().position(is_around);
        let between = literals.get(..around.unwrap_or_default()).unwrap_or_default();
        let around = around.and_then(|at| literals.get(at));
        let terms = around.map_or_else(|| term.into_iter().collect(), |lit| terms(lit));
        let mut found = Vec::new();
        terms.into_iter().for_each(|expr| {
            parts(expr, &mut |part| {
                if let Expr::Comprehension(closure) = part {
                    found.push(closure);
                }
            });
        });
        found.retain(|closure| closure.span.end <= reference.start);
        if found.is_empty() {
            return;
        }
        // One that needs what is only bound in between comes behind that.
        let mut bound_between = BTreeSet::new();
        for lit in between {
            lit.open_slots(&mut |slot| {
                bound_between.insert(slot);
            });
        }
        for closure in found {
            if !closure.free.iter().any(|slot| bound_between.contains(slot)) {
                self.comprehension(closure);
            }
        }
    }

    /// Looks at the closures of an expression with a reference: as in OPA they know nothing of what the reference says of its
    /// variables, but for the kinds of comprehensions that stand alone.
    fn closures_before(&mut self, path: &Path, out: Option<&Expr>) {
        let mut closures = Vec::new();
        path.path.iter().chain(out).for_each(|expr| {
            parts(expr, &mut |part| {
                if let Expr::Comprehension(closure) = part {
                    closures.push((closure, !std::ptr::eq(part, expr)));
                }
            });
        });
        if closures.is_empty() {
            return;
        }
        let mut unknown = Vec::new();
        let mut note = |slot| unknown.extend(self.slot(slot).is_none().then_some(slot));
        path.path.iter().for_each(|expr| expr.slots(&mut note));
        if let Root::Slot(slot) = path.root {
            note(slot);
        }
        for (closure, is_within) in closures {
            if !closure.free.iter().any(|slot| unknown.contains(slot)) {
                continue;
            }
            if is_within {
                self.comprehension(closure);
            } else {
                self.look_at(closure);
            }
        }
    }

    /// Looks at a closure that is looked at again, unless something is wrong with it. Where many levels are open it is not, as each
    /// would double the work.
    fn look_at(&mut self, closure: &Closure) {
        if self.level >= LEVELS {
            return;
        }
        self.level += 1;
        let errors = self.errors.len();
        let mut closures = std::mem::take(&mut self.closures);
        self.closure(closure);
        if self.errors.len() > errors {
            closures.extend(self.closures.drain());
        }
        self.closures = closures;
        self.level -= 1;
    }

    /// Looks at the templates of some terms first: OPA makes expressions of their own of them, in front of those of comprehensions.
    fn templates<'e>(&mut self, terms: impl IntoIterator<Item = &'e Expr>) {
        let mut found = Vec::new();
        terms.into_iter().for_each(|expr| {
            parts(expr, &mut |part| found.extend(matches!(part, Expr::Template(_)).then_some(part)));
        });
        for template in found {
            self.expr(template);
        }
    }

    fn lit(&mut self, lit: &Lit, bound: &Bound) {
        self.lit_at(lit, lit.span, bound);
    }

    /// The same where the errors of the whole literal stand at `span`.
    fn lit_at(&mut self, lit: &Lit, span: Span, bound: &Bound) {
        match &lit.kind {
            // A pattern among the arguments is none of the body's own literals.
            LitKind::Unify(Expr::Var(slot), _) if self.is_pattern(*slot) => {}
            // Nor is what stands for a variable that nothing binds.
            LitKind::Unify(Expr::Var(_), Expr::Const(Value::Undefined)) => {}
            LitKind::Unify(left, right) | LitKind::Equal(left, right) => self.unify(left, right, span),
            LitKind::Ref { path, out, flipped, .. } => {
                let reported = self.errors.len();
                if !self.refs_only {
                    self.closures_before(path, out.as_ref());
                }
                // What is wrong within a closure says more.
                let said = self.errors.len();
                let kind = self.path(path, lit.span);
                if said > reported {
                    self.errors.truncate(said);
                }
                if let Some(out) = out
                    && !(said > reported && self.operand(out).has_unknown())
                {
                    self.unify_kind(out, &kind, *flipped, span);
                }
            }
            LitKind::Call { callee, args, out, .. } => self.call(*callee, args, out.as_ref(), span),
            LitKind::Truthy(expr) => drop(self.operand(expr)),
            LitKind::Not { body, .. } => {
                let mut bound = bound.copy(self.work);
                let Ok(ordered) = reorder(body, &mut bound, self.work) else { return };
                ordered.into_iter().for_each(|inner| self.lit_at(inner, span, &bound));
            }
            LitKind::In { key, value, domain } => self.member(key.as_ref(), value, domain, lit.span),
            LitKind::Every { domain, body, .. } => {
                if !self.refs_only {
                    // As in OPA closures know nothing of what the body says.
                    for literal in body.iter() {
                        literal.closures(&mut |closure| {
                            self.closure(closure);
                        });
                    }
                }
                let kind = self.expr(domain);
                if matches!(domain, Expr::Set(_)) && kind.has_unknown() {
                    self.error(span, format!("match error\n\tleft  : ???\n\tright : {kind}"));
                } else if kind.has_unknown() && !self.refs_only {
                    // As in OPA the domain is the value of a variable of its own.
                    self.unify1(domain, &Kind::Any, false);
                }
                // What references in the body say of variables around it stays, as in OPA.
                let mut inner = bound.copy(self.work);
                lit.bound_within(&mut |slot| {
                    inner.add(slot);
                });
                let around = std::mem::replace(&mut self.refs_only, true);
                self.body(body, &mut inner);
                self.refs_only = around;
            }
            LitKind::With { mods, body } => {
                for replaced in mods {
                    match (&replaced.target, &replaced.value) {
                        (_, Replacement::Value(expr)) => drop(self.expr(expr)),
                        (WithTarget::Function(target), Replacement::Function(value)) if !self.refs_only => {
                            self.replacement(*target, *value, lit.span);
                        }
                        _ => {}
                    }
                }
                self.body(body, &mut bound.copy(self.work));
            }
            LitKind::Print(closures) => {
                for closure in closures {
                    self.closure(closure);
                    self.refuse_unknown_set(&closure.value, closure.span);
                }
            }
        }
    }

    /// As in OPA a set that is the value of a variable of its own must have elements of which something is known.
    pub(super) fn refuse_unknown_set(&mut self, value: &Expr, span: Span) {
        if matches!(value, Expr::Set(_)) && !self.refs_only {
            let reported = self.errors.len();
            let kind = self.expr(value);
            if kind.has_unknown() && self.errors.len() == reported {
                self.error(span, format!("match error\n\tleft  : ???\n\tright : {kind}"));
            }
        }
    }

    /// `some key, value in domain`: as in OPA `value = domain[key]`.
    fn member(&mut self, key: Option<&Expr>, value: &Expr, domain: &Expr, span: Span) {
        let mut kind = self.expr(domain);
        if self.refs_only {
            return;
        }
        if kind.has_unknown() {
            if matches!(domain, Expr::Set(_)) {
                return self.error(span, format!("match error\n\tleft  : ???\n\tright : {kind}"));
            }
            self.unify1(domain, &Kind::Any, false);
            kind = self.expr(domain);
        }
        let found = match key {
            Some(key) => self.part(&kind, key),
            None => kind.keys().map(|_| kind.values().unwrap_or(Kind::Unknown)),
        };
        match found {
            Some(found) => self.unify_kind(value, &found, true, span),
            None => self.error(span, format!("match error\n\tleft  : ???\n\tright : {kind}")),
        }
    }

    /// The kind of a term; that of a variable without a value yet is unknown.
    pub(super) fn expr(&mut self, expr: &Expr) -> Kind {
        match expr {
            Expr::Const(value) => Kind::of(value),
            Expr::Var(slot) => self.slot(*slot).cloned().unwrap_or(Kind::Unknown),
            Expr::Array(items) => Kind::array(items.iter().map(|item| self.expr(item)).collect()),
            Expr::Set(items) => {
                let kinds: Vec<_> = items.iter().map(|item| self.expr(item)).collect();
                Kind::set_of(kinds.into_iter().fold(None, Kind::or).unwrap_or(Kind::Any))
            }
            Expr::Object(items) => self.object(items),
            Expr::Comprehension(closure) => self.comprehension(closure),
            Expr::Template(pieces) => {
                for piece in pieces.iter() {
                    if let Piece::Value(closure) = piece {
                        self.closure(closure);
                        // As in OPA a variable alone is one of any kind from here on, whatever was known of it.
                        if closure.body.is_empty()
                            && let Expr::Var(slot) = &closure.value
                            && !self.refs_only
                        {
                            self.set(*slot, Kind::Any);
                        }
                    }
                }
                Kind::String
            }
        }
    }

    fn object(&mut self, items: &[(Expr, Expr)]) -> Kind {
        let mut fixed = std::collections::BTreeMap::new();
        let mut rest: Option<(Kind, Kind)> = None;
        for (key, value) in items {
            let kind = self.expr(value);
            match key {
                Expr::Const(key) => drop(fixed.insert(key.clone(), kind)),
                key => {
                    let key = self.expr(key);
                    rest = Some(match rest {
                        Some((keys, values)) => (either(keys, key), either(values, kind)),
                        None => (key, kind),
                    });
                }
            }
        }
        if fixed.is_empty() && rest.is_none() {
            return Kind::object_of(Kind::Any, Kind::Any);
        }
        Kind::object(fixed, rest)
    }

    /// What is known of variables.
    fn kinds_of(&self, slots: &[Slot]) -> Vec<(Slot, Option<Kind>)> {
        slots.iter().map(|slot| (*slot, self.slot(*slot).cloned())).collect()
    }

    /// What a closure says of the variables around it says nothing outside: they may have no value there.
    fn restore(&mut self, known: Vec<(Slot, Option<Kind>)>) {
        for (slot, kind) in known {
            if let Some(location) = self.slots.get_mut(slot as usize) {
                *location = kind;
            }
        }
    }

    /// The kind of a comprehension. As in OPA it is refused where nothing is known of its elements.
    fn comprehension(&mut self, closure: &Closure) -> Kind {
        let is_new = !self.closures.contains_key(&std::ptr::from_ref(closure).addr());
        let kind = self.closure(closure);
        if is_new && !self.refs_only && kind != Kind::Unknown && kind.has_unknown() {
            self.error(closure.span, format!("match error\n\tleft  : ???\n\tright : {kind}"));
        }
        kind
    }

    /// The kind of a closure; unknown where something is wrong with it. It is looked at once, where it stands.
    pub(super) fn closure(&mut self, closure: &Closure) -> Kind {
        let id = std::ptr::from_ref(closure).addr();
        if let Some(kind) = self.closures.get(&id) {
            return kind.clone();
        }
        let nested = self.nested_in(closure);
        let outside = (!nested.is_empty()).then(|| self.slots.clone());
        let known = self.kinds_of(&closure.free);
        let around = std::mem::replace(&mut self.refs_only, false);
        let errors = self.errors.len();
        let kind = self.collected(closure);
        self.restore(known);
        // As in OPA the closures within are looked at once more with what is known outside.
        if let Some(outside) = outside.filter(|_| self.errors.len() == errors) {
            self.level += 1;
            let closures = std::mem::take(&mut self.closures);
            for inner in nested {
                self.slots.clone_from(&outside);
                self.collected(inner);
                self.closures.clear();
            }
            self.closures = closures;
            self.slots = outside;
            self.level -= 1;
        }
        let kind = if self.errors.len() == errors { kind } else { Kind::Unknown };
        self.refs_only = around;
        self.closures.insert(id, kind.clone());
        kind
    }

    /// The closures in another one, at every depth; none where so many levels are open that each would double the work again.
    fn nested_in<'c>(&mut self, closure: &'c Closure) -> Vec<&'c Closure> {
        let mut found = Vec::new();
        if self.level >= LEVELS {
            return found;
        }
        let mut waiting = vec![closure];
        while let Some(next) = waiting.pop() {
            let from = waiting.len();
            next.key.iter().chain([&next.value]).for_each(|expr| expr.closures(&mut |inner| waiting.push(inner)));
            next.body.iter().for_each(|lit| lit.closures(&mut |inner| waiting.push(inner)));
            found.extend(waiting.get(from..).unwrap_or_default());
            if !self.work.go_on(1) {
                break;
            }
        }
        found
    }

    /// One more kind that a comprehension within a term can be of: in OPA it stands in a variable of its own.
    pub(super) fn join(&mut self, closure: &Closure, kind: &Kind) {
        let own = self.comprehension(closure);
        let both = Kind::or(Some(own), kind.clone()).unwrap_or(Kind::Unknown);
        self.closures.insert(std::ptr::from_ref(closure).addr(), both);
    }

    fn collected(&mut self, closure: &Closure) -> Kind {
        let mut bound = Bound::new(self.slots.len(), 0);
        self.work.go_on(self.slots.len() / 64);
        for slot in &closure.free {
            bound.add(*slot);
        }
        self.body(&closure.body, &mut bound);
        // As in OPA templates of the head are expressions of the body.
        self.templates(closure.key.iter().chain([&closure.value]));
        let value = self.expr(&closure.value);
        match closure.collect {
            Collect::Array => Kind::array_of(value),
            Collect::Set => Kind::set_of(value),
            Collect::Object => {
                let key = closure.key.as_ref().map_or(Kind::Any, |key| self.expr(key));
                Kind::object_of(key, value)
            }
        }
    }

    /// The name of a function, what it takes and what it gives; none where something is wrong with it.
    fn function(&self, callee: Callee) -> Option<(String, Vec<Kind>, Kind)> {
        match callee {
            Callee::Builtin(builtin) => {
                let want: Vec<_> = builtin.args.iter().map(Kind::declared).collect();
                Some((builtin.name.to_owned(), want, result_of(builtin)))
            }
            Callee::Function(id) => match self.known.get(id as usize) {
                Some(Some(Known::Function(want, result))) => Some((self.tree.name(id), want.clone(), result.clone())),
                _ => None,
            },
            Callee::Engine(special) => {
                let (want, result) = declared(special);
                Some((special.name().to_owned(), want, result))
            }
        }
    }

    /// A function that `with` puts in the place of another one must take arguments of its types.
    fn replacement(&mut self, target: Callee, value: Callee, span: Span) {
        let (Some((name, want, _)), Some((_, have, _))) = (self.function(target), self.function(value)) else { return };
        if want.len() == have.len() && want.iter().zip(&have).all(|(want, have)| want.meets(have)) {
            return;
        }
        let listed = |kinds: &[Kind]| kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (have, want) = (listed(&have), listed(&want));
        self.error(span, format!("{name}: arity mismatch\n\thave: ({have})\n\twant: ({want})"));
    }

    /// A call: its arguments and its result must be of the kinds that the function has.
    fn call(&mut self, callee: Callee, args: &[Expr], out: Option<&Expr>, span: Span) {
        let reported = self.errors.len();
        let have: Vec<_> = args.iter().map(|arg| self.expr(arg)).collect();
        if self.refs_only {
            return;
        }
        let Some((name, want, result)) = self.function(callee) else {
            if let Some(out) = out {
                self.unify1(out, &Kind::Any, false);
            }
            return;
        };
        let all = args.iter().chain(out).zip(want.iter().chain([&result]));
        for (term, kind) in all {
            if !self.unify1(term, kind, false) {
                let given = out.map(|out| self.expr(out));
                let have: Vec<_> = have.into_iter().chain(given).collect();
                // What is wrong within an argument says more.
                if self.errors.len() > reported && have.iter().any(Kind::has_unknown) {
                    return;
                }
                let have: Vec<_> = have.iter().map(ToString::to_string).collect();
                let want: Vec<_> = want.iter().chain([&result]).map(ToString::to_string).collect();
                let (have, want) = (have.join(", "), want.join(", "));
                return self.error(span, format!("{name}: invalid argument(s)\n\thave: ({have})\n\twant: ({want})"));
            }
        }
    }

    /// The kind of what a reference names.
    fn path(&mut self, path: &Path, span: Span) -> Kind {
        let mut rest = path.path.as_slice();
        if matches!(path.root, Root::Data)
            && let Some(function) = self.tree.function_at(rest)
        {
            return self.function_as_value(function, rest, span);
        }
        let mut shown;
        let mut kind = match path.root {
            Root::Input => {
                shown = "input".to_owned();
                self.given.input.clone()
            }
            Root::Slot(slot) => {
                let name = self.names.get(slot as usize).and_then(|info| info.name.clone());
                shown = name.map_or_else(|| "…".to_owned(), |name| name.to_string());
                match self.slot(slot) {
                    Some(kind) => kind.clone(),
                    None => {
                        self.set(slot, Kind::Any);
                        Kind::Any
                    }
                }
            }
            Root::Data => {
                shown = "data".to_owned();
                match self.rule_at(rest) {
                    Some((id, used)) => {
                        shown = self.tree.name(id);
                        rest = rest.get(used..).unwrap_or_default();
                        match self.known.get(id as usize) {
                            Some(Some(Known::Value(kind))) => kind.clone(),
                            _ => Kind::Any,
                        }
                    }
                    None => self.given.data.clone(),
                }
            }
        };
        for (at, key) in rest.iter().enumerate() {
            let of = self.expr(key);
            let front = shown.clone();
            shown.push_str(&self.step(key));
            let Some(next) = self.part(&kind, key) else {
                let whole = rest.iter().skip(at + 1).fold(shown, |text, key| text + &self.step(key));
                self.error(span, format!("undefined ref: {whole}\n\t{whole}\n\t{}", missing(&kind, key, &of, &front)));
                return Kind::Any;
            };
            kind = next;
        }
        kind
    }

    /// A function where a value must be. As in OPA it is none where something is wrong with the function itself.
    fn function_as_value(&mut self, id: NodeId, path: &[Expr], span: Span) -> Kind {
        let Some(Some(Known::Function(arguments, result))) = self.known.get(id as usize) else { return Kind::Any };
        let kind = Kind::Function(arguments.as_slice().into(), result.clone().into());
        let name = self.tree.name(id);
        let mut rest = path.get(self.tree.node(id).map_or(0, |node| node.path.len())..).unwrap_or_default();
        let is_whole = rest.is_empty();
        let whole = rest.iter().fold(name.clone(), |text, key| text + &self.step(key));
        if let Some((Expr::Var(last), before)) = rest.split_last()
            && self.names.get(*last as usize).is_some_and(|info| info.name.is_none())
        {
            rest = before;
        }
        let used = rest.iter().fold(name.clone(), |text, key| text + &self.step(key));
        let marks = "^".repeat(name.chars().count());
        let message = format!("function {used} used as reference, not called\n\t{whole}\n\t{marks}\n\thave: {kind}");
        self.error(span, message);
        if is_whole { kind } else { Kind::Any }
    }

    /// What stands at a key of a value; none where nothing can. A variable without a value is one of the keys.
    fn part(&mut self, of: &Kind, key: &Expr) -> Option<Kind> {
        let keys = of.keys()?;
        match key {
            Expr::Const(key) if !is_composite(Some(key)) => return of.select(key),
            Expr::Comprehension(_) | Expr::Template(_) if !self.expr(key).meets(&keys) => return None,
            _ if !self.unify1(key, &keys, false) => return None,
            _ => {}
        }
        Some(of.values().unwrap_or(Kind::Unknown))
    }

    /// A step of a reference as it is written.
    fn step(&self, key: &Expr) -> String {
        match key {
            Expr::Const(Value::String(name)) if is_plain(name) => format!(".{name}"),
            Expr::Const(value) => format!("[{}]", shown(value)),
            Expr::Var(slot) => match self.names.get(*slot as usize).and_then(|info| info.name.as_ref()) {
                Some(name) => format!("[{name}]"),
                None => "[_]".to_owned(),
            },
            _ => "[…]".to_owned(),
        }
    }

    /// The rule that a path below `data` goes through, and how many steps lead to it.
    fn rule_at(&self, path: &[Expr]) -> Option<(NodeId, usize)> {
        let mut at: NodeId = 0;
        for (used, step) in path.iter().enumerate() {
            let Expr::Const(Value::String(name)) = step else { return None };
            at = *self.tree.node(at)?.children.get(name)?;
            let node = self.tree.node(at)?;
            if node.kind != NodeKind::Package {
                // A rule that others stand below is more than its own value.
                return node.children.is_empty().then_some((at, used + 1));
            }
        }
        None
    }
}

/// Whether a literal is a reference that was moved out of an expression.
fn is_moved_out(lit: &Lit) -> bool {
    matches!(lit.kind, LitKind::Ref { out: Some(Expr::Var(_)), .. })
}

/// The terms of a literal that OPA takes apart.
fn terms(lit: &Lit) -> Vec<&Expr> {
    match &lit.kind {
        LitKind::Unify(left, right) | LitKind::Equal(left, right) => vec![left, right],
        LitKind::Call { args, .. } => args.iter().collect(),
        LitKind::Truthy(expr) => vec![expr],
        LitKind::In { domain, .. } => vec![domain],
        _ => Vec::new(),
    }
}

/// The comprehensions and templates of a term, from left to right, without those within them.
fn parts<'e>(expr: &'e Expr, each: &mut dyn FnMut(&'e Expr)) {
    match expr {
        Expr::Comprehension(_) | Expr::Template(_) => each(expr),
        Expr::Array(items) | Expr::Set(items) => items.iter().for_each(|item| parts(item, each)),
        Expr::Object(items) => {
            for (key, value) in items.iter() {
                parts(key, each);
                parts(value, each);
            }
        }
        Expr::Const(_) | Expr::Var(_) => {}
    }
}

/// One kind or the other; unknown where one of them is.
fn either(one: Kind, other: Kind) -> Kind {
    if one == Kind::Unknown || other == Kind::Unknown {
        return Kind::Unknown;
    }
    Kind::or(Some(one), other).unwrap_or(Kind::Unknown)
}

/// Why nothing can stand at a key, in OPA's words: the lines below the reference.
fn missing(kind: &Kind, key: &Expr, of: &Kind, front: &str) -> String {
    let width = front.chars().count();
    let keys = kind.fixed_keys();
    let Some(want) = kind.keys().filter(|_| !matches!(kind, Kind::One(_))) else {
        return format!("{}\n\thave: {kind}", "^".repeat(width));
    };
    let pad = " ".repeat(width + 1);
    let have = match key {
        Expr::Const(key) => format!("have: {}", shown(key)),
        _ => format!("have (type): {of}"),
    };
    let want =
        if keys.is_empty() { format!("want (type): {want}") } else { format!("want (one of): [{}]", keys.join(" ")) };
    format!("{pad}^\n\t{pad}{have}\n\t{pad}{want}")
}

fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn result_of(builtin: &Builtin) -> Kind {
    Kind::declared(&builtin.result)
}

/// What the functions of the evaluator itself take and give.
fn declared(special: Special) -> (Vec<Kind>, Kind) {
    let document = || Kind::object_of(Kind::String, Kind::Any);
    match special {
        Special::Member => (vec![Kind::Any, Kind::Any], Kind::Boolean),
        Special::MemberPair => (vec![Kind::Any, Kind::Any, Kind::Any], Kind::Boolean),
        Special::Walk => (vec![Kind::Any], Kind::Array([Kind::array_of(Kind::Any), Kind::Any].into(), None)),
        Special::Trace => (vec![Kind::String], Kind::Boolean),
        Special::Runtime => (Vec::new(), document()),
        Special::HttpSend => (vec![document()], Kind::object_of(Kind::Any, Kind::Any)),
    }
}
