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
    /// The findings of all evaluators. Empty lists if the component could not be evaluated.
    pub decision: Decision,
    /// Verified signatures.
    pub signatures: Vec<Signature>,
    /// Verified attestations.
    pub attestations: Vec<AttestationSummary>,
    /// The effective time; none where the component was not evaluated.
    #[serde(with = "crate::stored_text::optional_text")]
    pub evaluated_at: Option<Timestamp>,
    /// The input document that policies saw; kept only where a report shows it.
    pub input: Option<Arc<str>>,
    /// The statements of the attestations as they were signed; kept only where a report shows them.
    #[serde(with = "crate::stored_text::statements")]
    pub statements: Vec<Arc<[u8]>>,
    /// What of its evidence could not be looked at though enough else was found, each one sentence.
    pub notices: Vec<String>,
    /// Why there is no verdict. Earlier findings are kept, but decide nothing.
    pub error: Option<EvaluationError>,
}

impl Outcome {
    /// The image as reports show it: pinned when known, else as written.
    #[must_use]
    pub fn image_text(&self) -> String {
        self.image.as_ref().map_or_else(|| self.component.container_image.clone(), ToString::to_string)
    }

    /// True only for an evaluation without violations.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.error.is_none() && self.decision.violations.is_empty()
    }
}

/// The verdict of a run, in ascending order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every component was evaluated and none has a violation.
    Allowed,
    /// Every component was evaluated and some have violations.
    Denied,
    /// Some component could not be evaluated, or there was none.
    Error,
}

impl Verdict {
    /// The verdict over these outcomes. No outcome at all is an error: absence is never a pass.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let one = |outcome: &Outcome| match (&outcome.error, outcome.allowed()) {
            (Some(_), _) => Self::Error,
            (None, true) => Self::Allowed,
            (None, false) => Self::Denied,
        };
        outcomes.into_iter().map(one).max().unwrap_or(Self::Error)
    }
}
