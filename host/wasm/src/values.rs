//! The vocabulary of guests: values that cross the boundary, independent of the contract's version.
//!
//! A module of [`wit`](crate::wit) converts each version of the contract to these types. A type named `Raw…` was not
//! validated.

use serde::{Deserialize, Serialize};

/// One rule of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `NAME.rule`, with the plugin's name.
    pub code: String,
    /// The requirement that the rule checks.
    pub title: String,
    /// The severity of a violation.
    pub severity: Severity,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Informational.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The result of `metadata.describe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RawManifest {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) license: String,
    pub(crate) source: String,
    pub(crate) documentation: String,
    pub(crate) params: String,
    pub(crate) permissions: Vec<RawPermission>,
    pub(crate) limits: Vec<(String, u64)>,
    pub(crate) rules: Vec<Rule>,
}

/// A permission that a manifest requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RawPermission {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) reason: String,
}

/// One parameter of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) value: ParamValue,
}

/// Strings and lists of strings are passed as such, booleans and numbers as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParamValue {
    Text(String),
    Items(Vec<String>),
    Json(String),
}

/// One finding of a plugin. Its texts come from the plugin; its code is one that the manifest declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginFinding {
    /// A code that the manifest declares.
    pub code: String,
    /// What was found.
    pub outcome: Outcome,
    /// How severe it is.
    pub severity: Severity,
    /// What it is, for people.
    pub message: String,
    /// The image, file or test that it is about.
    pub subject: Option<String>,
    /// Terms for exclusions.
    pub terms: Vec<String>,
    /// What to do about it.
    pub solution: Option<String>,
}

/// The outcome of a finding, a test case or a task. Of several, the first in this order counts: error, failure, warning,
/// skipped, success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Nothing is wrong.
    Success,
    /// It was not evaluated.
    Skipped,
    /// Something should be looked at.
    Warning,
    /// Something is wrong.
    Failure,
    /// There is no verdict.
    Error,
}

impl Outcome {
    /// The word of `TEST_OUTPUT` (Konflux, ADR 30).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Skipped => "SKIPPED",
            Self::Warning => "WARNING",
            Self::Failure => "FAILURE",
            Self::Error => "ERROR",
        }
    }
}

/// One test case that a plugin reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestCase {
    /// The suite.
    pub suite: String,
    /// The name in the suite.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What it says, if it did not succeed.
    pub message: Option<String>,
}

/// How many test cases ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaseCounts {
    /// Successes.
    pub successes: u64,
    /// Failures and errors.
    pub failures: u64,
    /// Warnings.
    pub warnings: u64,
    /// Skipped ones.
    pub skipped: u64,
}

impl CaseCounts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.successes.saturating_add(self.failures).saturating_add(self.warnings).saturating_add(self.skipped)
    }

    /// Counts one more.
    pub const fn add(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Success => &mut self.successes,
            Outcome::Failure | Outcome::Error => &mut self.failures,
            Outcome::Warning => &mut self.warnings,
            Outcome::Skipped => &mut self.skipped,
        };
        *count = count.saturating_add(1);
    }
}

/// What a custom task or a remote job returned, before the host has looked at it.
#[derive(Clone, Debug)]
pub(crate) struct RawVerdict {
    pub(crate) outcome: Outcome,
    pub(crate) successes: u32,
    pub(crate) failures: u32,
    pub(crate) warnings: u32,
    pub(crate) namespace: Option<String>,
    pub(crate) note: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) timestamp: Option<u64>,
    pub(crate) findings: Vec<PluginFinding>,
    pub(crate) results: Vec<(String, String)>,
    pub(crate) links: Vec<(String, String)>,
}

/// The error that a plugin returned.
#[derive(Clone, Debug)]
pub(crate) struct RawError {
    pub(crate) kind: FaultKind,
    pub(crate) message: String,
}

/// Why a plugin returned no verdict. The caller acts on this, never on the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Its inputs can never work.
    Invalid,
    /// The network, or a busy server: the same call may succeed later.
    Transient {
        /// Not before so many milliseconds.
        after_ms: Option<u32>,
    },
    /// A credential was refused.
    Auth,
    /// The remote side has lost the job.
    Lost,
    /// Anything else.
    Internal,
}

impl FaultKind {
    /// The beginning of a sentence that ends with the plugin's message.
    pub(crate) const fn phrase(self) -> &'static str {
        match self {
            Self::Invalid => "rejects its input",
            Self::Transient { .. } => "failed temporarily",
            Self::Auth => "could not authenticate with the credential",
            Self::Lost => "lost its remote job",
            Self::Internal => "failed",
        }
    }
}
