//! [`inspect_plugin`]: what a plugin is, who signed it and what it is granted, whether or not it may run.

use assay_model::{image::PinnedImage, limits::PLUGIN_BYTES};
use assay_oci::ContentStore;
use assay_wasm::ComponentFacts;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::{
    artifact::{fetch, resolve},
    error::{refused, request_error},
    lock_file::LockFile,
    plugins_file::{PluginEntry, PluginsFile},
    sbom,
    signers::{PluginSigner, find_signers, find_statements},
    sources::{check_entry, not_locked, open_plugins},
};
use crate::{
    error::RequestError,
    plugin_engine::PluginEngine,
    plugin_grants::GrantedPermission,
    plugins::{PluginDescription, load_plugin},
    read::read_bytes,
    source_settings::SourceSettings,
    trust_root::LazyTrustRoot,
};

/// A request to describe plugins.
#[derive(Clone, Debug)]
pub struct InspectPluginRequest {
    /// The list; an empty one without a file.
    pub plugins: PluginsFile,
    /// What was locked.
    pub lock: LockFile,
    /// The layout that `plugin pull --save` wrote; then nothing is fetched.
    pub saved: Option<Utf8PathBuf>,
    /// How registries are accessed.
    pub sources: SourceSettings,
    /// How components are compiled.
    pub engine: PluginEngine,
}

/// A plugin, described.
#[derive(Clone, Debug)]
pub struct InspectedPlugin {
    /// What it says of itself, with the limits that it would have.
    pub description: PluginDescription,
    /// What it is made of.
    pub facts: ComponentFacts,
    /// The plugin by digest; none of a file.
    pub image: Option<PinnedImage>,
    /// The hosts and secrets that its entry of the list grants.
    pub granted: Vec<GrantedPermission>,
    /// Who of those that its entry trusts signed it.
    pub signers: Vec<PluginSigner>,
    /// The packages of the SBOMs that they attested; null without one.
    pub sbom: Value,
}

/// Describes a plugin: a file, a name in the list, or a reference by tag or digest.
///
/// # Errors
/// It cannot be had, is not a plugin, or belongs to several entries of the list.
pub fn inspect_plugin(request: &InspectPluginRequest, argument: &str) -> Result<InspectedPlugin, RequestError> {
    let list = &request.plugins;
    if let Some(entry) = list.plugins.get(argument) {
        let Some(source) = &entry.source else {
            let file = entry.file.as_ref().map(|file| list.folder().join(file));
            let file = file.ok_or_else(|| RequestError::new(format!("the plugin `{argument}` has no `source`")))?;
            return inspect_file(request, &file, Some(argument));
        };
        let locked = request.lock.plugins.get(argument).ok_or_else(|| request_error(not_locked(argument)))?;
        check_entry(argument, entry, locked).map_err(request_error)?;
        let store = open_plugins(request.saved.as_deref(), &request.sources)?;
        return inspect_image(request, &store, &source.at(locked.manifest.clone()), Some(argument));
    }
    let path = Utf8Path::new(argument);
    if path.exists() || path.extension() == Some("wasm") {
        return inspect_file(request, path, None);
    }
    let store = open_plugins(request.saved.as_deref(), &request.sources)?;
    let (_, image) = resolve(&store, argument)?;
    inspect_image(request, &store, &image, None)
}

/// A file; `named` is its entry, else the one of its own name counts.
fn inspect_file(
    request: &InspectPluginRequest,
    file: &Utf8Path,
    named: Option<&str>,
) -> Result<InspectedPlugin, RequestError> {
    let bytes = read_bytes(file, "the component", PLUGIN_BYTES)?;
    let place = format!("`{file}`");
    let (description, facts) = describe(request, &place, &bytes)?;
    let entry = request.plugins.plugins.get(named.unwrap_or(&description.name));
    Ok(of_entry(
        InspectedPlugin {
            description,
            facts,
            image: None,
            granted: Vec::new(),
            signers: Vec::new(),
            sbom: Value::Null,
        },
        entry,
    ))
}

fn inspect_image(
    request: &InspectPluginRequest,
    store: &ContentStore,
    image: &PinnedImage,
    named: Option<&str>,
) -> Result<InspectedPlugin, RequestError> {
    let list = &request.plugins;
    let found = fetch(store, image).map_err(request_error)?;
    let (description, facts) = describe(request, &format!("`{image}`"), &found.bytes)?;
    let entry = match named {
        Some(name) => list.plugins.get(name),
        None => list.entry_of(&request.lock, image, description.version.parse().ok().as_ref())?.map(|(_, entry)| entry),
    };
    let root = LazyTrustRoot::new(request.sources.trust_root.clone());
    let trusted = entry.map_or_else(|| Ok(Vec::new()), |entry| list.signers(&entry.trust, &root))?;
    let signers = find_signers(store, image, &trusted).map_err(request_error)?;
    let statements = find_statements(store, image, &trusted).map_err(request_error)?;
    let sbom = sbom::packages(&statements).map_err(request_error)?;
    let inspected =
        InspectedPlugin { description, facts, image: Some(image.clone()), granted: Vec::new(), signers, sbom };
    Ok(of_entry(inspected, entry))
}

fn describe(
    request: &InspectPluginRequest,
    place: &str,
    bytes: &[u8],
) -> Result<(PluginDescription, ComponentFacts), RequestError> {
    let plugin = load_plugin(&request.engine, place, bytes)?;
    let facts = ComponentFacts::of(bytes).map_err(|why| {
        let message = format!("the plugin {place} {why}");
        request_error(refused(assay_model::error::ErrorCode::PluginRefused, message))
    })?;
    Ok((PluginDescription::of(&plugin, bytes.len()), facts))
}

/// With what an entry grants, and the limits that it caps.
fn of_entry(mut inspected: InspectedPlugin, entry: Option<&PluginEntry>) -> InspectedPlugin {
    let Some(entry) = entry else { return inspected };
    inspected.granted = entry.granted_permissions();
    for (name, cap) in &entry.limits {
        if let Some(limit) = inspected.description.limits.get_mut(name) {
            *limit = (*limit).min(*cap);
        }
    }
    inspected
}
