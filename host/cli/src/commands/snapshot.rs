//! `assay snapshot compose`.

use std::fmt::Write as _;

use assay_app::{
    ComposeSnapshotRequest, compose_snapshot,
    konflux::compose::{Build, ComposeRequest, Composed, Event, Mode, OwnerKind, Set, parse_build_start},
    policy_argument::read_file_or_text,
    read_build,
};
use assay_model::limits;

use super::{
    fetch_policy::print_stdout,
    import::{as_json, check_format, plain},
};
use crate::{error::CliError, exit, flags::snapshot::ComposeFlags, printer::Printer, settings::Environment};

/// Composes, and prints the Snapshot.
pub(crate) fn compose(flags: &ComposeFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    check_format(&flags.format)?;
    let builds = flags.build.iter().map(|build| read(build)).collect::<Result<Vec<_>, _>>()?;
    let request = ComposeSnapshotRequest {
        from: flags.from.clone(),
        request: parse_request(flags, &builds)?,
        builds,
        owner: match (&flags.application, &flags.component_group) {
            (Some(name), _) => Some((OwnerKind::Application, name.clone())),
            (None, Some(name)) => Some((OwnerKind::ComponentGroup, name.clone())),
            (None, None) => None,
        },
        store: flags.store.clone(),
        record: flags.record,
        started: env.now.as_millisecond(),
    };
    if request.record && request.store.is_none() {
        return Err(CliError::new("`--record` needs a store to write to").hint("add `--store DIR`"));
    }
    let (composed, notes) = compose_snapshot(&request)?;
    for note in notes {
        printer.warn(&note);
    }
    let text = if flags.format == "json" { as_json(&composed)? } else { as_text(&composed, flags.explain)? };
    print_stdout(printer, &text)?;
    Ok(exit::SUCCESS)
}

fn read(build: &str) -> Result<Build, CliError> {
    let (text, origin) = read_file_or_text(build, "--build", limits::SNAPSHOT_BYTES)?;
    Ok(read_build(&text, &origin.to_string())?)
}

/// What led to the builds, which is one thing. Only a group has pull requests of several repositories.
fn event(flags: &ComposeFlags, mode: Mode, builds: &[Build]) -> Result<Event, CliError> {
    let given = flags.pull_request.map(Event::PullRequest);
    let mut events = given.into_iter().chain(builds.iter().map(|build| build.event));
    let first = events.next().unwrap_or(Event::Push);
    let is_same = |event: Event| match (mode, first, event) {
        (Mode::Group, Event::PullRequest(_), Event::PullRequest(_)) => true,
        _ => event == first,
    };
    if !events.all(is_same) {
        return Err(CliError::new("the builds are of different pull requests, or of one and a push")
            .hint("compose a Snapshot for each, or give the images with --set"));
    }
    Ok(first)
}

fn parse_request(flags: &ComposeFlags, builds: &[Build]) -> Result<ComposeRequest, CliError> {
    let mode = Mode::parse(&flags.mode).ok_or_else(|| {
        CliError::new(format!("`--mode {}` is not a mode", flags.mode))
            .hint("the modes are component, group, override, coupled and commit")
    })?;
    let is_good_base = match flags.base.as_str() {
        "latest" => false,
        "good" => true,
        other => return Err(CliError::new(format!("`--base {other}` is not latest or good"))),
    };
    let build_start = match &flags.build_start {
        // The earliest: nothing that was built after it is replaced.
        None => builds.iter().filter_map(|build| build.started).min(),
        Some(text) => Some(parse_build_start(text).ok_or_else(|| {
            CliError::new(format!("`--build-start {text}` is not a time"))
                .hint("give seconds or milliseconds since 1970, such as 1785924930")
        })?),
    };
    let sets = flags.set.iter().map(|text| Set::parse(text)).collect::<Result<Vec<_>, _>>();
    let mut sets = sets.map_err(|error| CliError::new(format!("{error} (--set)")))?;
    sets.extend(builds.iter().map(|build| build.set.clone()));
    let event = event(flags, mode, builds)?;
    Ok(ComposeRequest { mode, event, sets, build_start, is_good_base })
}

/// The Snapshot as YAML would be two documents with the reasons, so the text is one or the other.
fn as_text(composed: &Composed, explain: bool) -> Result<String, CliError> {
    if !explain {
        return as_json(&composed.snapshot);
    }
    let mut text = format!("{}\n{}\n", composed.name, composed.id);
    for component in &composed.components {
        let version = if component.version.is_empty() { String::new() } else { format!("@{}", component.version) };
        let (name, image, reason) = (plain(&component.name), plain(&component.image), plain(&component.reason));
        let _infallible = writeln!(text, "  {name}{version}: {image} ({reason})");
    }
    for component in &composed.omitted {
        let _infallible = writeln!(text, "  {}: omitted: {}", plain(&component.name), plain(&component.reason));
    }
    Ok(text)
}
