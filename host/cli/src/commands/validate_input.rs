//! `assay validate input`: judges JSON and YAML documents that are no images.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use assay_conforma::{Policy, SourceGroupEvaluator};
use assay_model::{
    decide::Decision,
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::Evidence,
    image::PinnedImage,
    outcome::Verdict,
    policy::SourceGroup,
    port::EvaluationContext,
    selection::Selection,
    snapshot::Component,
};
use assay_rego::{CompileOptions, SigstoreDefaults};
use assay_report::{FileOutcome, InputRun};
use assay_supply::Relocation;

use super::{
    builtins::StoreHost,
    ec_compat,
    fetch_policy::print_stdout,
    input_files::InputSource,
    policy_sources::{PolicySources, fetch_configuration},
    unmatched,
};
use crate::{
    error::CliError,
    exit, files,
    flags::input::ValidateInputFlags,
    printer::Printer,
    settings::{Environment, InputSettings, Mode, SourceSettings, refuse_early},
};

/// Judges, writes the reports, and gives the exit code.
pub(crate) fn run(flags: &ValidateInputFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    refuse_early(flags)?;
    let source_settings = SourceSettings::new(&flags.sources, env)?;
    let policy = fetch_configuration(Some(flags.policy.clone()), &source_settings, printer)?.unwrap_or_default();
    let settings = InputSettings::new(flags, &policy, env)?;
    for file in settings.outputs.iter().filter_map(|output| output.file.as_deref()) {
        files::check_place(file)?;
    }
    let mut inputs = Vec::new();
    for argument in &settings.arguments {
        inputs.extend(InputSource::of(argument, env.mode)?);
    }
    let evaluators = build_evaluators(&settings, &source_settings, env.mode, printer)?;
    let run = InputRun {
        files: evaluate_all(&inputs, &evaluators, &settings),
        policy: settings.policy.clone(),
        version: format!("assay-{}", env!("CARGO_PKG_VERSION")),
        effective_time: settings.effective_time,
    };
    let mut complete = true;
    // As `ec`: what would be taken for a report is not written where there is no answer for some file.
    let silent = env.mode == Mode::EcCompat && run.verdict() == Verdict::Error;
    for output in settings.outputs.iter().filter(|_| !silent) {
        let report = run.report(output.format, output.options).map_err(|error| CliError::from_error(&error))?;
        match &output.file {
            None => print_stdout(printer, &report)?,
            Some(file) => {
                if let Err(error) = files::write_whole(file, report.as_bytes()) {
                    printer.error(&format!("error: the report for {file} could not be written: {error}"));
                    complete = false;
                }
            }
        }
    }
    let verdict = run.verdict();
    match verdict {
        Verdict::Allowed => {}
        // `ec` says so even when it is to be quiet.
        Verdict::Denied if settings.strict && env.mode == Mode::EcCompat => {
            printer.error("Error: success criteria not met");
        }
        Verdict::Denied if settings.strict => printer.note("error: success criteria not met"),
        Verdict::Denied => {}
        Verdict::Error => {
            let lines: Vec<String> =
                run.files.iter().filter_map(|file| Some(line(file.path.as_str(), file.error.as_ref()?))).collect();
            printer.error(&env.mode.error(&format!("error: {}", lines.join("\n"))));
        }
    }
    Ok(if complete { exit::of(verdict, settings.strict) } else { exit::ERROR })
}

/// The words are `ec`'s.
fn line(path: &str, error: &EvaluationError) -> String {
    let doing = if error.code == ErrorCode::Malformed { "" } else { "evaluating policy: " };
    let message = error.message.strip_prefix(&format!("`{path}`: ")).unwrap_or(&error.message);
    format!("error validating file {path}: {doing}{message}")
}

/// A judge for each source group. Policies are compiled once for all files.
fn build_evaluators(
    settings: &InputSettings,
    source_settings: &SourceSettings,
    mode: Mode,
    printer: Printer,
) -> Result<Vec<SourceGroupEvaluator>, CliError> {
    let deadline = source_settings.deadline;
    let store = Arc::new(source_settings.registry()?);
    let policy = &settings.policy;
    let places = PolicySources::of_policy(policy, source_settings, Some(Arc::clone(&store)), printer)?;
    if policy.sources.is_empty() {
        return Err(CliError::new("the policy configuration has no `sources`, so it could not refuse anything")
            .hint("name at least one policy source"));
    }
    let build = |group: &SourceGroup| {
        let unreadable = |error: assay_rego::SourceError| CliError::from_error(&error).hint(error.hint());
        let mut sources = places.read(group)?;
        sources.set_effective_time(settings.effective_time).map_err(unreadable)?;
        sources.set_sigstore_defaults(&SigstoreDefaults::default()).map_err(unreadable)?;
        let options = CompileOptions { deadline, ..CompileOptions::default() };
        let compiled = Policy::compile_with(sources, options)
            .and_then(Policy::require_result_values)
            .map_err(|error| CliError::from_error(&error).hint(error.hint()))?;
        let name =
            if group.name.is_empty() { group.policy.first().cloned().unwrap_or_default() } else { group.name.clone() };
        let host = Arc::new(StoreHost::new(Arc::clone(&store), Relocation::Refused));
        let selection = Selection::of(group, policy.configuration.as_ref());
        for why in selection.skipped() {
            printer.warn(why);
        }
        Ok(SourceGroupEvaluator::new(name, Arc::new(compiled), selection, host)
            .with_deadline(source_settings.deadline)
            .with_ec_compat(mode == Mode::EcCompat))
    };
    let build = |group| build(group).map_err(|error| places.named(error));
    let groups = policy.sources.iter().map(build).collect::<Result<Vec<_>, _>>()?;
    ec_compat::skipped_packages(&groups).iter().for_each(|text| printer.warn(text));
    if settings.strict_config || mode == Mode::Native {
        unmatched::report_unmatched(&groups, policy.configuration.as_ref(), &[], settings.strict_config, printer)?;
    }
    Ok(groups)
}

/// Judges all files, some at a time, and gives what was found in their order.
fn evaluate_all(
    inputs: &[InputSource],
    evaluators: &[SourceGroupEvaluator],
    settings: &InputSettings,
) -> Vec<FileOutcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<BTreeMap<usize, FileOutcome>> = Mutex::default();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(number) else { break };
            let (decision, error) = match evaluate_file(input, evaluators, settings) {
                Ok(decision) => (decision, None),
                Err(error) => (Decision::default(), Some(error)),
            };
            let outcome = FileOutcome { path: input.name().to_owned(), decision, error };
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(number, outcome);
        }
    };
    thread::scope(|scope| {
        for _ in 1..settings.workers.get().min(inputs.len()) {
            scope.spawn(work);
        }
        work();
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn evaluate_file(
    input: &InputSource,
    evaluators: &[SourceGroupEvaluator],
    settings: &InputSettings,
) -> Result<Decision, EvaluationError> {
    let files = input
        .read()
        .map_err(|error| EvaluationError::new(ErrorCode::Malformed, error.text().replacen("error: ", "", 1)))?;
    // The words are `ec`'s.
    let nothing = || EvaluationError::new(ErrorCode::NoResults, "no successes, warnings, or failures, check input");
    if files.is_empty() || files.iter().any(|file| file.values.is_empty()) {
        return Err(nothing());
    }
    let (component, evidence) = (Component::new("", ""), no_image()?);
    let mut decision = Decision::default();
    for evaluator in evaluators {
        let mut said = Decision::default();
        for file in &files {
            let inputs: Vec<String> = file.values.iter().map(ToString::to_string).collect();
            let context = EvaluationContext {
                component: &component,
                evidence: &evidence,
                when: settings.effective_time,
                input: "",
            };
            said.extend(evaluator.evaluate_together(&context, Some(file.file()), inputs.iter().map(String::as_str))?);
        }
        if said.is_empty() {
            return Err(nothing());
        }
        decision.extend(said);
    }
    decision.sort();
    Ok(decision)
}

/// What a document is judged with in place of an image. No criterion for images can name it: the host name is one that
/// never is (RFC 2606).
fn no_image() -> Result<Evidence, EvaluationError> {
    let name = format!("document.invalid/input@{}", Digest::of(b""));
    let image =
        PinnedImage::parse(&name).map_err(|error| EvaluationError::new(ErrorCode::Internal, error.to_string()))?;
    Ok(Evidence {
        image,
        media_type: String::new(),
        manifest: Arc::from([]),
        config: None,
        base_image: None,
        files: std::collections::BTreeMap::new(),
        signatures: Vec::new(),
        attestations: Vec::new(),
        notices: vec![],
        checks: Vec::new(),
    })
}
