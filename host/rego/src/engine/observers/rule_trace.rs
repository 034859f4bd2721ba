//! [`RuleTrace`]: how one definition was evaluated: the expressions that were reached, their values, and the first that
//! did not hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::trace::one_line;
use super::values::{BoundValue, parts};
use super::{TraceFilter, address};
use crate::compile_error::Location;
use crate::engine::eval::Eval;
use crate::engine::eval::Event;
use crate::engine::program::{Branch, DebugInfo, Op, Step};
use crate::engine::span::Span;

/// How a branch of a definition was evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleTrace {
    /// The rule or function, such as `data.lib.x`.
    pub name: String,
    /// Where the definition begins.
    pub rule: Location,
    /// Where the branch begins, which differs for an `else`.
    pub location: Location,
    /// How many results it gave.
    pub results: u64,
    /// The expressions that were reached, in the order in which they are evaluated. The last decides.
    pub parts: Vec<RuleTraceStep>,
}

/// An expression that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleTraceStep {
    /// Where it begins.
    pub location: Location,
    /// Its text, without line breaks.
    pub text: String,
    /// The lines it stands on, as they are.
    pub lines: Vec<String>,
    /// How often it held.
    pub held: u64,
    /// Its values: when it held first, or else when it did not.
    pub values: Vec<BoundValue>,
}

/// One expression of the branch: the steps that were made of it.
struct StepGroup<'p> {
    span: Span,
    steps: Vec<&'p Step>,
    /// The number of the last of them: behind it the expression holds.
    last: usize,
}

/// A part under construction.
#[derive(Default)]
struct PendingTrace {
    /// The number of the step that was reached, the furthest if there are more.
    reached: Option<usize>,
    held: u64,
    values: Option<Vec<BoundValue>>,
}

/// A branch while it is evaluated.
struct Level<'p> {
    branch: &'p Branch,
    about: Arc<DebugInfo>,
    groups: Vec<StepGroup<'p>>,
    /// The number of each step, by where it is in memory.
    numbers: BTreeMap<usize, usize>,
    /// The group of each step, by its number.
    group_of: Vec<usize>,
    pending: Vec<PendingTrace>,
    results: u64,
    /// Whether it is the definition's first branch, not an `else`.
    is_first: bool,
    /// The index of its trace.
    rule_trace: Option<usize>,
}

/// Builds rule traces.
pub(super) struct RuleTracer<'p> {
    wanted: TraceFilter,
    levels: Vec<Option<Level<'p>>>,
    rule_traces: Vec<Option<RuleTrace>>,
    /// The definition that was entered last, by where it is in memory.
    last: Option<usize>,
}

impl<'p> RuleTracer<'p> {
    pub(super) fn new(wanted: TraceFilter) -> Self {
        Self { wanted, levels: Vec::new(), rule_traces: Vec::new(), last: None }
    }

    pub(super) fn event(&mut self, eval: &mut Eval<'p>, event: Event<'p>) {
        match event {
            Event::Enter { branch } => {
                let level = self.is_wanted(eval, branch).then(|| self.level(branch));
                self.levels.push(level);
            }
            Event::Step { frame, step } => {
                if let Some(level) = self.levels.last_mut().and_then(Option::as_mut)
                    && let Some(number) = level.numbers.get(&address(step)).copied()
                {
                    level.reached(eval, frame, number);
                }
            }
            Event::Failed { frame, step } => {
                if let Some(level) = self.levels.last_mut().and_then(Option::as_mut) {
                    level.failed(eval, frame, step);
                }
            }
            Event::Exit { frame, .. } => {
                if let Some(level) = self.levels.last_mut().and_then(Option::as_mut) {
                    level.reached(eval, frame, level.group_of.len());
                    level.results += 1;
                }
            }
            Event::Leave => {
                if let Some(Some(level)) = self.levels.pop()
                    && let Some(location) = level.rule_trace.and_then(|at| self.rule_traces.get_mut(at))
                {
                    *location = level.rule_trace(eval);
                }
            }
        }
    }

    /// An evaluation that ended with an error leaves branches open: they are not traced.
    pub(super) fn done(self) -> Vec<RuleTrace> {
        self.rule_traces.into_iter().flatten().collect()
    }

    fn is_wanted(&self, eval: &Eval<'p>, branch: &Branch) -> bool {
        match &self.wanted {
            // The branches of one definition are entered one after the other.
            TraceFilter::First => self.levels.is_empty(),
            TraceFilter::At(places) => eval.location(branch.about.span).is_some_and(|location| {
                places.iter().any(|(file, row)| *file == location.file && *row == location.line)
            }),
        }
    }

    fn level(&mut self, branch: &'p Branch) -> Level<'p> {
        let mut steps = Vec::new();
        flat(&branch.steps, &mut steps);
        let widest = |span: Span| {
            let around = steps
                .iter()
                .map(|step| step.span)
                .filter(|other| other.file == span.file && other.start <= span.start && span.end <= other.end);
            around.max_by_key(|other| other.end - other.start).unwrap_or(span)
        };
        let mut groups: Vec<StepGroup<'p>> = Vec::new();
        let mut group_of = Vec::with_capacity(steps.len());
        for (number, step) in steps.iter().enumerate() {
            let span = widest(step.span);
            let at = groups.iter().position(|group| group.span == span).unwrap_or(groups.len());
            if at == groups.len() {
                groups.push(StepGroup { span, steps: Vec::new(), last: number });
            }
            if let Some(group) = groups.get_mut(at) {
                group.steps.push(step);
                group.last = number;
            }
            group_of.push(at);
        }
        self.rule_traces.push(None);
        let level = Level {
            branch,
            about: Arc::clone(&branch.about),
            pending: groups.iter().map(|_| PendingTrace::default()).collect(),
            groups,
            numbers: steps.iter().enumerate().map(|(number, step)| (address(step), number)).collect(),
            group_of,
            results: 0,
            is_first: self.last != Some(std::ptr::from_ref(&*branch.about).addr()),
            rule_trace: self.rule_traces.len().checked_sub(1),
        };
        self.last = Some(std::ptr::from_ref(&*branch.about).addr());
        level
    }
}

impl<'p> Level<'p> {
    /// The step of a number is taken, or the end reached: the step before it held, and so did its group if it is its
    /// last.
    fn reached(&mut self, eval: &mut Eval<'p>, frame: usize, number: usize) {
        let before = number.checked_sub(1).and_then(|before| Some((before, *self.group_of.get(before)?)));
        if let Some((before, group)) = before
            && self.groups.get(group).is_some_and(|group| group.last == before)
        {
            let first = self.pending.get(group).is_some_and(|pending| pending.held == 0);
            let values = first.then(|| self.values(eval, frame, group, None));
            if let Some(pending) = self.pending.get_mut(group) {
                pending.held += 1;
                pending.values = values.or_else(|| pending.values.take());
            }
        }
        if let Some(pending) = self.group_of.get(number).and_then(|group| self.pending.get_mut(*group)) {
            pending.reached = pending.reached.max(Some(number));
        }
    }

    fn failed(&mut self, eval: &mut Eval<'p>, frame: usize, step: &'p Step) {
        let number = self.numbers.get(&address(step));
        let Some(group) = number.and_then(|number| self.group_of.get(*number)).copied() else { return };
        if self.pending.get(group).is_some_and(|pending| pending.values.is_none()) {
            let values = self.values(eval, frame, group, Some(step));
            if let Some(pending) = self.pending.get_mut(group) {
                pending.values = Some(values);
            }
        }
    }

    fn values(&self, eval: &mut Eval<'p>, frame: usize, group: usize, failed: Option<&'p Step>) -> Vec<BoundValue> {
        let Some(group) = self.groups.get(group) else { return Vec::new() };
        parts(eval, frame, &self.about, group.span, &group.steps, failed)
    }

    fn rule_trace(self, eval: &Eval<'p>) -> Option<RuleTrace> {
        let rule = eval.location(self.about.span)?;
        let location = if self.is_first { rule.clone() } else { eval.location(self.branch.span)? };
        let mut reported = Vec::new();
        let mut all: Vec<_> = self.groups.iter().zip(self.pending).collect();
        // Parts of an expression may be evaluated long before the rest of it.
        all.sort_by_key(|(_, pending)| pending.reached);
        for (group, pending) in all.into_iter().filter(|(_, pending)| pending.reached.is_some()) {
            let (Some(location), Some(source)) = (eval.location(group.span), eval.source(group.span)) else { continue };
            let last = source.row(group.span.end.saturating_sub(1));
            reported.push(RuleTraceStep {
                lines: (location.line..=last).map(|row| source.line(row).to_owned()).collect(),
                location,
                text: one_line(source, group.span),
                held: pending.held,
                values: pending.values.unwrap_or_default(),
            });
        }
        Some(RuleTrace {
            name: eval.name(self.about.node).to_owned(),
            location,
            rule,
            results: self.results,
            parts: reported,
        })
    }
}

/// The steps of a body in their order, those under a `with` among them.
fn flat<'p>(steps: &'p [Step], all: &mut Vec<&'p Step>) {
    for step in steps {
        all.push(step);
        if let Op::With { body, .. } = &step.op {
            flat(body, all);
        }
    }
}
