//! [`print()`]: a document about runs, for programs or for people, and [`show_text`], what is recorded of a run.

use std::fmt::Write as _;

use assay_gocompat::sanitize;
use assay_model::{
    outcome::Verdict,
    run::{Cause, RunDocument},
};
use serde::Serialize;

use super::fetch_policy::print_stdout;
use crate::{
    error::CliError,
    flags::runs::{RunsFormat, StoreFlags},
    printer::Printer,
};

/// Prints a document as JSON or as text, as the flags say.
pub(super) fn print<T: Serialize>(
    store: &StoreFlags,
    printer: Printer,
    document: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), CliError> {
    let text = match store.format {
        RunsFormat::Json => {
            let json = serde_json::to_string(document).map_err(|error| CliError::from_error(&error))?;
            json + "\n"
        }
        RunsFormat::Text => text(document),
    };
    print_stdout(printer, &text)
}

pub(super) const fn verdict_word(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        None => "-",
        Some(Verdict::Allowed) => "allowed",
        Some(Verdict::Denied) => "denied",
        Some(Verdict::Error) => "error",
    }
}

pub(super) fn show_text(run: &RunDocument) -> String {
    let mut text = String::new();
    let snapshot = sanitize::line(&run.snapshot);
    let _infallible = writeln!(
        text,
        "{}  {}  verdict {}  Snapshot {snapshot}",
        run.id,
        run.state.as_str(),
        verdict_word(run.verdict)
    );
    append_cause(&mut text, "  ", run.cause.as_ref(), run.next.as_deref());
    for scenario in &run.scenarios {
        let optional = if scenario.optional { " (optional)" } else { "" };
        let name = sanitize::line(&scenario.name);
        let _infallible = writeln!(text, "  {:<10} {name}{optional}", scenario.state.as_str());
        append_cause(&mut text, "             ", scenario.cause.as_ref(), scenario.next.as_deref());
        for task in &scenario.tasks {
            let attempts = match task.attempts.len() {
                0 | 1 => String::new(),
                count => format!(" ({count} attempts)"),
            };
            let name = sanitize::line(&task.name);
            let _infallible = writeln!(text, "    {:<10} {name}{attempts}", task.state.as_str());
            append_cause(&mut text, "               ", task.cause.as_ref(), task.next.as_deref());
        }
    }
    text
}

pub(super) fn append_cause(text: &mut String, indent: &str, cause: Option<&Cause>, next: Option<&str>) {
    let hint = cause.and_then(|cause| cause.hint.as_deref());
    for (head, line) in [("", cause.map(|cause| cause.message.as_str())), ("hint: ", hint), ("next: ", next)] {
        if let Some(line) = line {
            let _infallible = writeln!(text, "{indent}{head}{}", sanitize::line(line));
        }
    }
}
