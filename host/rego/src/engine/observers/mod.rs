//! [`TraceOptions`]: what is noted of an evaluation, and [`Observations`], what was noted.
//!
//! [`coverage`] records which lines were covered, [`profile`] what they cost, [`trace`] the events one after the
//! other, [`rule_trace`] how a rule was evaluated; [`values`] finds the values that a line refers to.

mod coverage;
mod profile;
mod rule_trace;
#[cfg(test)]
mod tests;
mod trace;
mod values;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

pub(crate) use coverage::{Hits, Lines, Rows, lines};
pub(crate) use profile::{Cost, Profile};
pub(crate) use rule_trace::{RuleTrace, RuleTraceStep};
pub(crate) use trace::{Op, Trace, TraceEvent};

use super::eval::{Eval, Event, Observer};
use super::program::{self, Step};
use super::span::Source;
use coverage::Coverage;
use profile::Profiler;
use rule_trace::RuleTracer;
use trace::Tracer;

/// Which definitions are traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TraceFilter {
    /// The one that is entered first.
    First,
    /// Those that begin at these files and rows.
    At(Vec<(String, u32)>),
}

/// What is recorded of an evaluation. Nothing, unless requested.
#[derive(Clone, Debug, Default)]
pub(crate) struct TraceOptions {
    pub coverage: bool,
    pub profile: bool,
    pub trace: bool,
    pub rule_traces: Option<TraceFilter>,
}

/// What was noted.
#[derive(Debug, Default)]
pub(crate) struct Observations {
    pub hits: Hits,
    pub profile: Profile,
    pub trace: Trace,
    pub rule_traces: Vec<RuleTrace>,
}

/// All observers of one evaluation.
pub(crate) struct Observers<'p> {
    coverage: Option<Coverage>,
    profile: Option<Profiler>,
    trace: Option<Tracer<'p>>,
    rule_trace: Option<RuleTracer<'p>>,
}

impl TraceOptions {
    /// Whether anything is to be noted.
    pub(crate) const fn is_anything(&self) -> bool {
        self.coverage || self.profile || self.trace || self.rule_traces.is_some()
    }

    /// The observers of an evaluation; none when there is nothing to note. A query stands in no file, so that its text and
    /// steps are given.
    pub(crate) fn observers<'p>(&self, query: &'p Source, steps: &'p [Step]) -> Option<Rc<RefCell<Observers<'p>>>> {
        if !self.is_anything() {
            return None;
        }
        Some(Rc::new(RefCell::new(Observers {
            coverage: self.coverage.then(Coverage::default),
            profile: self.profile.then(Profiler::new),
            trace: self.trace.then(|| Tracer::new(query, steps)),
            rule_trace: self.rule_traces.clone().map(RuleTracer::new),
        })))
    }
}

impl<'p> Observer<'p> for Observers<'p> {
    fn event(&mut self, eval: &mut Eval<'p>, event: Event<'p>) {
        if let Some(coverage) = &mut self.coverage {
            coverage.event(event);
        }
        if let Some(trace) = &mut self.trace {
            trace.event(eval, event);
        }
        if let Some(rule_trace) = &mut self.rule_trace {
            rule_trace.event(eval, event);
        }
        if let Some(profile) = &mut self.profile {
            profile.event(event);
        }
    }
}

impl<'p> Observers<'p> {
    /// Ends observing an evaluation, and gives what was noted.
    pub(crate) fn finish(observers: Option<Rc<RefCell<Self>>>, eval: &mut Eval<'p>) -> Observations {
        eval.observer = None;
        let Some(observers) = observers.and_then(Rc::into_inner).map(RefCell::into_inner) else {
            return Observations::default();
        };
        Observations {
            hits: observers.coverage.map(Coverage::hits).unwrap_or_default(),
            profile: observers.profile.map(Profiler::done).unwrap_or_default(),
            trace: observers.trace.map(|trace| trace.done(eval)).unwrap_or_default(),
            rule_traces: observers.rule_trace.map(RuleTracer::done).unwrap_or_default(),
        }
    }
}

/// The steps of a body in their order, those under a `with` among them, by where they are in memory.
fn numbered(steps: &[Step]) -> BTreeMap<usize, usize> {
    fn add(steps: &[Step], numbers: &mut BTreeMap<usize, usize>) {
        for step in steps {
            numbers.insert(address(step), numbers.len());
            if let program::Op::With { body, .. } = &step.op {
                add(body, numbers);
            }
        }
    }
    let mut numbers = BTreeMap::new();
    add(steps, &mut numbers);
    numbers
}

fn address(step: &Step) -> usize {
    std::ptr::from_ref(step).addr()
}

/// Whether a step looks for results and says nothing when there is none.
fn looks(step: &Step) -> bool {
    matches!(step.op, program::Op::Scan { .. } | program::Op::In { .. } | program::Op::Walk { .. })
}
