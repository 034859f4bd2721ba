//! `assay plugin run`: a task, once.

use std::sync::Arc;

use assay_app::{
    PluginEngine,
    plugins::{PluginRun, RunPluginRequest, run_plugin},
};
use assay_model::{digest::Digest, limits, snapshot::Snapshot};
use serde_json::{Map, Value, json};

use super::{load_file, print_result};
use crate::{
    error::CliError, exit, files::read_text, flags::plugin::author::RunFlags, printer::Printer, settings::Environment,
};

/// Runs the task and prints what it found; the exit code is the outcome.
pub(crate) fn run(
    flags: &RunFlags,
    is_talkative: bool,
    env: &Environment,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    let request = RunPluginRequest {
        snapshot: snapshot(flags)?,
        params: flags.param.iter().map(|text| param(text)).collect::<Result<_, _>>()?,
        attempt: flags.attempt.get(),
        now: env.now,
        log: is_talkative.then(|| Arc::new(move |line: &str| printer.error(line)) as Arc<dyn Fn(&str) + Send + Sync>),
    };
    let (plugin, _) = load_file(&flags.component, engine)?;
    let run = run_plugin(&plugin, &request)?;
    let (text, code) = match &run.result {
        Ok((verdict, _)) => {
            let output = serde_json::to_string(&verdict.test_output()).map_err(|error| CliError::from_error(&error))?;
            let code = match verdict.outcome.as_str() {
                "FAILURE" => exit::VIOLATIONS,
                "ERROR" => exit::ERROR,
                _ => exit::SUCCESS,
            };
            (format!("{output}\n"), code)
        }
        Err(error) => {
            let hint = error.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            printer.error(&format!("error: {} ({}){hint}", error.message, error.code.as_str()));
            (String::new(), exit::ERROR)
        }
    };
    print_result(printer, flags.format, &text, &as_json(&run)?)?;
    Ok(code)
}

fn snapshot(flags: &RunFlags) -> Result<Option<(Snapshot, Arc<str>)>, CliError> {
    if let Some(image) = &flags.image {
        return Ok(Some((Snapshot::of_image(image), Arc::from(""))));
    }
    let Some(file) = &flags.images else { return Ok(None) };
    let (text, origin) = (read_text(file, "--images", limits::SNAPSHOT_BYTES)?, format!("`{file}`"));
    let snapshot = Snapshot::parse(&text).map_err(|error| CliError::new(format!("{error} ({origin})")))?;
    Ok(Some((snapshot, Arc::from(text))))
}

fn param(text: &str) -> Result<(String, String), CliError> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        CliError::new(format!("`--param {text}` is not NAME=VALUE")).hint("write `--param allow=MIT`")
    })?;
    Ok((name.to_owned(), value.to_owned()))
}

fn as_json(run: &PluginRun) -> Result<Value, CliError> {
    let value = |value: serde_json::Result<Value>| value.map_err(|error| CliError::from_error(&error));
    let usage = value(serde_json::to_value(run.usage))?;
    Ok(match &run.result {
        Ok((verdict, artifacts)) => {
            let results: Map<String, Value> =
                verdict.results.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let artifacts: Vec<Value> = artifacts
                .iter()
                .map(|artifact| {
                    let digest = Digest::of(&artifact.bytes).to_string();
                    let (name, size) = (&artifact.name, artifact.bytes.len());
                    json!({"name": name, "media_type": artifact.media_type, "size": size, "digest": digest})
                })
                .collect();
            json!({
                "outcome": verdict.outcome.as_str(),
                "test_output": value(serde_json::to_value(verdict.test_output()))?,
                "findings": value(serde_json::to_value(&verdict.findings))?,
                "results": results,
                "artifacts": artifacts,
                "error": null,
                "usage": usage,
            })
        }
        Err(error) => json!({
            "outcome": "ERROR",
            "test_output": null,
            "findings": [],
            "results": {},
            "artifacts": [],
            "error": {"code": error.code.as_str(), "message": error.message, "hint": error.hint},
            "usage": usage,
        }),
    })
}
