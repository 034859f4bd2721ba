//! [`RunOutline`]: what the record keeps of a run's plan, decided before anything starts and never changed.
//!
//! The plan itself is a document that only its maker and the scheduler read. What is listed and shown of a run that has not
//! started everything yet is in the outline: the names of scenarios and tasks.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::job::PluginRef;
use crate::{digest::Digest, stored::Version};

/// An outline on its way into the record. It is written rather than held, since the plan in it may have many megabytes; what is
/// written can be read as a [`RunOutline`].
pub trait WriteOutline: Sync {
    /// [`RunOutline::tenant`].
    fn tenant(&self) -> &str;
    /// [`RunOutline::snapshot`].
    fn snapshot(&self) -> &str;
    /// [`RunOutline::snapshot_digest`].
    fn snapshot_digest(&self) -> Option<&Digest>;
    /// [`RunOutline::supersedes`].
    fn supersedes(&self) -> Option<&str>;
    /// Writes it as JSON, the same whenever it is called.
    ///
    /// # Errors
    /// It cannot be written.
    fn write(&self, to: &mut dyn io::Write) -> Result<(), serde_json::Error>;
}

/// A run before anything started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunOutline {
    /// The version of this document.
    pub version: Version<1>,
    /// The tenant, for fair shares and quotas.
    pub tenant: String,
    /// The name of the Snapshot.
    pub snapshot: String,
    /// The digest of the Snapshot's parameter, which is a blob in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_digest: Option<Digest>,
    /// Runs with the same text replace one another: a newer one cancels those that have not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// The scenarios, in the order in which they are shown.
    pub scenarios: Vec<ScenarioOutline>,
    /// The plan, JSON.
    pub plan: Box<RawValue>,
}

/// A scenario before it started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioOutline {
    /// The name.
    pub name: String,
    /// Whether the verdict does not depend on it.
    pub optional: bool,
    /// Its tasks. A matrix whose cells are known later is one task.
    pub tasks: Vec<TaskOutline>,
}

/// A task before it started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskOutline {
    /// The name.
    pub name: String,
    /// What is called.
    pub plugin: PluginRef,
}

impl RunOutline {
    /// An outline without scenarios.
    #[must_use]
    pub fn new(snapshot: impl Into<String>, plan: Box<RawValue>) -> Self {
        Self {
            version: Version,
            tenant: String::new(),
            snapshot: snapshot.into(),
            snapshot_digest: None,
            supersedes: None,
            scenarios: Vec::new(),
            plan,
        }
    }
}

impl WriteOutline for RunOutline {
    fn tenant(&self) -> &str {
        &self.tenant
    }

    fn snapshot(&self) -> &str {
        &self.snapshot
    }

    fn snapshot_digest(&self) -> Option<&Digest> {
        self.snapshot_digest.as_ref()
    }

    fn supersedes(&self) -> Option<&str> {
        self.supersedes.as_deref()
    }

    fn write(&self, to: &mut dyn io::Write) -> Result<(), serde_json::Error> {
        serde_json::to_writer(to, self)
    }
}

impl PartialEq for RunOutline {
    fn eq(&self, other: &Self) -> bool {
        let fields = |outline: &Self| {
            (
                outline.tenant.clone(),
                outline.snapshot.clone(),
                outline.snapshot_digest.clone(),
                outline.supersedes.clone(),
                outline.plan.get().to_owned(),
            )
        };
        fields(self) == fields(other) && self.scenarios == other.scenarios
    }
}

impl Eq for RunOutline {}
