//! Runs a plan. The main type is [`Eval`]: the frames, the memo and the overlays of one query.
//!
//! [`steps`] runs bodies, [`terms`] makes values, [`comprehension_index`] those of many keys at once, [`paths`] follows references, [`rules`] gives rules and functions
//! their values, [`overlay`] is `with`, [`specials`] evaluates what only the evaluator can, [`weights`] computes how
//! large values are.
//!
//! Invariant: the policy and its data are only read; a limit that is reached is an error of this query.

mod building;
mod candidates;
mod comprehension_index;
mod membership;
mod memo;
mod observe;
mod overlay;
mod paths;
#[cfg(test)]
mod proptests;
mod replay;
mod rules;
mod specials;
mod steps;
mod terms;
#[cfg(test)]
mod tests;
mod weights;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use regorus::Value;

use crate::compile_error::Location;
use crate::engine::builtins::Scope;
use crate::engine::bytes::shown;
use crate::engine::error::{EvalCode, EvalError};
use crate::engine::ir::Slot;
use crate::engine::limits::{BUILT, DEPTH, RESULT_PARTS, TEXT_PART, VALUE_DEPTH, VALUE_PARTS};
use crate::engine::program::Program;
use crate::engine::span::{Source, Span};

use memo::{CacheScope, CallCache};
pub(crate) use observe::{Event, Observer};
use overlay::Overlay;
pub(crate) use overlay::placed;
pub(crate) use paths::deep;

pub(crate) use memo::PersistentCache;
use weights::{is_collection, own};

/// Whether more results are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControlFlow {
    More,
    Enough,
}

/// An error ends the query.
pub(crate) type EvalResult<T> = Result<T, Box<EvalError>>;

/// What is done with each result of a body.
pub(crate) type ResultSink<'s, 'p> = dyn FnMut(&mut Eval<'p>) -> EvalResult<ControlFlow> + 's;

/// One line of `print`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// Where `print` stands.
    pub location: Location,
    /// The text.
    pub text: String,
    /// Whether `trace` said it, which only explanations show.
    pub is_note: bool,
}

/// When an evaluation has to stop.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EvalLimits<'a> {
    /// The deadline of the evaluation.
    pub deadline: Option<Instant>,
    /// Set by another thread to stop.
    pub cancel: Option<&'a AtomicBool>,
}

/// The evaluation of one query.
pub(crate) struct Eval<'p> {
    pub program: &'p Program,
    pub sources: &'p [Source],
    pub data: &'p Value,
    pub scope: Scope<'p>,
    /// Errors of built-in functions end the query.
    pub strict: bool,
    pub limits: EvalLimits<'p>,
    pub prints: Vec<Printed>,
    /// Who watches, if anyone does.
    pub observer: Option<Rc<RefCell<dyn Observer<'p> + 'p>>>,
    stack: Vec<Value>,
    overlays: Vec<Overlay>,
    /// The overlay that holds now.
    overlay: usize,
    /// Results of built-in functions that must stay the same.
    fixed: CallCache<&'static str>,
    /// Values that outlive this query.
    persistent: &'p mut PersistentCache,
    /// What the value that is being made was made of so far.
    reads: CacheScope,
    /// What was made so far, in elements.
    built: usize,
    depth: usize,
    ticks: u32,
    /// The state of the choice of values that are weighed when they are compared.
    chance: u32,
    /// The current step: the location in the error of a limit.
    at: Span,
}

/// Lines of `print` kept for one query.
const PRINTS: usize = 10_000;

/// Steps between two looks at the clock; work on large values counts as many.
const TICKS: u32 = 1_024;

/// One in so many values that are compared is weighed.
const COMPARED: u32 = 16;

/// Where the choice of those begins; any number but zero does.
const CHANCE: u32 = 0x9E37_79B9;

/// Parts of a value that are looked at in the time of about one step.
const STEP_PARTS: usize = 64;

impl<'p> Eval<'p> {
    pub(crate) fn new(
        program: &'p Program,
        sources: &'p [Source],
        data: &'p Value,
        input: Option<Value>,
        scope: Scope<'p>,
        persistent: &'p mut PersistentCache,
    ) -> Self {
        Self {
            program,
            sources,
            data,
            scope,
            strict: false,
            limits: EvalLimits::default(),
            prints: Vec::new(),
            observer: None,
            stack: Vec::new(),
            overlays: vec![Overlay::base(input)],
            overlay: 0,
            fixed: CallCache::default(),
            persistent,
            reads: CacheScope::Policy,
            built: 0,
            depth: 0,
            ticks: 0,
            chance: CHANCE,
            at: Span::default(),
        }
    }

    /// Notifies the observer; free without one.
    #[inline]
    fn send(&mut self, event: Event<'p>) {
        if self.observer.is_some() {
            self.observed(event);
        }
    }

    /// Sends the events that follow to an observer.
    pub(crate) fn observe<O: Observer<'p> + 'p>(&mut self, observer: Option<Rc<RefCell<O>>>) {
        self.observer = observer.map(|observer| observer as Rc<RefCell<dyn Observer<'p> + 'p>>);
    }

    /// The observer is away while it looks, so that it may evaluate without seeing itself.
    #[cold]
    fn observed(&mut self, event: Event<'p>) {
        if let Some(observer) = self.observer.take() {
            observer.borrow_mut().event(self, event);
            self.observer = Some(observer);
        }
    }

    /// Opens a frame and gives its place.
    pub(crate) fn frame(&mut self, slots: usize) -> usize {
        let at = self.stack.len();
        self.stack.resize(at + slots, Value::Undefined);
        at
    }

    /// Where the next frame begins, or the next arguments.
    fn top(&self) -> usize {
        self.stack.len()
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    pub(crate) fn close(&mut self, frame: usize) {
        self.stack.truncate(frame);
    }

    pub(crate) fn slot(&self, frame: usize, slot: Slot) -> &Value {
        self.stack.get(frame + slot as usize).unwrap_or(&Value::Undefined)
    }

    pub(crate) fn set(&mut self, frame: usize, slot: Slot, value: Value) {
        if let Some(location) = self.stack.get_mut(frame + slot as usize) {
            *location = value;
        }
    }

    /// Counts one more open level.
    fn enter(&mut self, span: Span) -> EvalResult<()> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error(EvalCode::Internal, span, format!("more than {DEPTH} rules and loops are open")));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Counts what was made: `elements`, and the length of a text, a number or a collection.
    fn made(&mut self, elements: usize, value: &Value, span: Span) -> EvalResult<()> {
        let more = elements.saturating_add(own(value));
        self.worked(more);
        self.built = self.built.saturating_add(more);
        if self.built > BUILT {
            let message = format!("more than {BUILT} elements were made in one evaluation");
            return Err(self.error(EvalCode::Internal, span, message));
        }
        Ok(())
    }

    /// Refuses a collection that was just made and is too heavy or nested too deeply. Every collection comes through here,
    /// so that no value that exists is.
    fn weighed(&mut self, value: &Value, span: Span) -> EvalResult<()> {
        if !is_collection(value) {
            return Ok(());
        }
        let weight = self.persistent.weights.of(value);
        if weight.depth > VALUE_DEPTH {
            let message = format!("a value would be nested more than {VALUE_DEPTH} levels deep");
            return Err(self.error(EvalCode::Internal, span, message));
        }
        if weight.parts > VALUE_PARTS {
            let message =
                format!("a value would have more than {VALUE_PARTS} parts, those it shares counted each time");
            return Err(self.error(EvalCode::Internal, span, message));
        }
        Ok(())
    }

    /// Counts a value among the results, which all leave the evaluation: `parts` is how much they are so far.
    pub(crate) fn result(&mut self, value: &Value, parts: &mut usize, span: Span) -> EvalResult<()> {
        self.weighed(value, span)?;
        *parts = parts.saturating_add(self.persistent.weights.of(value).parts);
        if *parts > RESULT_PARTS {
            let message = format!("the results would have more than {RESULT_PARTS} parts");
            return Err(self.error(EvalCode::Internal, span, message));
        }
        Ok(())
    }

    /// Counts work on this many parts of values towards the next look at the clock.
    fn worked(&mut self, parts: usize) {
        let steps = u32::try_from(parts / STEP_PARTS).unwrap_or(u32::MAX);
        self.ticks = self.ticks.saturating_add(steps);
    }

    /// Whether two values are one; counts the work of finding out.
    fn is_same(&mut self, one: &Value, other: &Value) -> bool {
        if is_collection(one) && is_collection(other) {
            self.compared(one);
        }
        one == other
    }

    /// Counts the work of comparing a value. To weigh each would take as long as to compare them, so one in
    /// [`COMPARED`] is, by chance, and counts for all.
    fn compared(&mut self, value: &Value) {
        if !is_collection(value) {
            return;
        }
        // Xorshift: no policy can be written so that its small values are always the ones that are weighed.
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 17;
        self.chance ^= self.chance << 5;
        if self.chance.is_multiple_of(COMPARED) {
            let parts = self.persistent.weights.of(value).parts;
            self.worked(parts.saturating_mul(COMPARED as usize));
        }
    }

    /// Looks at the deadline now and then.
    fn tick(&mut self, span: Span) -> EvalResult<()> {
        self.ticks = self.ticks.saturating_add(1);
        if self.ticks < TICKS {
            return Ok(());
        }
        self.ticks = 0;
        if self.limits.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(self.error(EvalCode::Cancelled, span, "caller cancelled query execution"));
        }
        if self.limits.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(self.error(EvalCode::Cancelled, span, "the evaluation took too long"));
        }
        Ok(())
    }

    pub(crate) fn location(&self, span: Span) -> Option<Location> {
        let source = self.sources.get(span.file as usize)?;
        let (line, column) = source.line_column(span.start);
        Some(Location { file: source.name.clone(), line, column })
    }

    fn error(&self, code: EvalCode, span: Span, message: impl Into<String>) -> Box<EvalError> {
        Box::new(EvalError { code, message: message.into(), location: self.location(span) })
    }

    /// Notes what has a part in the value that is being made.
    fn read(&mut self, reads: CacheScope) {
        self.reads = self.reads.max(reads);
    }

    /// Runs `work` and returns what it read; the value around it has read that, too.
    fn noting<T>(&mut self, work: impl FnOnce(&mut Self) -> EvalResult<T>) -> EvalResult<(T, CacheScope)> {
        let outer = std::mem::take(&mut self.reads);
        let made = work(self)?;
        let own = self.reads;
        self.read(outer);
        Ok((made, own))
    }

    fn print(&mut self, span: Span, text: &str, is_note: bool) -> EvalResult<()> {
        self.read(CacheScope::Query);
        self.made(text.len() / TEXT_PART, &Value::Null, span)?;
        if self.prints.len() < PRINTS {
            // A query stands in no file.
            let location = self.location(span).unwrap_or_else(|| Location { file: String::new(), line: 1, column: 1 });
            self.prints.push(Printed { location, text: shown(text).into_owned(), is_note });
        }
        Ok(())
    }
}
