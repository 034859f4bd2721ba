//! References: known paths are looked up, paths with variables are scanned.

use regorus::Value;

use crate::engine::builtins::is_float;
use crate::engine::ir::NodeId;
use crate::engine::program::{Base, Pattern, Step, Target, Term};
use crate::engine::rule_tree::Kind;
use crate::engine::span::Span;

use super::memo::CacheScope;
use super::{ControlFlow, Eval, EvalResult, ResultSink};

/// Where a scan is.
#[derive(Clone, Copy)]
enum At<'v> {
    Value(&'v Value),
    /// A node without rules of its own.
    Node(NodeId),
}

/// The part of a value under a key.
pub(super) fn index<'v>(value: &'v Value, key: &Value) -> Option<&'v Value> {
    match value {
        Value::Object(object) => object.get(key),
        Value::Array(array) => match key {
            // As in OPA, `1.0` is not an index, though it equals `1`.
            Value::Number(_) if is_float(key) => None,
            Value::Number(number) => array.get(usize::try_from(number.as_u64()?).ok()?),
            _ => None,
        },
        Value::Set(set) => set.get(key),
        _ => None,
    }
}

/// The part of a value under a path of keys.
pub(crate) fn deep<'v>(value: &'v Value, path: &[Value]) -> Option<&'v Value> {
    path.iter().try_fold(value, index)
}

/// The same in base data, whose keys are strings: a number finds the key of its digits.
fn stored<'v>(value: &'v Value, path: &[Value]) -> Option<&'v Value> {
    path.iter().try_fold(value, |at, key| match (at, key) {
        (Value::Object(object), Value::Number(number)) => {
            object.get(key).or_else(|| object.get(&Value::from(number.format_decimal())))
        }
        _ => index(at, key),
    })
}

fn plain(term: &Term) -> bool {
    matches!(term, Term::Const(_) | Term::Var(_))
}

impl<'p> Eval<'p> {
    /// The value of a reference with every part known.
    pub(super) fn lookup(
        &mut self,
        frame: usize,
        base: &'p Base,
        path: &'p [Term],
        span: Span,
    ) -> EvalResult<Option<Value>> {
        match base {
            Base::Node(node) => return self.lookup_node(frame, *node, path, span),
            Base::Input => self.read(CacheScope::Query),
            Base::Slot(_) | Base::Doc(_) => {}
        }
        if path.iter().all(plain) {
            return Ok(self.root(frame, base).and_then(|root| self.below(frame, root, path)).cloned());
        }
        let keys = self.terms(frame, path)?;
        Ok(self.root(frame, base).and_then(|root| deep(root, &keys)).cloned())
    }

    /// The part of a value under a path of constants and variables.
    fn below<'v>(&'v self, frame: usize, value: &'v Value, path: &'v [Term]) -> Option<&'v Value> {
        path.iter().try_fold(value, |at, term| index(at, self.peek(frame, term)?))
    }

    fn terms(&mut self, frame: usize, terms: &'p [Term]) -> EvalResult<Vec<Value>> {
        let mut values = Vec::with_capacity(terms.len());
        for term in terms {
            values.push(self.term(frame, term)?);
        }
        Ok(values)
    }

    fn root(&self, frame: usize, base: &'p Base) -> Option<&Value> {
        match base {
            Base::Slot(slot) => Some(self.slot(frame, *slot)),
            Base::Input => self.input(),
            Base::Doc(path) => stored(self.documents(), path),
            Base::Node(_) => None,
        }
    }

    fn lookup_node(&mut self, frame: usize, start: NodeId, path: &'p [Term], span: Span) -> EvalResult<Option<Value>> {
        let mut at = start;
        let mut left = path;
        loop {
            let Some(node) = self.program.node(at) else { return Ok(None) };
            if self.hidden_above(at) {
                let keys = self.terms(frame, left)?;
                return Ok(deep(self.documents(), &node.path).and_then(|value| deep(value, &keys)).cloned());
            }
            if node.kind == Kind::Package {
                let Some((first, rest)) = left.split_first() else { return self.extent(at, span).map(Some) };
                let key = self.term(frame, first)?;
                match node.children.get(&key) {
                    Some(child) => {
                        at = *child;
                        left = rest;
                        continue;
                    }
                    None => {
                        let keys = self.terms(frame, rest)?;
                        let document = deep(self.documents(), &node.path).and_then(|value| index(value, &key));
                        return Ok(document.and_then(|value| deep(value, &keys)).cloned());
                    }
                }
            }
            if left.iter().all(plain) && (left.is_empty() || node.keyed.is_none() || self.is_made(at)) {
                self.ensure(at, span)?;
                return Ok(self.known(at).and_then(|value| self.below(frame, value, left)).cloned());
            }
            let keys = self.terms(frame, left)?;
            if let Some((first, rest)) = keys.split_first()
                && node.keyed.is_some()
            {
                let value = self.keyed(at, first, span)?;
                return Ok(value.as_ref().and_then(|value| deep(value, rest)).cloned());
            }
            let value = self.value(at, span)?;
            return Ok(value.as_ref().and_then(|value| deep(value, &keys)).cloned());
        }
    }

    /// Whether replaced data hides a node, at it or above it.
    pub(super) fn hidden_above(&self, node: NodeId) -> bool {
        let Some(overlay) = self.current() else { return false };
        if overlay.hidden.is_empty() {
            return false;
        }
        let Some(path) = self.program.node(node).map(|node| &node.path) else { return false };
        overlay.hidden.iter().any(|hidden| {
            *hidden == node
                || self.program.node(*hidden).is_some_and(|hidden| {
                    hidden.path.len() <= path.len() && hidden.path.iter().zip(path).all(|(one, other)| one == other)
                })
        })
    }

    /// Follows a reference that binds variables, and goes on with `rest` for each way.
    #[expect(clippy::too_many_arguments, reason = "the parts of one step, and where it goes on")]
    pub(super) fn scan(
        &mut self,
        frame: usize,
        base: &'p Base,
        path: &'p [Pattern],
        out: &'p Target,
        rest: &'p [Step],
        span: Span,
        sink: &mut ResultSink<'_, 'p>,
    ) -> EvalResult<ControlFlow> {
        let mut then = |eval: &mut Self, value: &Value| {
            let passed = match out {
                Target::Truthy => *value != Value::Bool(false),
                Target::Pattern(pattern) => eval.matches(frame, pattern, value)?,
            };
            if passed { eval.deeper(frame, rest, span, sink) } else { Ok(ControlFlow::More) }
        };
        match base {
            Base::Node(node) => return self.scan_at(frame, At::Node(*node), path, span, &mut then),
            Base::Input => self.read(CacheScope::Query),
            Base::Slot(_) | Base::Doc(_) => {}
        }
        let Some(root) = self.root(frame, base).cloned() else { return Ok(ControlFlow::More) };
        self.scan_at(frame, At::Value(&root), path, span, &mut then)
    }

    fn scan_at(
        &mut self,
        frame: usize,
        at: At<'_>,
        path: &'p [Pattern],
        span: Span,
        then: &mut dyn FnMut(&mut Self, &Value) -> EvalResult<ControlFlow>,
    ) -> EvalResult<ControlFlow> {
        match at {
            At::Value(value) => self.scan_value(frame, value, path, span, then),
            At::Node(id) => {
                let Some(node) = self.program.node(id) else { return Ok(ControlFlow::More) };
                if node.kind == Kind::Function && !self.hidden_above(id) {
                    return Ok(ControlFlow::More);
                }
                if node.kind != Kind::Package || path.is_empty() || self.hidden_above(id) {
                    let value = if self.hidden_above(id) {
                        deep(self.documents(), &node.path).cloned()
                    } else if node.kind == Kind::Package {
                        Some(self.extent(id, span)?)
                    } else if let (Some(Pattern::Is(term)), true) = (path.first(), node.keyed.is_some()) {
                        let key = self.term(frame, term)?;
                        let Some(value) = self.keyed(id, &key, span)? else { return Ok(ControlFlow::More) };
                        let rest = path.get(1..).unwrap_or(&[]);
                        return self.scan_value(frame, &value, rest, span, then);
                    } else {
                        self.value(id, span)?
                    };
                    let Some(value) = value else { return Ok(ControlFlow::More) };
                    return self.scan_value(frame, &value, path, span, then);
                }
                self.scan_package(frame, id, path, span, then)
            }
        }
    }

    fn scan_package(
        &mut self,
        frame: usize,
        id: NodeId,
        path: &'p [Pattern],
        span: Span,
        then: &mut dyn FnMut(&mut Self, &Value) -> EvalResult<ControlFlow>,
    ) -> EvalResult<ControlFlow> {
        let (Some(node), Some((first, rest))) = (self.program.node(id), path.split_first()) else {
            return Ok(ControlFlow::More);
        };
        let document = deep(self.documents(), &node.path).cloned();
        if let Pattern::Is(term) = first {
            let key = self.term(frame, term)?;
            if let Some(child) = node.children.get(&key) {
                return self.scan_at(frame, At::Node(*child), rest, span, then);
            }
            return match document.as_ref().and_then(|value| index(value, &key)) {
                Some(value) => self.scan_value(frame, value, rest, span, then),
                None => Ok(ControlFlow::More),
            };
        }
        for (key, child) in &node.children {
            self.tick(span)?;
            if self.matches(frame, first, key)?
                && self.scan_at(frame, At::Node(*child), rest, span, then)? == ControlFlow::Enough
            {
                return Ok(ControlFlow::Enough);
            }
        }
        let Some(document) = document else { return Ok(ControlFlow::More) };
        self.each(&document, &mut |eval: &mut Self, key: &Value, value: &Value| {
            if node.children.contains_key(key) || !eval.matches(frame, first, key)? {
                return Ok(ControlFlow::More);
            }
            eval.scan_value(frame, value, rest, span, then)
        })
    }

    fn scan_value(
        &mut self,
        frame: usize,
        value: &Value,
        path: &'p [Pattern],
        span: Span,
        then: &mut dyn FnMut(&mut Self, &Value) -> EvalResult<ControlFlow>,
    ) -> EvalResult<ControlFlow> {
        let mut at = value;
        let mut left = path;
        loop {
            let Some((first, rest)) = left.split_first() else { return then(self, at) };
            if let Pattern::Is(term) = first {
                let found = match term {
                    Term::Const(key) => index(at, key),
                    _ => {
                        let key = self.term(frame, term)?;
                        index(at, &key)
                    }
                };
                match found {
                    Some(below) => {
                        at = below;
                        left = rest;
                    }
                    None => return Ok(ControlFlow::More),
                }
                continue;
            }
            return self.each(at, &mut |eval: &mut Self, key: &Value, below: &Value| {
                eval.tick(span)?;
                if !eval.matches(frame, first, key)? {
                    return Ok(ControlFlow::More);
                }
                eval.scan_value(frame, below, rest, span, then)
            });
        }
    }
}
