//! [`ProgressEvent`]: what happens to runs, in order. Stored as it is printed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    id::RunId,
    job::ErrorClass,
    state::{Cause, RunState},
};
use crate::{outcome::Verdict, stored::Version, stored_text};

/// One event of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressEvent {
    /// The version of this document.
    pub version: Version<1>,
    /// When.
    #[serde(with = "stored_text::text")]
    pub at: Timestamp,
    /// The run.
    pub run: RunId,
    /// The scenario, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The task with its cell, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// What happened.
    pub change: Change,
    /// The budget of time that what ended used, or that is now being used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetUse>,
}

impl ProgressEvent {
    /// An event about a run.
    #[must_use]
    pub const fn new(at: Timestamp, run: RunId, change: Change) -> Self {
        Self { version: Version, at, run, scenario: None, task: None, change, budget: None }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It came into another state.
    State {
        /// The state.
        state: RunState,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
        /// What happens next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// An attempt ended without a verdict, and another one follows.
    Retry {
        /// The attempt that ended.
        attempt: u32,
        /// Why.
        class: ErrorClass,
        /// Its words.
        cause: Cause,
        /// How long until the next one.
        after_ms: u64,
    },
    /// A second result of the same job said something else than the first, which counts.
    Nondeterministic,
    /// The run ended.
    Ended {
        /// The state.
        state: RunState,
        /// The verdict.
        verdict: Verdict,
    },
}

/// Which limit of time is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// From ready to started.
    Queue,
    /// Fetching what is named.
    Resolve,
    /// Getting an environment.
    Provision,
    /// The tasks.
    Run,
    /// The tasks under `finally`.
    Finally,
    /// All of it.
    Total,
}

impl Budget {
    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Resolve => "resolve",
            Self::Provision => "provision",
            Self::Run => "run",
            Self::Finally => "finally",
            Self::Total => "total",
        }
    }
}

/// How much of a budget was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetUse {
    /// Which one.
    pub name: Budget,
    /// What was used, in milliseconds.
    pub used_ms: u64,
    /// The limit; none if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_back_as_it_was_written_and_another_version_is_refused() {
        let run: RunId = "run-1".parse().unwrap();
        let cause = Cause::new("infrastructure", "the registry is away").hint("wait");
        let next = Some("it is retried".to_owned());
        for change in [
            Change::State { state: RunState::Queued, cause: Some(cause.clone()), next },
            Change::Retry { attempt: 2, class: ErrorClass::Infrastructure, cause, after_ms: 1 << 40 },
            Change::Nondeterministic,
            Change::Ended { state: RunState::Failed, verdict: Verdict::Denied },
        ] {
            let mut event = ProgressEvent::new("2026-01-31T12:00:00.5Z".parse().unwrap(), run.clone(), change);
            event.task = Some("t".to_owned());
            event.budget = Some(BudgetUse { name: Budget::Queue, used_ms: 7, limit_ms: Some(u64::from(u32::MAX)) });
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<ProgressEvent>(&text).unwrap(), event);
            let newer = text.replacen(r#""version":1"#, r#""version":2"#, 1);
            assert!(serde_json::from_str::<ProgressEvent>(&newer).unwrap_err().to_string().contains("version 2"));
        }
    }
}
