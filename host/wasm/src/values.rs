//! The vocabulary of guests: values that cross the boundary, independent of the contract's version.
//!
//! A module of [`wit`](crate::wit) converts each version of the contract to these types. A type named `Raw…` was not
//! validated.

/// One rule of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `NAME.rule`, with the plugin's name.
    pub code: String,
    /// The requirement that the rule checks.
    pub title: String,
    /// The severity of a violation.
    pub severity: Severity,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub(crate) struct RawPermission {
    pub(crate) kind: String,
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

/// One finding of a plugin.
#[derive(Clone, Debug)]
pub(crate) struct RawFinding {
    pub(crate) code: String,
    pub(crate) outcome: Outcome,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) subject: Option<String>,
    pub(crate) terms: Vec<String>,
    pub(crate) solution: Option<String>,
}

/// The outcome of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    Warning,
    Skipped,
    Error,
}

/// The error that a plugin returned.
#[derive(Clone, Debug)]
pub(crate) struct RawError {
    /// The case of the error, as the beginning of a sentence.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}
