//! `assay plugin run`: a plugin of any world, once.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use assay_app::{
    ClusterAccess, PluginEngine,
    plugins::{
        JobEnd, LogSink, RunInputs, RunPluginRequest, RunReport, RunVerb, SecretPlaces, Waited, parse_secret,
        run_plugin,
    },
};
use assay_model::{limits, snapshot::Snapshot};
use camino::Utf8Path;
use serde_json::json;

use super::{absolute, failed, print_result, source_settings};
use crate::{
    error::CliError,
    exit,
    files::read_text,
    flags::plugin::author::RunFlags,
    printer::Printer,
    settings::{Environment, evidence_request, trust_root_settings},
    signals::listen_for_signals,
};

/// Runs the plugin and prints what it found; the exit code is the outcome.
pub(crate) fn run(
    flags: &RunFlags,
    is_talkative: bool,
    (env, cluster): (&Environment, &ClusterAccess),
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    let (interrupt, interrupts) = mpsc::channel();
    let interrupt = Mutex::new(interrupt);
    listen_for_signals(move || {
        // Nobody waits any more when the job has ended.
        let _sent = interrupt.lock().unwrap_or_else(PoisonError::into_inner).send(());
    })?;
    let wait = |time: Duration| match interrupts.recv_timeout(time) {
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Waited::Elapsed,
        Ok(()) => Waited::Interrupted,
    };
    let note = |line: &str| printer.note(line);
    let mut sources = source_settings(&flags.registries, env)?;
    sources.trust_root = trust_root_settings(flags.evidence.identity.trusted_root.as_deref(), env);
    let request = RunPluginRequest {
        verb: verb(flags)?,
        sources,
        saved: flags.from.clone(),
        evidence: evidence_request(&flags.evidence, env, cluster)?,
        events: flags.events.clone(),
        artifacts: flags.artifacts.clone(),
        store: flags.store.clone(),
        engine: engine.clone(),
        secrets: SecretPlaces { variable: &env.variable, cluster },
        log: is_talkative.then(|| Arc::new(move |line: &str| printer.error(line)) as LogSink),
        wait: &wait,
        note: &note,
    };
    let end = match run_plugin(&request) {
        Ok(end) => end,
        Err(error) => return failed(error, printer),
    };
    match end {
        JobEnd::Ended(report) => {
            let (text, code) = for_people(&report, printer)?;
            let json = serde_json::to_value(&report).map_err(|error| CliError::from_error(&error))?;
            print_result(printer, flags.format, &text, &json)?;
            Ok(code)
        }
        JobEnd::Interrupted { job, not_before } => {
            printer
                .error(&format!("interrupted: job {job} waits for its next call at {not_before:.0}; nothing is lost"));
            printer.error(&format!(
                "hint: `assay plugin run --resume {job}` goes on, `--cancel {job}` stops the remote job"
            ));
            print_result(printer, flags.format, "", &json!({"interrupted": true, "job": job}))?;
            Ok(exit::ERROR)
        }
    }
}

fn verb(flags: &RunFlags) -> Result<RunVerb, CliError> {
    if let Some(id) = &flags.resume {
        return Ok(RunVerb::Resume(id.clone()));
    }
    if let Some(id) = &flags.cancel {
        return Ok(RunVerb::Cancel(id.clone()));
    }
    let Some(plugin) = flags.plugin.clone() else {
        return Err(CliError::new("there is no plugin to run"));
    };
    let inputs = RunInputs {
        snapshot: flags.images.as_deref().map(snapshot).transpose()?,
        image: flags.image.clone(),
        params: flags.param.iter().map(|text| param(text)).collect::<Result<_, _>>()?,
        attempt: flags.attempt.get(),
        plugins: flags.plugins.as_deref().map(absolute).transpose()?,
        granted_as: None,
        is_dev: flags.dev,
        secrets: flags.secret.iter().map(|text| secret(text)).collect::<Result<_, _>>()?,
        record: flags.record.as_deref().map(absolute).transpose()?,
    };
    Ok(RunVerb::Run { plugin, inputs: Box::new(inputs) })
}

/// The text of a Snapshot that can be read.
fn snapshot(file: &Utf8Path) -> Result<String, CliError> {
    let text = read_text(file, "--images", limits::SNAPSHOT_BYTES)?;
    match Snapshot::parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(CliError::new(format!("{error} (`{file}`)"))),
    }
}

/// A secret, whose file another process finds, too.
fn secret(text: &str) -> Result<(String, String), CliError> {
    let (name, source) = parse_secret(text)?;
    match source.strip_prefix("file:") {
        Some(path) => Ok((name, format!("file:{}", absolute(Utf8Path::new(path))?))),
        None => Ok((name, source)),
    }
}

fn param(text: &str) -> Result<(String, String), CliError> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        CliError::new(format!("`--param {text}` is not NAME=VALUE")).hint("write `--param allow=MIT`")
    })?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What standard output shows, and the exit code. An error is printed at once.
fn for_people(report: &RunReport, printer: Printer) -> Result<(String, u8), CliError> {
    if let Some(error) = &report.error {
        let hint = error.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        printer.error(&format!("error: {} ({}){hint}", error.message, error.code));
        return Ok((String::new(), exit::ERROR));
    }
    if report.canceled {
        printer.note("the job is canceled");
        return Ok((String::new(), exit::SUCCESS));
    }
    for finding in report.findings.as_array().into_iter().flatten() {
        let text = |name: &str| finding[name].as_str().unwrap_or_default();
        if text("outcome") == "SUCCESS" {
            continue;
        }
        let subject = finding["subject"].as_str().map(|subject| format!(" ({subject})")).unwrap_or_default();
        printer.note(&format!("{} {}: {}{subject}", text("outcome"), text("code"), text("message")));
    }
    for artifact in &report.artifacts {
        printer.note(&format!("{}  {} bytes", artifact.name, artifact.size));
    }
    // A reporter has files and no verdict.
    let output = match &report.test_output {
        Some(output) => format!("{output}\n"),
        None => String::new(),
    };
    let code = match report.outcome.as_str() {
        "FAILURE" => exit::VIOLATIONS,
        "ERROR" => exit::ERROR,
        _ => exit::SUCCESS,
    };
    Ok((output, code))
}
