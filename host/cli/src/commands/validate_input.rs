//! `assay validate input`: evaluates JSON and YAML documents that are not images.

use assay_app::{ClusterAccess, fetch_configuration, validate_input};
use assay_model::{
    error::{ErrorCode, EvaluationError},
    outcome::Verdict,
};

use super::{events::Printed, fetch_policy::print_stdout};
use crate::{
    error::CliError,
    exit, files,
    flags::input::ValidateInputFlags,
    printer::Printer,
    settings::{Environment, InputSettings, error_text, refuse_early, source_settings},
};

/// Evaluates, writes the reports, and returns the exit code.
pub(crate) fn run(
    flags: &ValidateInputFlags,
    env: &Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    refuse_early(flags)?;
    let sources = source_settings(&flags.sources, env)?;
    let events = Printed::new(printer);
    let policy = fetch_configuration(Some(flags.policy.clone()), &sources, cluster, &events)?.unwrap_or_default();
    let settings = InputSettings::new(flags, &policy, sources, env)?;
    for file in settings.outputs.iter().filter_map(|output| output.file.as_deref()) {
        files::check_place(file)?;
    }
    let run = validate_input(&settings.request, &events)?;
    let mut complete = true;
    let writes_reports = env.mode.writes_input_reports(run.verdict());
    for output in settings.outputs.iter().filter(|_| writes_reports) {
        let report = run.report(output.format, output.options).map_err(|error| CliError::from_error(&error))?;
        match &output.file {
            None => print_stdout(printer, &report)?,
            Some(file) => {
                if let Err(error) = files::write_whole(file, report.as_bytes()) {
                    printer.error(&format!("error: the report for {file} could not be written: {error}"));
                    complete = false;
                }
            }
        }
    }
    let verdict = run.verdict();
    match verdict {
        Verdict::Allowed => {}
        // `ec` says so even when it is to be quiet.
        Verdict::Denied if settings.strict && env.mode.is_ec() => {
            printer.error("Error: success criteria not met");
        }
        Verdict::Denied if settings.strict => printer.note("error: success criteria not met"),
        Verdict::Denied => {}
        Verdict::Error => {
            let lines: Vec<String> =
                run.files.iter().filter_map(|file| Some(line(file.path.as_str(), file.error.as_ref()?))).collect();
            printer.error(&error_text(env.mode, &format!("error: {}", lines.join("\n"))));
        }
    }
    Ok(if complete { exit::of(verdict, settings.strict) } else { exit::ERROR })
}

/// The words are `ec`'s.
fn line(path: &str, error: &EvaluationError) -> String {
    let doing = if error.code == ErrorCode::Malformed { "" } else { "evaluating policy: " };
    let message = error.message.strip_prefix(&format!("`{path}`: ")).unwrap_or(&error.message);
    format!("error validating file {path}: {doing}{message}")
}
