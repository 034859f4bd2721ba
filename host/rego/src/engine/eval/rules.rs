//! Values of rules and functions, each computed once for what it depends on.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::engine::builtins::{Builtin, BuiltinError, ErrorCode};
use crate::engine::error::EvalCode;
use crate::engine::ir::{Callee, NodeId};
use crate::engine::modules::Kind;
use crate::engine::observe::Event;
use crate::engine::program::{Branch, KeyAt, Node, Rule, Term};
use crate::engine::span::Span;

use super::memo::CallKey;
use super::overlay::{Mock, Mocked};
use super::paths::index;
use super::{Done, Eval, Flow};

/// Keys of one set or object that are asked for one by one; afterwards it is built as a whole.
const ASKED_KEYS: usize = 16;

/// What a partial rule makes, while it is made.
enum Building {
    Leaf(Value),
    Set(BTreeSet<Value>),
    Object(BTreeMap<Value, Self>),
}

impl Building {
    fn done(self) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::Set(values) => Value::from(values),
            Self::Object(values) => {
                Value::from(values.into_iter().map(|(key, value)| (key, value.done())).collect::<BTreeMap<_, _>>())
            }
        }
    }

    /// Adds a value at a path; false when something else is there.
    fn add(&mut self, path: &[Value], value: Value, set: bool) -> bool {
        match (self, path.split_first()) {
            (Self::Object(values), Some((key, rest))) => {
                let empty =
                    || if rest.is_empty() && set { Self::Set(BTreeSet::new()) } else { Self::Object(BTreeMap::new()) };
                if rest.is_empty() && !set {
                    return match values.get(key) {
                        Some(Self::Leaf(known)) => *known == value,
                        Some(_) => false,
                        None => {
                            values.insert(key.clone(), Self::Leaf(value));
                            true
                        }
                    };
                }
                values.entry(key.clone()).or_insert_with(empty).add(rest, value, set)
            }
            (Self::Set(values), None) if set => {
                values.insert(value);
                true
            }
            (Self::Leaf(known), None) => *known == value,
            _ => false,
        }
    }

    /// Adds the value of a rule further down.
    fn merge(&mut self, key: &Value, value: Value) -> bool {
        let Self::Object(values) = self else { return false };
        let value = match value {
            Value::Object(object) => {
                let below = values.entry(key.clone()).or_insert_with(|| Self::Object(BTreeMap::new()));
                return object.iter().all(|(key, value)| below.merge(key, value.clone()));
            }
            Value::Set(set) => {
                let below = values.entry(key.clone()).or_insert_with(|| Self::Set(BTreeSet::new()));
                return set.iter().all(|value| below.add(&[], value.clone(), true));
            }
            other => other,
        };
        self.add(std::slice::from_ref(key), value, false)
    }
}

impl<'p> Eval<'p> {
    /// The value of a rule.
    pub(crate) fn value(&mut self, id: NodeId, span: Span) -> Done<Option<Value>> {
        let home = self.home(id);
        if let Some(value) = self.overlays.get(home).and_then(|overlay| overlay.values.get(&id)) {
            return Ok(defined(value));
        }
        let Some(node) = self.program.node(id) else { return Ok(None) };
        self.enter(span)?;
        let value = match node.kind {
            Kind::Package => Some(self.package(node, span)?),
            Kind::Complete => self.complete(node)?,
            Kind::Function => None,
            Kind::Set | Kind::Object => Some(self.partial(node, span)?),
        };
        self.leave();
        if let Some(overlay) = self.overlays.get_mut(home) {
            overlay.values.insert(id, value.clone().unwrap_or(Value::Undefined));
        }
        Ok(value)
    }

    /// Everything below a node: rules and data.
    pub(crate) fn extent(&mut self, id: NodeId, span: Span) -> Done<Value> {
        Ok(self.value(id, span)?.unwrap_or(Value::Undefined))
    }

    fn package(&mut self, node: &'p Node, span: Span) -> Done<Value> {
        let mut values = BTreeMap::new();
        for (key, child) in &node.children {
            if self.is_hidden(*child) {
                continue;
            }
            if let Some(value) = self.value(*child, span)? {
                values.insert(key.clone(), value);
            }
        }
        let rules = Value::from(values);
        Ok(match super::paths::deep(self.documents(), &node.path) {
            Some(document) => merged(document, rules),
            None => rules,
        })
    }

    fn complete(&mut self, node: &'p Node) -> Done<Option<Value>> {
        let mut value = None;
        for rule in &node.rules {
            if value.is_some() && rule.constant == value {
                continue;
            }
            let frame = self.frame(rule.slots);
            let found = self.first_branch(frame, rule, "complete rules must not produce multiple outputs")?;
            self.close(frame);
            value = self.agree(value, found, rule.span, "complete rules must not produce multiple outputs")?;
        }
        match (&value, &node.default) {
            (None, Some(default)) => {
                let frame = self.frame(default.slots);
                let value = self.first_branch(frame, default, "")?;
                self.close(frame);
                Ok(value)
            }
            _ => Ok(value),
        }
    }

    /// The value of one definition of a rule that is a single value, without the others; of another rule all of it.
    pub(crate) fn definition(&mut self, id: NodeId, at: usize) -> Done<Option<Value>> {
        let Some(node) = self.program.node(id) else { return Ok(None) };
        let Some(rule) = node.rules.get(at).filter(|_| node.kind == Kind::Complete) else {
            return self.value(id, node.span);
        };
        self.enter(rule.span)?;
        let frame = self.frame(rule.slots);
        let value = self.first_branch(frame, rule, "complete rules must not produce multiple outputs")?;
        self.close(frame);
        self.leave();
        Ok(value)
    }

    fn agree(&self, known: Option<Value>, found: Option<Value>, span: Span, message: &str) -> Done<Option<Value>> {
        match (known, found) {
            (Some(known), Some(found)) if known != found => Err(self.error(EvalCode::Conflict, span, message)),
            (known, found) => Ok(known.or(found)),
        }
    }

    /// The value of the first branch that holds; all its results must agree.
    fn first_branch(&mut self, frame: usize, rule: &'p Rule, conflict: &str) -> Done<Option<Value>> {
        for branch in &rule.branches {
            let mut value: Option<Value> = None;
            let constant = matches!(branch.value, Term::Const(_));
            self.tell(Event::Enter { branch });
            self.run(frame, &branch.steps, &mut |eval: &mut Self| {
                let found = eval.term(frame, &branch.value)?;
                eval.tell(Event::Exit { frame, branch });
                match &value {
                    Some(known) if *known != found => {
                        return Err(eval.error(EvalCode::Conflict, branch.span, conflict));
                    }
                    _ => value = Some(found),
                }
                Ok(if constant { Flow::Enough } else { Flow::More })
            })?;
            self.tell(Event::Leave);
            if value.is_some() {
                return Ok(value);
            }
        }
        Ok(None)
    }

    fn partial(&mut self, node: &'p Node, span: Span) -> Done<Value> {
        let mut building =
            if node.kind == Kind::Set { Building::Set(BTreeSet::new()) } else { Building::Object(BTreeMap::new()) };
        for rule in &node.rules {
            let frame = self.frame(rule.slots);
            for branch in &rule.branches {
                self.collect(frame, branch, &mut building)?;
            }
            self.close(frame);
        }
        for (key, child) in &node.children {
            if let Some(value) = self.value(*child, span)?
                && !building.merge(key, value)
            {
                return Err(self.error(EvalCode::Conflict, node.span, "object keys must be unique"));
            }
        }
        Ok(building.done())
    }

    fn collect(&mut self, frame: usize, branch: &'p Branch, building: &mut Building) -> Done<()> {
        self.tell(Event::Enter { branch });
        self.run(frame, &branch.steps, &mut |eval: &mut Self| {
            let value = eval.term(frame, &branch.value)?;
            eval.tell(Event::Exit { frame, branch });
            let mut path = Vec::with_capacity(branch.path.len());
            for term in &branch.path {
                path.push(eval.term(frame, term)?);
            }
            if building.add(&path, value, branch.set) {
                Ok(Flow::More)
            } else {
                Err(eval.error(EvalCode::Conflict, branch.span, "object keys must be unique"))
            }
        })?;
        self.tell(Event::Leave);
        Ok(())
    }

    /// The part of a set or object under one key, without the rest where that is possible.
    pub(super) fn keyed(&mut self, id: NodeId, key: &Value, span: Span) -> Done<Option<Value>> {
        let home = self.home(id);
        let Some(overlay) = self.overlays.get(home) else { return Ok(None) };
        if let Some(whole) = overlay.values.get(&id) {
            return Ok(index(whole, key).cloned());
        }
        let asked = overlay.keyed.get(&id);
        if let Some(known) = asked.and_then(|asked| asked.get(key)) {
            return Ok(defined(known));
        }
        let whole = asked.is_some_and(|asked| asked.len() >= ASKED_KEYS);
        let (Some(node), false) = (self.program.node(id), whole) else {
            return Ok(self.value(id, span)?.and_then(|value| index(&value, key).cloned()));
        };
        let Some(rules) = &node.keyed else { return Ok(None) };
        self.enter(span)?;
        let mut building =
            if node.kind == Kind::Set { Building::Set(BTreeSet::new()) } else { Building::Object(BTreeMap::new()) };
        for keyed in rules {
            let frame = self.frame(keyed.rule.slots);
            let fits = match &keyed.key {
                KeyAt::Slot(slot) => {
                    self.set(frame, *slot, key.clone());
                    true
                }
                KeyAt::Const(value) => value == key,
            };
            if fits {
                for branch in &keyed.rule.branches {
                    self.collect(frame, branch, &mut building)?;
                }
            }
            self.close(frame);
        }
        self.leave();
        let value = index(&building.done(), key).cloned();
        if let Some(overlay) = self.overlays.get_mut(home) {
            let known = value.clone().unwrap_or(Value::Undefined);
            overlay.keyed.entry(id).or_default().insert(key.clone(), known);
        }
        Ok(value)
    }

    /// Calls a function; `None` is undefined.
    pub(super) fn call(&mut self, callee: Callee, args: Vec<Value>, span: Span) -> Done<Option<Value>> {
        if let Some(overlay) = self.current()
            && !overlay.mocks.is_empty()
            && let Some(mock) = overlay.mocks.get(&Mocked::of(callee))
        {
            let plain = overlay.plain;
            return match mock.clone() {
                Mock::Value(value) => Ok(Some(value)),
                Mock::Function(callee) => {
                    // A replacement sees the functions as they are.
                    let outer = std::mem::replace(&mut self.overlay, plain);
                    let result = self.call(callee, args, span);
                    self.overlay = outer;
                    result
                }
            };
        }
        match callee {
            Callee::Builtin(builtin) => self.call_builtin(builtin, &args, span),
            Callee::Function(node) => self.call_function(node, &args, span),
            Callee::Engine(special) => self.call_special(special, &args, span),
        }
    }

    fn call_builtin(&mut self, builtin: &'static Builtin, args: &[Value], span: Span) -> Done<Option<Value>> {
        if builtin.deterministic {
            let result = (builtin.call)(&mut self.scope, args);
            return match result {
                Ok(value) => Ok(value),
                Err(error) => self.builtin_failed(error, span),
            };
        }
        let key = (builtin.name, args.iter().map(CallKey::of).collect());
        if let Some(value) = self.fixed.get(&key) {
            return Ok(value.clone());
        }
        let value = match (builtin.call)(&mut self.scope, args) {
            Ok(value) => value,
            Err(error) => self.builtin_failed(error, span)?,
        };
        self.fixed.insert(key, value.clone());
        Ok(value)
    }

    pub(super) fn builtin_failed(&mut self, error: BuiltinError, span: Span) -> Done<Option<Value>> {
        if !error.halt && !self.strict {
            return Ok(None);
        }
        let code = match error.code {
            ErrorCode::Type => EvalCode::Type,
            ErrorCode::Builtin => EvalCode::Builtin,
            ErrorCode::Internal => EvalCode::Internal,
        };
        Err(self.error(code, span, error.message))
    }

    fn call_function(&mut self, id: NodeId, args: &[Value], span: Span) -> Done<Option<Value>> {
        let home = self.home(id);
        let key: Vec<_> = args.iter().map(CallKey::of).collect();
        let memo = self.overlays.get(home).and_then(|overlay| overlay.calls.get(&id));
        if let Some(value) = memo.and_then(|calls| calls.get(&key)) {
            return Ok(defined(value));
        }
        let Some(node) = self.program.node(id) else { return Ok(None) };
        self.enter(span)?;
        let mut value = None;
        let conflict = "functions must not produce multiple outputs for same inputs";
        for rule in &node.rules {
            let fits = rule.guards.iter().all(|(at, wanted)| args.get(*at) == Some(wanted));
            if !fits || (value.is_some() && rule.constant == value) {
                continue;
            }
            let found = self.apply(rule, args, conflict)?;
            value = self.agree(value, found, rule.span, conflict)?;
        }
        if let (None, Some(default)) = (&value, &node.default) {
            value = self.apply(default, args, conflict)?;
        }
        self.leave();
        if let Some(overlay) = self.overlays.get_mut(home) {
            overlay.calls.entry(id).or_default().insert(key, value.clone().unwrap_or(Value::Undefined));
        }
        Ok(value)
    }

    fn apply(&mut self, rule: &'p Rule, args: &[Value], conflict: &str) -> Done<Option<Value>> {
        let frame = self.frame(rule.slots);
        for (place, arg) in self.stack.iter_mut().skip(frame).zip(args) {
            *place = arg.clone();
        }
        let value = self.first_branch(frame, rule, conflict)?;
        self.close(frame);
        Ok(value)
    }
}

fn defined(value: &Value) -> Option<Value> {
    match value {
        Value::Undefined => None,
        value => Some(value.clone()),
    }
}

/// Data and rules of one path; where both have a value, data goes first.
fn merged(document: &Value, rules: Value) -> Value {
    match (document, rules) {
        (Value::Object(document), Value::Object(mut rules)) => {
            let all = regorus::Rc::make_mut(&mut rules);
            for (key, value) in document.iter() {
                let merged = match all.get(key) {
                    Some(rule) => merged(value, rule.clone()),
                    None => value.clone(),
                };
                all.insert(key.clone(), merged);
            }
            Value::Object(rules)
        }
        (document, _) => document.clone(),
    }
}
