//! [`RunRequest`]: a plan with all that its author does not decide: the plugins, the tenant, how urgent it is.

use std::collections::BTreeMap;

use assay_konflux::plan::{RunPlan, ScenarioPlan, TaskPlan, Work};
use assay_model::{
    digest::Digest,
    run::{Concurrency, PluginRef, Priority, RUN_TASKS, RunId, RunOutline, ScenarioOutline, TaskOutline, Version},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// The version of this document.
    pub version: Version<1>,
    /// The plan.
    pub plan: RunPlan,
    /// The plugins by the text that the plan names them with: a name, or an image by digest.
    pub plugins: BTreeMap<String, PluginRef>,
    /// The tenant, for fair shares and quotas.
    pub tenant: String,
    /// How urgent the run is.
    pub priority: Priority,
    /// Runs with the same text replace one another: a newer one cancels those that have not ended.
    pub supersedes: Option<String>,
    /// Scenarios that share something scarce, by name.
    pub concurrency: BTreeMap<String, Concurrency>,
    /// The longest time that a task waits for a worker, in milliseconds; none is no limit.
    pub queue_ms: Option<u64>,
    /// A number that makes a rerun another run than the one before.
    pub round: u32,
}

/// Why a plan cannot be carried out. Nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// A task has container steps.
    #[error(
        "the task `{task}` of the scenario `{scenario}` has container steps ({what}), which only Tekton runs; replace it with a plugin"
    )]
    Tekton {
        /// The scenario.
        scenario: String,
        /// The task.
        task: String,
        /// What the task refers to.
        what: String,
    },
    /// A plugin is not known.
    #[error(
        "the task `{task}` of the scenario `{scenario}` needs the plugin `{plugin}`, which is not listed; add it to plugins.toml, or name another file with --plugins"
    )]
    UnknownPlugin {
        /// The scenario.
        scenario: String,
        /// The task.
        task: String,
        /// The plugin.
        plugin: String,
    },
    /// There are too many tasks.
    #[error("the run has {count} tasks; the limit is {RUN_TASKS}")]
    TooManyTasks {
        /// How many.
        count: usize,
    },
    /// A name is used twice or is not there, or names go round in a circle, which a plan's maker excludes.
    #[error("the plan is malformed: {0}")]
    Malformed(String),
}

impl RunRequest {
    /// A request with nothing but a plan and its plugins.
    #[must_use]
    pub const fn new(plan: RunPlan, plugins: BTreeMap<String, PluginRef>) -> Self {
        Self {
            version: Version,
            plan,
            plugins,
            tenant: String::new(),
            priority: Priority::Normal,
            supersedes: None,
            concurrency: BTreeMap::new(),
            queue_ms: None,
            round: 0,
        }
    }

    /// The outline that the record keeps, with the whole request in it.
    ///
    /// # Errors
    /// The plan cannot be carried out.
    pub fn outline(&self) -> Result<RunOutline, InvalidRequest> {
        let count = self.plan.scenarios.iter().map(|scenario| scenario.tasks.len()).sum();
        if count > RUN_TASKS {
            return Err(InvalidRequest::TooManyTasks { count });
        }
        let scenario = |scenario: &ScenarioPlan| {
            let task = |task: &TaskPlan| {
                Ok(TaskOutline { name: task.name.clone(), plugin: self.plugin(&scenario.name, task)?.clone() })
            };
            Ok(ScenarioOutline {
                name: scenario.name.clone(),
                optional: scenario.optional,
                tasks: scenario.tasks.iter().map(task).collect::<Result<_, InvalidRequest>>()?,
            })
        };
        let malformed = |error: serde_json::Error| InvalidRequest::Malformed(error.to_string());
        let text = serde_json::to_string(self).and_then(RawValue::from_string).map_err(malformed)?;
        let mut outline = RunOutline::new(self.plan.snapshot.name.as_str(), text);
        outline.tenant.clone_from(&self.tenant);
        outline.supersedes.clone_from(&self.supersedes);
        outline.snapshot_digest = Some(Digest::of(self.plan.snapshot.param.as_bytes()));
        outline.scenarios = self.plan.scenarios.iter().map(scenario).collect::<Result<_, InvalidRequest>>()?;
        Ok(outline)
    }

    /// The request in an outline.
    ///
    /// # Errors
    /// It was not written by this version.
    pub fn of_outline(outline: &RunOutline) -> Result<Self, InvalidRequest> {
        serde_json::from_str(outline.plan.get()).map_err(|error| InvalidRequest::Malformed(error.to_string()))
    }

    /// The ID of the run: the same request is the same run.
    ///
    /// # Errors
    /// The plan cannot be carried out.
    pub fn run_id(&self) -> Result<RunId, InvalidRequest> {
        let malformed = |error: serde_json::Error| InvalidRequest::Malformed(error.to_string());
        self.outline()?.run_id(self.round).map_err(malformed)
    }

    pub(crate) fn plugin(&self, scenario: &str, task: &TaskPlan) -> Result<&PluginRef, InvalidRequest> {
        let names = || (scenario.to_owned(), task.name.clone());
        let plugin = match &task.work {
            Work::Plugin { name } => name,
            Work::PluginImage { image } => image,
            Work::Tekton { what } => {
                let (scenario, task) = names();
                return Err(InvalidRequest::Tekton { scenario, task, what: what.clone() });
            }
        };
        self.plugins.get(plugin).ok_or_else(|| {
            let (scenario, task) = names();
            InvalidRequest::UnknownPlugin { scenario, task, plugin: plugin.clone() }
        })
    }
}
