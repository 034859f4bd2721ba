//! [`RunPlan`]: what a run consists of, decided before anything starts and never changed.
//!
//! A plan follows Tekton's meaning of `runAfter`, `when`, `matrix`, `finally`, `retries` and `onError`, whatever the text was
//! that it was made of. Parameters may still hold expressions such as `$(tasks.build.results.digest)`, which can only be
//! replaced when the task before has ended; what is known earlier may be replaced earlier.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{id::RunId, job::PluginRef};
use crate::{digest::Digest, stored::Version};

/// All scenarios that run against one Snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPlan {
    /// The version of this document.
    pub(crate) version: Version<1>,
    /// The tenant, for fair shares and quotas.
    #[serde(default)]
    pub tenant: String,
    /// The name of the Snapshot.
    pub snapshot: String,
    /// The digest of the Snapshot's canonical document, which is a blob in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_digest: Option<Digest>,
    /// How urgent the run is.
    #[serde(default)]
    pub priority: Priority,
    /// Runs with the same text replace one another: a newer one cancels those that have not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// Budgets of the run as a whole.
    #[serde(default)]
    pub budgets: Budgets,
    /// The scenarios, in the order in which they are shown.
    pub scenarios: Vec<ScenarioPlan>,
}

impl RunPlan {
    /// A plan without scenarios.
    #[must_use]
    pub fn new(snapshot: impl Into<String>) -> Self {
        Self {
            version: Version,
            tenant: String::new(),
            snapshot: snapshot.into(),
            snapshot_digest: None,
            priority: Priority::default(),
            supersedes: None,
            budgets: Budgets::default(),
            scenarios: Vec::new(),
        }
    }

    /// The digest of the plan, equal for equal plans.
    ///
    /// # Errors
    /// The plan cannot be written as JSON, which no plan that was read or made here does.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        serde_json::to_vec(self).map(|bytes| Digest::of(&bytes))
    }

    /// The ID of the run: the same plan is the same run, except as a rerun.
    ///
    /// # Errors
    /// See [`RunPlan::digest`].
    pub fn run_id(&self, round: u32) -> Result<RunId, serde_json::Error> {
        self.digest().map(|digest| RunId::of_plan(&digest, round))
    }
}

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

/// One scenario with its pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioPlan {
    /// The name.
    pub name: String,
    /// Whether the verdict does not depend on it.
    #[serde(default)]
    pub optional: bool,
    /// The scenarios that have to end first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Parent>,
    /// Scenarios that share a group run at most so many at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// Its budgets.
    #[serde(default)]
    pub budgets: Budgets,
    /// Its tasks.
    pub pipeline: PipelinePlan,
}

/// A scenario before another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its name.
    pub scenario: String,
    /// Whether what comes after is not started if it did not pass.
    #[serde(default)]
    pub fail_fast: bool,
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

/// The tasks of one scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelinePlan {
    /// What `$(params.NAME)` stands for, where it is not replaced yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, ParamValue>,
    /// What `$(context.NAME)` stands for, by the whole name such as `context.pipeline.name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// The tasks.
    pub tasks: Vec<TaskPlan>,
    /// The tasks that run at the end, whatever happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finally: Vec<TaskPlan>,
    /// The results of the pipeline, by name, with expressions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<String, ParamValue>,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// A string.
    Text(String),
    /// An array of strings.
    Items(Vec<String>),
    /// An object of strings.
    Fields(BTreeMap<String, String>),
}

impl From<&str> for ParamValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPlan {
    /// The name, unique in its pipeline.
    pub name: String,
    /// What is called.
    pub plugin: PluginRef,
    /// Its parameters, which may hold expressions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, ParamValue>,
    /// Tasks that have to end first, beside those whose results it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run_after: Vec<String>,
    /// Conditions; the task is skipped if one is false.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<When>,
    /// The task runs once for each cell of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// How often the task is repeated when it fails, whatever the reason. Infrastructure is retried without it.
    #[serde(default)]
    pub retries: u32,
    /// The longest time of one attempt in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What its failure means for the pipeline.
    #[serde(default)]
    pub on_error: OnError,
    /// A group that this task shares with others, beside its scenario's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
}

impl TaskPlan {
    /// A task with nothing but a name and a plugin.
    #[must_use]
    pub fn new(name: impl Into<String>, plugin: PluginRef) -> Self {
        Self {
            name: name.into(),
            plugin,
            params: BTreeMap::new(),
            run_after: Vec::new(),
            when: Vec::new(),
            matrix: None,
            retries: 0,
            timeout_ms: None,
            on_error: OnError::Stop,
            concurrency: None,
        }
    }
}

/// What a failed task means for its pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnError {
    /// No further task is started, and the pipeline fails.
    #[default]
    #[serde(rename = "stopAndFail")]
    Stop,
    /// The pipeline goes on as if it had passed.
    Continue,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// What is compared.
    pub input: String,
    /// How.
    pub operator: WhenOperator,
    /// With what. One value that is an expression of a whole array stands for its elements.
    pub values: Vec<String>,
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenOperator {
    /// The input is one of the values.
    In,
    /// The input is none of the values.
    NotIn,
}

/// A task once for each combination of values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Values by parameter, in the order in which they vary: the last one fastest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<(String, ParamValue)>,
    /// Parameters for some combinations, or combinations of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<MatrixInclude>,
}

/// One entry of `include`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixInclude {
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
}
