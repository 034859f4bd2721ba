//! [`build_job`] and [`build_evaluators`]: put the workshops together: a store and the runner, the judges of the policy's groups and of the
//! checks.
//!
//! Whatever cannot be opened, compiled or loaded is told here, before anything is judged. This is the only module that
//! names every crate below.

use std::sync::Arc;

use assay_conforma::{Policy, SourceGroupEvaluator};
use assay_model::{
    event::RunStarted,
    evidence::CheckKind,
    limits,
    policy::{PolicySpec, SourceGroup},
    port::{Blobs, Evaluator},
    selection::Selection,
};
use assay_rego::{CompileOptions, SigstoreDefaults};
use assay_report::Format;
use assay_runner::{Evaluators, Job};
use assay_supply::{
    CollectOptions, ContentStore, EvidenceCollector, OnUnreadable, PublicKey, Relocation, SourceRef, Verification,
};
use assay_wasm::{CheckOptions, Engine, EngineOptions};
use serde_json::Value;

use super::{
    builtins::StoreHost,
    ec_compat,
    exclude_filter::ExcludeFilter,
    explanations::{ExplanationLog, with_explanations},
    policy_sources::PolicySources,
    unmatched,
};
use crate::{
    allocator,
    error::CliError,
    files::read_bytes,
    printer::Printer,
    registries,
    settings::{ImageSettings, Mode, PluginFlag},
};

/// Where evidence comes from: a key and a store.
#[derive(Clone)]
pub(crate) struct EvidenceContext {
    key: PublicKey,
    store: Arc<ContentStore>,
}

/// Reads the key and opens the store that the settings name.
pub(crate) fn build_evidence_context(settings: &ImageSettings) -> Result<EvidenceContext, CliError> {
    // How a key was given decides its hash.
    let read = if settings.key.from_file { PublicKey::from_file_text } else { PublicKey::from_pem };
    let key = read(&settings.key.pem).map_err(|error| {
        CliError::new(format!("{error} ({})", settings.key.origin)).causes_of(&error).hint(error.hint())
    })?;
    Ok(EvidenceContext { key, store: Arc::new(open_store(settings)?) })
}

/// What is to be judged.
pub(crate) fn build_job(settings: &ImageSettings, context: &EvidenceContext) -> Job {
    let checking =
        |check| if settings.skipped.contains(&check) { Verification::Skipped } else { Verification::Required };
    let options = CollectOptions {
        relocation: relocation(settings),
        signatures: checking(CheckKind::ImageSignature),
        attestations: checking(CheckKind::AttestationSignature),
        bundles_tell_build_type: settings.mode == Mode::Native,
        on_unreadable: if settings.mode == Mode::EcCompat { OnUnreadable::Fail } else { OnUnreadable::Error },
    };
    let wants = |format| settings.outputs.iter().any(|output| output.format == format);
    Job {
        head: Arc::new(run_started(settings, context.key.to_pem(), settings.policy.clone())),
        snapshot: Arc::new(settings.snapshot.clone()),
        provider: Arc::new(EvidenceCollector::new(Arc::clone(&context.store), context.key.clone(), options)),
        unreachable_policy: (settings.mode == Mode::EcCompat).then(|| ec_compat::inaccessible(settings)),
        effective_time: settings.effective_time,
        keep_inputs: wants(Format::PolicyInput),
        keep_statements: wants(Format::Attestation),
        workers: settings.workers,
        deadline: settings.deadline,
        clock: jiff::Timestamp::now,
    }
}

/// Fetches and compiles everything the settings name, and says what people should know about it. Explanations gather in
/// `log`, if some are wanted.
pub(crate) fn build_evaluators(
    settings: &ImageSettings,
    EvidenceContext { key, store }: &EvidenceContext,
    log: Option<&ExplanationLog>,
    printer: Printer,
) -> Result<Evaluators, CliError> {
    let mut policy = settings.policy.clone();
    let sources = PolicySources::of_policy(&policy, &settings.sources, Some(Arc::clone(store)), printer)?;
    let selections: Arc<[Selection]> =
        policy.sources.iter().map(|group| Selection::of(group, policy.configuration.as_ref())).collect();
    skipped_checks(settings).into_iter().for_each(|why| printer.warn(why));
    selections.iter().flat_map(Selection::skipped).for_each(|why| printer.warn(why));
    let mut groups = Vec::new();
    for (number, (group, selection)) in policy.sources.iter().zip(selections.iter()).enumerate() {
        groups.push(
            build_source_group(settings, &sources, (number, group), selection, key, store)
                .map_err(|error| sources.named(error))?,
        );
    }
    ec_compat::skipped_packages(&groups).iter().for_each(|text| printer.warn(text));
    let (plugins, note) = if settings.plugins.is_empty() { (Vec::new(), None) } else { load_plugins(settings, store)? };
    let names: Vec<&str> = plugins.iter().map(|check| check.name()).collect();
    // `ec` tells of include items in its reports, and of others nowhere.
    if settings.strict_config || settings.mode == Mode::Native {
        unmatched::report_unmatched(&groups, policy.configuration.as_ref(), &names, settings.strict_config, printer)?;
    }
    let mut evaluators: Vec<Arc<dyn Evaluator>> = match log {
        Some(log) => with_explanations(groups, &settings.explain, log)?,
        None => groups.into_iter().map(|group| Arc::new(group) as Arc<dyn Evaluator>).collect(),
    };
    evaluators.extend(plugins.into_iter().map(|evaluator| {
        Arc::new(ExcludeFilter { evaluator, selections: Arc::clone(&selections) }) as Arc<dyn Evaluator>
    }));
    note.iter().for_each(|note| printer.note(note));
    sources.pin(&mut policy);
    let evaluators: Arc<[_]> = evaluators.into();
    allocator::leak_until_exit(&evaluators);
    allocator::trim();
    Ok(Evaluators { head: Arc::new(run_started(settings, key.to_pem(), policy)), evaluators })
}

fn run_started(settings: &ImageSettings, key: &str, policy: PolicySpec) -> RunStarted {
    RunStarted {
        key: key.to_owned(),
        policy,
        skipped: settings.skipped.clone(),
        effective_time: settings.effective_time.default(),
        version: format!("assay-{}", env!("CARGO_PKG_VERSION")),
    }
}

const fn relocation(settings: &ImageSettings) -> Relocation {
    if settings.allow_relocation { Relocation::Allowed } else { Relocation::Refused }
}

fn open_store(settings: &ImageSettings) -> Result<ContentStore, CliError> {
    match &settings.evidence {
        Some(path) => {
            let store = ContentStore::open_layout(path.as_std_path());
            let store = store.map_err(|error| CliError::from_error(&error).hint(error.hint()))?;
            Ok(store.until(settings.deadline.map(|(end, _)| end)))
        }
        None => {
            let mut options = settings.sources.registries.clone();
            // Whom the policy names is asked like whom the Snapshot names.
            let texts = settings.policy.sources.iter().flat_map(|group| group.policy.iter().chain(&group.data));
            let places = texts.filter_map(|text| SourceRef::parse(text).ok());
            options.allowed.extend(places.filter_map(|place| place.registry().map(str::to_owned)));
            registries::open_registry(options)
        }
    }
}

fn build_source_group(
    settings: &ImageSettings,
    places: &PolicySources,
    (number, group): (usize, &SourceGroup),
    selection: &Selection,
    key: &PublicKey,
    store: &Arc<ContentStore>,
) -> Result<SourceGroupEvaluator, CliError> {
    let name = match (&group.name, group.policy.first()) {
        (name, _) if !name.is_empty() => name.clone(),
        (_, Some(first)) => first.clone(),
        (_, None) => {
            return Err(CliError::new(format!("source group {} of the policy names no `policy`", number + 1))
                .hint("give it a folder of Rego files"));
        }
    };
    let unreadable = |error: assay_rego::SourceError| CliError::from_error(&error).hint(error.hint());
    let mut sources = places.read(group)?;
    // Where `ec` writes the input of its policies.
    let folder = settings.temporary.join("ecp_input.0");
    sources.set_input_file(folder.as_str(), "input.json").map_err(unreadable)?;
    sources.set_effective_time(settings.effective_time.default()).map_err(unreadable)?;
    let defaults = SigstoreDefaults {
        public_key: key.to_pem().to_owned(),
        ignore_rekor: true,
        rekor_url: settings.policy.rekor_url.clone(),
    };
    sources.set_sigstore_defaults(&defaults).map_err(unreadable)?;
    let deadline = settings.deadline.map(|(end, _)| end);
    let policy = Policy::compile_with(sources, CompileOptions { deadline, ..CompileOptions::default() })
        .and_then(Policy::require_result_values)
        .map_err(|error| CliError::from_error(&error).hint(error.hint()))?;
    let host = Arc::new(StoreHost::new(Arc::clone(store), relocation(settings)));
    let evaluator = SourceGroupEvaluator::new(name, Arc::new(policy), selection.clone(), host)
        .with_deadline(deadline)
        .with_ec_compat(settings.mode == Mode::EcCompat);
    Ok(if settings.by_intention { evaluator.with_intentions(&intentions(group)) } else { evaluator })
}

/// The kinds of pipelines that a group's `ruleData` names: a text or a list of texts.
fn intentions(group: &SourceGroup) -> Vec<String> {
    let data: Option<Value> = group.rule_data.as_ref().and_then(|data| serde_json::from_str(data.get()).ok());
    match data.as_ref().and_then(|data| data.get("pipeline_intention")) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// What is said of checks that are left out, in the words of `ec`.
fn skipped_checks(settings: &ImageSettings) -> Vec<&'static str> {
    let skips = |check| settings.skipped.contains(&check);
    let (image, attestation) = (skips(CheckKind::ImageSignature), skips(CheckKind::AttestationSignature));
    let both =
        "both --skip-image-sig-check and --skip-att-sig-check are active, all cryptographic verification is disabled";
    let texts = [
        (image, "image signature check skipped"),
        (attestation, "attestation signature check skipped, fetching attestations without verification"),
        (image && attestation, both),
    ];
    texts.into_iter().filter(|(said, _)| *said).map(|(_, text)| text).collect()
}

type Checks = (Vec<Arc<dyn Evaluator>>, Option<String>);

fn load_plugins(settings: &ImageSettings, store: &Arc<ContentStore>) -> Result<Checks, CliError> {
    let slots = u32::try_from(settings.workers.get()).unwrap_or(u32::MAX);
    let engine = Engine::new(EngineOptions { slots }).map_err(|error| CliError::from_error(&error))?;
    let load = |flag: &PluginFlag| -> Result<Arc<dyn Evaluator>, CliError> {
        let bytes = read_bytes(&flag.file, "--plugin", limits::PLUGIN_BYTES)?;
        let plugin = engine.load(&format!("`{}`", flag.file), &bytes).map_err(|error| CliError::from_error(&error))?;
        let options = CheckOptions {
            params: &flag.params,
            snapshot: &settings.snapshot,
            snapshot_text: settings.snapshot_text.as_str().into(),
            blobs: Arc::clone(store) as Arc<dyn Blobs>,
            log: None,
        };
        let check = plugin
            .check(options)
            .map_err(|error| CliError::from_error(&error).hint(format!("`--plugin {}`", flag.file)))?;
        Ok(Arc::new(check))
    };
    let loaded = settings.plugins.iter().map(load).collect::<Result<_, _>>()?;
    Ok((loaded, engine.note().map(|note| format!("note: {note}"))))
}
