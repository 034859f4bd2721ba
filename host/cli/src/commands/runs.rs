//! `assay runs`: what is recorded of runs.

use std::{fmt::Write as _, time::Duration};

use assay_app::{
    CanceledRun, ClusterAccess, RecordedRuns, RequestError, Retention, RunExplanation, cancel_run, collect_runs,
    pin_run,
};
use assay_gocompat::sanitize;
use assay_model::{
    port::{LogPart, Wakeup},
    run::{RunId, RunList, TaskId},
};
use serde::Serialize;

use super::{
    fetch_policy::print_stdout,
    orphans, run_files,
    run_text::{append_cause, print, show_text, verdict_word},
};
use crate::{
    error::CliError,
    exit,
    flags::runs::{CancelFlags, GcFlags, ListFlags, LogsFlags, PinFlags, RunFlags, RunsCommand, RunsFormat},
    printer::Printer,
    settings::{Environment, parse_timeout},
};

/// What is read of a log at a time.
const PART_BYTES: usize = 64 << 10;

/// How long is waited before a log is looked at again.
const LOOK: Duration = Duration::from_millis(200);

/// Carries out one of the commands.
pub(crate) fn run(
    command: &RunsCommand,
    (env, cluster): (&Environment, &ClusterAccess),
    printer: Printer,
) -> Result<u8, CliError> {
    match command {
        RunsCommand::Rerun(flags) => return run_files::rerun(&parse_id(&flags.id)?, flags, (env, cluster), printer),
        RunsCommand::Orphans(flags) => return orphans::run(flags, (env, cluster), printer),
        RunsCommand::List(flags) => list(flags, printer),
        RunsCommand::Show(flags) => show(flags, printer),
        RunsCommand::Logs(flags) => logs(flags, printer),
        RunsCommand::Explain(flags) => explain(flags, printer),
        RunsCommand::Cancel(flags) => cancel(flags, printer),
        RunsCommand::Pin(flags) => pin(flags, printer),
        RunsCommand::Gc(flags) => gc(flags, printer),
    }?;
    Ok(exit::SUCCESS)
}

fn parse_id(text: &str) -> Result<RunId, CliError> {
    let parsed: Result<RunId, _> = text.parse();
    parsed.map_err(|error| CliError::new(error.to_string()).hint("list the runs with `assay runs list`"))
}

fn list(flags: &ListFlags, printer: Printer) -> Result<(), CliError> {
    let runs = RecordedRuns::open(&flags.store.store)?;
    let page = runs.list(flags.after.as_deref(), usize::from(flags.limit))?;
    print(&flags.store, printer, &page, list_text)
}

fn list_text(page: &RunList) -> String {
    let mut text = format!("{:<24} {:<10} {:<8} {:<20} SNAPSHOT\n", "ID", "STATE", "VERDICT", "STARTED");
    for run in &page.runs {
        let started = run.started.strftime("%Y-%m-%dT%H:%M:%SZ");
        let (state, verdict, snapshot) = (run.state.as_str(), verdict_word(run.verdict), sanitize::line(&run.snapshot));
        let _infallible = writeln!(text, "{:<24} {state:<10} {verdict:<8} {started:<20} {snapshot}", run.id.as_str());
    }
    if let Some(next) = &page.next {
        let _infallible = writeln!(text, "more with --after {next}");
    }
    text
}

fn show(flags: &RunFlags, printer: Printer) -> Result<(), CliError> {
    let id = parse_id(&flags.id)?;
    let document = RecordedRuns::open(&flags.store.store)?.document(&id)?;
    print(&flags.store, printer, &document, show_text)
}

fn explain(flags: &RunFlags, printer: Printer) -> Result<(), CliError> {
    let id = parse_id(&flags.id)?;
    let explanation = RecordedRuns::open(&flags.store.store)?.explain(&id)?;
    print(&flags.store, printer, &explanation, explain_text)
}

fn explain_text(explanation: &RunExplanation) -> String {
    let mut text = format!("{}\n", sanitize::line(&explanation.summary));
    for reason in &explanation.reasons {
        let task = reason.task.as_ref().map(|task| format!("/{task}")).unwrap_or_default();
        let name = format!("{}{task}", reason.scenario);
        let optional = if reason.optional { " (optional)" } else { "" };
        let since = reason.since.as_ref().map(|since| format!(", since {since}")).unwrap_or_default();
        let state = reason.state.as_str();
        let _infallible = writeln!(text, "{}{optional}: {state}{since}", sanitize::line(&name));
        append_cause(&mut text, "  ", reason.cause.as_ref(), reason.next.as_deref());
    }
    text
}

/// Part of a log, for programs.
#[derive(Serialize)]
struct LogDocument<'a> {
    scenario: &'a str,
    task: &'a str,
    offset: u64,
    next: u64,
    complete: bool,
    text: String,
}

fn logs(flags: &LogsFlags, printer: Printer) -> Result<(), CliError> {
    let id = parse_id(&flags.id)?;
    let runs = RecordedRuns::open(&flags.store.store)?;
    let tasks = runs.tasks(&id, flags.task.as_deref())?;
    let is_headed = tasks.len() > 1 && flags.store.format == RunsFormat::Text;
    let nothing = Wakeup::default();
    for task in &tasks {
        if is_headed {
            print_stdout(printer, &format!("==> {} <==\n", sanitize::line(&task.to_string())))?;
        }
        let mut offset = flags.offset;
        loop {
            let part = runs.log(&id, task, offset, PART_BYTES)?;
            let (next, is_complete, is_empty) = (part.next, part.is_complete, part.bytes.is_empty());
            if !is_empty || is_complete {
                print_part(flags, printer, task, offset, &part)?;
            }
            offset = next;
            if is_complete || is_empty && !flags.follow {
                break;
            }
            if is_empty {
                nothing.wait_at_most(0, LOOK);
            }
        }
    }
    Ok(())
}

/// A log is printed as it is to a program that reads it; what a terminal would obey is made harmless.
fn print_part(flags: &LogsFlags, printer: Printer, task: &TaskId, offset: u64, part: &LogPart) -> Result<(), CliError> {
    let text = String::from_utf8_lossy(&part.bytes);
    let text = match flags.store.format {
        RunsFormat::Text => sanitize::lines(&text).into_owned(),
        RunsFormat::Json => {
            let document = LogDocument {
                scenario: &task.scenario,
                task: &task.task,
                offset,
                next: part.next,
                complete: part.is_complete,
                text: text.into_owned(),
            };
            serde_json::to_string(&document).map_err(|error| CliError::from_error(&error))? + "\n"
        }
    };
    print_stdout(printer, &text)
}

fn cancel(flags: &CancelFlags, printer: Printer) -> Result<(), CliError> {
    let id = parse_id(&flags.id)?;
    let outcome = cancel_run(&flags.store.store, &id, &flags.reason)?;
    let document = serde_json::json!({"id": id, "outcome": outcome});
    print(&flags.store, printer, &document, |_| match outcome {
        CanceledRun::Requested => format!("the process that runs {id} was requested to cancel it\n"),
        CanceledRun::Canceled => format!("{id} is canceled\n"),
        CanceledRun::AlreadyEnded => format!("{id} had ended before\n"),
    })
}

fn pin(flags: &PinFlags, printer: Printer) -> Result<(), CliError> {
    let id = parse_id(&flags.id)?;
    pin_run(&flags.store.store, &id, !flags.remove)?;
    let document = serde_json::json!({"id": id, "pinned": !flags.remove});
    print(&flags.store, printer, &document, |_| {
        if flags.remove { format!("{id} is not pinned\n") } else { format!("{id} is pinned\n") }
    })
}

fn gc(flags: &GcFlags, printer: Printer) -> Result<(), CliError> {
    let max_age = flags.max_age.as_deref().map_or(Ok(None), parse_timeout)?;
    if max_age.is_none() && flags.max_count.is_none() {
        let error = CliError::from(RequestError::new("nothing says what is to be removed"));
        return Err(error.hint("pass --max-age, --max-count or both"));
    }
    let retention = Retention { max_age, max_count: flags.max_count };
    let collected = collect_runs(&flags.store.store, retention, flags.dry_run)?;
    let verb = if flags.dry_run { "would remove" } else { "removed" };
    print(&flags.store, printer, &collected, |collected| {
        let mut text = String::new();
        for run in &collected.runs {
            let _infallible = writeln!(text, "{verb} {run}");
        }
        let _infallible = writeln!(
            text,
            "{verb} {} runs, {} Snapshots and {} files of {} bytes",
            collected.runs.len(),
            collected.snapshots.len(),
            collected.blobs,
            collected.bytes
        );
        text
    })
}
