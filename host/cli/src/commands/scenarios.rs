//! `assay scenarios match`.

use std::fmt::Write as _;

use assay_app::{cached_scenarios, konflux::matching::Matches, match_scenarios, policy_argument::read_file_or_text};
use assay_model::{limits, snapshot::Snapshot};

use super::{
    events::Printed,
    fetch_policy::print_stdout,
    import::{as_json, check_format, plain},
    run_files,
};
use crate::{error::CliError, exit, flags::scenarios::MatchFlags, printer::Printer, settings::Environment};

/// Decides for each scenario, and prints why.
pub(crate) fn run(flags: &MatchFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    check_format(&flags.format)?;
    let (text, origin) = read_file_or_text(&flags.images, "--images", limits::SNAPSHOT_BYTES)?;
    let snapshot = Snapshot::parse(&text).map_err(|error| CliError::new(format!("{error} ({origin})")))?;
    let mut matches = match_scenarios(&flags.from, &snapshot, &flags.changed)?;
    if let Some(store) = &flags.store {
        let mut request = run_files::plain_request(&flags.sources, env)?;
        request.plan.paths.clone_from(&flags.from);
        request.plan.snapshot = Some(snapshot);
        request.plan.changed.clone_from(&flags.changed);
        request.store.clone_from(store);
        request.plugins.clone_from(&flags.plugins);
        request.is_dev = flags.dev;
        let cached = cached_scenarios(&request, &Printed::new(printer))?;
        for scenario in &mut matches.scenarios {
            scenario.cached_from = cached.get(&scenario.name).map(ToString::to_string);
        }
    }
    print_stdout(printer, &if flags.format == "json" { as_json(&matches)? } else { as_text(&matches) })?;
    Ok(exit::SUCCESS)
}

fn as_text(matches: &Matches) -> String {
    let mut text = String::new();
    for scenario in &matches.scenarios {
        let mark = if scenario.matched { "runs" } else { "does not run" };
        let optional = if scenario.optional { ", optional" } else { "" };
        let (name, reason) = (plain(&scenario.name), plain(&scenario.reason));
        let _infallible = writeln!(text, "{name}: {mark}{optional}: {reason}");
        if let Some(run) = &scenario.cached_from {
            let _infallible = writeln!(text, "  the result of {run} counts with --reuse");
        }
        if !scenario.after.is_empty() {
            let _infallible = writeln!(text, "  after {}", plain(&scenario.after.join(", ")));
        }
    }
    text
}
