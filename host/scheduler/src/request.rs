//! [`RunRequest`]: a plan with all that its author does not decide: the plugins, the tenant, how urgent it is.

use std::{collections::BTreeMap, io};

use assay_konflux::plan::{RunPlan, ScenarioPlan, TaskPlan, Work};
use assay_model::{
    digest::Digest,
    run::{Concurrency, PluginRef, Priority, RUN_TASKS, RunId, RunOutline, RunState, Version, WriteOutline},
};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq as _};

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
    /// Whose signatures count for the evidence that plugins read, and where that is; none where they read none. Another
    /// answer may give other results, so it makes another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// A number that makes a rerun another run than the one before.
    pub round: u32,
    /// Scenarios that are not run, since their result in an earlier run counts. They do not make it another run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reused: BTreeMap<String, Reused>,
}

/// The result of a scenario in an earlier run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reused {
    /// That run.
    pub run: RunId,
    /// `passed` or `warned`; another state is not reused.
    pub state: RunState,
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
            evidence: None,
            round: 0,
            reused: BTreeMap::new(),
        }
    }

    /// Whether the plan can be carried out.
    ///
    /// # Errors
    /// It has too many tasks, or one that cannot be called.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let count = self.plan.scenarios.iter().map(|scenario| scenario.tasks.len()).sum();
        if count > RUN_TASKS {
            return Err(InvalidRequest::TooManyTasks { count });
        }
        let mut tasks = self.plan.scenarios.iter().flat_map(|of| of.tasks.iter().map(move |task| (&of.name, task)));
        tasks.try_for_each(|(scenario, task)| self.plugin(scenario, task).map(|_| ()))
    }

    /// The outline that the record keeps, with the whole request in it.
    ///
    /// # Errors
    /// The plan cannot be carried out.
    pub fn outline(&self) -> Result<RequestOutline<'_>, InvalidRequest> {
        self.check()?;
        Ok(RequestOutline { request: self, snapshot_digest: Digest::of(self.plan.snapshot.param.as_bytes()) })
    }

    /// The request in an outline.
    ///
    /// # Errors
    /// It was not written by this version.
    pub fn of_outline(outline: &RunOutline) -> Result<Self, InvalidRequest> {
        serde_json::from_str(outline.plan.get()).map_err(|error| InvalidRequest::Malformed(error.to_string()))
    }

    /// The ID of the run: the same request is the same run, whatever is reused.
    ///
    /// # Errors
    /// The plan cannot be carried out.
    pub fn run_id(&self) -> Result<RunId, InvalidRequest> {
        if self.reused.is_empty() {
            return self.outline()?.run_id();
        }
        let without = Self { reused: BTreeMap::new(), ..self.clone() };
        without.outline()?.run_id()
    }

    /// What the result of a scenario depends on: its tasks with their plugins, the components that it looks at, and whose
    /// evidence counts. None if there is no such scenario or its Snapshot is no JSON.
    #[must_use]
    pub fn content_of(&self, scenario: &str) -> Option<Digest> {
        const FORM: &str = "assay scenario 1";
        let found = self.plan.scenarios.iter().find(|other| other.name == scenario)?;
        let mut snapshot: serde_json::Value = serde_json::from_str(&self.plan.snapshot.param).ok()?;
        if !found.components.is_empty()
            && let Some(components) = snapshot.get_mut("components").and_then(serde_json::Value::as_array_mut)
        {
            let name = |component: &serde_json::Value| component.get("name")?.as_str().map(str::to_owned);
            components.retain(|component| name(component).is_some_and(|name| found.components.contains(&name)));
        }
        let plugins: Result<BTreeMap<_, _>, _> = found
            .tasks
            .iter()
            .map(|task| self.plugin(scenario, task).map(|plugin| (plugin.name.as_str(), &plugin.digest)))
            .collect();
        let form = (FORM, &found.name, &found.tasks, &found.results, plugins.ok()?, snapshot);
        let mut bytes = serde_json::to_vec(&form).ok()?;
        bytes.extend(self.evidence.as_deref().unwrap_or_default().as_bytes());
        Some(Digest::of(&bytes))
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

/// The outline of a request that can be carried out. It has the form of a [`RunOutline`].
#[derive(Debug)]
pub struct RequestOutline<'a> {
    request: &'a RunRequest,
    snapshot_digest: Digest,
}

impl RequestOutline<'_> {
    /// The ID of the run: the same outline and plan are the same run, except as a rerun, whose round is above nought.
    fn run_id(&self) -> Result<RunId, InvalidRequest> {
        let digest = Digest::of_json(self).map_err(|error| InvalidRequest::Malformed(error.to_string()))?;
        Ok(RunId::of_plan(&digest, self.request.round))
    }
}

impl WriteOutline for RequestOutline<'_> {
    fn tenant(&self) -> &str {
        &self.request.tenant
    }

    fn snapshot(&self) -> &str {
        &self.request.plan.snapshot.name
    }

    fn snapshot_digest(&self) -> Option<&Digest> {
        Some(&self.snapshot_digest)
    }

    fn supersedes(&self) -> Option<&str> {
        self.request.supersedes.as_deref()
    }

    fn write(&self, to: &mut dyn io::Write) -> Result<(), serde_json::Error> {
        serde_json::to_writer(to, self)
    }
}

impl Serialize for RequestOutline<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        /// [`RunOutline`] with references.
        #[derive(Serialize)]
        struct Form<'a> {
            version: Version<1>,
            tenant: &'a str,
            snapshot: &'a str,
            snapshot_digest: &'a Digest,
            #[serde(skip_serializing_if = "Option::is_none")]
            supersedes: Option<&'a str>,
            scenarios: Scenarios<'a>,
            plan: &'a RunRequest,
        }
        let request = self.request;
        Form {
            version: Version,
            tenant: &request.tenant,
            snapshot: &request.plan.snapshot.name,
            snapshot_digest: &self.snapshot_digest,
            supersedes: request.supersedes.as_deref(),
            scenarios: Scenarios(request),
            plan: request,
        }
        .serialize(to)
    }
}

/// The scenarios of an outline.
struct Scenarios<'a>(&'a RunRequest);

impl Serialize for Scenarios<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            name: &'a str,
            optional: bool,
            tasks: Tasks<'a>,
        }
        to.collect_seq(self.0.plan.scenarios.iter().map(|scenario| Form {
            name: &scenario.name,
            optional: scenario.optional,
            tasks: Tasks(self.0, scenario),
        }))
    }
}

/// The tasks of a scenario in an outline.
struct Tasks<'a>(&'a RunRequest, &'a ScenarioPlan);

impl Serialize for Tasks<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            name: &'a str,
            plugin: &'a PluginRef,
        }
        let Self(request, scenario) = self;
        let mut tasks = to.serialize_seq(Some(scenario.tasks.len()))?;
        for task in &scenario.tasks {
            let plugin = request.plugin(&scenario.name, task).map_err(serde::ser::Error::custom)?;
            tasks.serialize_element(&Form { name: &task.name, plugin })?;
        }
        tasks.end()
    }
}
