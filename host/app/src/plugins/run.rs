//! [`run_plugin`]: runs a task, or a job of an adapter, once and outside of any recorded run.

use std::{sync::Arc, time::Duration};

use assay_model::{digest::Digest, limits, port::HttpClient};
use assay_oci::PluginHttp;
use assay_wasm::{
    CallError, CallTime, Grants, JobKey, JobOptions, LogSink, Plugin, RunContext, Sinks, SnapshotInput, Task,
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::{
    adapter_run::append,
    host::{engine, load, plugin_error},
    job_folder::JobFolder,
    local_job::{JobDocument, JobEnd, JobTools, LocalJob, Waited},
    recording_client::RecordingClient,
    run_case::write_case,
    run_inputs::RunInputs,
    run_report::{RunArtifact, RunReport},
};
use crate::{error::RequestError, plugin_engine::PluginEngine, read::read_bytes};

/// What is done.
#[derive(Clone, Debug)]
pub enum RunVerb {
    /// A component is run.
    Run {
        /// The component.
        component: Utf8PathBuf,
        /// What it is called with.
        inputs: Box<RunInputs>,
    },
    /// A job goes on that was interrupted.
    Resume(String),
    /// A job is canceled that was interrupted.
    Cancel(String),
}

/// A request to run a plugin.
pub struct RunPluginRequest<'a> {
    /// What is done.
    pub verb: RunVerb,
    /// The folder in which jobs of adapters are kept.
    pub store: Utf8PathBuf,
    /// How components are compiled.
    pub engine: PluginEngine,
    /// The environment, for secrets.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Receives the log; nothing does without it.
    pub log: Option<LogSink>,
    /// Waits, and says whether the process is to end.
    pub wait: &'a dyn Fn(Duration) -> Waited,
    /// Receives lines for people: which job it is, and how each step ended.
    pub note: &'a dyn Fn(&str),
}

/// Runs a task once, or a job of an adapter to its end.
///
/// # Errors
/// The plugin is of another world, its parameters do not match it, there is no such job, or the folder of jobs cannot be used.
pub fn run_plugin(request: &RunPluginRequest<'_>) -> Result<JobEnd, RequestError> {
    match &request.verb {
        RunVerb::Run { component, inputs } => begin(request, component, inputs),
        RunVerb::Resume(id) => go_on(request, id, false),
        RunVerb::Cancel(id) => go_on(request, id, true),
    }
}

fn begin(request: &RunPluginRequest<'_>, file: &Utf8Path, inputs: &RunInputs) -> Result<JobEnd, RequestError> {
    let bytes = read_bytes(file, "the component", limits::PLUGIN_BYTES)?;
    let plugin = load(&engine(&request.engine)?, &format!("`{file}`"), &bytes)?;
    let grants = inputs.grants().read(&plugin, &inputs.params, request.variable)?;
    let http = client(inputs, &grants)?;
    if plugin.world() != "adapter" {
        let report = run_task(&plugin, request, inputs, grants, http)?;
        record(inputs, &plugin, &report)?;
        return Ok(JobEnd::Ended(Box::new(report)));
    }
    let now = Timestamp::now();
    let folder = JobFolder::create(&request.store, &format!("{now}\n{file}"))?;
    let component = folder.put(&bytes)?;
    let document = JobDocument::new(inputs.clone(), component, now);
    folder.write(&document)?;
    (request.note)(&format!("job {}; if this process ends, `assay plugin run --resume {0}` goes on", folder.id()));
    finish(request, &folder, document, &plugin, grants, http)
}

fn go_on(request: &RunPluginRequest<'_>, id: &str, is_canceled: bool) -> Result<JobEnd, RequestError> {
    let folder = JobFolder::open(&request.store, id)?;
    let mut document = JobDocument::read(&folder)?;
    if let Some(report) = document.report {
        return Ok(JobEnd::Ended(Box::new(report)));
    }
    if is_canceled {
        document.cancel(Timestamp::now());
        folder.write(&document)?;
    }
    let bytes = folder.get(&document.component)?;
    let plugin = load(&engine(&request.engine)?, &format!("of the job {id}"), &bytes)?;
    let grants = document.inputs.grants().read(&plugin, &document.inputs.params, request.variable)?;
    let http = client(&document.inputs, &grants)?;
    finish(request, &folder, document, &plugin, grants, http)
}

fn finish(
    request: &RunPluginRequest<'_>,
    folder: &JobFolder,
    document: JobDocument,
    plugin: &Plugin,
    grants: Grants,
    http: Arc<dyn HttpClient>,
) -> Result<JobEnd, RequestError> {
    let inputs = document.inputs.clone();
    let tools = JobTools { plugin, grants, http, log: request.log.clone(), wait: request.wait, note: request.note };
    let end = LocalJob::new(folder, document, tools)?.finish()?;
    if let JobEnd::Ended(report) = &end {
        record(&inputs, plugin, report)?;
    }
    Ok(end)
}

/// The network, and the cassette if there is one.
fn client(inputs: &RunInputs, grants: &Grants) -> Result<Arc<dyn HttpClient>, RequestError> {
    let http: Arc<dyn HttpClient> = Arc::new(PluginHttp::new(&[]));
    Ok(match &inputs.record {
        Some(folder) => Arc::new(RecordingClient::new(http, grants.clone(), &folder.join("exchanges.jsonl"))?),
        None => http,
    })
}

fn record(inputs: &RunInputs, plugin: &Plugin, report: &RunReport) -> Result<(), RequestError> {
    match &inputs.record {
        Some(folder) => write_case(folder, inputs, plugin.manifest().name.as_str(), report),
        None => Ok(()),
    }
}

fn run_task(
    plugin: &Plugin,
    request: &RunPluginRequest<'_>,
    inputs: &RunInputs,
    grants: Grants,
    http: Arc<dyn HttpClient>,
) -> Result<RunReport, RequestError> {
    let snapshot = inputs.snapshot()?;
    let digest: &Digest = plugin.digest();
    let options = JobOptions {
        run: RunContext { run: "local".to_owned(), scenario: "local".to_owned(), attempt: inputs.attempt },
        key: JobKey::of(&["local", &digest.to_string()]),
        params: &inputs.params,
        snapshot: snapshot.as_ref().map(|(snapshot, text)| SnapshotInput { snapshot, text: Arc::clone(text) }),
        grants,
        http: Some(http),
        sinks: Sinks { log: request.log.clone(), ..Sinks::default() },
        ..JobOptions::default()
    };
    let task = Task::new(plugin, options).map_err(|error| plugin_error(&error))?;
    let outcome = task.run(CallTime { now: Timestamp::now(), attempt: inputs.attempt });
    Ok(match outcome.result {
        Ok((verdict, effects)) => {
            let mut artifacts = Vec::new();
            effects.artifacts.into_iter().for_each(|staged| append(&mut artifacts, staged));
            let described = artifacts.iter().map(RunArtifact::of).collect();
            RunReport::of_verdict(&verdict, described, outcome.usage)
        }
        Err(CallError { error, .. }) => RunReport::of_error(&error, outcome.usage),
    })
}
