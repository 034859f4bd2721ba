//! `assay run` and `assay runs rerun`: carry out the scenarios of a Snapshot.

use std::num::NonZeroUsize;

use assay_app::{
    ClusterAccess, EvidenceRequest, FinishedRun, Interrupt, PlanFilesRequest, PluginEngine, RequestError,
    RunFilesRequest, policy_argument::read_file_or_text, rerun as rerun_recorded, run_files,
};
use assay_model::{
    limits,
    outcome::Verdict,
    run::{ProgressEvent, RunId},
    snapshot::Snapshot,
};
use camino::Utf8PathBuf;

use super::{
    events::Printed, fetch_policy::print_stdout, plugin::read_signing_key, run_progress::RunProgress,
    run_reports::RunReports, run_text::show_text,
};
use crate::{
    error::CliError,
    exit,
    flags::{
        image_evidence::EvidenceFlags,
        run::{ExecutionFlags, PluginListFlags, RunFilesFlags, RunFormat},
        runs::RerunFlags,
        sources::SourceFlags,
    },
    printer::Printer,
    settings::{Environment, evidence_request, source_settings, trust_root_settings},
    signals::listen_for_signals,
};

/// Carries out a run, and prints what is recorded of it.
pub(crate) fn run(
    flags: &RunFilesFlags,
    env: &Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    let mut request = request(&flags.execution, env, cluster)?;
    request.plan.paths.clone_from(&flags.paths);
    request.plan.snapshot = flags.images.as_deref().map(parse_snapshot).transpose()?;
    request.plan.scenarios.clone_from(&flags.scenario);
    request.plan.changed.clone_from(&flags.changed);
    (request.allow_empty, request.reuse) = (flags.allow_empty, flags.reuse);
    let notes = Printed::new(printer);
    let reports = read_reports(&flags.execution, env)?;
    request.with_results = !reports.is_empty();
    carry_out(&flags.execution, &reports, &request, printer, &mut |print| run_files(&request, &notes, print))
}

/// Carries out a recorded run again.
pub(super) fn rerun(
    id: &RunId,
    flags: &RerunFlags,
    (env, cluster): (&Environment, &ClusterAccess),
    printer: Printer,
) -> Result<u8, CliError> {
    let mut request = request(&flags.execution, env, cluster)?;
    let reports = read_reports(&flags.execution, env)?;
    request.with_results = !reports.is_empty();
    let work = &mut |print: &mut dyn FnMut(&ProgressEvent)| rerun_recorded(&request, id, flags.failed, print);
    carry_out(&flags.execution, &reports, &request, printer, work)
}

fn request(flags: &ExecutionFlags, env: &Environment, cluster: &ClusterAccess) -> Result<RunFilesRequest, CliError> {
    let mut request =
        RunFilesRequest { store: flags.store.clone(), workers: flags.workers, ..plain_request(&flags.sources, env)? };
    set_plugins(&mut request, &flags.list);
    set_evidence(&mut request, &flags.evidence, env, cluster)?;
    Ok(request)
}

/// Takes the evidence of images from where the flags say.
pub(super) fn set_evidence(
    request: &mut RunFilesRequest,
    flags: &EvidenceFlags,
    env: &Environment,
    cluster: &ClusterAccess,
) -> Result<(), CliError> {
    request.evidence = evidence_request(flags, env, cluster)?;
    request.plan.settings.trust_root = trust_root_settings(flags.identity.trusted_root.as_deref(), env);
    Ok(())
}

/// Takes plugins from where the flags say.
pub(super) fn set_plugins(request: &mut RunFilesRequest, flags: &PluginListFlags) {
    request.plugins.clone_from(&flags.plugins);
    request.saved_plugins.clone_from(&flags.plugins_from);
    request.is_dev = flags.dev;
}

/// A request that names nothing yet.
pub(super) fn plain_request(sources: &SourceFlags, env: &Environment) -> Result<RunFilesRequest, CliError> {
    Ok(RunFilesRequest {
        plan: PlanFilesRequest {
            paths: Vec::new(),
            snapshot: None,
            scenarios: Vec::new(),
            changed: Vec::new(),
            pointers: Vec::new(),
            run: "run".to_owned(),
            settings: source_settings(sources, env)?,
        },
        store: Utf8PathBuf::new(),
        plugins: None,
        saved_plugins: None,
        is_dev: false,
        evidence: EvidenceRequest::default(),
        workers: NonZeroUsize::MIN,
        engine: PluginEngine::from_environment(env.variable, (env.cache_home)()).map_err(CliError::new)?,
        temporary: (env.temporary)(),
        allow_empty: false,
        reuse: false,
        with_results: false,
        interrupt: Interrupt::default(),
        variable: env.variable,
        release_memory: crate::allocator::release_memory,
    })
}

type Work<'a> = dyn FnMut(&mut dyn FnMut(&ProgressEvent)) -> Result<FinishedRun, RequestError> + 'a;

fn read_reports(flags: &ExecutionFlags, env: &Environment) -> Result<RunReports, CliError> {
    let key = flags.sign_key.as_deref().map(|file| read_signing_key(file, env)).transpose()?;
    RunReports::parse(&flags.output, key)
}

fn carry_out(
    flags: &ExecutionFlags,
    reports: &RunReports,
    request: &RunFilesRequest,
    printer: Printer,
    work: &mut Work<'_>,
) -> Result<u8, CliError> {
    let interrupt = request.interrupt.clone();
    // The run is canceled in order; the second signal leaves it open.
    listen_for_signals(move || interrupt.request())?;
    let mut progress = (flags.format == RunFormat::Text && printer.shows_progress()).then(RunProgress::on_terminal);
    let mut failure = None;
    let mut print = |event: &ProgressEvent| {
        if let Some(progress) = &mut progress {
            progress.event(event);
        }
        if flags.format == RunFormat::Jsonl && failure.is_none() {
            failure = print_event(printer, event).err();
        }
    };
    let finished = work(&mut print);
    if let Some(progress) = progress {
        progress.finish();
    }
    let document = finished?.document;
    let is_written = reports.write(&document, &flags.store, printer);
    if let Some(error) = failure {
        return Err(error);
    }
    if flags.format == RunFormat::Text {
        print_stdout(printer, &show_text(&document))?;
    }
    Ok(match document.verdict {
        _ if !is_written => exit::ERROR,
        Some(Verdict::Allowed) => exit::SUCCESS,
        Some(Verdict::Denied) => exit::VIOLATIONS,
        Some(Verdict::Error) | None => exit::ERROR,
    })
}

fn print_event(printer: Printer, event: &ProgressEvent) -> Result<(), CliError> {
    let line = serde_json::to_string(event).map_err(|error| CliError::from_error(&error))?;
    print_stdout(printer, &(line + "\n"))
}

pub(super) fn parse_snapshot(text: &str) -> Result<Snapshot, CliError> {
    let (text, origin) = read_file_or_text(text, "--images", limits::SNAPSHOT_BYTES)?;
    Snapshot::parse(&text).map_err(|error| CliError::new(format!("{error} ({origin})")))
}
