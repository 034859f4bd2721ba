//! [`Priority`], [`Budgets`] and [`Concurrency`]: how urgent a run is, how long its parts may take and what they share.

use serde::{Deserialize, Serialize};

/// How urgent a run is. What a person waits for comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Nightly and nudged runs.
    Bulk,
    /// Runs of builds that were pushed.
    #[default]
    Normal,
    /// Runs of changes that someone waits for.
    Urgent,
}

/// Limits of time in milliseconds; none is no limit. Each begins with what it is the limit of, so that time in the queue is
/// never charged to a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budgets {
    /// From ready to started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_ms: Option<u64>,
    /// Fetching what is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolve_ms: Option<u64>,
    /// Getting an environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provision_ms: Option<u64>,
    /// The tasks, from the first one that starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_ms: Option<u64>,
    /// The tasks under `finally`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finally_ms: Option<u64>,
    /// All of it, with `finally`, from the first task that starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u64>,
}

/// A group of scenarios, or tasks of them, that share something scarce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Its name.
    pub group: String,
    /// How many may run at a time, at least one.
    pub max: u32,
    /// What happens to one more.
    #[serde(default)]
    pub on_full: OnFull,
}

/// What happens when a concurrency group is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFull {
    /// The new one waits.
    #[default]
    Queue,
    /// The oldest one is canceled.
    CancelOlder,
}
