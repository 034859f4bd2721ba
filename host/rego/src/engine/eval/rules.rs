//! Values of rules and functions, each computed once for what it depends on.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use super::building::Building;
use super::observe::Event;
use crate::engine::builtins::{Builtin, BuiltinError, ErrorCode};
use crate::engine::error::EvalCode;
use crate::engine::ir::{Callee, NodeId, Special};
use crate::engine::limits::VALUE_PARTS;
use crate::engine::program::{Branch, KeyBinding, Keyed, Node, Rule, Term};
use crate::engine::rule_tree::Kind;
use crate::engine::span::Span;

use super::memo::CacheScope;
use super::overlay::{Mock, Mocked};
use super::paths::index;
use super::weights::own;
use super::{ControlFlow, Eval, EvalResult};

/// Keys of one set or object that are looked up one by one; afterwards it is built as a whole.
const SINGLE_KEYS: usize = 16;

/// The function that returns the time of the query.
const CLOCK: &str = "time.now_ns";

/// Functions that policies call with the same long string again and again; registered ones count as such, too.
const COSTLY: [&str; 1] = ["json.unmarshal"];

/// Makes everything in its result, not only its own elements, and may name one part many times.
const YAML: &str = "yaml.unmarshal";

/// Gives a value that already exists.
const GET: &str = "object.get";

/// Makes everything in its result as well, but says before at least how many parts there are, and stops at a depth of 128.
const JSON: &str = "json.unmarshal";

/// As in OPA `data` as a whole is without this document, which is for OPA itself; `data.system` is there.
const SYSTEM: &str = "system";

impl<'p> Eval<'p> {
    /// The value of a rule.
    pub(crate) fn value(&mut self, id: NodeId, span: Span) -> EvalResult<Option<Value>> {
        self.ensure(id, span)?;
        Ok(self.known(id).cloned())
    }

    /// The value of a rule that was made before.
    pub(super) fn known(&self, id: NodeId) -> Option<&Value> {
        self.made_before(id).map(|(value, _)| value).filter(|value| **value != Value::Undefined)
    }

    fn made_before(&self, id: NodeId) -> Option<(&Value, CacheScope)> {
        self.memos(id).find_map(|(memo, reads)| Some((memo.values.get(&id)?, reads)))
    }

    /// Whether the value of a rule was made before, so that it is one to read; it may be undefined.
    pub(super) fn is_made(&mut self, id: NodeId) -> bool {
        let Some((_, reads)) = self.made_before(id) else { return false };
        self.read(reads);
        true
    }

    /// Makes the value of a rule, once.
    pub(super) fn ensure(&mut self, id: NodeId, span: Span) -> EvalResult<()> {
        if self.is_made(id) {
            return Ok(());
        }
        let Some(node) = self.program.node(id) else { return Ok(()) };
        self.enter(span)?;
        let (value, reads) = self.noting(|eval| {
            Ok(match node.kind {
                Kind::Package => Some(eval.package(node, span)?),
                Kind::Complete => eval.complete(node)?,
                Kind::Function => None,
                Kind::Set | Kind::Object => Some(eval.partial(node, span)?),
            })
        })?;
        if node.kind != Kind::Complete
            && let Some(value) = &value
        {
            self.weighed(value, node.span)?;
        }
        self.leave();
        if let Some(memo) = self.memo_for(id, reads) {
            memo.values.insert(id, value.unwrap_or(Value::Undefined));
        }
        Ok(())
    }

    /// Everything below a node: rules and data.
    pub(crate) fn extent(&mut self, id: NodeId, span: Span) -> EvalResult<Value> {
        Ok(self.value(id, span)?.unwrap_or(Value::Undefined))
    }

    fn package(&mut self, node: &'p Node, span: Span) -> EvalResult<Value> {
        let mut values = BTreeMap::new();
        let is_root = node.path.is_empty();
        for (key, child) in &node.children {
            if self.is_hidden(*child) || (is_root && is_system(key)) {
                continue;
            }
            if let Some(value) = self.value(*child, span)? {
                values.insert(key.clone(), value);
            }
        }
        let rules = Value::from(values);
        let Some(document) = super::paths::deep(self.documents(), &node.path) else { return Ok(rules) };
        let mut all = merged(document, rules);
        if is_root && let Value::Object(fields) = &mut all {
            let key = Value::from(SYSTEM);
            if fields.contains_key(&key) {
                regorus::Rc::make_mut(fields).remove(&key);
            }
        }
        Ok(all)
    }

    fn complete(&mut self, node: &'p Node) -> EvalResult<Option<Value>> {
        let mut value = None;
        for rule in self.candidates(node, self.top()) {
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

    /// The value of one definition of a rule, without the others; without a number that of its default.
    pub(crate) fn definition(&mut self, id: NodeId, at: Option<usize>) -> EvalResult<Option<Value>> {
        let Some(node) = self.program.node(id) else { return Ok(None) };
        let rule = match at {
            Some(at) => node.rules.get(at),
            None => node.default.as_ref(),
        };
        let Some(rule) = rule else { return Ok(None) };
        self.enter(rule.span)?;
        let frame = self.frame(rule.slots);
        let value = if at.is_none() || node.kind == Kind::Complete {
            self.first_branch(frame, rule, "complete rules must not produce multiple outputs")?
        } else {
            let mut building = Building::of(node.kind);
            for branch in &rule.branches {
                self.collect(frame, branch, &mut building)?;
            }
            Some(building.done())
        };
        self.close(frame);
        self.leave();
        Ok(value)
    }

    /// The cases that one definition of a test reaches: the paths below the rule that it may give a value.
    pub(crate) fn cases(&mut self, id: NodeId, at: usize) -> EvalResult<BTreeSet<Vec<Value>>> {
        let mut cases = BTreeSet::new();
        let Some(rule) = self.program.node(id).and_then(|node| node.rules.get(at)) else { return Ok(cases) };
        self.enter(rule.span)?;
        for branch in &rule.branches {
            let Some(steps) = &branch.case else { continue };
            let frame = self.frame(rule.slots);
            self.run(frame, steps, &mut |eval: &mut Self| {
                let path = branch.path.iter().map(|term| eval.term(frame, term));
                let path: Vec<Value> = path.collect::<Result<_, _>>()?;
                eval.made(1, &Value::Null, branch.span)?;
                cases.insert(path);
                Ok(ControlFlow::More)
            })?;
            self.close(frame);
        }
        self.leave();
        Ok(cases)
    }

    fn agree(
        &self,
        known: Option<Value>,
        found: Option<Value>,
        span: Span,
        message: &str,
    ) -> EvalResult<Option<Value>> {
        match (known, found) {
            (Some(known), Some(found)) if known != found => Err(self.error(EvalCode::Conflict, span, message)),
            (known, found) => Ok(known.or(found)),
        }
    }

    /// The value of the first branch that holds; all its results must agree.
    fn first_branch(&mut self, frame: usize, rule: &'p Rule, conflict: &str) -> EvalResult<Option<Value>> {
        for branch in &rule.branches {
            let mut value: Option<Value> = None;
            let constant = matches!(branch.value, Term::Const(_));
            self.send(Event::Enter { branch });
            self.run(frame, &branch.steps, &mut |eval: &mut Self| {
                let found = eval.term(frame, &branch.value)?;
                eval.send(Event::Exit { frame, branch });
                match &value {
                    Some(known) if *known != found => {
                        return Err(eval.error(EvalCode::Conflict, branch.span, conflict));
                    }
                    _ => value = Some(found),
                }
                Ok(if constant { ControlFlow::Enough } else { ControlFlow::More })
            })?;
            self.send(Event::Leave);
            if value.is_some() {
                return Ok(value);
            }
        }
        Ok(None)
    }

    fn partial(&mut self, node: &'p Node, span: Span) -> EvalResult<Value> {
        let mut building = Building::of(node.kind);
        for rule in self.candidates(node, self.top()) {
            let frame = self.frame(rule.slots);
            for branch in &rule.branches {
                self.collect(frame, branch, &mut building)?;
            }
            self.close(frame);
        }
        // A default of one place, such as `default p[1] := 2`.
        if let Some(default) = &node.default {
            let frame = self.frame(default.slots);
            let mut own = Building::of(node.kind);
            for branch in &default.branches {
                self.collect(frame, branch, &mut own)?;
            }
            self.close(frame);
            building.complete(own);
        }
        for (key, child) in &node.children {
            if let Some(value) = self.below_rule(*child, span)?
                && !building.merge(key, value)
            {
                return Err(self.error(EvalCode::Conflict, node.span, "object keys must be unique"));
            }
        }
        Ok(building.done())
    }

    /// What stands below a rule with variables in its head, such as `p.q` below `p[x]`: as in OPA, a set or object is there
    /// only with an element.
    fn below_rule(&mut self, id: NodeId, span: Span) -> EvalResult<Option<Value>> {
        let Some(node) = self.program.node(id) else { return Ok(None) };
        if node.kind != Kind::Package {
            let value = self.value(id, span)?;
            return Ok(value.filter(|value| node.kind == Kind::Complete || own(value) > 0));
        }
        self.enter(span)?;
        let mut values = BTreeMap::new();
        for (key, child) in &node.children {
            if let Some(value) = self.below_rule(*child, span)? {
                values.insert(key.clone(), value);
            }
        }
        self.leave();
        Ok((!values.is_empty()).then(|| Value::from(values)))
    }

    fn collect(&mut self, frame: usize, branch: &'p Branch, building: &mut Building) -> EvalResult<()> {
        self.send(Event::Enter { branch });
        self.run(frame, &branch.steps, &mut |eval: &mut Self| {
            let value = eval.term(frame, &branch.value)?;
            eval.made(1, &Value::Null, branch.span)?;
            eval.compared(&value);
            eval.send(Event::Exit { frame, branch });
            let mut path = Vec::with_capacity(branch.path.len());
            for term in &branch.path {
                path.push(eval.term(frame, term)?);
            }
            if building.add(&path, value, branch.set) {
                Ok(ControlFlow::More)
            } else {
                Err(eval.error(EvalCode::Conflict, branch.span, "object keys must be unique"))
            }
        })?;
        self.send(Event::Leave);
        Ok(())
    }

    /// The part of a set or object under one key, without the rest where that is possible.
    pub(super) fn keyed(&mut self, id: NodeId, key: &Value, span: Span) -> EvalResult<Option<Value>> {
        let mut requested = 0;
        let mut known = None;
        for (memo, reads) in self.memos(id) {
            requested += memo.requested.get(&id).copied().unwrap_or(0);
            let keys = std::slice::from_ref(key);
            known = match memo.values.get(&id) {
                Some(whole) => Some((index(whole, key).cloned(), reads)),
                None => memo.keyed.get(memo.keyed.key(id, keys), id, keys).map(|(value, _)| (defined(value), reads)),
            };
            if known.is_some() {
                break;
            }
        }
        if let Some((value, reads)) = known {
            self.read(reads);
            return Ok(value);
        }
        let (Some(node), true) = (self.program.node(id), requested < SINGLE_KEYS) else {
            self.ensure(id, span)?;
            return Ok(self.known(id).and_then(|value| index(value, key)).cloned());
        };
        let Some(rules) = &node.keyed else { return Ok(None) };
        self.enter(span)?;
        let (value, reads) = self.noting(|eval| eval.keyed_part(node, rules, key))?;
        if let Some(value) = &value {
            self.weighed(value, span)?;
        }
        self.leave();
        if let Some(memo) = self.memo_for(id, reads) {
            *memo.requested.entry(id).or_default() += 1;
            let keys = std::slice::from_ref(key);
            let at = memo.keyed.key(id, keys);
            memo.keyed.keep(at, id, Box::new([key.clone()]), value.clone().unwrap_or(Value::Undefined), reads);
        }
        Ok(value)
    }

    fn keyed_part(&mut self, node: &'p Node, rules: &'p [Keyed], key: &Value) -> EvalResult<Option<Value>> {
        let mut building = Building::of(node.kind);
        for keyed in rules {
            let frame = self.frame(keyed.rule.slots);
            let fits = match &keyed.key {
                KeyBinding::Slot(slot) => {
                    self.set(frame, *slot, key.clone());
                    true
                }
                KeyBinding::Const(value) => value == key,
            };
            if fits {
                for branch in &keyed.rule.branches {
                    self.collect(frame, branch, &mut building)?;
                }
            }
            self.close(frame);
        }
        Ok(index(&building.done(), key).cloned())
    }

    /// Calls a function with the arguments that stand on the stack from `base`; they are gone afterwards. `None` is
    /// undefined.
    pub(super) fn call(&mut self, callee: Callee, base: usize, span: Span) -> EvalResult<Option<Value>> {
        if let Some(overlay) = self.current()
            && !overlay.mocks.is_empty()
            && let Some(mock) = overlay.mocks.get(&Mocked::of(callee))
        {
            let plain = overlay.plain;
            return match mock.clone() {
                Mock::Value(value) => {
                    self.close(base);
                    Ok(Some(value))
                }
                Mock::Function(callee) => {
                    // A replacement sees the functions as they are.
                    let outer = std::mem::replace(&mut self.overlay, plain);
                    let result = self.call(callee, base, span);
                    self.overlay = outer;
                    result
                }
            };
        }
        match callee {
            Callee::Builtin(builtin) => self.call_builtin(builtin, base, span),
            Callee::Function(node) => self.call_function(node, base, span),
            Callee::Engine(Special::Member) => {
                let found = match self.stack.get(base..) {
                    Some([element, domain]) => self.persistent.memberships.holds(element, domain),
                    _ => false,
                };
                self.close(base);
                Ok(Some(Value::Bool(found)))
            }
            Callee::Engine(special) => {
                let args = self.stack.split_off(base);
                self.call_special(special, &args, span)
            }
        }
    }

    fn call_builtin(&mut self, builtin: &'static Builtin, base: usize, span: Span) -> EvalResult<Option<Value>> {
        let args = self.stack.get(base..).unwrap_or(&[]);
        if builtin.deterministic && (builtin.is_registered() || COSTLY.contains(&builtin.name)) {
            return self.call_once(builtin, base, CacheScope::Policy, span);
        }
        if builtin.deterministic {
            let result = builtin.run(&mut self.scope, args);
            let work = args.iter().map(own).sum();
            self.worked(work);
            self.close(base);
            return match result {
                Ok(Some(value)) => {
                    self.given(builtin, &value, span)?;
                    Ok(Some(value))
                }
                Ok(None) => Ok(None),
                Err(error) => self.builtin_failed(error, span),
            };
        }
        self.reads = self.reads.max(if builtin.name == CLOCK { CacheScope::Clock } else { CacheScope::Query });
        self.call_once(builtin, base, CacheScope::Query, span)
    }

    /// A call whose result is remembered for the length of the query: it costs much, or must stay the same.
    fn call_once(
        &mut self,
        builtin: &'static Builtin,
        base: usize,
        reads: CacheScope,
        span: Span,
    ) -> EvalResult<Option<Value>> {
        let args = self.stack.get(base..).unwrap_or(&[]);
        let key = self.fixed.key(builtin.name, args);
        if let Some((value, _)) = self.fixed.get(key, builtin.name, args) {
            let value = defined(value);
            self.close(base);
            return Ok(value);
        }
        let value = match builtin.run(&mut self.scope, args) {
            Ok(value) => value,
            Err(error) => self.builtin_failed(error, span)?,
        };
        self.given(builtin, value.as_ref().unwrap_or(&Value::Undefined), span)?;
        let args = self.stack.split_off(base).into_boxed_slice();
        self.fixed.keep(key, builtin.name, args, value.clone().unwrap_or(Value::Undefined), reads);
        Ok(value)
    }

    /// Counts and weighs what a built-in function gave.
    fn given(&mut self, builtin: &Builtin, value: &Value, span: Span) -> EvalResult<()> {
        let mut copied = std::mem::take(&mut self.scope.copied);
        // What built-in functions make of scalars has a limit of its own.
        let is_light =
            builtin.result.is_flat() || (builtin.name == JSON && copied <= VALUE_PARTS) || builtin.name == GET;
        if builtin.name == YAML {
            copied = self.persistent.weights.of(value).parts;
        }
        copied = copied.saturating_add(match value {
            // Strings take memory of their own in addition to their slots in a list.
            Value::Array(array) if matches!(array.first(), Some(Value::String(_))) => array.len(),
            Value::Set(set) if matches!(set.first(), Some(Value::String(_))) => set.len(),
            Value::String(_) => 1,
            _ => 0,
        });
        self.made(copied, value, span)?;
        if is_light { Ok(()) } else { self.weighed(value, span) }
    }

    pub(super) fn builtin_failed(&mut self, error: BuiltinError, span: Span) -> EvalResult<Option<Value>> {
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

    fn call_function(&mut self, id: NodeId, base: usize, span: Span) -> EvalResult<Option<Value>> {
        // Never among what lasts: arguments come with the input and would stay.
        let home = self.home(id);
        let (Some(node), Some(overlay)) = (self.program.node(id), self.overlays.get(home)) else { return Ok(None) };
        let memo = &overlay.memo;
        let args = self.stack.get(base..).unwrap_or(&[]);
        let arity = args.len();
        let key = memo.calls.key(id, args);
        if let Some((value, reads)) = memo.calls.get(key, id, args) {
            let value = defined(value);
            self.read(reads);
            self.close(base);
            return Ok(value);
        }
        self.enter(span)?;
        let (value, reads) = self.noting(|eval| eval.function(node, base, arity))?;
        self.leave();
        let args = self.stack.split_off(base).into_boxed_slice();
        if let Some(overlay) = self.overlays.get_mut(home) {
            overlay.memo.calls.keep(key, id, args, value.clone().unwrap_or(Value::Undefined), reads);
        }
        Ok(value)
    }

    /// The value of a function for the arguments on the stack from `base`.
    fn function(&mut self, node: &'p Node, base: usize, arity: usize) -> EvalResult<Option<Value>> {
        let mut value = None;
        let conflict = "functions must not produce multiple outputs for same inputs";
        for rule in self.candidates(node, base) {
            let args = self.stack.get(base..).unwrap_or(&[]);
            let fits = rule.guards.iter().all(|(at, wanted)| args.get(*at) == Some(wanted));
            if !fits || (value.is_some() && rule.constant == value) {
                continue;
            }
            let found = self.apply(rule, base, arity, conflict)?;
            value = self.agree(value, found, rule.span, conflict)?;
        }
        if let (None, Some(default)) = (&value, &node.default) {
            value = self.apply(default, base, arity, conflict)?;
        }
        Ok(value)
    }

    /// Runs a definition in a frame that begins with the arguments; they stay, as nothing binds them again.
    fn apply(&mut self, rule: &'p Rule, base: usize, arity: usize, conflict: &str) -> EvalResult<Option<Value>> {
        self.stack.resize(base + rule.slots.max(arity), Value::Undefined);
        let value = self.first_branch(base, rule, conflict)?;
        self.close(base + arity);
        Ok(value)
    }
}

fn is_system(key: &Value) -> bool {
    matches!(key, Value::String(name) if &**name == SYSTEM)
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
