//! [`Job`]: one task on its way to a worker; [`TaskResult`]: what came of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    artifact::{Artifact, Usage},
    id::{RunId, TaskId},
    limits::Priority,
    state::{Cause, RunState},
    value::ParamValue,
};
use crate::{digest::Digest, stored::Version, stored_text};

/// The name of a job: the digest of all that it depends on. The same over every retry and after every restart, so that
/// nothing is done twice and third parties can be handed it as idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobKey(pub Digest);

impl JobKey {
    /// The version of the key's form: with another one, every job is another job.
    const FORM: &str = "assay job 1";

    /// The key of a task with its parameters.
    ///
    /// # Errors
    /// The call cannot be written as JSON, which no call that was read or made here does.
    pub fn of(run: &RunId, task: &TaskId, call: &PluginCall) -> Result<Self, serde_json::Error> {
        let parameters = (&call.params, &call.snapshot_params, &call.snapshot_digest);
        let form = (Self::FORM, run, task, &call.plugin.digest, &call.plugin.name, parameters);
        serde_json::to_vec(&form).map(|bytes| Self(Digest::of(&bytes)))
    }
}

/// A plugin as a plan names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRef {
    /// The name in messages.
    pub name: String,
    /// The digest of the component, which is what is executed.
    pub digest: Digest,
    /// Whether it is an adapter of a third party, which is called in steps.
    #[serde(default)]
    pub is_adapter: bool,
}

/// What a worker executes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginCall {
    /// The plugin.
    pub plugin: PluginRef,
    /// Its parameters, without expressions.
    pub params: BTreeMap<String, ParamValue>,
    /// Parameters whose value is the Snapshot's parameter, which is stored once for all tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshot_params: Vec<String>,
    /// The Snapshot's parameter in the blob store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_digest: Option<Digest>,
    /// The longest time of one attempt in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How often the task is repeated when it fails, whatever the reason. Infrastructure is retried without it.
    #[serde(default)]
    pub retries: u32,
}

/// One task on its way to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The version of this document.
    pub version: Version<1>,
    /// Its name.
    pub key: JobKey,
    /// The run that it belongs to.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// Which jobs are taken first.
    pub priority: Priority,
    /// The tenant.
    pub tenant: String,
    /// What is executed.
    pub call: PluginCall,
}

impl Job {
    /// A job for a task.
    ///
    /// # Errors
    /// See [`JobKey::of`].
    pub fn new(
        run: RunId,
        task: TaskId,
        priority: Priority,
        tenant: String,
        call: PluginCall,
    ) -> Result<Self, serde_json::Error> {
        let key = JobKey::of(&run, &task, &call)?;
        Ok(Self { version: Version, key, run, task, priority, tenant, call })
    }
}

/// Which call of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// The only call of a task.
    Run,
    /// The first call of an adapter.
    Submit,
    /// Requests how the third party is getting on.
    Poll,
    /// Fetches what came of it.
    Collect,
    /// Ends the third party's work.
    Cancel,
}

/// What a job keeps between two calls of its plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingState {
    /// The version of this document.
    pub version: Version<1>,
    /// Which call is next.
    pub verb: Verb,
    /// What the plugin said it needs to go on, for nobody else to read.
    #[serde(with = "bytes")]
    pub state: Vec<u8>,
    /// The third party's own word for its state.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub native: String,
    /// Where a person can look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The third party's ID of the job, where its adapter says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// How many calls were made.
    #[serde(default)]
    pub step: u32,
    /// The attempt that led here: later ones failed since.
    #[serde(default)]
    pub attempt: u32,
    /// How the task ends, once the third party's job is canceled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Box<Ending>>,
    /// What the executor keeps of the steps before, such as the files that they wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<serde_json::Value>,
}

impl WaitingState {
    /// A state.
    #[must_use]
    pub const fn new(verb: Verb, state: Vec<u8>) -> Self {
        Self {
            version: Version,
            verb,
            state,
            native: String::new(),
            url: None,
            remote_id: None,
            step: 0,
            attempt: 0,
            ending: None,
            kept: None,
        }
    }
}

/// How a task ends whose third party is requested to stop first: decided, and kept while that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The final state.
    pub state: RunState,
    /// Why.
    pub cause: Cause,
    /// Since when the third party is requested.
    #[serde(with = "stored_text::text")]
    pub since: Timestamp,
    /// Whether the adapter has a state; without one it looks for the job by its key.
    pub has_state: bool,
}

/// A job of a third party, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteJob {
    /// The plugin that talks to the service.
    pub service: String,
    /// The service's ID of the job, where the plugin says so.
    pub id: Option<String>,
    /// The service's own word for the job's state.
    pub native: String,
    /// The page that a person opens.
    pub url: Option<String>,
    /// Calls that were made.
    pub polls: u32,
    /// When the next one is made; none for a job that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "stored_text::optional_text")]
    pub next_poll: Option<Timestamp>,
}

mod bytes {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::stored::Bytes;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        Bytes(bytes.into()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        Bytes::deserialize(from).map(|bytes| bytes.0.to_vec())
    }
}

/// Why an attempt ended without a verdict; what happens next follows from it, never from a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// The network, a registry, a third party: retried with back-off.
    Infrastructure,
    /// The inputs can never work.
    Invalid,
    /// A credential was refused.
    Auth,
    /// The third party lost the job.
    Lost,
    /// A trap, a limit, or a contradiction of the plugin with itself.
    Plugin,
    /// A budget of time was used up.
    Timeout,
    /// The worker vanished.
    Vanished,
    /// The plugin's verdict was that the task failed, and the plan says that it is repeated then.
    Verdict,
    /// A bug in assay itself.
    Internal,
}

impl ErrorClass {
    /// Whether the same call may work later.
    #[must_use]
    pub const fn is_retried(self) -> bool {
        matches!(self, Self::Infrastructure | Self::Vanished)
    }

    /// The word in documents, and the code of a cause that has none of its own.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Infrastructure => "infrastructure",
            Self::Invalid => "invalid",
            Self::Auth => "auth",
            Self::Lost => "lost",
            Self::Plugin => "plugin",
            Self::Timeout => "timeout",
            Self::Vanished => "vanished",
            Self::Verdict => "verdict",
            Self::Internal => "internal",
        }
    }
}

/// The end of a task. The first one that is stored for a job counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The version of this document.
    pub version: Version<1>,
    /// A final state.
    pub state: RunState,
    /// Why, unless it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Named results, as Tekton has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<String, ParamValue>,
    /// Files that were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// What it used.
    #[serde(default)]
    pub usage: Usage,
    /// The job of the third party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Box<RemoteJob>>,
    /// When it ended.
    #[serde(with = "stored_text::text")]
    pub ended: Timestamp,
}

impl TaskResult {
    /// A result without anything else.
    #[must_use]
    pub fn new(state: RunState, ended: Timestamp) -> Self {
        Self {
            version: Version,
            state,
            cause: None,
            results: BTreeMap::new(),
            artifacts: Vec::new(),
            usage: Usage::default(),
            remote: None,
            ended,
        }
    }

    /// The same with a cause.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// The digest of what the result says, without the times and usage that differ between attempts that say the same.
    ///
    /// # Errors
    /// The result cannot be written as JSON, which no result that was read or made here does.
    pub fn answer_digest(&self) -> Result<Digest, serde_json::Error> {
        serde_json::to_vec(&(self.state, &self.cause, &self.results, &self.artifacts)).map(|bytes| Digest::of(&bytes))
    }
}
