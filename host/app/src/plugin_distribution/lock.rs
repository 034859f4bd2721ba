//! [`lock_plugins`]: resolves `plugins.toml` to exact plugins, checks each as a run would, and gives the lock file.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::{ImageRef, PinnedImage, Repository},
};
use assay_oci::ContentStore;
use assay_wasm::{Engine, Plugin};
use serde::Serialize;

use super::{
    artifact::{check_section, fetch},
    error::{refused, request_error},
    lock_file::{LockFile, LockedPlugin},
    plugins_file::{PluginEntry, PluginsFile, VetMode},
    sources::{
        Checked, TrustSettings, check_component, check_entry, check_loaded, check_trust, permissions_digest,
        version_of_tag,
    },
};
use crate::{
    error::RequestError,
    plugin_engine::PluginEngine,
    plugins::{PluginDescription, engine, load},
    source_settings::SourceSettings,
    trust_root::LazyTrustRoot,
};

/// A request to lock plugins.
#[derive(Clone, Debug)]
pub struct LockRequest {
    /// The list.
    pub plugins: PluginsFile,
    /// What was locked before.
    pub lock: LockFile,
    /// Plugins that move to their newest version; all others stay where they are if the list still allows that.
    pub update: Update,
    /// Whether a plugin may request more than before.
    pub accept_permissions: bool,
    /// How registries are accessed.
    pub sources: SourceSettings,
    /// How components are compiled.
    pub engine: PluginEngine,
}

/// Which plugins move to their newest version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// None that is locked.
    #[default]
    None,
    /// All.
    All,
    /// These.
    Named(Vec<String>),
}

/// What locking came to.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The lock file.
    pub lock: LockFile,
    /// What is different from before, a line each.
    pub changes: Vec<String>,
    /// What people should know.
    pub notes: Vec<String>,
}

/// Something that a check of a lock file found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockProblem {
    /// The plugin.
    pub plugin: String,
    /// One sentence, with its code at the end.
    pub message: String,
}

/// What locking works with.
struct Work<'a> {
    request: &'a LockRequest,
    store: ContentStore,
    engine: Engine,
    root: Arc<LazyTrustRoot>,
    notes: Vec<String>,
}

impl<'a> Work<'a> {
    fn new(request: &'a LockRequest) -> Result<Self, RequestError> {
        let root = LazyTrustRoot::new(request.sources.trust_root.clone());
        let (store, engine) = (request.sources.registry()?, engine(&request.engine)?);
        Ok(Self { request, store, engine, root, notes: Vec::new() })
    }

    /// The tag of the newest version that an entry allows.
    fn newest(&self, name: &str, entry: &PluginEntry, source: &Repository) -> Result<String, RequestError> {
        let tags = self.store.tags(source).map_err(request_error)?;
        let versions = tags.into_iter().filter_map(|tag| Some((version_of_tag(&tag)?, tag)));
        let newest = versions.filter(|(version, _)| entry.version.matches(version)).max();
        newest.map(|(_, tag)| tag).ok_or_else(|| {
            let fact = format!("{source} has no version {} of the plugin `{name}`", entry.version);
            request_error(refused(ErrorCode::ImageNotFound, fact).hint("see which tags it has, or change `version`"))
        })
    }

    fn resolve(&self, source: &Repository, tag: &str) -> Result<PinnedImage, RequestError> {
        let text = format!("{source}:{tag}");
        let reference: ImageRef =
            text.parse().map_err(|error| RequestError::new(format!("`{text}` is not a reference: {error}")))?;
        Ok(self.store.resolve(&reference).map_err(request_error)?.image)
    }

    /// Checks a plugin as a run would.
    fn check(
        &mut self,
        (name, entry): (&str, &PluginEntry),
        image: &PinnedImage,
        before: Option<&LockedPlugin>,
    ) -> Result<(LockedPlugin, Plugin), RequestError> {
        let found = fetch(&self.store, image).map_err(request_error)?;
        if let Some(before) = before.filter(|before| before.manifest == image.digest) {
            check_component(name, &found, before).map_err(request_error)?;
        }
        // One that is not vetted for development is locked, and a run refuses it without `--dev`.
        let settings = TrustSettings { root: &self.root, is_dev: entry.vet == VetMode::Off, pinned: None };
        let Checked { signer, vet } =
            check_trust(&self.request.plugins, &self.store, image, (name, entry), settings, &mut self.notes)?;
        let plugin = load(&self.engine, &format!("`{name}` ({image})"), &found.bytes)?;
        let about = PluginDescription::of(&plugin, found.bytes.len());
        check_section(&about, &found.bytes).map_err(request_error)?;
        let locked = LockedPlugin {
            name: name.to_owned(),
            source: String::new(),
            manifest: image.digest.clone(),
            component: found.component,
            world: plugin.world().to_owned(),
            wit: about.wit.to_owned(),
            signer,
            permissions: permissions_digest(&plugin),
            vet,
        };
        Ok((locked, plugin))
    }

    fn lock(&mut self, name: &str, entry: &PluginEntry, source: &Repository) -> Result<LockedPlugin, RequestError> {
        let before = self.request.lock.plugins.get(name);
        let moves = match &self.request.update {
            Update::None => false,
            Update::All => true,
            Update::Named(names) => names.iter().any(|named| named == name),
        };
        let kept = before.filter(|before| !moves && check_entry(name, entry, before).is_ok());
        let (tag, image) = match kept {
            Some(kept) => {
                let tag = kept.source.rsplit_once(':').map_or("", |(_, tag)| tag).to_owned();
                (tag, source.at(kept.manifest.clone()))
            }
            None => {
                let tag = self.newest(name, entry, source)?;
                let image = self.resolve(source, &tag)?;
                (tag, image)
            }
        };
        let (mut locked, plugin) = self.check((name, entry), &image, before)?;
        let version = version_of_tag(&tag).map(|version| version.to_string()).unwrap_or_default();
        if plugin.manifest().version != version {
            let says = &plugin.manifest().version;
            let message = format!("the plugin {source}:{tag} says that its version is {says}");
            return Err(request_error(
                refused(ErrorCode::PluginRefused, message).hint("push it again with `assay plugin push`"),
            ));
        }
        if let Some(before) = before.filter(|before| before.permissions != locked.permissions)
            && !self.request.accept_permissions
        {
            let requested: Vec<_> = plugin.requested().map(|one| format!("{} {}", one.kind, one.name)).collect();
            let message = format!(
                "`{name}` {version} requests other permissions than {} did: {}",
                before.source,
                if requested.is_empty() { "none".to_owned() } else { requested.join(", ") }
            );
            return Err(request_error(
                refused(ErrorCode::PluginLockMismatch, message)
                    .hint("review them with `assay plugin inspect`, then pass --accept-permissions"),
            ));
        }
        locked.source = format!("{source}:{tag}");
        Ok(locked)
    }
}

/// Resolves every plugin of the list that has a source.
///
/// # Errors
/// One has no version that the list allows, is not signed or vetted, is no plugin, or requests other permissions than
/// before.
pub fn lock_plugins(request: &LockRequest) -> Result<Locked, RequestError> {
    if let Update::Named(names) = &request.update
        && let Some(unknown) = names.iter().find(|name| !request.plugins.plugins.contains_key(*name))
    {
        let error = RequestError::new(format!("`{}` has no plugin `{unknown}`", request.plugins.path));
        return Err(error.hint("list the plugins with `assay plugin list`"));
    }
    let mut work = Work::new(request)?;
    let mut plugins = BTreeMap::new();
    for (name, entry) in &request.plugins.plugins {
        let Some(source) = &entry.source else { continue };
        plugins.insert(name.clone(), work.lock(name, entry, source)?);
    }
    let lock = LockFile { plugins };
    Ok(Locked { changes: changes(&request.lock, &lock), lock, notes: work.notes })
}

fn changes(before: &LockFile, after: &LockFile) -> Vec<String> {
    let mut changes = Vec::new();
    for (name, new) in &after.plugins {
        match before.plugins.get(name) {
            None => changes.push(format!("+ {name} {} {}", new.source, new.manifest)),
            Some(old) if old.manifest != new.manifest => {
                changes.push(format!("~ {name} {} {} → {} {}", old.source, old.manifest, new.source, new.manifest));
            }
            Some(old) if old != new => changes.push(format!("~ {name} {}: signer or vet statement", new.source)),
            Some(_) => {}
        }
        let old = before.plugins.get(name);
        if old.is_some_and(|old| old.permissions != new.permissions) {
            changes.push(format!("~ {name}: other permissions"));
        }
    }
    changes.extend(
        before.plugins.keys().filter(|name| !after.plugins.contains_key(*name)).map(|name| format!("- {name}")),
    );
    changes
}

/// Checks a lock file: that it is the one of the list, that each plugin is there and may run, and that each tag still stands
/// for what was locked.
///
/// # Errors
/// The registry cannot be accessed at all.
pub fn check_lock(request: &LockRequest) -> Result<(Vec<LockProblem>, Vec<String>), RequestError> {
    let mut work = Work::new(request)?;
    let mut problems = Vec::new();
    for (name, entry) in &request.plugins.plugins {
        let Some(source) = &entry.source else { continue };
        let checked = check_locked(&mut work, name, entry, source);
        problems.extend(checked.err().map(|error| LockProblem { plugin: name.clone(), message: error.to_string() }));
    }
    let listed = |name: &&String| request.plugins.plugins.get(*name).is_some_and(|entry| entry.source.is_some());
    for name in request.lock.plugins.keys().filter(|name| !listed(name)) {
        let message = format!("assay.lock has `{name}`, which plugins.toml does not have ({})", code());
        problems.push(LockProblem { plugin: name.clone(), message });
    }
    Ok((problems, work.notes))
}

const fn code() -> &'static str {
    ErrorCode::PluginLockMismatch.as_str()
}

fn mismatch(message: String) -> EvaluationError {
    refused(ErrorCode::PluginLockMismatch, message).hint("run `assay plugin lock` and review what it changes")
}

fn check_locked(work: &mut Work<'_>, name: &str, entry: &PluginEntry, source: &Repository) -> Result<(), RequestError> {
    let locked = work.request.lock.plugins.get(name);
    let locked = locked.ok_or_else(|| request_error(mismatch(format!("assay.lock has no plugin `{name}`"))))?;
    check_entry(name, entry, locked).map_err(request_error)?;
    let tag = locked.source.rsplit_once(':').map_or("", |(_, tag)| tag);
    let now = work.resolve(source, tag)?;
    if now.digest != locked.manifest {
        let message =
            format!("the tag {source}:{tag} was moved to {}, and assay.lock has {}", now.digest, locked.manifest);
        return Err(request_error(mismatch(message)));
    }
    let image = source.at(locked.manifest.clone());
    let (found, plugin) = work.check((name, entry), &image, Some(locked))?;
    check_loaded(name, &plugin, locked).map_err(request_error)?;
    if locked.vet.is_some() && found.vet != locked.vet {
        let message = format!("`{name}` has another vet statement than assay.lock");
        return Err(request_error(mismatch(message)));
    }
    Ok(())
}

/// A plugin of the list, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedPlugin {
    /// Its name.
    pub name: String,
    /// The version that is locked.
    pub version: Option<String>,
    /// Its world.
    pub world: Option<String>,
    /// The version of the contract.
    pub wit: Option<String>,
    /// The digest of its manifest, or of a file.
    pub digest: Option<String>,
    /// Its source or file.
    pub source: String,
    /// Who signed it.
    pub signer: Option<String>,
    /// The digest of its vet statement.
    pub vet: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// The plugins of a list, as far as the list and the lock file say. Nothing is fetched.
#[must_use]
pub fn list_plugins(list: &PluginsFile, lock: &LockFile) -> Vec<ListedPlugin> {
    let listed = |(name, entry): (&String, &PluginEntry)| {
        let locked = lock.plugins.get(name).filter(|_| entry.source.is_some());
        let problem = match (&entry.source, locked) {
            (None, _) => None,
            (Some(_), None) => Some(mismatch(format!("assay.lock has no plugin `{name}`"))),
            (Some(_), Some(locked)) => check_entry(name, entry, locked).err(),
        };
        let tag = locked.and_then(|locked| locked.source.rsplit_once(':')).map(|(_, tag)| tag);
        let file = || entry.file.as_ref().map(ToString::to_string).unwrap_or_default();
        ListedPlugin {
            name: name.clone(),
            version: tag.and_then(version_of_tag).map(|version| version.to_string()),
            world: locked.map(|locked| locked.world.clone()),
            wit: locked.map(|locked| locked.wit.clone()),
            digest: locked.map(|locked| &locked.manifest).or(entry.digest.as_ref()).map(ToString::to_string),
            source: entry.source.as_ref().map_or_else(file, ToString::to_string),
            signer: locked.and_then(|locked| locked.signer.clone()),
            vet: locked.and_then(|locked| locked.vet.as_ref()).map(ToString::to_string),
            problem: problem.map(|error| format!("{} ({})", error.message, error.code.as_str())),
        }
    };
    list.plugins.iter().map(listed).collect()
}
