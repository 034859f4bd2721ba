//! The versions of the contract `assay:plugin`, each converted at the edge into the words of this module.
//!
//! A component says by the names of its exports which version it speaks. Within `0.1` a newer host serves an older
//! component, as versions only add.

pub(crate) mod v0_1;

use crate::{
    manifest::{Rule, Severity},
    params::Param,
};

/// The versions this host speaks, for messages.
pub(crate) const SUPPORTED_VERSIONS: &str = "0.1";

/// What a plugin says of itself, not yet checked.
#[derive(Clone, Debug)]
pub(crate) struct RawManifest {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) license: String,
    pub(crate) source: String,
    pub(crate) documentation: String,
    pub(crate) params: String,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) limits: Vec<(String, u64)>,
    pub(crate) rules: Vec<Rule>,
}

/// Something a plugin asks for.
#[derive(Clone, Debug)]
pub(crate) struct Permission {
    pub(crate) kind: String,
    pub(crate) reason: String,
}

/// What a plugin is asked, apart from what it reads through its imports.
#[derive(Clone, Debug)]
pub(crate) struct CheckRequest {
    /// The same for the same call, however often it is made.
    pub(crate) key: String,
    pub(crate) seed: u32,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    pub(crate) deadline: u64,
    pub(crate) params: Vec<Param>,
    pub(crate) image: String,
}

/// What a plugin answers, not yet checked.
pub(crate) type CheckResult = Result<Vec<RawFinding>, PluginError>;

/// One finding, not yet checked.
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

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    Warning,
    Skipped,
    Error,
}

/// Why a plugin has no verdict, in its own words.
#[derive(Clone, Debug)]
pub(crate) struct PluginError {
    /// What kind of error it is, as the beginning of a sentence.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}
