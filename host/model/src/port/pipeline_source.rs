//! [`PipelineSource`]: where the text of a pipeline comes from.

use std::sync::Arc;

use crate::error::EvaluationError;

/// What a scenario or a task refers to: a resolver and its parameters, as they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PipelineRef {
    /// `git`, `bundles`, `oci`, `cluster`.
    pub resolver: String,
    /// Its parameters, sorted by name.
    pub params: Vec<(String, String)>,
}

/// The text of a pipeline or a task, pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineText {
    /// The YAML document.
    pub text: Arc<str>,
    /// What it was pinned to: a commit or a digest; empty for a local file.
    pub pin: String,
    /// The place, for messages.
    pub place: String,
}

/// Fetches pipelines. What is pinned is fetched once.
pub trait PipelineSource: Send + Sync {
    /// The text that is referred to. Blocks while bytes are on their way, within a limit.
    ///
    /// # Errors
    /// There is none, or it cannot be fetched.
    fn pipeline(&self, reference: &PipelineRef) -> Result<PipelineText, EvaluationError>;
}
