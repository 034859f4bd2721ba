//! `assay import`: what becomes of every document.

use std::fmt::Write as _;

use assay_app::{
    import_files,
    konflux::{
        import::{DocumentReport, ImportReport, Status},
        issue::Issue,
    },
};

use super::fetch_policy::print_stdout;
use crate::{error::CliError, exit, flags::import::ImportFlags, printer::Printer};

/// Imports, and prints the report.
pub(crate) fn run(flags: &ImportFlags, printer: Printer) -> Result<u8, CliError> {
    check_format(&flags.format)?;
    let report = import_files(&flags.paths)?.report;
    print_stdout(printer, &if flags.format == "json" { as_json(&report)? } else { as_text(&report) })?;
    Ok(if report.is_rejected() { exit::USAGE } else { exit::SUCCESS })
}

/// Refuses a format that is neither `text` nor `json`.
pub(super) fn check_format(format: &str) -> Result<(), CliError> {
    if ["text", "json"].contains(&format) {
        return Ok(());
    }
    Err(CliError::new(format!("`--format {format}` is not text or json")))
}

/// A value as indented JSON.
pub(super) fn as_json(value: &impl serde::Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| CliError::from_error(&error))
}

fn as_text(report: &ImportReport) -> String {
    let mut text = String::new();
    let mut counts = [0_usize; 3];
    for document in &report.documents {
        let at = match document.status {
            Status::Accepted => 0,
            Status::Ignored => 1,
            Status::Rejected => 2,
        };
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
        write_document(&mut text, document);
    }
    let [accepted, ignored, rejected] = counts;
    let _infallible = writeln!(text, "{accepted} accepted, {ignored} ignored, {rejected} rejected");
    text
}

fn write_document(text: &mut String, document: &DocumentReport) {
    let issues = &document.issues;
    // A folder has many documents of others.
    if document.status == Status::Ignored && issues.warnings.is_empty() {
        return;
    }
    let status = match document.status {
        Status::Accepted if document.runs_on_tekton => "accepted, runs on Tekton",
        Status::Accepted => "accepted",
        Status::Ignored => "ignored",
        Status::Rejected => "rejected",
    };
    let name = [document.kind.as_str(), document.name.as_str()].join(" ");
    let _infallible = writeln!(text, "{}:{}: {}: {status}", plain(&document.file), document.line, plain(name.trim()));
    for (word, issues) in [("error", &issues.errors), ("warning", &issues.warnings)] {
        for issue in issues {
            write_issue(text, word, issue);
        }
    }
}

fn write_issue(text: &mut String, word: &str, issue: &Issue) {
    let place = if issue.path.is_empty() { String::new() } else { format!("{}: ", issue.path) };
    let suggestion = if issue.suggestion.is_empty() { String::new() } else { format!(" ({})", issue.suggestion) };
    let _infallible = writeln!(text, "  {word}: {place}{}{suggestion}", issue.message);
}

/// Text from outside on a terminal.
pub(super) fn plain(text: &str) -> String {
    assay_gocompat::sanitize::lines(text).to_string()
}
