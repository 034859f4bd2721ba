//! [`Evaluator`]: something with an opinion about an image. Rego policies and WebAssembly checks are the two kinds.

use crate::{decide::Decision, error::EvaluationError, evidence::Evidence, snapshot::Component};

/// The input of an evaluator.
#[derive(Clone, Copy, Debug)]
pub struct EvaluationContext<'a> {
    /// The component as the Snapshot names it.
    pub component: &'a Component,
    /// What is known about its image.
    pub evidence: &'a Evidence,
    /// The effective time.
    pub when: jiff::Timestamp,
    /// The input document of the policies, JSON; see [`input`](crate::input).
    pub input: &'a str,
}

/// Evaluates one image at a time, from any thread.
pub trait Evaluator: Send + Sync {
    /// The name in messages: a policy source or a plugin.
    fn name(&self) -> &str;

    /// The opinion about this case, or why there is none.
    fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<Decision, EvaluationError>;

    /// Does work that calls [`evaluate`](Self::evaluate) for many images, once and to its end. An evaluator that needs a
    /// special thread, such as one with a large stack, starts it here for all of them instead of in each call.
    fn run_worker(&self, work: &mut (dyn FnMut() + Send)) {
        work();
    }
}
