//! [`build_job`] and [`build_evaluators`]: compose the crates below: a store and the runner, the evaluators of the policy's
//! source groups and of the plugins.
//!
//! Whatever cannot be opened, compiled or loaded is an error here, before anything is evaluated.

use std::sync::Arc;

use assay_conforma::{Policy, SourceGroupEvaluator, compile_options};
use assay_evidence::{CollectOptions, EvidenceCollector, Verification, keyless::LogPolicy};
use assay_model::{
    event::{PluginSummary, RunStarted},
    evidence::CheckKind,
    policy::{Identity, PolicySpec, SourceGroup},
    port::{Blobs, Evaluator},
    selection::Selection,
};
use assay_oci::{ContentStore, RegistryOptions, SourceRef};
use assay_rego::{CompileOptions, SigstoreDefaults};
use assay_runner::{Evaluators, Job};
use assay_wasm::{Check, CheckOptions, Plugin, RunContext, SnapshotInput};
use camino::Utf8Path;
use serde_json::Value;

use crate::{
    builtins::StoreHost,
    ec_compat,
    error::{RequestError, RequestErrorKind},
    event::EventSink,
    exclude_filter::ExcludeFilter,
    explanations::{ExplanationLog, with_explanations},
    image_request::{PluginPlaces, PluginRequest, ValidateImageRequest},
    plugin_distribution::{PluginSources, SourcedPlugin},
    plugin_engine::start_engine,
    policy_sources::PolicySources,
    source_settings::{open_evidence, open_registry},
    trust::{self, PolicyTrust, RunTrust, SignerRequest, build_trust},
    trust_root::LazyTrustRoot,
    unmatched,
};

/// Where evidence comes from: trust and a store.
#[derive(Clone)]
pub(crate) struct EvidenceContext {
    trust: RunTrust,
    root: Arc<LazyTrustRoot>,
    store: Arc<ContentStore>,
}

/// Reads the key or the identity and the trust root, and opens the store that the request names.
pub(crate) fn build_evidence_context(request: &ValidateImageRequest) -> Result<EvidenceContext, RequestError> {
    let recorder = request.sources.registries.recorder.clone();
    let root = LazyTrustRoot::recorded_by(request.sources.trust_root.clone(), recorder);
    let trust = build_trust(&request.trust, request.mode, &root)?;
    Ok(EvidenceContext { trust, root, store: Arc::new(open_store(request)?) })
}

/// What is to be validated.
pub(crate) fn build_job(request: &ValidateImageRequest, context: &EvidenceContext) -> Job {
    let checking =
        |check| if request.skipped.contains(&check) { Verification::Skipped } else { Verification::Required };
    let options = CollectOptions {
        signatures: checking(CheckKind::ImageSignature),
        attestations: checking(CheckKind::AttestationSignature),
        bundles_have_build_type: request.mode.bundles_have_build_type(),
        on_unreadable: request.mode.on_unreadable(),
    };
    let RunTrust { trust, key } = context.trust.clone();
    Job {
        head: Arc::new(run_started(request, &key, request.policy.clone(), vec![])),
        snapshot: Arc::new(request.snapshot.clone()),
        provider: Arc::new(EvidenceCollector::new(Arc::clone(&context.store), trust, options)),
        unreachable_policy: request.mode.denies_unreachable_images().then(|| ec_compat::inaccessible(request)),
        effective_time: request.effective_time,
        keep_inputs: request.keep_inputs,
        keep_statements: request.keep_statements,
        workers: request.workers,
        deadline: request.deadline,
        clock: jiff::Timestamp::now,
    }
}

/// Fetches and compiles everything the request names, and says what people should know about it. Explanations gather in
/// `log`, if some are wanted.
pub(crate) fn build_evaluators(
    request: &ValidateImageRequest,
    context: &EvidenceContext,
    log: Option<&ExplanationLog>,
    events: &dyn EventSink,
) -> Result<Evaluators, RequestError> {
    let store = &context.store;
    let mut policy = request.policy.clone();
    let sources = PolicySources::of_policy(&policy, &request.sources, Some(Arc::clone(store)), events)?;
    let selections: Arc<[Selection]> =
        policy.sources.iter().map(|group| Selection::of(group, policy.configuration.as_ref())).collect();
    skipped_checks(request).into_iter().for_each(|why| events.warn(why));
    trust::warnings(&request.trust, request.mode).iter().for_each(|why| events.warn(why));
    selections.iter().flat_map(Selection::skipped).for_each(|why| events.warn(why));
    let mut groups = Vec::new();
    for (number, (group, selection)) in policy.sources.iter().zip(selections.iter()).enumerate() {
        groups.push(
            build_source_group(request, &sources, (number, group), selection, context)
                .map_err(|error| sources.named(error))?,
        );
    }
    ec_compat::skipped_packages(&groups).iter().for_each(|text| events.warn(text));
    let Plugins { evaluators: plugins, summaries, note } =
        if request.plugins.is_empty() { Plugins::default() } else { load_plugins(request, store, events)? };
    let names: Vec<&str> = plugins.iter().map(|check| check.name()).collect();
    // `ec` reports unmatched include items, and no others.
    if request.strict_config || request.mode.reports_unmatched() {
        unmatched::report_unmatched(&groups, policy.configuration.as_ref(), &names, request.strict_config, events)?;
    }
    let mut evaluators: Vec<Arc<dyn Evaluator>> = match log {
        Some(log) => with_explanations(groups, &request.explain, log)?,
        None => groups.into_iter().map(|group| Arc::new(group) as Arc<dyn Evaluator>).collect(),
    };
    evaluators.extend(plugins.into_iter().map(|evaluator| {
        Arc::new(ExcludeFilter { evaluator, selections: Arc::clone(&selections) }) as Arc<dyn Evaluator>
    }));
    note.into_iter().for_each(|note| events.note(note));
    sources.pin(&mut policy);
    Ok(Evaluators {
        head: Arc::new(run_started(request, &context.trust.key, policy, summaries)),
        evaluators: evaluators.into(),
    })
}

fn run_started(
    request: &ValidateImageRequest,
    key: &str,
    policy: PolicySpec,
    plugins: Vec<PluginSummary>,
) -> RunStarted {
    let application = request.snapshot.fields.get("application").and_then(Value::as_str);
    RunStarted {
        snapshot: request.snapshot_name.clone(),
        application: application.unwrap_or_default().to_owned(),
        key: key.to_owned(),
        policy,
        skipped: request.skipped.clone(),
        plugins,
        started_at: Some(request.requested_at),
        effective_time: request.effective_time.default(),
        version: crate::version(),
    }
}

pub(crate) fn open_store(request: &ValidateImageRequest) -> Result<ContentStore, RequestError> {
    match &request.evidence {
        Some(path) => {
            let layout = match &request.sources.registries.layout {
                Some(layout) => layout.clone(),
                None => open_evidence(path)?,
            };
            Ok(ContentStore::of_layout(layout).until(request.deadline.map(|(end, _)| end)))
        }
        None => {
            let mut options =
                RegistryOptions { cache: request.sources.open_cache()?, ..request.sources.registries.clone() };
            // Registries that the policy names are as trusted as those that the Snapshot names.
            let texts = request.policy.sources.iter().flat_map(|group| group.policy.iter().chain(&group.data));
            let places = texts.filter_map(|text| SourceRef::parse(text).ok());
            options.allowed.extend(places.filter_map(|place| place.registry().map(str::to_owned)));
            open_registry(options)
        }
    }
}

fn build_source_group(
    request: &ValidateImageRequest,
    places: &PolicySources,
    (number, group): (usize, &SourceGroup),
    selection: &Selection,
    context: &EvidenceContext,
) -> Result<SourceGroupEvaluator, RequestError> {
    let name = match (&group.name, group.policy.first()) {
        (name, _) if !name.is_empty() => name.clone(),
        (_, Some(first)) => first.clone(),
        (_, None) => {
            return Err(RequestError::new(format!("source group {} of the policy names no `policy`", number + 1))
                .hint("add a directory of Rego files"));
        }
    };
    let mut sources = places.read(group)?;
    // Where `ec` writes the input of its policies.
    let folder = request.temporary.join("ecp_input.0");
    sources.set_input_file(folder.as_str(), "input.json")?;
    sources.set_effective_time(request.effective_time.default())?;
    let identity = match &request.trust.signer {
        SignerRequest::Key(_) => Identity::default(),
        SignerRequest::Identity(identity) => identity.clone(),
    };
    let defaults = SigstoreDefaults {
        certificate_identity: identity.subject,
        certificate_identity_regexp: identity.subject_reg_exp,
        certificate_oidc_issuer: identity.issuer,
        certificate_oidc_issuer_regexp: identity.issuer_reg_exp,
        public_key: context.trust.key.clone(),
        ignore_rekor: request.trust.log == LogPolicy::Ignored,
        rekor_url: request.policy.rekor_url.clone(),
    };
    sources.set_sigstore_defaults(&defaults)?;
    let deadline = request.deadline.map(|(end, _)| end);
    let policy = Policy::compile_with(sources, CompileOptions { deadline, ..compile_options() })
        .and_then(Policy::require_result_values)
        .map_err(|error| {
            let components = request.snapshot.components.iter();
            let validated = components.map(|one| format!("image {} of component {}", one.container_image, one.name));
            ec_compat::refused_policy(error, request.mode, &places.policies_of(group), validated)
        })?;
    let trust =
        PolicyTrust { relocation: request.trust.relocation, mode: request.mode, root: Arc::clone(&context.root) };
    let host = Arc::new(StoreHost::new(Arc::clone(&context.store), trust));
    let evaluator = SourceGroupEvaluator::new(name, Arc::new(policy), selection.clone(), host)
        .with_deadline(deadline)
        .with_ec_compat(request.mode.is_ec());
    Ok(if request.by_intention { evaluator.with_intentions(&intentions(group)) } else { evaluator })
}

/// The kinds of pipelines that a group's `ruleData` names: a string or a list of strings.
fn intentions(group: &SourceGroup) -> Vec<String> {
    let data: Option<Value> = group.rule_data.as_ref().and_then(|data| serde_json::from_str(data.get()).ok());
    match data.as_ref().and_then(|data| data.get("pipeline_intention")) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// What is said of checks that are left out, in the words of `ec`.
fn skipped_checks(request: &ValidateImageRequest) -> Vec<&'static str> {
    let skips = |check| request.skipped.contains(&check);
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

/// Plugins that are loaded.
#[derive(Default)]
struct Plugins {
    evaluators: Vec<Arc<dyn Evaluator>>,
    /// What reports show of them.
    summaries: Vec<PluginSummary>,
    note: Option<String>,
}

fn load_plugins(
    request: &ValidateImageRequest,
    store: &Arc<ContentStore>,
    events: &dyn EventSink,
) -> Result<Plugins, RequestError> {
    let slots = u32::try_from(request.workers.get()).unwrap_or(u32::MAX);
    let engine = start_engine(&request.plugin_engine, slots).map_err(|error| plugin_error(&error))?;
    let PluginPlaces { list, saved } = &request.plugin_places;
    let sources = PluginSources::new(list.as_deref(), saved.as_deref(), false, request.sources.clone())?;
    let load = |flag: &PluginRequest| -> Result<(Arc<dyn Evaluator>, PluginSummary), RequestError> {
        let sourced = read_plugin(&flag.file, request, (store, &sources))?;
        let plugin = Plugin::load(&engine, &sourced.place, &sourced.bytes).map_err(|error| {
            let found = plugin_error(&error);
            error.hint().map_or(found.clone(), |hint| found.hint(hint))
        })?;
        sourced.check_locked(&plugin)?;
        sourced.notes.iter().for_each(|note| events.warn(note.clone()));
        let options = CheckOptions {
            // Runs are not recorded, so they have no identity.
            run: RunContext { run: String::new(), scenario: String::new(), attempt: 1 },
            params: &flag.params,
            snapshot: SnapshotInput { snapshot: &request.snapshot, text: request.snapshot_text.as_str().into() },
            blobs: Arc::clone(store) as Arc<dyn Blobs>,
            limits: sourced.entry.as_deref().and_then(|name| Some(sources.list()?.limits(name))).unwrap_or_default(),
            sinks: request.plugin_sinks.clone(),
        };
        let check = Check::new(&plugin, options)
            .map_err(|error| plugin_error(&error).hint(format!("`--plugin {}`", flag.file)))?;
        let manifest = plugin.manifest();
        let summary = PluginSummary {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            digest: plugin.digest().clone(),
            params: flag.params.clone(),
        };
        Ok((Arc::new(check), summary))
    };
    let loaded = request.plugins.iter().map(load).collect::<Result<Vec<_>, _>>()?;
    let (evaluators, summaries) = loaded.into_iter().unzip();
    Ok(Plugins { evaluators, summaries, note: engine.note().map(|note| format!("note: {note}")) })
}

/// The component of a plugin: what an archive has under the same name where there is no such file, else what the argument
/// stands for.
fn read_plugin(
    file: &Utf8Path,
    request: &ValidateImageRequest,
    (store, sources): (&ContentStore, &PluginSources),
) -> Result<SourcedPlugin, RequestError> {
    let archived = store.archive().filter(|_| !file.exists()).and_then(|archive| archive.plugin(file.as_str()));
    let sourced = match archived {
        Some(archived) => SourcedPlugin::of_archive(file.as_str(), archived.map_err(|error| plugin_error(&error))?),
        None => sources.source(file.as_str())?,
    };
    if let Some(recorder) = &request.sources.registries.recorder {
        recorder.add_plugin(file.as_str(), &sourced.bytes);
    }
    Ok(sourced)
}

fn plugin_error(error: &dyn std::error::Error) -> RequestError {
    RequestError::from_error(error).with_kind(RequestErrorKind::Plugin)
}
