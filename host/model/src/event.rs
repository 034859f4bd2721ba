//! [`RunEvent`]: what happens in a run, in order. Every report reads this and nothing else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{evidence::CheckKind, outcome::Outcome, outcome::Verdict, policy::PolicySpec, snapshot::Component};

/// What is known before the first component is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunStarted {
    /// The name of the Snapshot in a cluster, as the user gave it; empty for one that is not in a cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub snapshot: String,
    /// The public key in PEM; empty when no key is used.
    pub key: String,
    /// The policy as reported: sources pinned, `publicKey` as the user gave it.
    pub policy: PolicySpec,
    /// The checks that the user disabled, which reports must state.
    pub skipped: Vec<CheckKind>,
    /// The effective time. Where each component has its own, that of the others.
    #[serde(with = "crate::stored_text::text")]
    pub effective_time: jiff::Timestamp,
    /// The version of assay.
    pub version: String,
}

/// Why a run ended before all components were evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The deadline of the run passed.
    Deadline,
    /// SIGINT or SIGTERM.
    Interrupted,
}

/// One event. Components end in any order; [`RunEvent::Finished`] carries them in the report's order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEvent {
    /// The run begins.
    Started(Arc<RunStarted>),
    /// Indexes are expanded; this many components will be evaluated.
    Planned {
        /// How many.
        components: usize,
    },
    /// A worker took up a component.
    ComponentStarted {
        /// Which.
        component: Arc<Component>,
    },
    /// A component is done.
    ComponentFinished(Arc<Outcome>),
    /// The run is over.
    Finished(Arc<RunFinished>),
}

/// The end of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFinished {
    /// All components in the report's order: by image, descending; by name, ascending.
    pub outcomes: Vec<Arc<Outcome>>,
    /// The verdict.
    pub verdict: Verdict,
    /// Set when the run did not get to its end by itself.
    pub stopped: Option<StopReason>,
    /// The effective time; where each component has its own, the last of them.
    #[serde(with = "crate::stored_text::text")]
    pub effective_time: jiff::Timestamp,
    /// When it ended.
    #[serde(with = "crate::stored_text::text")]
    pub at: jiff::Timestamp,
}
