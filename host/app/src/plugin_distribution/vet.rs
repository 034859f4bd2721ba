//! [`vet_plugin`]: evaluates a policy over everything that is known of a plugin, before anyone runs it.

use std::{fmt::Write as _, num::NonZeroUsize};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::{Attestation, AttestationSummary},
    finding::Finding,
    image::PinnedImage,
    limits::DATA_FILE_BYTES,
    policy::PolicySpec,
};
use assay_oci::ContentStore;
use assay_wasm::{ComponentFacts, Engine, Plugin};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    artifact::{PluginImage, check_section, fetch, resolve},
    error::{refused, request_error},
    lock_file::LockFile,
    plugins_file::{PluginEntry, PluginsFile},
    sbom,
    signers::{PluginSigner, find_signers, find_statements},
};
use crate::{
    error::RequestError,
    event::EventSink,
    folders::files_below,
    input_request::{ValidateInputRequest, validate_input},
    mode::Mode,
    plugin_engine::PluginEngine,
    plugins::{PermissionDescription, PluginDescription, engine, load, plugin_error},
    read::read_bytes,
    source_settings::SourceSettings,
    trust_root::LazyTrustRoot,
};

/// A request to vet a plugin.
#[derive(Clone, Debug)]
pub struct VetRequest {
    /// The plugin: a reference by tag or digest.
    pub reference: String,
    /// The policy; a folder of rules is a configuration with one source.
    pub policy: PolicySpec,
    /// Who is trusted, and what is granted.
    pub plugins: PluginsFile,
    /// What was locked before.
    pub lock: LockFile,
    /// How registries are accessed and policies fetched.
    pub sources: SourceSettings,
    /// How components are compiled.
    pub engine: PluginEngine,
    /// The time of vetting, which rules and exclusions are compared with, too.
    pub now: Timestamp,
}

/// What vetting came to.
#[derive(Clone, Debug)]
pub struct VetResult {
    /// The plugin by digest.
    pub image: PinnedImage,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it may run: no rule is violated.
    pub accepted: bool,
    /// The violations.
    pub violations: Vec<Finding>,
    /// What people should know.
    pub warnings: Vec<Finding>,
    /// The digest of the policy.
    pub policy: Digest,
    /// The document that was evaluated.
    pub input: Value,
}

/// The policy of a folder of rules.
#[must_use]
pub fn policy_of_folder(folder: &Utf8Path) -> PolicySpec {
    let group = assay_model::policy::SourceGroup { policy: vec![folder.to_string()], ..Default::default() };
    PolicySpec { sources: vec![group], ..PolicySpec::default() }
}

/// Vets a plugin.
///
/// # Errors
/// The plugin or the policy cannot be had, the plugin is none, or the policy has no rule that speaks of it.
pub fn vet_plugin(request: &VetRequest, events: &dyn EventSink) -> Result<VetResult, RequestError> {
    let store = request.sources.registry()?;
    let (_, pinned) = resolve(&store, &request.reference)?;
    let found = fetch(&store, &pinned).map_err(request_error)?;
    let engine = engine(&request.engine)?;
    let plugin = load(&engine, &format!("`{pinned}`"), &found.bytes)?;
    let about = PluginDescription::of(&plugin, found.bytes.len());
    check_section(&about, &found.bytes).map_err(request_error)?;
    let input = input(request, (&store, &engine), &found, (&plugin, &about))?;
    let evaluation = ValidateInputRequest {
        mode: Mode::Native,
        inputs: vec![input.to_string()],
        policy: request.policy.clone(),
        effective_time: request.now,
        workers: NonZeroUsize::MIN,
        strict_config: false,
        sources: request.sources.clone(),
    };
    let policy = policy_digest(&request.policy)?;
    let mut outcomes = validate_input(&evaluation, events)?.files;
    let outcome = outcomes.pop().filter(|_| outcomes.is_empty());
    let outcome = outcome.ok_or_else(|| RequestError::new("the policy was not evaluated for exactly one plugin"))?;
    if let Some(error) = outcome.error {
        return Err(request_error(unevaluated(error)));
    }
    let decision = outcome.decision;
    Ok(VetResult {
        image: pinned,
        name: about.name,
        version: about.version,
        accepted: decision.violations.is_empty(),
        violations: decision.violations,
        warnings: decision.warnings,
        policy,
        input,
    })
}

/// A policy without rules about plugins accepts nothing.
fn unevaluated(error: EvaluationError) -> EvaluationError {
    if error.code != ErrorCode::NoResults {
        return error;
    }
    refused(ErrorCode::NoResults, "the policy has no rule that speaks of plugins, so it accepts none")
        .hint("begin with the rules in `policies/vet`")
}

/// What rules see as `input`.
fn input(
    request: &VetRequest,
    (store, engine): (&ContentStore, &Engine),
    found: &PluginImage,
    (plugin, about): (&Plugin, &PluginDescription),
) -> Result<Value, RequestError> {
    let list = &request.plugins;
    let entry = list.entry_of(&request.lock, &found.image, about.version.parse().ok().as_ref())?;
    let root = LazyTrustRoot::new(request.sources.trust_root.clone());
    let trusted = match entry {
        Some((_, entry)) => list.signers(&entry.trust, &root)?,
        None => Vec::new(),
    };
    let signers = find_signers(store, &found.image, &trusted).map_err(request_error)?;
    let statements = find_statements(store, &found.image, &trusted).map_err(request_error)?;
    let facts = ComponentFacts::of(&found.bytes)
        .map_err(|why| request_error(refused(ErrorCode::PluginRefused, format!("the plugin {} {why}", found.image))))?;
    let previous = match entry.and_then(|(name, _)| request.lock.plugins.get(name)) {
        Some(locked) => {
            let image = found.image.repository.at(locked.manifest.clone());
            let before = fetch(store, &image).map_err(request_error)?;
            let plugin = load(engine, &format!("`{image}`"), &before.bytes)?;
            let about = PluginDescription::of(&plugin, before.bytes.len());
            let imports = ComponentFacts::of(&before.bytes).map(|facts| facts.imports).unwrap_or_default();
            json!({"version": about.version, "permissions": permissions(&about), "imports": imports})
        }
        None => Value::Null,
    };
    let is_stable = plugin.has_stable_description().map_err(|error| plugin_error(&error))?;
    let sbom = sbom::packages(&statements).map_err(request_error)?;
    let entry = entry.map(|(_, entry)| entry);
    Ok(document(found, about, &facts, Context { signers, statements, sbom, previous, is_stable, entry }))
}

/// What is known of a plugin beside itself.
struct Context<'a> {
    signers: Vec<PluginSigner>,
    statements: Vec<Attestation>,
    sbom: Value,
    previous: Value,
    is_stable: bool,
    entry: Option<&'a PluginEntry>,
}

fn document(found: &PluginImage, about: &PluginDescription, facts: &ComponentFacts, context: Context<'_>) -> Value {
    let attestation = |attestation: Attestation| {
        let digest = attestation.digest.clone();
        let AttestationSummary { predicate_type, build_type, builder, .. } = attestation.into();
        json!({"predicate_type": predicate_type, "build_type": build_type, "builder": builder, "digest": digest})
    };
    json!({
        "plugin": {
            "name": about.name,
            "version": about.version,
            "world": about.world,
            "wit": about.wit,
            "license": about.license,
            "source": about.source,
            "image": found.image.to_string(),
            "repository": found.image.repository.to_string(),
        },
        "component": {
            "digest": found.component,
            "size": found.bytes.len(),
            "modules": facts.modules,
            "functions": facts.functions,
            "memories": facts.memories,
            "tables": facts.tables,
            "sections": facts.sections,
            "producers": facts.producers,
        },
        "imports": facts.imports,
        "exports": facts.exports,
        "permissions": permissions(about),
        "limits": about.limits,
        "rules": about.rules,
        "signers": context.signers,
        "attestations": context.statements.into_iter().map(attestation).collect::<Vec<_>>(),
        "sbom": context.sbom,
        "grants": context.entry.map_or(Value::Null, PluginEntry::granted),
        "previous": context.previous,
        "describe": {"stable": context.is_stable},
    })
}

fn permissions(about: &PluginDescription) -> Value {
    let permission = |one: &PermissionDescription| {
        let options: serde_json::Map<String, Value> =
            one.options.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({"kind": one.kind, "name": one.name, "options": options, "reason": one.reason})
    };
    about.permissions.iter().map(permission).collect()
}

/// The digest of a policy: of its configuration, and of every file of its sources that is on this machine.
fn policy_digest(policy: &PolicySpec) -> Result<Digest, RequestError> {
    let mut text = serde_json::to_string(policy).map_err(|error| RequestError::from_error(&error))?;
    for place in policy.sources.iter().flat_map(|group| group.policy.iter().chain(&group.data)) {
        let path = Utf8Path::new(place);
        let files: Vec<Utf8PathBuf> = match path {
            path if path.is_dir() => files_below(path)?,
            path if path.is_file() => vec![path.to_owned()],
            // Of what was fetched, the configuration has the digest or commit if it is pinned.
            _ => continue,
        };
        for file in files {
            let bytes = read_bytes(&file, "--policy", DATA_FILE_BYTES)?;
            let name = file.strip_prefix(path).unwrap_or(&file);
            // Writing to a String cannot fail.
            let _infallible = write!(text, "\n{name} {}", Digest::of(&bytes));
        }
    }
    Ok(Digest::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_policy_changes_with_its_rules_and_not_with_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        fs_err::write(path.join("a.rego"), "package a").unwrap();
        let digest = || policy_digest(&policy_of_folder(&path)).unwrap();
        let first = digest();
        assert_eq!(digest(), first);
        fs_err::write(path.join("a.rego"), "package b").unwrap();
        assert_ne!(digest(), first);
    }
}
