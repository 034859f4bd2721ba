//! `assay run`: carries out the scenarios of a Snapshot.

use assay_app::{PlanFilesRequest, PluginEngine, RunFilesRequest, policy_argument::read_file_or_text, run_files};
use assay_model::{limits, outcome::Verdict, run::ProgressEvent, snapshot::Snapshot};

use super::{events::Printed, fetch_policy::print_stdout, runs::show_text};
use crate::{
    error::CliError,
    exit,
    flags::run::{RunFilesFlags, RunFormat},
    printer::Printer,
    settings::{Environment, source_settings},
};

/// Carries out a run, and prints what is recorded of it.
pub(crate) fn run(flags: &RunFilesFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let request = RunFilesRequest {
        plan: PlanFilesRequest {
            paths: flags.paths.clone(),
            snapshot: flags.images.as_deref().map(parse_snapshot).transpose()?,
            scenarios: flags.scenario.clone(),
            changed: flags.changed.clone(),
            pointers: Vec::new(),
            run: "run".to_owned(),
            settings: source_settings(&flags.sources, env)?,
        },
        store: flags.store.clone(),
        plugins: flags.plugins.clone(),
        is_dev: flags.dev,
        workers: flags.workers,
        engine: PluginEngine::from_environment(env.variable, (env.cache_home)()).map_err(CliError::new)?,
        variable: env.variable,
    };
    let mut failure = None;
    let mut print = |event: &ProgressEvent| {
        if flags.format == RunFormat::Jsonl && failure.is_none() {
            failure = print_event(printer, event).err();
        }
    };
    let finished = run_files(&request, &Printed::new(printer), &mut print)?;
    if let Some(error) = failure {
        return Err(error);
    }
    if flags.format == RunFormat::Text {
        print_stdout(printer, &show_text(&finished.document))?;
    }
    Ok(match finished.document.verdict {
        Some(Verdict::Allowed) => exit::SUCCESS,
        Some(Verdict::Denied) => exit::VIOLATIONS,
        Some(Verdict::Error) | None => exit::ERROR,
    })
}

fn print_event(printer: Printer, event: &ProgressEvent) -> Result<(), CliError> {
    let line = serde_json::to_string(event).map_err(|error| CliError::from_error(&error))?;
    print_stdout(printer, &(line + "\n"))
}

fn parse_snapshot(text: &str) -> Result<Snapshot, CliError> {
    let (text, origin) = read_file_or_text(text, "--images", limits::SNAPSHOT_BYTES)?;
    Snapshot::parse(&text).map_err(|error| CliError::new(format!("{error} ({origin})")))
}
