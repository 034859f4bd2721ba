//! [`RunId`] and [`TaskId`]: the names of a run and of a task in it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The name of a run: one path segment, so that it can be a folder and a part of a subject or an object's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// The text is not the name of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the ID of a run; expected up to 63 of a-z, 0-9 and `-`, beginning with one of a-z")]
pub struct InvalidRunId {
    text: String,
}

/// The longest name: that of a label in DNS and of a label's value in Kubernetes.
const RUN_ID_BYTES: usize = 63;

impl RunId {
    /// The ID of a run with this plan. A round above nought is a rerun, which is another run.
    #[must_use]
    pub fn of_plan(plan: &Digest, round: u32) -> Self {
        let short: String = plan.hex().chars().take(16).collect();
        Self(if round == 0 { format!("run-{short}") } else { format!("run-{short}-{round}") })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, InvalidRunId> {
        let is_fine = text.len() <= RUN_ID_BYTES
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if is_fine {
            Ok(Self(text.to_owned()))
        } else {
            let text: String = text.chars().take(100).collect();
            Err(InvalidRunId { text: assay_gocompat::sanitize::line(&text).into_owned() })
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, InvalidRunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

/// A task of a scenario, or one cell of its matrix, which has a name of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskId {
    /// The scenario.
    pub scenario: String,
    /// The task.
    pub task: String,
}

impl TaskId {
    /// The task of a scenario.
    #[must_use]
    pub fn new(scenario: impl Into<String>, task: impl Into<String>) -> Self {
        Self { scenario: scenario.into(), task: task.into() }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}", self.scenario, self.task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_run_is_one_harmless_path_segment() {
        for good in ["a", "run-0a", &"a".repeat(RUN_ID_BYTES)] {
            assert_eq!(good.parse::<RunId>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "0a", "a/b", "..", "A", "a\u{1b}", "é", &"a".repeat(RUN_ID_BYTES + 1)] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
            assert!(serde_json::from_value::<RunId>(bad.into()).is_err(), "{bad}");
        }
        assert!(!"a\u{1b}[2J".parse::<RunId>().unwrap_err().to_string().contains('\u{1b}'));
        let plan = Digest::of(b"plan");
        let ids = [RunId::of_plan(&plan, 0), RunId::of_plan(&plan, 1)];
        assert_ne!(ids[0], ids[1]);
        assert!(ids.iter().all(|id| id.as_str().parse::<RunId>().as_ref() == Ok(id)));
    }
}
