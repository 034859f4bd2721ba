//! [`run_plugin`]: runs a task once, outside of any recorded run.

use std::sync::Arc;

use assay_model::{error::EvaluationError, snapshot::Snapshot};
use assay_wasm::{
    Artifact, CallError, CallTime, Grants, JobKey, JobOptions, Plugin, RunContext, Sinks, SnapshotInput, Task, Usage,
    Verdict,
};
use jiff::Timestamp;

use super::{adapter_run::append, host::plugin_error};
use crate::error::RequestError;

/// A request to run a task.
#[derive(Clone)]
pub struct RunPluginRequest {
    /// The Snapshot under test and its text.
    pub snapshot: Option<(Snapshot, Arc<str>)>,
    /// Parameters by name.
    pub params: Vec<(String, String)>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The time that the task sees.
    pub now: Timestamp,
    /// Receives the log; nothing does without it.
    pub log: Option<Arc<dyn Fn(&str) + Send + Sync>>,
}

/// How a task ended.
#[derive(Clone, Debug)]
pub struct PluginRun {
    /// The verdict, with the files that it wrote, or why there is none.
    pub result: Result<(Verdict, Vec<Artifact>), EvaluationError>,
    /// What the call used.
    pub usage: Usage,
}

/// Runs a plugin of the world `task` or `task-offline` once.
///
/// # Errors
/// The plugin is of another world, or the parameters do not match it.
pub fn run_plugin(plugin: &Plugin, request: &RunPluginRequest) -> Result<PluginRun, RequestError> {
    let snapshot = request.snapshot.as_ref();
    let options = JobOptions {
        run: RunContext { run: "local".to_owned(), scenario: "local".to_owned(), attempt: request.attempt },
        key: JobKey::of(&["local", &plugin.digest().to_string()]),
        params: &request.params,
        snapshot: snapshot.map(|(snapshot, text)| SnapshotInput { snapshot, text: Arc::clone(text) }),
        grants: Grants::default(),
        sinks: Sinks { log: request.log.clone(), ..Sinks::default() },
        ..JobOptions::default()
    };
    let task = Task::new(plugin, options).map_err(|error| plugin_error(&error))?;
    let outcome = task.run(CallTime { now: request.now, attempt: request.attempt });
    let result = match outcome.result {
        Ok((verdict, effects)) => {
            let mut artifacts = Vec::new();
            effects.artifacts.into_iter().for_each(|staged| append(&mut artifacts, staged));
            Ok((verdict, artifacts))
        }
        Err(CallError { error, .. }) => Err(error),
    };
    Ok(PluginRun { result, usage: outcome.usage })
}
