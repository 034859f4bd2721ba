//! `assay scenarios match`.

use std::fmt::Write as _;

use assay_app::{konflux::matching::Matches, match_scenarios, policy_argument::read_file_or_text};
use assay_model::{limits, snapshot::Snapshot};

use super::{
    fetch_policy::print_stdout,
    import::{as_json, check_format, plain},
};
use crate::{error::CliError, exit, flags::scenarios::MatchFlags, printer::Printer};

/// Decides for each scenario, and prints why.
pub(crate) fn run(flags: &MatchFlags, printer: Printer) -> Result<u8, CliError> {
    check_format(&flags.format)?;
    let (text, origin) = read_file_or_text(&flags.images, "--images", limits::SNAPSHOT_BYTES)?;
    let snapshot = Snapshot::parse(&text).map_err(|error| CliError::new(format!("{error} ({origin})")))?;
    let matches = match_scenarios(&flags.from, &snapshot, &flags.changed)?;
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
        if !scenario.after.is_empty() {
            let _infallible = writeln!(text, "  after {}", plain(&scenario.after.join(", ")));
        }
    }
    text
}
