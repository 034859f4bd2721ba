//! `assay runs orphans`: jobs of third parties that no run waits for any more.

use std::fmt::Write as _;

use assay_app::{ClusterAccess, OrphanOutcome, Orphans, OrphansRequest, find_orphans};
use assay_gocompat::sanitize;

use super::{
    events::Printed,
    run_files::{parse_snapshot, plain_request, set_evidence, set_plugins},
    run_text::print,
};
use crate::{error::CliError, exit, flags::runs::OrphansFlags, printer::Printer, settings::Environment};

/// Looks for them, and prints what was found.
pub(super) fn run(
    flags: &OrphansFlags,
    (env, cluster): (&Environment, &ClusterAccess),
    printer: Printer,
) -> Result<u8, CliError> {
    let mut run = plain_request(&flags.sources, env)?;
    run.plan.paths.clone_from(&flags.paths);
    run.plan.snapshot = flags.images.as_deref().map(parse_snapshot).transpose()?;
    run.plan.scenarios.clone_from(&flags.scenario);
    run.plan.changed.clone_from(&flags.changed);
    run.store.clone_from(&flags.store.store);
    set_plugins(&mut run, &flags.list);
    set_evidence(&mut run, &flags.evidence, env, cluster)?;
    let request =
        OrphansRequest { run, plugin: flags.plugin.clone(), is_canceled: flags.cancel, reruns: flags.reruns.into() };
    let found = find_orphans(&request, &Printed::new(printer))?;
    print(&flags.store, printer, &found, text)?;
    let is_left = found.orphans.iter().any(|orphan| orphan.outcome == OrphanOutcome::NotCanceled);
    Ok(if is_left || !found.unknown.is_empty() { exit::ERROR } else { exit::SUCCESS })
}

fn text(found: &Orphans) -> String {
    let mut text = String::new();
    for orphan in &found.orphans {
        let outcome = match orphan.outcome {
            OrphanOutcome::Running => "running",
            OrphanOutcome::Canceled => "canceled",
            OrphanOutcome::NotCanceled => "not canceled",
        };
        let place = orphan.url.as_deref().or(orphan.id.as_deref()).unwrap_or(&orphan.key);
        let (task, native) = (orphan.task.to_string(), sanitize::line(&orphan.native));
        let _infallible = writeln!(
            text,
            "{outcome:<12} {} of {}: `{native}` at {}",
            sanitize::line(&task),
            orphan.run,
            sanitize::line(place)
        );
        if let Some(message) = &orphan.message {
            let _infallible = writeln!(text, "             {}", sanitize::line(message));
        }
    }
    for unknown in &found.unknown {
        let task = unknown.task.to_string();
        let _infallible = writeln!(
            text,
            "unknown      {} of {}: {}",
            sanitize::line(&task),
            unknown.run,
            sanitize::line(&unknown.message)
        );
    }
    let _infallible = writeln!(
        text,
        "{} jobs of `{}` were looked for, {} orphans were found",
        found.looked_for,
        sanitize::line(&found.plugin),
        found.orphans.len()
    );
    text
}
