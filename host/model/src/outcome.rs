//! [`Outcome`]: what became of one component, and [`Verdict`], what became of all.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    decide::Decision,
    error::EvaluationError,
    evidence::{AttestationSummary, Signature},
    image::PinnedImage,
    snapshot::Component,
};

/// What became of one component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The component as the Snapshot (or an index in it) names it.
    pub component: Component,
    /// Its image by digest, once that is known.
    pub image: Option<PinnedImage>,
    /// What all judges together found. Empty lists where there is no answer.
    pub decision: Decision,
    /// Verified signatures.
    pub signatures: Vec<Signature>,
    /// Verified attestations.
    pub attestations: Vec<AttestationSummary>,
    /// The moment it was judged at; none where it came to no judgement.
    #[serde(with = "crate::stored_text::optional_text")]
    pub evaluated_at: Option<Timestamp>,
    /// The input document that policies saw; kept only where a report shows it.
    pub input: Option<Arc<str>>,
    /// The statements of the attestations as they were signed; kept only where a report shows them.
    #[serde(with = "crate::stored_text::statements")]
    pub statements: Vec<Arc<[u8]>>,
    /// What of its evidence could not be looked at though enough else was found, each one sentence.
    pub notices: Vec<String>,
    /// Why there is no verdict. Findings made before it stand, but decide nothing.
    pub error: Option<EvaluationError>,
}

impl Outcome {
    /// The image as reports show it: pinned when known, else as written.
    #[must_use]
    pub fn image_text(&self) -> String {
        self.image.as_ref().map_or_else(|| self.component.container_image.clone(), ToString::to_string)
    }

    /// True only for an answer without violations.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.error.is_none() && self.decision.violations.is_empty()
    }
}

/// The answer of a run. Ordered by how much it outranks the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every component was judged and none has a violation.
    Allowed,
    /// Every component was judged and some have violations.
    Denied,
    /// Some component has no answer, or nothing was judged at all.
    Error,
}

impl Verdict {
    /// The verdict over these outcomes. No outcome at all is no answer: absence is never a pass.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let one = |outcome: &Outcome| match (&outcome.error, outcome.allowed()) {
            (Some(_), _) => Self::Error,
            (None, true) => Self::Allowed,
            (None, false) => Self::Denied,
        };
        outcomes.into_iter().map(one).max().unwrap_or(Self::Error)
    }
}
