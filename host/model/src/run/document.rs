//! [`RunDocument`] and [`RunList`]: what is known about runs, as `assay runs` prints it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    artifact::{Artifact, Usage},
    id::RunId,
    job::{ErrorClass, RemoteJob},
    state::{Cause, RunState},
    value::ParamValue,
};
use crate::{digest::Digest, outcome::Verdict, stored::Version, stored_text};

/// A page of runs, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// What to request the next page with; none if there is none.
    pub next: Option<String>,
}

/// One run in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its ID.
    pub id: RunId,
    /// Its state.
    pub state: RunState,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// The Snapshot's name.
    pub snapshot: String,
    /// When it was planned.
    #[serde(with = "stored_text::text")]
    pub started: Timestamp,
    /// When it ended.
    #[serde(with = "stored_text::optional_text")]
    pub ended: Option<Timestamp>,
}

/// One run with all that is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDocument {
    /// The version of this document.
    pub version: Version<1>,
    /// Its ID.
    pub id: RunId,
    /// Its state.
    pub state: RunState,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// The Snapshot's name.
    pub snapshot: String,
    /// When it was planned.
    #[serde(with = "stored_text::text")]
    pub started: Timestamp,
    /// When it ended.
    #[serde(with = "stored_text::optional_text")]
    pub ended: Option<Timestamp>,
    /// Why it ended or waits.
    pub cause: Option<Cause>,
    /// What happens next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The scenarios in the plan's order.
    pub scenarios: Vec<ScenarioDocument>,
}

impl RunDocument {
    /// The document of a run without scenarios.
    #[must_use]
    pub fn new(summary: RunSummary) -> Self {
        let RunSummary { id, state, verdict, snapshot, started, ended } = summary;
        Self {
            version: Version,
            id,
            state,
            verdict,
            snapshot,
            started,
            ended,
            cause: None,
            next: None,
            scenarios: Vec::new(),
        }
    }
}

/// One scenario of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioDocument {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: RunState,
    /// Whether the verdict does not depend on it.
    pub optional: bool,
    /// Since when it is in this state.
    #[serde(with = "stored_text::text")]
    pub since: Timestamp,
    /// When it ended.
    #[serde(with = "stored_text::optional_text")]
    pub ended: Option<Timestamp>,
    /// Why it ended or waits.
    pub cause: Option<Cause>,
    /// What happens next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The tasks in the plan's order, each cell of a matrix, those of `finally` last.
    pub tasks: Vec<TaskDocument>,
}

/// One task, or one cell of its matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDocument {
    /// Its name, with the cell.
    pub name: String,
    /// Its state.
    pub state: RunState,
    /// Since when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "stored_text::optional_text")]
    pub since: Option<Timestamp>,
    /// Why it ended or waits.
    pub cause: Option<Cause>,
    /// What happens next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The plugin's name.
    pub plugin: String,
    /// The plugin's digest.
    pub digest: Digest,
    /// The attempts.
    pub attempts: Vec<AttemptDocument>,
    /// Its results.
    pub results: BTreeMap<String, ParamValue>,
    /// The files that were kept.
    pub artifacts: Vec<Artifact>,
    /// What it used.
    pub usage: Option<Usage>,
    /// The job of a third party, while it is waited for and afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteJob>,
}

/// One attempt at a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptDocument {
    /// Its number, from one.
    pub number: u32,
    /// Why it ended without a verdict; none for one that ended with a verdict or has not ended.
    pub class: Option<ErrorClass>,
    /// When it started.
    #[serde(with = "stored_text::text")]
    pub started: Timestamp,
    /// When it ended.
    #[serde(with = "stored_text::optional_text")]
    pub ended: Option<Timestamp>,
}
