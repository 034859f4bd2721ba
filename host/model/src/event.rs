//! [`RunEvent`]: what happens in a run, in order. Every report reads this and nothing else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest, evidence::CheckKind, outcome::Outcome, outcome::Verdict, policy::PolicySpec, snapshot::Component,
};

/// What is known before the first component is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunStarted {
    /// The name of the Snapshot in a cluster, as the user gave it; empty for one that is not in a cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub snapshot: String,
    /// The application that the Snapshot names; empty where it names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub application: String,
    /// The public key in PEM; empty when no key is used.
    pub key: String,
    /// The policy as reported: sources pinned, `publicKey` as the user gave it.
    pub policy: PolicySpec,
    /// The checks that the user disabled, which reports must state.
    pub skipped: Vec<CheckKind>,
    /// The plugins that take part, in the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginSummary>,
    /// When the run was requested; its duration counts from here.
    #[serde(with = "crate::stored_text::optional_text", default)]
    pub started_at: Option<jiff::Timestamp>,
    /// The effective time. Where each component has its own, that of the others.
    #[serde(with = "crate::stored_text::text")]
    pub effective_time: jiff::Timestamp,
    /// The version of assay.
    pub version: String,
}

/// What reports show of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginSummary {
    /// Its name, from its manifest.
    pub name: String,
    /// Its version, from its manifest.
    pub version: String,
    /// The digest of the component.
    pub digest: Digest,
    /// Its parameters by name, in the order given.
    pub params: Vec<(String, String)>,
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
