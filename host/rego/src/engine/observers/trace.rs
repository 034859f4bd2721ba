//! [`Trace`]: what happened in an evaluation, one thing after the other.

use super::values::{BoundValue, mentioned};
use super::{address, looks, numbered};
use crate::compile_error::Location;
use crate::engine::eval::Eval;
use crate::engine::eval::Event;
use crate::engine::limits::TRACE_EVENTS;
use crate::engine::program::{DebugInfo, Step};
use crate::engine::span::{Source, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// A definition is tried.
    Enter,
    /// An expression is evaluated.
    Eval,
    /// It does not hold, or has no result.
    Fail,
    /// A definition holds.
    Exit,
    /// The policy says something by `trace`.
    Note,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceEvent {
    pub op: Op,
    /// How many definitions are open around it.
    pub depth: usize,
    /// Where; none for what stands in the query.
    pub location: Option<Location>,
    /// The definition's name, the expression's or the note's text.
    pub text: String,
    /// The values that it refers to.
    pub values: Vec<BoundValue>,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub events: Vec<TraceEvent>,
    /// How many more there were than are kept.
    pub left_out: u64,
}

/// A definition that is being evaluated, or the query.
struct Level<'p> {
    about: Option<Arc<DebugInfo>>,
    numbers: BTreeMap<usize, usize>,
    /// A step that looks for results and has none yet.
    pending: Option<(usize, usize, &'p Step)>,
}

/// Notes what happens.
pub(super) struct Tracer<'p> {
    query: &'p Source,
    levels: Vec<Level<'p>>,
    trace: Trace,
    /// How many lines of `print` and `trace` are dealt with.
    message: usize,
}

impl<'p> Tracer<'p> {
    pub(super) fn new(query: &'p Source, steps: &[Step]) -> Self {
        let level = Level { about: None, numbers: numbered(steps), pending: None };
        Self { query, levels: vec![level], trace: Trace::default(), message: 0 }
    }

    pub(super) fn event(&mut self, eval: &mut Eval<'p>, event: Event<'p>) {
        self.notes(eval);
        match event {
            Event::Enter { branch } => {
                let text = eval.name(branch.about.node).to_owned();
                let location = eval.location(branch.about.span);
                self.note(Op::Enter, location, text, Vec::new());
                let (about, numbers) = (Some(Arc::clone(&branch.about)), numbered(&branch.steps));
                self.levels.push(Level { about, numbers, pending: None });
            }
            Event::Step { frame, step } => {
                let number = self.number(step);
                if let Some(number) = number {
                    self.settle(eval, Some(number));
                }
                let values = self.values(eval, frame, step);
                self.step(eval, Op::Eval, step, values);
                if let (Some(number), true, Some(level)) = (number, looks(step), self.levels.last_mut()) {
                    level.pending = Some((number, frame, step));
                }
            }
            Event::Failed { frame, step } => {
                let values = self.values(eval, frame, step);
                self.step(eval, Op::Fail, step, values);
            }
            Event::Exit { branch, .. } => {
                self.settle(eval, Some(usize::MAX));
                let depth = self.levels.len().saturating_sub(2);
                let text = eval.name(branch.about.node).to_owned();
                let location = eval.location(branch.about.span);
                self.add(TraceEvent { op: Op::Exit, depth, location, text, values: Vec::new() });
            }
            Event::Leave => {
                self.settle(eval, None);
                if self.levels.len() > 1 {
                    self.levels.pop();
                }
            }
        }
    }

    pub(super) fn done(mut self, eval: &Eval<'p>) -> Trace {
        self.notes(eval);
        self.trace
    }

    fn number(&self, step: &Step) -> Option<usize> {
        self.levels.last().and_then(|level| level.numbers.get(&address(step)).copied())
    }

    /// What looked for results had some if a later step follows.
    fn settle(&mut self, eval: &mut Eval<'p>, next: Option<usize>) {
        let Some((number, frame, step)) = self.levels.last_mut().and_then(|level| level.pending.take()) else { return };
        if next.is_none_or(|next| next <= number) {
            let values = self.values(eval, frame, step);
            self.step(eval, Op::Fail, step, values);
        }
    }

    fn values(&self, eval: &Eval<'p>, frame: usize, step: &'p Step) -> Vec<BoundValue> {
        let about = self.levels.last().and_then(|level| level.about.as_deref());
        about.map(|about| mentioned(eval, frame, about, step)).unwrap_or_default()
    }

    fn step(&mut self, eval: &Eval<'p>, op: Op, step: &Step, values: Vec<BoundValue>) {
        self.note(
            op,
            eval.location(step.span),
            one_line(eval.source(step.span).unwrap_or(self.query), step.span),
            values,
        );
    }

    fn note(&mut self, op: Op, location: Option<Location>, text: String, values: Vec<BoundValue>) {
        let depth = self.levels.len().saturating_sub(1);
        self.add(TraceEvent { op, depth, location, text, values });
    }

    fn add(&mut self, event: TraceEvent) {
        if self.trace.events.len() < TRACE_EVENTS {
            self.trace.events.push(event);
        } else {
            self.trace.left_out += 1;
        }
    }

    /// What was said since the last look.
    fn notes(&mut self, eval: &Eval<'p>) {
        let message = eval.prints.get(self.message..).unwrap_or_default();
        self.message = eval.prints.len();
        let notes: Vec<_> = message.iter().filter(|line| line.is_note).cloned().collect();
        for line in notes {
            self.note(Op::Note, Some(line.location), line.text, Vec::new());
        }
    }
}

/// The text of an expression without its line breaks.
pub(super) fn one_line(source: &Source, span: Span) -> String {
    let words: Vec<_> = source.slice(span).split_whitespace().collect();
    words.join(" ")
}
