//! Bodies: one step after the other, and back when a step that has more than one result goes on.

use regorus::Value;

use super::observe::Event;
use crate::engine::builtins::{is_composite, sorted, write_term};
use crate::engine::program::{Comprehension, Op, Pattern, Step, Target, Term};
use crate::engine::span::Span;

use super::weights::is_collection;
use super::{ControlFlow, Eval, EvalResult, ResultSink};

impl<'p> Eval<'p> {
    /// Runs a body and gives every result to `sink`.
    pub(crate) fn run(
        &mut self,
        frame: usize,
        steps: &'p [Step],
        sink: &mut ResultSink<'_, 'p>,
    ) -> EvalResult<ControlFlow> {
        let mut left = steps;
        while let Some((step, rest)) = left.split_first() {
            left = rest;
            let span = step.span;
            self.at = span;
            self.tick(span)?;
            self.send(Event::Step { frame, step });
            let passed = match &step.op {
                Op::Match { term: Term::Var(slot), pattern: Pattern::Bind(to) } => {
                    let value = self.slot(frame, *slot).clone();
                    self.set(frame, *to, value);
                    true
                }
                Op::Match { term, pattern } => {
                    let value = self.term(frame, term)?;
                    self.accept(frame, pattern, value)?
                }
                Op::Equal(one, other) => match (self.peek(frame, one), self.peek(frame, other)) {
                    (Some(one), Some(other)) if !(is_collection(one) && is_collection(other)) => one == other,
                    _ => {
                        let (one, other) = (self.term(frame, one)?, self.term(frame, other)?);
                        self.is_same(&one, &other)
                    }
                },
                Op::Truthy(term) => match self.peek(frame, term) {
                    Some(value) => *value != Value::Bool(false),
                    None => self.term(frame, term)? != Value::Bool(false),
                },
                Op::Lookup { base, path, out } => match self.lookup(frame, base, path, span)? {
                    Some(value) => self.out(frame, out, value)?,
                    None => false,
                },
                Op::Call { callee, args, out } => {
                    let base = self.top();
                    for arg in args {
                        let value = self.term(frame, arg)?;
                        self.push(value);
                    }
                    match self.call(*callee, base, span)? {
                        Some(value) => self.out(frame, out, value)?,
                        None => false,
                    }
                }
                Op::Not(body) => !self.holds(frame, body, span)?,
                Op::Every { key, value, domain, body } => self.every(frame, key.as_ref(), value, domain, body, span)?,
                Op::Print(parts) => {
                    self.print_parts(frame, parts, span)?;
                    true
                }
                Op::Scan { base, path, out } => return self.scan(frame, base, path, out, rest, span, sink),
                Op::In { key, value, domain } => {
                    let domain = self.term(frame, domain)?;
                    return self.each_in(frame, key.as_ref(), value, &domain, rest, span, sink);
                }
                Op::Walk { value, out } => {
                    let value = self.term(frame, value)?;
                    return self.walk(frame, &value, out, rest, span, sink);
                }
                Op::With { mods, body } => return self.with(frame, mods, body, rest, span, sink),
            };
            if !passed {
                self.send(Event::Failed { frame, step });
                return Ok(ControlFlow::More);
            }
        }
        sink(self)
    }

    /// Whether a body has a result.
    pub(super) fn holds(&mut self, frame: usize, body: &'p [Step], span: Span) -> EvalResult<bool> {
        self.enter(span)?;
        let mut found = false;
        self.run(frame, body, &mut |_: &mut Self| {
            found = true;
            Ok(ControlFlow::Enough)
        })?;
        self.leave();
        Ok(found)
    }

    /// Takes a result; false when it does not fit.
    pub(super) fn out(&mut self, frame: usize, out: &'p Target, value: Value) -> EvalResult<bool> {
        match out {
            Target::Truthy => Ok(value != Value::Bool(false)),
            Target::Pattern(pattern) => self.accept(frame, pattern, value),
        }
    }

    /// Runs the rest of a body one level deeper.
    pub(super) fn deeper(
        &mut self,
        frame: usize,
        rest: &'p [Step],
        span: Span,
        sink: &mut ResultSink<'_, 'p>,
    ) -> EvalResult<ControlFlow> {
        self.enter(span)?;
        let flow = self.run(frame, rest, sink)?;
        self.leave();
        Ok(flow)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one step, and where it goes on")]
    fn each_in(
        &mut self,
        frame: usize,
        key: Option<&'p Pattern>,
        value: &'p Pattern,
        domain: &Value,
        rest: &'p [Step],
        span: Span,
        sink: &mut ResultSink<'_, 'p>,
    ) -> EvalResult<ControlFlow> {
        self.each(domain, &mut |eval: &mut Self, at: &Value, element: &Value| {
            eval.tick(span)?;
            if let Some(key) = key
                && !eval.matches(frame, key, at)?
            {
                return Ok(ControlFlow::More);
            }
            if !eval.matches(frame, value, element)? {
                return Ok(ControlFlow::More);
            }
            eval.deeper(frame, rest, span, sink)
        })
    }

    /// Calls `visit` with each key and element; a scalar has none.
    pub(super) fn each(
        &mut self,
        domain: &Value,
        visit: &mut dyn FnMut(&mut Self, &Value, &Value) -> EvalResult<ControlFlow>,
    ) -> EvalResult<ControlFlow> {
        match domain {
            Value::Array(array) => {
                for (at, element) in array.iter().enumerate() {
                    if visit(self, &Value::from(at), element)? == ControlFlow::Enough {
                        return Ok(ControlFlow::Enough);
                    }
                }
            }
            Value::Set(set) => {
                let mut one = |element| visit(self, element, element);
                // Most sets are of scalars, whose order is OPA's already.
                if is_composite(set.last()) {
                    for element in sorted(set.iter_sorted()) {
                        if one(element)? == ControlFlow::Enough {
                            return Ok(ControlFlow::Enough);
                        }
                    }
                } else {
                    for element in set.iter_sorted() {
                        if one(element)? == ControlFlow::Enough {
                            return Ok(ControlFlow::Enough);
                        }
                    }
                }
            }
            Value::Object(object) => {
                if is_composite(object.iter_sorted().next_back().map(|(key, _)| key)) {
                    for key in sorted(object.keys_sorted()) {
                        let Some(element) = object.get(key) else { continue };
                        if visit(self, key, element)? == ControlFlow::Enough {
                            return Ok(ControlFlow::Enough);
                        }
                    }
                } else {
                    for (key, element) in object.iter_sorted() {
                        if visit(self, key, element)? == ControlFlow::Enough {
                            return Ok(ControlFlow::Enough);
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(ControlFlow::More)
    }

    fn every(
        &mut self,
        frame: usize,
        key: Option<&'p Pattern>,
        value: &'p Pattern,
        domain: &'p Term,
        body: &'p [Step],
        span: Span,
    ) -> EvalResult<bool> {
        let domain = self.term(frame, domain)?;
        if !matches!(domain, Value::Array(_) | Value::Set(_) | Value::Object(_)) {
            return Ok(false);
        }
        let flow = self.each(&domain, &mut |eval: &mut Self, at: &Value, element: &Value| {
            eval.tick(span)?;
            if let Some(key) = key
                && !eval.matches(frame, key, at)?
            {
                return Ok(ControlFlow::Enough);
            }
            if eval.matches(frame, value, element)? && eval.holds(frame, body, span)? {
                Ok(ControlFlow::More)
            } else {
                Ok(ControlFlow::Enough)
            }
        })?;
        Ok(flow == ControlFlow::More)
    }

    fn print_parts(&mut self, frame: usize, parts: &'p [Comprehension], span: Span) -> EvalResult<()> {
        let mut line = String::new();
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                line.push(' ');
            }
            match self.comprehension(frame, part)? {
                Value::Set(set) if !set.is_empty() => {
                    for (at, value) in sorted(set.iter_sorted()).into_iter().enumerate() {
                        if at > 0 {
                            line.push(' ');
                        }
                        match value {
                            Value::String(text) => line.push_str(text),
                            other => write_term(&mut line, other),
                        }
                        self.bounded(&line, span)?;
                    }
                }
                _ => line.push_str("<undefined>"),
            }
        }
        self.print(span, &line, false)
    }
}
