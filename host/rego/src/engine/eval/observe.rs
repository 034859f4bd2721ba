//! [`Observer`]: receives the events of an evaluation, for coverage, profiles and traces. Its owner keeps it and reads what it
//! recorded.
//!
//! Invariant: an observed evaluation gives the same result as an unobserved one.

use super::Eval;
use crate::engine::program::{Branch, Step};

/// What happens in an evaluation. What comes from the memo happens only once.
#[derive(Clone, Copy)]
pub(crate) enum Event<'p> {
    /// A branch of a rule or function is tried.
    Enter { branch: &'p Branch },
    /// A step of a body is taken; one with more than one result goes on from there without being told again.
    Step { frame: usize, step: &'p Step },
    /// The step just told of did not hold. Steps that look for results say nothing when there is none.
    Failed { frame: usize, step: &'p Step },
    /// The branch that was entered last holds, once for each of its results.
    Exit { frame: usize, branch: &'p Branch },
    /// The branch that was entered last is done.
    Leave,
}

/// Watches an evaluation.
pub(crate) trait Observer<'p> {
    /// Is told what happens. It may look at variables and evaluate more, of which it is not told.
    fn event(&mut self, eval: &mut Eval<'p>, event: Event<'p>);
}
