//! [`RunState`]: the closed set of states of a run, a scenario or a task; [`StateRecord`] has its cause and what is next.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{outcome::Verdict, stored_text};
use assay_gocompat::sanitize;

/// The state of a run, a scenario or a task. There is no "unknown".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Something else has to end first.
    Pending,
    /// It could start, and waits for a worker, a quota or a concurrency group.
    Queued,
    /// What it names is being fetched.
    Resolving,
    /// A third party works on it; nothing of it is alive here.
    Waiting,
    /// It is being executed.
    Running,
    /// It ended and passed.
    Passed,
    /// It ended with warnings only.
    Warned,
    /// It ended and failed: the subject is not in order.
    Failed,
    /// It could not be carried out, which says nothing about the subject.
    Error,
    /// A budget of time was used up.
    TimedOut,
    /// It was canceled, by a person or by a newer run.
    Canceled,
    /// It was not needed, or could not start because of another one.
    Skipped,
}

impl RunState {
    /// Every state, for documentation and tests.
    pub const ALL: [Self; 12] = [
        Self::Pending,
        Self::Queued,
        Self::Resolving,
        Self::Waiting,
        Self::Running,
        Self::Passed,
        Self::Warned,
        Self::Failed,
        Self::Error,
        Self::TimedOut,
        Self::Canceled,
        Self::Skipped,
    ];

    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Resolving => "resolving",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::TimedOut => "timed-out",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }

    /// The state of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether nothing follows. A state that is final never changes.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Queued | Self::Resolving | Self::Waiting | Self::Running => false,
            Self::Passed
            | Self::Warned
            | Self::Failed
            | Self::Error
            | Self::TimedOut
            | Self::Canceled
            | Self::Skipped => true,
        }
    }

    /// Whether a scenario in this state lets what depends on it go on.
    #[must_use]
    pub const fn is_passed(self) -> bool {
        matches!(self, Self::Passed | Self::Warned)
    }

    /// The word of Konflux's integration service for a scenario in this state.
    #[must_use]
    pub const fn konflux(self) -> &'static str {
        match self {
            Self::Pending | Self::Queued | Self::Resolving => "Pending",
            Self::Waiting | Self::Running => "InProgress",
            Self::Passed | Self::Skipped => "TestPassed",
            Self::Warned => "TestWarning",
            Self::Failed | Self::TimedOut => "TestFail",
            Self::Error => "TestInvalid",
            Self::Canceled => "Deleted",
        }
    }

    /// What a required scenario in this state means for the run. Absence is never a pass.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Passed | Self::Warned => Verdict::Allowed,
            Self::Failed => Verdict::Denied,
            Self::Pending
            | Self::Queued
            | Self::Resolving
            | Self::Waiting
            | Self::Running
            | Self::Error
            | Self::TimedOut
            | Self::Canceled
            | Self::Skipped => Verdict::Error,
        }
    }
}

/// Why something ended, or waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// A stable word that scripts may match on.
    pub code: String,
    /// The fact and the place, one sentence without a full stop.
    pub message: String,
    /// What a person can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The longest message or hint: a plugin could send a log instead.
const MESSAGE_CHARACTERS: usize = 4096;

impl Cause {
    /// A cause without a hint. The message may quote what comes from outside, so it is made harmless here.
    #[must_use]
    pub fn new(code: impl Into<String>, message: &str) -> Self {
        Self { code: code.into(), message: harmless(message), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(harmless(hint));
        self
    }
}

fn harmless(text: &str) -> String {
    let short: String = text.chars().take(MESSAGE_CHARACTERS).collect();
    sanitize::line(&short).into_owned()
}

/// A state with its beginning, its cause where it ended or waits, and what is next where it did not end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRecord {
    /// The state.
    pub state: RunState,
    /// Since when.
    #[serde(with = "stored_text::text")]
    pub since: Timestamp,
    /// Why it ended, or what it waits for. A state that is `passed` needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What happens next; none if the state is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl StateRecord {
    /// A state without a cause.
    #[must_use]
    pub const fn new(state: RunState, since: Timestamp) -> Self {
        Self { state, since, cause: None, next: None }
    }

    /// The same with a cause.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// The same with what is next.
    #[must_use]
    pub fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_one_word_and_only_passed_and_warned_allow() {
        for state in RunState::ALL {
            assert_eq!(RunState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.verdict() == Verdict::Allowed, state.is_passed(), "{state:?}");
            assert!(!state.is_passed() || state.is_final());
        }
        assert_eq!(RunState::parse("unknown"), None);
    }

    #[test]
    fn a_cause_is_short_and_cannot_forge_lines() {
        let cause = Cause::new("a", &"\u{1b}[2J\n".repeat(10_000)).hint("a\rb");
        assert!(!cause.message.contains(['\n', '\u{1b}']) && !cause.hint.unwrap().contains('\r'));
        assert!(cause.message.chars().count() < 10 * MESSAGE_CHARACTERS);
    }
}
