//! `assay evidence`: collects, lists and checks evidence archives.

use std::{fmt::Write as _, sync::Arc};

use assay_app::{ClusterAccess, collect_evidence, fetch_configuration, fetch_extra_data, open_evidence};
use assay_model::event::StopReason;
use assay_oci::{ArchiveError, EvidenceRecord, EvidenceRecorder, LayoutError, verify_archive, write_archive};
use camino::Utf8Path;
use serde_json::json;

use super::{events::Printed, fetch_policy::print_stdout};
use crate::{
    error::CliError,
    exit, files,
    flags::evidence::{CollectFlags, EvidenceCommand, InspectArchiveFlags, ListFormat, VerifyArchiveFlags},
    printer::Printer,
    settings::{Environment, ImageSettings, source_settings},
};

/// Carries out a command. An error is a request that cannot be carried out.
pub(crate) fn run(
    command: EvidenceCommand,
    env: Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    match command {
        EvidenceCommand::Collect(flags) => collect(*flags, env, cluster, printer),
        EvidenceCommand::Inspect(flags) => inspect(&flags, printer),
        EvidenceCommand::Verify(flags) => verify(&flags, printer),
    }
}

fn collect(flags: CollectFlags, env: Environment, cluster: &ClusterAccess, printer: Printer) -> Result<u8, CliError> {
    let (mut flags, file) = flags.into_image_flags();
    if flags.input.evidence.is_some() {
        return Err(CliError::new("`--evidence`: evidence is collected from registries, not from a layout")
            .hint("remove the flag, and unset `ASSAY_EVIDENCE`"));
    }
    files::check_place(&file)?;
    let events = Printed::new(printer);
    // Below the folder that goes when the process ends.
    let recorder = EvidenceRecorder::new(&tempfile::env::temp_dir())
        .map_err(|error| CliError::new(format!("a temporary directory cannot be created: {error}")))?;
    let recorder = Arc::new(recorder);
    let cluster = cluster.recorded(&recorder);
    let mut sources = source_settings(&flags.sources, &env)?;
    sources.registries.recorder = Some(Arc::clone(&recorder));
    flags.policy.policy = fetch_configuration(flags.policy.policy, &sources, &cluster, &events)?;
    fetch_extra_data(&mut flags.policy.extra_rule_data, &sources, &events)?;
    let ImageSettings { mut request, .. } = ImageSettings::new(flags, env, &cluster)?;
    request.sources.registries.recorder = Some(Arc::clone(&recorder));
    let collected = collect_evidence(request, &events)?;
    for (name, error) in &collected.failed {
        let hint = error.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        printer.error(&format!("error: the evidence of `{name}` could not be collected: {error}{hint}"));
    }
    let (failed, all) = (collected.failed.len(), collected.components);
    let why = match collected.stopped {
        Some(StopReason::Deadline) => "the time limit passed".to_owned(),
        Some(StopReason::Interrupted) => "interrupted".to_owned(),
        None if failed > 0 => format!("the evidence of {failed} of {all} components could not be collected"),
        None => {
            let written = files::write_streamed(&file, |to| write_archive(&recorder, to));
            return Ok(match written {
                Ok(record) => {
                    let (count, bytes) = record.totals();
                    let components = if all == 1 { "component" } else { "components" };
                    printer.note(&format!(
                        "note: {file} has the evidence of {all} {components}: {count} contents, {bytes} bytes"
                    ));
                    exit::SUCCESS
                }
                Err(error) => {
                    printer.error(&format!("error: the archive `{file}` could not be written: {error}"));
                    exit::ERROR
                }
            });
        }
    };
    printer.error(&format!("error: no archive is written: {why}"));
    Ok(exit::ERROR)
}

fn inspect(flags: &InspectArchiveFlags, printer: Printer) -> Result<u8, CliError> {
    let layout = open_evidence(&flags.file)?;
    let archive = layout.archive().ok_or_else(|| not_an_archive(&flags.file))?;
    let record = archive.record();
    let text = match flags.output {
        ListFormat::Json => {
            let (count, bytes) = record.totals();
            let document = json!({"contents": count, "bytes": bytes, "record": record});
            format!("{document:#}\n")
        }
        ListFormat::Text => list(record),
    };
    print_stdout(printer, &text)?;
    Ok(exit::SUCCESS)
}

fn verify(flags: &VerifyArchiveFlags, printer: Printer) -> Result<u8, CliError> {
    let file = &flags.file;
    match verify_archive(file.as_std_path()) {
        Ok(record) => {
            let (count, bytes) = record.totals();
            print_stdout(
                printer,
                &format!("{file}: every byte is as it was written ({count} contents, {bytes} bytes)\n"),
            )?;
            Ok(exit::SUCCESS)
        }
        Err(ArchiveError::NotAnArchive(_)) => Err(not_an_archive(file)),
        Err(error @ (ArchiveError::Unreadable { .. } | ArchiveError::Layout(LayoutError::Unreadable { .. }))) => {
            Err(CliError::from_error(&error).hint("pass a file that `assay evidence collect` wrote"))
        }
        Err(error) => {
            printer.error(&format!("{}\nhint: copy or collect it again", CliError::from_error(&error).text()));
            Ok(exit::VIOLATIONS)
        }
    }
}

fn not_an_archive(file: &Utf8Path) -> CliError {
    CliError::new(format!("`{file}` is not an evidence archive"))
        .hint("pass a file that `assay evidence collect` wrote")
}

/// The record for people.
fn list(record: &EvidenceRecord) -> String {
    let mut text = String::new();
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            // Writing to a String cannot fail.
            let _infallible = writeln!(text, "{title}:");
            for line in lines {
                let _infallible = writeln!(text, "  {}", sanitized(&line));
            }
        }
    };
    let mut repositories = Vec::new();
    for (repository, answers) in &record.repositories {
        let (tags, manifests, blobs) = (answers.tags.len(), answers.manifests.len(), answers.blobs.len());
        repositories.push(format!("{repository}: tags {tags}, manifests {manifests}, blobs {blobs}"));
        for (tag, answer) in &answers.tags {
            let digest = answer.found().map_or_else(|| "absent".to_owned(), ToString::to_string);
            repositories.push(format!("  {tag}: {digest}"));
        }
    }
    section("Repositories", repositories);
    let commits = record.git.iter().flat_map(|(address, references)| {
        references.iter().map(move |(reference, answer)| {
            let reference = if reference.is_empty() { "HEAD" } else { reference };
            format!("{address} {reference}: {}", answer.commit)
        })
    });
    section("Git repositories", commits.collect());
    for (title, contents) in
        [("Files", &record.files), ("Cluster objects", &record.cluster), ("Plugins", &record.plugins)]
    {
        section(title, contents.iter().map(|(name, content)| format!("{name}: {}", content.digest)).collect());
    }
    section("Trust root", record.trust_root.iter().map(|root| root.digest.to_string()).collect());
    let (count, bytes) = record.totals();
    let _infallible = writeln!(text, "Contents: {count}, {bytes} bytes");
    text
}

/// Text of an archive, which anyone may have written, for a terminal.
fn sanitized(line: &str) -> String {
    assay_gocompat::sanitize::line(line).into_owned()
}
