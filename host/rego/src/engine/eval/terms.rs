//! Values from terms, and values against patterns.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::engine::builtins::{TEXT_BYTES, write_term};
use crate::engine::error::EvalCode;
use crate::engine::ir::Collect;
use crate::engine::program::{Comprehension, Pattern, Piece, Term};
use crate::engine::span::Span;

use super::{ControlFlow, Eval, EvalResult};

impl<'p> Eval<'p> {
    pub(crate) fn term(&mut self, frame: usize, term: &'p Term) -> EvalResult<Value> {
        Ok(match term {
            Term::Const(value) => value.clone(),
            Term::Var(slot) => self.slot(frame, *slot).clone(),
            Term::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.term(frame, item)?);
                }
                self.collected(Value::from(values))?
            }
            Term::Set(items) => {
                let mut values = BTreeSet::new();
                for item in items {
                    values.insert(self.term(frame, item)?);
                }
                self.collected(Value::from(values))?
            }
            Term::Object(items) => {
                let mut values = BTreeMap::new();
                for (key, value) in items {
                    let key = self.term(frame, key)?;
                    values.insert(key, self.term(frame, value)?);
                }
                self.collected(Value::from(values))?
            }
            Term::Comprehension(of) => self.comprehension(frame, of)?,
            Term::Template(pieces) => self.template(frame, pieces)?,
        })
    }

    /// A collection that a term made, if it may be made.
    fn collected(&mut self, value: Value) -> EvalResult<Value> {
        self.made(1, &value, self.at)?;
        self.weighed(&value, self.at)?;
        Ok(value)
    }

    /// The value of a constant or variable where it stands.
    pub(super) fn peek<'v>(&'v self, frame: usize, term: &'v Term) -> Option<&'v Value> {
        match term {
            Term::Const(value) => Some(value),
            Term::Var(slot) => Some(self.slot(frame, *slot)),
            _ => None,
        }
    }

    pub(super) fn comprehension(&mut self, frame: usize, of: &'p Comprehension) -> EvalResult<Value> {
        if let Some(index) = &of.index
            && let Some(value) = self.selected(frame, of, index)?
        {
            return Ok(value);
        }
        self.enter(of.span)?;
        let value = match of.collect {
            Collect::Array => {
                let mut values = Vec::new();
                self.run(frame, &of.steps, &mut |eval: &mut Self| {
                    eval.made(1, &Value::Null, of.span)?;
                    values.push(eval.term(frame, &of.value)?);
                    Ok(ControlFlow::More)
                })?;
                Value::from(values)
            }
            Collect::Set => {
                let mut values = BTreeSet::new();
                self.run(frame, &of.steps, &mut |eval: &mut Self| {
                    eval.made(1, &Value::Null, of.span)?;
                    let value = eval.term(frame, &of.value)?;
                    eval.compared(&value);
                    values.insert(value);
                    Ok(ControlFlow::More)
                })?;
                Value::from(values)
            }
            Collect::Object => {
                let mut values: BTreeMap<Value, Value> = BTreeMap::new();
                self.run(frame, &of.steps, &mut |eval: &mut Self| {
                    let Some(key) = &of.key else { return Ok(ControlFlow::Enough) };
                    eval.made(1, &Value::Null, of.span)?;
                    let key = eval.term(frame, key)?;
                    let value = eval.term(frame, &of.value)?;
                    if values.get(&key).is_some_and(|known| *known != value) {
                        return Err(eval.error(EvalCode::Conflict, of.span, "object keys must be unique"));
                    }
                    values.insert(key, value);
                    Ok(ControlFlow::More)
                })?;
                Value::from(values)
            }
        };
        self.weighed(&value, of.span)?;
        self.leave();
        Ok(value)
    }

    fn template(&mut self, frame: usize, pieces: &'p [Piece]) -> EvalResult<Value> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Value(of) => {
                    let Value::Set(values) = self.comprehension(frame, of)? else { continue };
                    if values.len() > 1 {
                        let message = "template-strings must not produce multiple outputs";
                        return Err(self.error(EvalCode::Conflict, of.span, message));
                    }
                    match values.first() {
                        Some(Value::String(part)) => text.push_str(part),
                        Some(value) => write_term(&mut text, value),
                        None => text.push_str("<undefined>"),
                    }
                    self.bounded(&text, of.span)?;
                }
            }
        }
        let text = Value::String(text.into());
        self.made(1, &text, self.at)?;
        Ok(text)
    }

    /// Refuses a text that is too long, or that was left off because it would be.
    pub(super) fn bounded(&self, text: &str, span: Span) -> EvalResult<()> {
        if text.len() > TEXT_BYTES {
            let message = format!("would create a string of more than {} MiB", TEXT_BYTES >> 20);
            return Err(self.error(EvalCode::Internal, span, message));
        }
        Ok(())
    }

    /// Matches a value that is given away.
    pub(super) fn accept(&mut self, frame: usize, pattern: &'p Pattern, value: Value) -> EvalResult<bool> {
        match pattern {
            Pattern::Bind(slot) => {
                self.set(frame, *slot, value);
                Ok(true)
            }
            _ => self.matches(frame, pattern, &value),
        }
    }

    /// Matches a value and binds what is free in the pattern.
    pub(super) fn matches(&mut self, frame: usize, pattern: &'p Pattern, value: &Value) -> EvalResult<bool> {
        match pattern {
            Pattern::Any => Ok(true),
            Pattern::Bind(slot) => {
                self.set(frame, *slot, value.clone());
                Ok(true)
            }
            Pattern::Is(Term::Const(expected)) => Ok(expected == value),
            Pattern::Is(Term::Var(slot)) => {
                let same = self.slot(frame, *slot) == value;
                self.compared(value);
                Ok(same)
            }
            Pattern::Is(term) => Ok(self.term(frame, term)? == *value),
            Pattern::Array(pats) => {
                let Value::Array(array) = value else { return Ok(false) };
                if array.len() != pats.len() {
                    return Ok(false);
                }
                for (pattern, element) in pats.iter().zip(array.iter()) {
                    if !self.matches(frame, pattern, element)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Pattern::Object(pats) => {
                let Value::Object(object) = value else { return Ok(false) };
                if object.len() != pats.len() {
                    return Ok(false);
                }
                for (key, pattern) in pats {
                    let key = self.term(frame, key)?;
                    let Some(element) = object.get(&key) else { return Ok(false) };
                    if !self.matches(frame, pattern, element)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}
