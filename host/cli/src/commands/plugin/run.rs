//! `assay plugin run`: a task or a job of an adapter, once.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use assay_app::{
    PluginEngine,
    plugins::{JobEnd, LogSink, RunInputs, RunPluginRequest, RunReport, RunVerb, Waited, parse_secret, run_plugin},
};
use assay_model::{limits, snapshot::Snapshot};
use camino::Utf8Path;
use serde_json::json;

use super::{absolute, print_result};
use crate::{
    error::CliError, exit, files::read_text, flags::plugin::author::RunFlags, printer::Printer, settings::Environment,
    signals::listen_for_signals,
};

/// Runs the plugin and prints what it found; the exit code is the outcome.
pub(crate) fn run(
    flags: &RunFlags,
    is_talkative: bool,
    env: &Environment,
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
    let request = RunPluginRequest {
        verb: verb(flags)?,
        store: flags.store.clone(),
        engine: engine.clone(),
        variable: &env.variable,
        log: is_talkative.then(|| Arc::new(move |line: &str| printer.error(line)) as LogSink),
        wait: &wait,
        note: &note,
    };
    match run_plugin(&request)? {
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
    let Some(component) = flags.component.clone() else {
        return Err(CliError::new("there is no component to run"));
    };
    let inputs = RunInputs {
        snapshot: flags.images.as_deref().map(snapshot).transpose()?,
        image: flags.image.clone(),
        params: flags.param.iter().map(|text| param(text)).collect::<Result<_, _>>()?,
        attempt: flags.attempt.get(),
        plugins: flags.plugins.as_deref().map(absolute).transpose()?,
        is_dev: flags.dev,
        secrets: flags.secret.iter().map(|text| secret(text)).collect::<Result<_, _>>()?,
        record: flags.record.as_deref().map(absolute).transpose()?,
    };
    Ok(RunVerb::Run { component, inputs: Box::new(inputs) })
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
    let output = serde_json::to_string(&report.test_output).map_err(|error| CliError::from_error(&error))?;
    let code = match report.outcome.as_str() {
        "FAILURE" => exit::VIOLATIONS,
        "ERROR" => exit::ERROR,
        _ => exit::SUCCESS,
    };
    Ok((format!("{output}\n"), code))
}
