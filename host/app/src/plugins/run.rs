//! [`run_plugin`]: runs a plugin of any world once and outside of any recorded run.

use std::sync::Arc;

use assay_model::{digest::Digest, port::HttpClient};
use assay_oci::PluginHttp;
use assay_wasm::{
    Artifact, CallError, CallTime, Grants, JobKey, JobOptions, Plugin, Reporter, Sinks, SnapshotInput, Task, Usage,
};
use jiff::Timestamp;

use super::{
    adapter_run::append,
    events_file::EventsFile,
    host::{engine, load, plugin_error},
    job_folder::JobFolder,
    local_job::{JobDocument, JobEnd, JobTools, LocalJob},
    recording_client::RecordingClient,
    run_artifacts::{check_folder, write_artifacts},
    run_case::write_case,
    run_check::run_check,
    run_evidence::collector,
    run_inputs::RunInputs,
    run_report::{RunArtifact, RunReport},
    run_request::{RunPluginRequest, RunVerb},
};
use crate::{
    error::RequestError,
    image_evidence::TaskEvidence,
    plugin_distribution::{PluginSources, SourcedPlugin},
    run_files_request::reads_evidence,
};

/// Runs a check, a task or a reporter once, or a job of an adapter to its end.
///
/// # Errors
/// The plugin cannot be had or may not run, its parameters do not match it, something that its world needs is not given, there
/// is no such job, or the folder of jobs cannot be used.
pub fn run_plugin(request: &RunPluginRequest<'_>) -> Result<JobEnd, RequestError> {
    // Before a job that may take hours.
    request.artifacts.as_deref().map_or(Ok(()), check_folder)?;
    match &request.verb {
        RunVerb::Run { plugin, inputs } => begin(request, plugin, inputs),
        RunVerb::Resume(id) => go_on(request, id, false),
        RunVerb::Cancel(id) => go_on(request, id, true),
    }
}

/// A plugin that may run, with what it is granted.
struct Ready {
    plugin: Plugin,
    sourced: SourcedPlugin,
    inputs: RunInputs,
    grants: Grants,
}

/// The plugin that an argument stands for, verified as the list says.
fn prepare(request: &RunPluginRequest<'_>, argument: &str, inputs: &RunInputs) -> Result<Ready, RequestError> {
    let list = inputs.plugins.as_deref();
    let sources = PluginSources::new(list, request.saved.as_deref(), inputs.is_dev, request.sources.clone())?;
    let sourced = sources.source(argument)?;
    let plugin = load(&engine(&request.engine)?, &sourced.place, &sourced.bytes)?;
    sourced.check_locked(&plugin)?;
    sourced.notes.iter().for_each(|note| (request.note)(&format!("warning: {note}")));
    // A name that a plugin of a registry gives itself grants it nothing.
    let own_name = sourced.is_file.then(|| plugin.manifest().name.clone());
    let inputs = RunInputs { granted_as: sourced.entry.clone().or(own_name), ..inputs.clone() };
    let grants = inputs.grants().read(&plugin, &inputs.params, request.secrets)?;
    Ok(Ready { plugin, sourced, inputs, grants })
}

fn begin(request: &RunPluginRequest<'_>, argument: &str, inputs: &RunInputs) -> Result<JobEnd, RequestError> {
    let Ready { plugin, sourced, inputs, grants } = prepare(request, argument, inputs)?;
    check_flags(request, &plugin, &inputs)?;
    match plugin.world() {
        "check" => return run_check(&plugin, request, &inputs, grants).map(ended),
        "reporter" => {
            let http = client(&inputs, &grants)?;
            return render(&plugin, request, &inputs, grants, http).map(ended);
        }
        "adapter" => {}
        _ => {
            let http = client(&inputs, &grants)?;
            let report = run_task(&plugin, request, &inputs, grants, http)?;
            record(&inputs, &plugin, &report)?;
            return Ok(ended(report));
        }
    }
    let http = client(&inputs, &grants)?;
    let now = Timestamp::now();
    let folder = JobFolder::create(&request.store, &format!("{now}\n{argument}"))?;
    let component = folder.put(&sourced.bytes)?;
    let document = JobDocument::new(inputs, component, now);
    folder.write(&document)?;
    (request.note)(&format!("job {}; if this process ends, `assay plugin run --resume {0}` goes on", folder.id()));
    finish(request, &folder, document, &plugin, grants, http)
}

fn ended(report: RunReport) -> JobEnd {
    JobEnd::Ended(Box::new(report))
}

/// What is requested must have a meaning for the world of the plugin.
fn check_flags(request: &RunPluginRequest<'_>, plugin: &Plugin, inputs: &RunInputs) -> Result<(), RequestError> {
    let (name, world) = (&plugin.manifest().name, plugin.world());
    let refused = |fact: String| Err(RequestError::new(format!("the plugin `{name}` is of the world `{world}`{fact}")));
    let has_subject = inputs.snapshot.is_some() || inputs.image.is_some();
    match world {
        "check" if !has_subject => {
            refused(", which checks images, and none is given".to_owned()).map_err(|error: RequestError| {
                error.hint(
                    "pass `--image REPOSITORY@sha256:…` or `--images snapshot.json`; `assay plugin test` needs neither",
                )
            })
        }
        "reporter" if request.events.is_none() => {
            refused(", which reads the events of a run, and none are given".to_owned()).map_err(|error| {
                error.hint(
                "pass `--events FILE`, which `--output jsonl=FILE` of `assay validate image` and `assay run` writes",
            )
            })
        }
        "check" | "reporter" if inputs.record.is_some() => {
            refused(", and `--record` is for tasks and adapters".to_owned())
        }
        _ if world != "reporter" && request.events.is_some() => {
            refused(", and only reporters read `--events`".to_owned())
        }
        _ => Ok(()),
    }
}

fn go_on(request: &RunPluginRequest<'_>, id: &str, is_canceled: bool) -> Result<JobEnd, RequestError> {
    let folder = JobFolder::open(&request.store, id)?;
    let mut document = JobDocument::read(&folder)?;
    if let Some(report) = document.report {
        write_kept(request, &folder, &report)?;
        return Ok(ended(report));
    }
    if is_canceled {
        document.cancel(Timestamp::now());
        folder.write(&document)?;
    }
    let bytes = folder.get(&document.component)?;
    let plugin = load(&engine(&request.engine)?, &format!("of the job {id}"), &bytes)?;
    let grants = document.inputs.grants().read(&plugin, &document.inputs.params, request.secrets)?;
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
        write_kept(request, folder, report)?;
    }
    Ok(end)
}

/// Writes the files of a job that has ended to where the user wants them.
fn write_kept(request: &RunPluginRequest<'_>, folder: &JobFolder, report: &RunReport) -> Result<(), RequestError> {
    let Some(to) = &request.artifacts else { return Ok(()) };
    let read = |one: &RunArtifact| Ok((one.name.clone(), folder.get(&one.digest)?));
    let files: Vec<_> = report.artifacts.iter().map(read).collect::<Result<_, RequestError>>()?;
    write_artifacts(to, files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
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

/// What the calls of every world have in common.
fn options<'a>(
    plugin: &Plugin,
    request: &RunPluginRequest<'_>,
    inputs: &'a RunInputs,
    grants: Grants,
    http: Arc<dyn HttpClient>,
) -> JobOptions<'a> {
    let digest: &Digest = plugin.digest();
    JobOptions {
        run: inputs.context(),
        key: JobKey::of(&["local", &digest.to_string()]),
        params: &inputs.params,
        grants,
        http: Some(http),
        sinks: Sinks { log: request.log.clone(), ..Sinks::default() },
        ..JobOptions::default()
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
    let reads_evidence = reads_evidence(plugin);
    let (mut evidence, mut blobs) = (Vec::new(), None);
    match &snapshot {
        Some((snapshot, _)) if reads_evidence && request.evidence.trust.is_some() => {
            let collector = collector(request)?;
            let store = collector.store(request.sources.deadline)?;
            match collector.for_task(&snapshot.components, &store, Timestamp::now()) {
                Ok(TaskEvidence::Verified(found)) => (evidence, blobs) = (found, Some(store as Arc<_>)),
                Ok(TaskEvidence::Refused(verdict)) => {
                    return Ok(RunReport::of_verdict(&verdict, Vec::new(), Usage::default()));
                }
                Err(error) => return Ok(RunReport::of_error(&error, Usage::default())),
            }
        }
        _ if reads_evidence => (request.note)(
            "warning: the plugin reads evidence, and there is none: pass a Snapshot or an image, and `--public-key`",
        ),
        _ => {}
    }
    let options = JobOptions {
        snapshot: snapshot.as_ref().map(|(snapshot, text)| SnapshotInput { snapshot, text: Arc::clone(text) }),
        evidence,
        blobs,
        ..options(plugin, request, inputs, grants, http)
    };
    let task = Task::new(plugin, options).map_err(|error| plugin_error(&error))?;
    let outcome = task.run(CallTime { now: Timestamp::now(), attempt: inputs.attempt });
    Ok(match outcome.result {
        Ok((verdict, effects)) => {
            let described = keep(request, effects.artifacts)?;
            RunReport::of_verdict(&verdict, described, outcome.usage)
        }
        Err(CallError { error, .. }) => RunReport::of_error(&error, outcome.usage),
    })
}

fn render(
    plugin: &Plugin,
    request: &RunPluginRequest<'_>,
    inputs: &RunInputs,
    grants: Grants,
    http: Arc<dyn HttpClient>,
) -> Result<RunReport, RequestError> {
    let events = request.events.as_deref().map_or_else(|| Ok(EventsFile::default()), EventsFile::read)?;
    let options = JobOptions { events: Some(Arc::new(events)), ..options(plugin, request, inputs, grants, http) };
    let reporter = Reporter::new(plugin, options).map_err(|error| plugin_error(&error))?;
    let outcome = reporter.render(CallTime { now: Timestamp::now(), attempt: inputs.attempt });
    Ok(match outcome.result {
        Ok((_, effects)) => RunReport::of_files(keep(request, effects.artifacts)?, outcome.usage),
        Err(CallError { error, .. }) => RunReport::of_error(&error, outcome.usage),
    })
}

/// Writes what a call staged to where the user wants it, and describes it.
fn keep(
    request: &RunPluginRequest<'_>,
    staged: Vec<assay_wasm::StagedArtifact>,
) -> Result<Vec<RunArtifact>, RequestError> {
    let mut artifacts: Vec<Artifact> = Vec::new();
    staged.into_iter().for_each(|one| append(&mut artifacts, one));
    if let Some(to) = &request.artifacts {
        write_artifacts(to, artifacts.iter().map(|one| (one.name.as_str(), &*one.bytes)))?;
    }
    Ok(artifacts.iter().map(RunArtifact::of).collect())
}
