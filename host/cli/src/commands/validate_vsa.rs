//! `assay validate vsa`: whether attestations of earlier validations (VSAs) stand for an evaluation, and the evaluation of what has
//! none, if that is wanted.

use std::{io, str::FromStr};

use assay_app::{
    ClusterAccess, ValidateImageRequest, fetch_configuration, fetch_extra_data, open_evidence,
    vsa::{CheckedVsa, ValidateVsasRequest, validate_vsas},
};
use assay_model::{outcome::Verdict, snapshot::Snapshot};
use assay_report::Format;
use camino::Utf8PathBuf;

use super::{
    events::Printed,
    fetch_policy::print_stdout,
    validate_image::run_for_texts,
    vsa_report::{Fallback, VsaReport},
};
use crate::{
    error::CliError,
    exit, files,
    flags::{go, validate_vsa::ValidateVsaFlags},
    printer::Printer,
    settings::{Environment, ImageSettings, load_vsa_key, refuse_skipped_checks, source_settings, vsa_places},
};

/// A form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VsaFormat {
    Text,
    Json,
    Yaml,
    Status,
}

impl FromStr for VsaFormat {
    type Err = CliError;

    fn from_str(name: &str) -> Result<Self, CliError> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            "status" => Ok(Self::Status),
            other => Err(CliError::new(format!("`--output {other}`: it is not a report about VSAs"))
                .hint("use text, json, yaml or status")),
        }
    }
}

/// Checks, evaluates what is left if that is wanted, writes the reports, and gives the exit code.
pub(crate) fn run(
    mut flags: ValidateVsaFlags,
    env: Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    let mode = env.mode;
    let events = Printed::new(printer);
    let places = vsa_places(&mut flags, mode)?;
    let policy_name = flags.policy.policy.clone().unwrap_or_default();
    let snapshot_name = flags.input.images.clone().filter(|text| !text.is_empty());
    let (mut image_flags, _, report) = flags.into_parts();
    refuse_skipped_checks(&image_flags)?;
    let outputs = parse_outputs(&report.output)?;
    for (_, file) in &outputs {
        file.as_deref().map_or(Ok(()), files::check_place)?;
    }
    if mode.is_ec() {
        // As there, an evaluation in place of a VSA looks for no log.
        image_flags.trust.ignore_rekor = true;
    }
    let layout = image_flags.input.evidence.as_deref().map(open_evidence).transpose()?;
    let archived = layout.as_ref().map(|layout| ClusterAccess::of_evidence(layout, mode));
    let cluster = archived.as_ref().unwrap_or(cluster);
    let key = load_vsa_key(&places, &env, cluster)?;
    let mut sources = source_settings(&image_flags.sources, &env)?.offline(layout.is_some());
    sources.registries.layout.clone_from(&layout);
    image_flags.policy.policy = fetch_configuration(image_flags.policy.policy, &sources, cluster, &events)?;
    fetch_extra_data(&mut image_flags.policy.extra_rule_data, &sources, &events)?;
    let workers = image_flags.run.workers.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| "5".to_owned());
    let ImageSettings { mut request, outputs: evaluation, .. } = ImageSettings::new(image_flags, env, cluster)?;
    request.sources.registries.layout = layout;
    if key.is_none() {
        printer.warn("nobody verifies who signed the VSAs");
    }
    if mode.is_ec() {
        let about = snapshot_name.map_or_else(
            || format!("Validating VSA: {}", places.identifier),
            |name| format!("Validating VSAs from snapshot: {name}"),
        );
        let count = request.snapshot.components.len();
        let parallel = format!("=== Processing Components in Parallel ({workers} workers) ===");
        let found = format!("Found {count} components in snapshot");
        let lines = [about, format!("Policy: {policy_name}"), found, parallel].map(|line| format!("[INFO] {line}\n"));
        print_stdout(printer, &lines.concat())?;
    }
    let request = ValidateVsasRequest {
        image: request,
        files: places.files.clone(),
        folders: places.folders.clone(),
        key,
        expiration: places.expiration,
        now: env.now,
    };
    let mut checked = validate_vsas(&request, &events)?;
    checked.sort_by(|one, other| one.component.name.cmp(&other.component.name));
    let options = evaluation.first().map(|output| output.options).unwrap_or_default();
    let fallback = if places.falls_back { evaluate(&request.image, &checked, options, &events)? } else { None };
    let strict = report.strict;
    let report = VsaReport {
        mode,
        now: env.now,
        signatures_verified: request.key.is_some(),
        checked: &checked,
        fallback: fallback.as_ref(),
    };
    let verdict = report.verdict();
    let is_written = write(&report, &outputs, printer);
    if mode.is_ec() && verdict != Verdict::Allowed && strict {
        let failed: Vec<String> = report.failures();
        let count = failed.len();
        printer.error(&format!("Error: snapshot validation failed for {count} components: {}", failed.join("\n")));
    } else if !mode.is_ec() {
        for failure in report.failures() {
            printer.note(&format!("{}: {failure}", if strict { "error" } else { "note" }));
        }
    }
    Ok(if is_written { exit::of(verdict, strict) } else { exit::ERROR })
}

/// `--output FORMAT[=FILE]`. What `ec` takes after `?` says nothing here.
fn parse_outputs(flags: &[String]) -> Result<Vec<(VsaFormat, Option<Utf8PathBuf>)>, CliError> {
    let mut wanted = go::slice(flags).map_err(|error| CliError::new(format!("`--output`: {error}")))?;
    wanted.retain(|text| !text.is_empty());
    if wanted.is_empty() {
        wanted.push("text".to_owned());
    }
    let parse = |text: &String| {
        let target = text.split_once('?').map_or(text.as_str(), |(target, _)| target);
        let (format, file) = target.split_once('=').unwrap_or((target, ""));
        Ok((format.parse()?, Some(file).filter(|file| !file.is_empty()).map(Utf8PathBuf::from)))
    };
    wanted.iter().map(parse).collect()
}

/// Evaluates the images without a VSA that counts; none if there are none.
fn evaluate(
    request: &ValidateImageRequest,
    checked: &[CheckedVsa],
    options: assay_report::Options,
    events: &Printed,
) -> Result<Option<Fallback>, CliError> {
    let components: Vec<_> = checked.iter().filter(|one| !one.passed()).map(|one| one.component.clone()).collect();
    if components.is_empty() {
        return Ok(None);
    }
    let mut request = request.clone();
    request.snapshot = Snapshot { components, ..request.snapshot };
    let options = assay_report::Options { color: false, width: None, ..options };
    let (texts, end) = run_for_texts(request, &[(Format::Json, options), (Format::Text, options)], events)?;
    let mut texts = texts.into_iter();
    let json = texts.next().unwrap_or_default();
    let json = serde_json::from_str(&json).map_err(|error| CliError::from_error(&error))?;
    Ok(Some(Fallback { end, json, text: texts.next().unwrap_or_default() }))
}

/// Writes every report. False, after printing the reason, if one could not be written.
fn write(report: &VsaReport<'_>, outputs: &[(VsaFormat, Option<Utf8PathBuf>)], printer: Printer) -> bool {
    let mut is_complete = true;
    for (format, file) in outputs {
        let mut text = match format {
            VsaFormat::Text => report.text(),
            VsaFormat::Json => report.json(),
            VsaFormat::Yaml => report.yaml(),
            VsaFormat::Status => report.status(),
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let written = match file {
            Some(file) => files::write_whole(file, text.as_bytes()),
            None => printer.data(text.as_bytes()),
        };
        let Err(error) = written else { continue };
        is_complete = false;
        match file {
            Some(file) => printer.error(&format!("error: the report for {file} could not be written: {error}")),
            None if error.kind() == io::ErrorKind::BrokenPipe => {}
            None => printer.error(&CliError::write_failed(&error).text()),
        }
    }
    is_complete
}
