//! [`Observer`]: observes an evaluation, for coverage, profiles and traces.
//!
//! Invariant: an observer does not change the result of an evaluation.

use super::Eval;
use crate::engine::program::{Branch, Step};

/// What happens in an evaluation. What comes from the memo happens only once.
#[derive(Clone, Copy)]
pub(crate) enum Event<'p> {
    /// A branch of a rule or function is tried.
    Enter { branch: &'p Branch },
    /// A step of a body is taken; one with more than one result continues from there without another event.
    Step { frame: usize, step: &'p Step },
    /// The last reported step failed. Steps that look for results report nothing if there is none.
    Failed { frame: usize, step: &'p Step },
    /// The branch that was entered last holds, once for each of its results.
    Exit { frame: usize, branch: &'p Branch },
    /// The branch that was entered last is done.
    Leave,
}

/// Watches an evaluation.
pub(crate) trait Observer<'p> {
    /// Receives the events. It may read variables and evaluate more, for which it gets no events.
    fn event(&mut self, eval: &mut Eval<'p>, event: Event<'p>);
}
