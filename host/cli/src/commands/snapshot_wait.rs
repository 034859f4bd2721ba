//! `assay snapshot wait`.

use std::fmt::Write as _;

use assay_app::{
    ClusterAccess, WaitReport, WaitRequest, WaitState, policy_argument::read_file_or_text, wait_for_signatures,
};
use assay_gocompat::sanitize;
use assay_model::{limits, snapshot::Snapshot};

use super::fetch_policy::print_stdout;
use crate::{
    error::CliError,
    exit,
    flags::{snapshot::WaitFlags, verify::VerifyFormat},
    printer::Printer,
    settings::{Environment, parse_timeout, wait_verification},
};

/// Waits, says of each change what is missing, and prints what came of it.
pub(crate) fn run(
    flags: &WaitFlags,
    env: &Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    let (text, origin) = read_file_or_text(&flags.images, "--images", limits::SNAPSHOT_BYTES)?;
    let snapshot = Snapshot::parse(&text).map_err(|error| CliError::new(format!("{error} ({origin})")))?;
    let duration = |flag: &str, text: &str| {
        parse_timeout(text).ok().flatten().ok_or_else(|| {
            CliError::new(format!("`--{flag} {text}` is not a duration")).hint("use one such as 90s, 5m or 1h30m")
        })
    };
    let request = WaitRequest {
        snapshot,
        verify: wait_verification(flags, env, cluster)?,
        limit: duration("limit", &flags.limit)?,
        interval: duration("interval", &flags.interval)?,
    };
    let mut said = None;
    let report = wait_for_signatures(&request, &mut |report| {
        let missing = missing(report);
        if report.state != WaitState::Signed && said.as_ref() != Some(&missing) {
            printer.note(&format!("note: {}", report.summary));
            said = Some(missing);
        }
    })?;
    let text = match flags.signer.output {
        VerifyFormat::Json => serde_json::to_string(&report).map_err(|error| CliError::from_error(&error))? + "\n",
        VerifyFormat::Text => as_text(&report),
    };
    print_stdout(printer, &text)?;
    Ok(match report.state {
        WaitState::Signed => exit::SUCCESS,
        WaitState::Invalid => exit::VIOLATIONS,
        WaitState::Waiting | WaitState::Unreadable => exit::ERROR,
    })
}

/// What is not there yet.
fn missing(report: &WaitReport) -> Vec<(String, WaitState, WaitState)> {
    let states = |one: &assay_app::WaitComponent| (one.name.clone(), one.signature.state, one.attestation.state);
    report.components.iter().map(states).filter(|(_, one, other)| *one.max(other) != WaitState::Signed).collect()
}

fn as_text(report: &WaitReport) -> String {
    let mut text = String::new();
    let word = |state: WaitState| match state {
        WaitState::Signed => "signed",
        WaitState::Waiting => "waiting",
        WaitState::Unreadable => "unreadable",
        WaitState::Invalid => "invalid",
    };
    for one in &report.components {
        let name = sanitize::line(&one.name);
        for (what, part) in [("signature", &one.signature), ("attestation", &one.attestation)] {
            let why = if part.message.is_empty() { String::new() } else { format!(": {}", part.message) };
            let _infallible = writeln!(text, "{:<10} {name} {what}{}", word(part.state), sanitize::line(&why));
        }
    }
    text + &report.summary + "\n"
}
