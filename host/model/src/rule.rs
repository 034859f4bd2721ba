//! [`RuleInfo`]: a policy rule with what its `# METADATA` says, and the raw [`RuleResult`]s of rules.

use serde_json::Map;
use serde_json::Value;

/// What a rule's results are called before severity and dates are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    /// `deny`, `violation` and their suffixed forms.
    Deny,
    /// `warn` and its suffixed forms.
    Warn,
}

/// A rule as its annotations describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// `package.short_name`.
    pub code: String,
    /// The package's path without `data.`, such as `lib.time`.
    pub package: String,
    /// The rule's name, such as `deny`.
    pub name: String,
    /// Deny or warn.
    pub kind: RuleKind,
    /// `title`.
    pub title: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `custom.solution`.
    pub solution: Option<String>,
    /// `custom.effective_on`, an RFC 3339 date-time.
    pub effective_on: Option<String>,
    /// `custom.collections`.
    pub collections: Vec<String>,
    /// `custom.depends_on`.
    pub depends_on: Vec<String>,
    /// `custom.pipeline_intention`: the kinds of pipelines that the rule is meant for.
    pub pipeline_intention: Vec<String>,
    /// The file and line (from 1) of the rule.
    pub location: (String, u32),
}

/// One element of what a `deny` or `warn` rule gave, before the policy's configuration is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleResult {
    /// Which kind of rule gave it.
    pub kind: RuleKind,
    /// The package it came from.
    pub package: String,
    /// `msg`.
    pub message: String,
    /// All other keys of the result object.
    pub metadata: Map<String, Value>,
}

/// The code of a rule without annotations is `package.NAME`; this reads `deny`, `violation_x`, `warn`, … as OPA's and
/// conftest's users write them. None for other rules.
#[must_use]
pub fn kind_of(name: &str) -> Option<RuleKind> {
    let (head, suffix) = name.split_once('_').map_or((name, None), |(head, suffix)| (head, Some(suffix)));
    let fine = suffix.is_none_or(|suffix| {
        suffix.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    });
    match head {
        "deny" | "violation" if fine => Some(RuleKind::Deny),
        "warn" if fine => Some(RuleKind::Warn),
        _ => None,
    }
}
