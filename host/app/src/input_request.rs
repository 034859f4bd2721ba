//! [`validate_input`]: evaluates documents that are not images, such as JSON and YAML files.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use assay_conforma::{Policy, SourceGroupEvaluator, compile_options};
use assay_evidence::Relocation;
use assay_model::{
    decide::Decision,
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::Evidence,
    image::PinnedImage,
    policy::{PolicySpec, SourceGroup},
    port::EvaluationContext,
    selection::Selection,
    snapshot::Component,
};
use assay_rego::{CompileOptions, SigstoreDefaults};
use assay_report::{FileOutcome, InputRun};

use crate::{
    builtins::StoreHost, ec_compat, error::RequestError, event::EventSink, input_files::InputSource, mode::Mode,
    policy_sources::PolicySources, source_settings::SourceSettings, trust::PolicyTrust, trust_root::LazyTrustRoot,
    unmatched,
};

/// A request to validate documents.
#[derive(Clone, Debug)]
pub struct ValidateInputRequest {
    /// Whose behavior the run has.
    pub mode: Mode,
    /// Files, folders and documents, each once, in the order given.
    pub inputs: Vec<String>,
    /// The policy configuration.
    pub policy: PolicySpec,
    /// The time that rules and exclusions are compared with.
    pub effective_time: jiff::Timestamp,
    /// How many files are evaluated concurrently.
    pub workers: NonZeroUsize,
    /// Whether items of `include` and `exclude` that match no rule are an error.
    pub strict_config: bool,
    /// How policy sources are fetched.
    pub sources: SourceSettings,
}

/// Evaluates every document.
///
/// # Errors
/// A folder cannot be read, or a policy source cannot be fetched or compiled. What is wrong with a single document is in its
/// outcome.
pub fn validate_input(request: &ValidateInputRequest, events: &dyn EventSink) -> Result<InputRun, RequestError> {
    let mut inputs = Vec::new();
    for argument in &request.inputs {
        inputs.extend(InputSource::of(argument, request.mode)?);
    }
    let evaluators = build_evaluators(request, &inputs, events)?;
    Ok(InputRun {
        files: evaluate_all(&inputs, &evaluators, request),
        policy: request.policy.clone(),
        version: crate::version(),
        effective_time: request.effective_time,
    })
}

/// An evaluator for each source group. Policies are compiled once for all files.
fn build_evaluators(
    request: &ValidateInputRequest,
    inputs: &[InputSource],
    events: &dyn EventSink,
) -> Result<Vec<SourceGroupEvaluator>, RequestError> {
    let (deadline, mode) = (request.sources.deadline, request.mode);
    let store = Arc::new(request.sources.registry()?);
    let policy = &request.policy;
    let places = PolicySources::of_policy(policy, &request.sources, Some(Arc::clone(&store)), events)?;
    if policy.sources.is_empty() {
        return Err(RequestError::new("the policy configuration has no `sources`, so it could not find any violation")
            .hint("add at least one policy source"));
    }
    let root = LazyTrustRoot::new(request.sources.trust_root.clone());
    let build = |group: &SourceGroup| {
        let mut sources = places.read(group)?;
        sources.set_effective_time(request.effective_time)?;
        sources.set_sigstore_defaults(&SigstoreDefaults::default())?;
        let options = CompileOptions { deadline, ..compile_options() };
        let compiled = Policy::compile_with(sources, options).and_then(Policy::require_result_values);
        let compiled = compiled.map_err(|error| {
            let validated = inputs.iter().map(|input| format!("file {}: evaluating policy", input.name()));
            ec_compat::refused_policy(error, mode, &places.policies_of(group), validated)
        })?;
        let name =
            if group.name.is_empty() { group.policy.first().cloned().unwrap_or_default() } else { group.name.clone() };
        let trust = PolicyTrust { relocation: Relocation::Refused, mode, root: Arc::clone(&root) };
        let host = Arc::new(StoreHost::new(Arc::clone(&store), trust));
        let selection = Selection::of(group, policy.configuration.as_ref());
        for why in selection.skipped() {
            events.warn(why);
        }
        Ok(SourceGroupEvaluator::new(name, Arc::new(compiled), selection, host)
            .with_deadline(deadline)
            .with_ec_compat(mode.is_ec()))
    };
    let build = |group| build(group).map_err(|error| places.named(error));
    let groups = policy.sources.iter().map(build).collect::<Result<Vec<_>, _>>()?;
    ec_compat::skipped_packages(&groups).iter().for_each(|text| events.warn(text));
    if request.strict_config || mode.reports_unmatched() {
        unmatched::report_unmatched(&groups, policy.configuration.as_ref(), &[], request.strict_config, events)?;
    }
    Ok(groups)
}

/// Evaluates all files, several at a time, and returns the findings in their order.
fn evaluate_all(
    inputs: &[InputSource],
    evaluators: &[SourceGroupEvaluator],
    request: &ValidateInputRequest,
) -> Vec<FileOutcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<BTreeMap<usize, FileOutcome>> = Mutex::default();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(number) else { break };
            let (decision, error) = match evaluate_file(input, evaluators, request) {
                Ok(decision) => (decision, None),
                Err(error) => (Decision::default(), Some(error)),
            };
            let outcome = FileOutcome { path: input.name().to_owned(), decision, error };
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(number, outcome);
        }
    };
    thread::scope(|scope| {
        for _ in 1..request.workers.get().min(inputs.len()) {
            scope.spawn(work);
        }
        work();
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn evaluate_file(
    input: &InputSource,
    evaluators: &[SourceGroupEvaluator],
    request: &ValidateInputRequest,
) -> Result<Decision, EvaluationError> {
    let files = input.read().map_err(|error| EvaluationError::new(ErrorCode::Malformed, error.message()))?;
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
                when: request.effective_time,
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

/// What a document is evaluated with instead of an image. No criterion for images can name it: the hostname is one that
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
