//! [`RunReport`]: how a call or a job of a plugin ended, as `plugin run` prints it and keeps it.

use std::collections::BTreeMap;

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
};
use assay_wasm::{Artifact, Usage, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a plugin's job ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// The outcome in upper case: `ERROR` where there is no verdict.
    pub outcome: String,
    /// The verdict as Konflux reads it.
    pub test_output: Option<Value>,
    /// The findings.
    pub findings: Value,
    /// Named results.
    pub results: BTreeMap<String, String>,
    /// The files that it wrote.
    pub artifacts: Vec<RunArtifact>,
    /// Why there is no verdict.
    pub error: Option<RunError>,
    /// What its calls used together.
    pub usage: Usage,
    /// Whether the job was canceled, so that there is no verdict.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canceled: bool,
}

/// A file that a job wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunArtifact {
    /// The name.
    pub name: String,
    /// The media type.
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The digest of its content.
    pub digest: Digest,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// The stable code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl RunReport {
    /// The report of a verdict.
    pub(crate) fn of_verdict(verdict: &Verdict, artifacts: Vec<RunArtifact>, usage: Usage) -> Self {
        Self {
            outcome: verdict.outcome.as_str().to_owned(),
            test_output: serde_json::to_value(verdict.test_output()).ok(),
            findings: serde_json::to_value(&verdict.findings).unwrap_or_default(),
            results: verdict.results.iter().cloned().collect(),
            artifacts,
            error: None,
            usage,
            canceled: false,
        }
    }

    /// The report of a reporter, which has files and no verdict.
    pub(crate) fn of_files(artifacts: Vec<RunArtifact>, usage: Usage) -> Self {
        Self { outcome: "SUCCESS".to_owned(), artifacts, ..Self::empty(usage) }
    }

    /// The report of an error.
    pub(crate) fn of_error(error: &EvaluationError, usage: Usage) -> Self {
        let EvaluationError { code, message, hint } = error;
        let error = RunError { code: code.as_str().to_owned(), message: message.clone(), hint: hint.clone() };
        Self { error: Some(error), ..Self::empty(usage) }
    }

    /// The report of a job that was canceled, or that the service refuses to cancel.
    pub(crate) fn canceled(refused: Option<String>, usage: Usage) -> Self {
        match refused {
            None => Self { canceled: true, ..Self::empty(usage) },
            Some(why) => {
                let message = format!("the service refuses to cancel the job: {why}");
                Self::of_error(&EvaluationError::new(ErrorCode::Interrupted, message), usage)
            }
        }
    }

    pub(crate) fn empty(usage: Usage) -> Self {
        Self {
            outcome: "ERROR".to_owned(),
            test_output: None,
            findings: Value::Array(Vec::new()),
            results: BTreeMap::new(),
            artifacts: Vec::new(),
            error: None,
            usage,
            canceled: false,
        }
    }
}

impl RunArtifact {
    /// Describes a file.
    pub(crate) fn of(artifact: &Artifact) -> Self {
        Self {
            name: artifact.name.clone(),
            media_type: artifact.media_type.clone(),
            size: u64::try_from(artifact.bytes.len()).unwrap_or(u64::MAX),
            digest: Digest::of(&artifact.bytes),
        }
    }
}
