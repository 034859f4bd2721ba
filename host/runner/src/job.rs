//! [`Job`]: what is to be judged, and [`Evaluators`]: by whom. The second may still be in the making when a run begins.

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

/// Tells the time of day; only the end of the run is stamped with it.
pub type Clock = fn() -> jiff::Timestamp;

/// Says which violation it is that an image cannot be located; none where that is the lack of an answer.
pub type UnreachablePolicy = Arc<dyn Fn(&Component, &EvaluationError) -> Option<Finding> + Send + Sync>;

/// Who judges, and what is known when that is.
#[derive(Clone)]
pub struct Evaluators {
    /// What reports say about the run.
    pub head: Arc<RunStarted>,
    /// Who is asked about each image, in this order.
    pub evaluators: Arc<[Arc<dyn Evaluator>]>,
}

impl std::fmt::Debug for Evaluators {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_list().entries(self.evaluators.iter().map(|evaluator| evaluator.name())).finish()
    }
}

/// What is to be judged, and how fast.
#[derive(Clone)]
pub struct Job {
    /// What reports say about the run where it is stopped before its judges are made.
    pub head: Arc<RunStarted>,
    /// The images.
    pub snapshot: Arc<Snapshot>,
    /// Where evidence comes from.
    pub provider: Arc<dyn EvidenceProvider>,
    /// What is made of images that cannot be located; without it there is no answer about them.
    pub unreachable_policy: Option<UnreachablePolicy>,
    /// When each image is judged.
    pub effective_time: EffectiveTime,
    /// Whether outcomes keep the input documents, each as large as its image's attestations.
    pub keep_inputs: bool,
    /// Whether outcomes keep the statements of attestations.
    pub keep_statements: bool,
    /// How many components are judged at a time.
    pub workers: NonZeroUsize,
    /// When the run ends whether or not everything is judged, with the time limit it comes from.
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
