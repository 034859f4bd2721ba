//! [`Job`]: what a run evaluates, and [`Evaluators`]: by which policies. The evaluators may still be loading when a run begins.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_model::{
    effective_time::EffectiveTime,
    error::EvaluationError,
    event::RunStarted,
    finding::Finding,
    port::{Evaluator, EvidenceProvider},
    snapshot::{Component, Snapshot},
};

/// Returns the current time; only the end of the run is stamped with it.
pub type Clock = fn() -> jiff::Timestamp;

/// The violation that an image that cannot be resolved stands for; none where it is an error.
pub type UnreachablePolicy = Arc<dyn Fn(&Component, &EvaluationError) -> Option<Finding> + Send + Sync>;

/// The evaluators, and what is known once they are loaded.
#[derive(Clone)]
pub struct Evaluators {
    /// What reports say about the run.
    pub head: Arc<RunStarted>,
    /// They evaluate each image in this order.
    pub evaluators: Arc<[Arc<dyn Evaluator>]>,
}

impl std::fmt::Debug for Evaluators {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_list().entries(self.evaluators.iter().map(|evaluator| evaluator.name())).finish()
    }
}

/// What to evaluate, and with how many threads.
#[derive(Clone)]
pub struct Job {
    /// What reports say about the run where it is stopped before its evaluators are loaded.
    pub head: Arc<RunStarted>,
    /// The images.
    pub snapshot: Arc<Snapshot>,
    /// Where evidence comes from.
    pub provider: Arc<dyn EvidenceProvider>,
    /// What becomes of images that cannot be resolved; without it they are errors.
    pub unreachable_policy: Option<UnreachablePolicy>,
    /// The effective time of each evaluation.
    pub effective_time: EffectiveTime,
    /// Whether outcomes keep the input documents, each as large as its image's attestations.
    pub keep_inputs: bool,
    /// Whether outcomes keep the statements of attestations.
    pub keep_statements: bool,
    /// Number of components to evaluate concurrently.
    pub workers: NonZeroUsize,
    /// When the run ends whether or not everything is evaluated, with the time limit it comes from.
    pub deadline: Option<(Instant, Duration)>,
    /// The clock.
    pub clock: Clock,
}

/// The most threads that fetch; each holds at most the evidence of one image.
const MAX_COLLECTORS: usize = 16;

impl Job {
    /// How many components are fetched at a time. Fetching mostly waits, so there are more of these than workers, but
    /// evidence of only that many images is in memory before a worker takes it.
    pub(crate) fn collectors(&self) -> usize {
        (2 * self.workers.get()).clamp(2, MAX_COLLECTORS)
    }
}
