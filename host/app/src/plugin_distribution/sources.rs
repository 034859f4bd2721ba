//! [`PluginSources`]: the component that a name, a reference or a file stands for, verified as `plugins.toml` and
//! `assay.lock` say. Every command that runs plugins gets them here.
//!
//! A tag is never run: it may be moved at any time. A name is run as `assay.lock` has it.

use std::sync::{Arc, OnceLock};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{ImageRef, PinnedImage},
    limits::PLUGIN_BYTES,
    nearest::nearest,
};
use assay_oci::ContentStore;
use assay_scheduler::ServiceLimit;
use assay_wasm::{Grants, Plugin};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::{
    artifact::{PluginImage, fetch},
    error::{refused, request_error},
    lock_file::{LockFile, LockedPlugin},
    plugins_file::{PluginEntry, PluginsFile, VetMode},
    signers::{find_statements, require_signer},
    vet_statement::require_accepted,
};
use crate::{
    error::{RequestError, RequestErrorKind},
    read::read_bytes,
    source_settings::{SourceSettings, open_registry},
    trust_root::LazyTrustRoot,
};

/// Where plugins come from.
pub struct PluginSources {
    list: Option<PluginsFile>,
    lock: LockFile,
    settings: SourceSettings,
    /// A layout that `plugin pull --save` wrote; then nothing is fetched.
    saved: Option<Utf8PathBuf>,
    is_dev: bool,
    root: Arc<LazyTrustRoot>,
    store: OnceLock<Result<Arc<ContentStore>, RequestError>>,
}

/// A component that may run.
#[derive(Clone, Debug)]
pub struct SourcedPlugin {
    /// What stands for it in messages.
    pub place: String,
    /// Its name in `plugins.toml`, by which it is granted something.
    pub entry: Option<String>,
    /// The component.
    pub bytes: ComponentBytes,
    /// Whether the argument was a file, which is what its author has on disk.
    pub is_file: bool,
    /// What people should know.
    pub notes: Vec<String>,
    /// What it was locked as.
    locked: Option<LockedPlugin>,
}

/// The bytes of a component, as they were read: it has some 20 MB, of which no copy is made.
#[derive(Clone, Debug)]
pub enum ComponentBytes {
    /// Of a file.
    Read(Arc<Vec<u8>>),
    /// Of a registry or a layout.
    Fetched(Arc<[u8]>),
}

impl From<Vec<u8>> for ComponentBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Read(Arc::new(bytes))
    }
}

impl From<Arc<[u8]>> for ComponentBytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Fetched(bytes)
    }
}

impl std::ops::Deref for ComponentBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Fetched(bytes) => bytes,
        }
    }
}

/// What an argument stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    File(Utf8PathBuf),
    Entry(String),
    Reference(PinnedImage),
}

impl PluginSources {
    /// Reads the list, and the lock file beside it. `is_dev` allows files and plugins that are not vetted.
    ///
    /// # Errors
    /// Either cannot be used.
    pub fn new(
        list: Option<&Utf8Path>,
        saved: Option<&Utf8Path>,
        is_dev: bool,
        settings: SourceSettings,
    ) -> Result<Self, RequestError> {
        let lock = list.map(LockFile::beside).transpose()?.unwrap_or_default();
        let list = list.map(PluginsFile::read).transpose()?;
        let root = LazyTrustRoot::new(settings.trust_root.clone());
        Ok(Self { list, lock, settings, saved: saved.map(Utf8Path::to_owned), is_dev, root, store: OnceLock::new() })
    }

    /// The list.
    #[must_use]
    pub const fn list(&self) -> Option<&PluginsFile> {
        self.list.as_ref()
    }

    /// The component that an argument stands for: a file, a name in the list, or a reference by digest.
    ///
    /// # Errors
    /// It is none of these, cannot be had, or is not what it must be.
    pub fn source(&self, argument: &str) -> Result<SourcedPlugin, RequestError> {
        match self.parse(argument)? {
            Named::File(file) => {
                let bytes = read_bytes(&file, "the component", PLUGIN_BYTES)?;
                Ok(SourcedPlugin {
                    place: format!("`{file}`"),
                    entry: None,
                    bytes: bytes.into(),
                    is_file: true,
                    notes: vec![],
                    locked: None,
                })
            }
            Named::Entry(name) => {
                let entry = self.list.as_ref().and_then(|list| list.plugins.get(&name)).cloned().unwrap_or_default();
                self.listed(&name, &entry)
            }
            Named::Reference(image) => self.referenced(&image),
        }
    }

    /// The component of a name in the list, or none if it is not listed.
    ///
    /// # Errors
    /// It cannot be had, or is not what it must be.
    pub fn find(&self, name: &str) -> Result<Option<SourcedPlugin>, RequestError> {
        let entry = self.list.as_ref().and_then(|list| list.plugins.get(name));
        entry.map(|entry| self.listed(name, entry)).transpose()
    }

    /// What a plugin is granted. `variable` is the environment, which secrets may be in.
    ///
    /// # Errors
    /// The value of a secret cannot be had.
    pub(crate) fn grants(
        &self,
        plugin: &SourcedPlugin,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Grants, RequestError> {
        match (&self.list, &plugin.entry) {
            (Some(list), Some(name)) => list.grants(name, variable, self.is_dev),
            _ => Ok(Grants { loopback: self.is_dev, ..Grants::default() }),
        }
    }

    /// How many jobs of a plugin may be with its service at a time; none is no limit.
    pub(crate) fn service_limit(&self, name: &str) -> Result<Option<ServiceLimit>, RequestError> {
        self.list.as_ref().map_or(Ok(None), |list| list.service_limit(name))
    }

    fn parse(&self, argument: &str) -> Result<Named, RequestError> {
        let path = Utf8Path::new(argument);
        if argument.contains("@sha256:") {
            return PinnedImage::parse(argument).map(Named::Reference).map_err(|error| {
                RequestError::new(format!("`{argument}` is not a reference by digest: {error}"))
                    .hint("pass a reference such as `registry.example/team/plugin@sha256:…`")
            });
        }
        if self.list.as_ref().is_some_and(|list| list.plugins.contains_key(argument)) {
            return Ok(Named::Entry(argument.to_owned()));
        }
        if path.exists() || path.extension() == Some("wasm") {
            return Ok(Named::File(path.to_owned()));
        }
        let is_reference =
            argument.parse::<ImageRef>().is_ok_and(|reference| argument.contains('/') && reference.digest().is_none());
        if is_reference {
            return Err(RequestError::new(format!("`{argument}` names a tag, which may be moved at any time"))
                .hint("pass `REPOSITORY@sha256:…`, which `assay plugin pull` prints, or a name from plugins.toml"));
        }
        let names = self.list.iter().flat_map(PluginsFile::names);
        let unknown = RequestError::new(format!("`{argument}` is neither a file nor a plugin in plugins.toml"));
        Err(match (nearest(argument, names), &self.list) {
            (Some(near), _) => unknown.hint(format!("did you mean `{near}`?")),
            (None, Some(_)) => unknown.hint("list the plugins with `assay plugin list`"),
            (None, None) => unknown.hint("pass a file, or name the list with `--plugins plugins.toml`"),
        })
    }

    /// The store of what is fetched, opened when something is.
    fn store(&self) -> Result<Arc<ContentStore>, RequestError> {
        let open = || open_plugins(self.saved.as_deref(), &self.settings).map(Arc::new);
        self.store.get_or_init(open).clone()
    }

    fn listed(&self, name: &str, entry: &PluginEntry) -> Result<SourcedPlugin, RequestError> {
        let Some(source) = &entry.source else { return self.listed_file(name, entry) };
        let Some(locked) = self.lock.plugins.get(name) else {
            return Err(request_error(not_locked(name)));
        };
        check_entry(name, entry, locked).map_err(request_error)?;
        let image = source.at(locked.manifest.clone());
        let store = self.store()?;
        let found = fetch(&store, &image).map_err(request_error)?;
        check_component(name, &found, locked).map_err(request_error)?;
        let place = format!("`{name}` ({image})");
        let mut sourced = SourcedPlugin {
            place,
            entry: Some(name.to_owned()),
            bytes: found.bytes.into(),
            is_file: false,
            notes: vec![],
            locked: Some(locked.clone()),
        };
        self.check_trust(&store, &image, (name, entry), locked.vet.as_ref(), &mut sourced.notes)?;
        Ok(sourced)
    }

    fn listed_file(&self, name: &str, entry: &PluginEntry) -> Result<SourcedPlugin, RequestError> {
        let refused = |fact: String| RequestError::of(RequestErrorKind::Plugin, fact);
        let Some(file) = &entry.file else {
            return Err(refused(format!("the plugin `{name}` has no `source` and no `file` in plugins.toml")));
        };
        if !self.is_dev {
            return Err(refused(format!("the plugin `{name}` is a file, which is for development"))
                .hint("pass --dev to run it all the same"));
        }
        let folder = self.list.as_ref().map_or(Utf8Path::new(""), PluginsFile::folder);
        let bytes = read_bytes(&folder.join(file), "the plugin", PLUGIN_BYTES)?;
        if let Some(digest) = &entry.digest {
            digest
                .check(&bytes)
                .map_err(|error| refused(format!("the plugin `{name}` is another one than listed: {error}")))?;
        }
        Ok(SourcedPlugin {
            place: format!("`{name}`"),
            entry: Some(name.to_owned()),
            bytes: bytes.into(),
            is_file: false,
            notes: vec![],
            locked: None,
        })
    }

    /// Who names a digest says what exactly is meant; a list that has the repository says who must have signed it.
    fn referenced(&self, image: &PinnedImage) -> Result<SourcedPlugin, RequestError> {
        if let Some(list) = &self.list
            && !list.allows(&image.repository)
        {
            let message = format!("`registries` of `{}` does not allow plugins of {}", list.path, image.repository);
            return Err(request_error(refused(ErrorCode::PluginRefused, message)));
        }
        let store = self.store()?;
        let found = fetch(&store, image).map_err(request_error)?;
        let mut sourced = SourcedPlugin {
            place: format!("`{image}`"),
            entry: None,
            bytes: found.bytes.into(),
            is_file: false,
            notes: vec![],
            locked: None,
        };
        let entry = self.list.as_ref().map(|list| list.entry_of(&self.lock, image, None)).transpose()?.flatten();
        if let Some((name, entry)) = entry {
            sourced.entry = Some(name.to_owned());
            self.check_trust(&store, image, (name, entry), None, &mut sourced.notes)?;
        }
        Ok(sourced)
    }

    /// Whether someone who is trusted signed the plugin, and a vetter accepted it.
    fn check_trust(
        &self,
        store: &ContentStore,
        image: &PinnedImage,
        (name, entry): (&str, &PluginEntry),
        pinned: Option<&Digest>,
        notes: &mut Vec<String>,
    ) -> Result<(), RequestError> {
        let Some(list) = &self.list else { return Ok(()) };
        check_trust(
            list,
            store,
            image,
            (name, entry),
            TrustSettings { root: &self.root, is_dev: self.is_dev, pinned },
            notes,
        )
        .map(drop)
    }
}

/// The store that plugins are read from: a layout that was saved, else registries.
pub(crate) fn open_plugins(saved: Option<&Utf8Path>, settings: &SourceSettings) -> Result<ContentStore, RequestError> {
    let Some(path) = saved else { return open_registry(settings.registries.clone()) };
    ContentStore::open_layout(path.as_std_path())
        .map_err(|error| RequestError::from_error(&error).hint(error.hint()).with_kind(RequestErrorKind::Registry))
}

/// What else a check of trust depends on.
#[derive(Clone, Copy)]
pub(crate) struct TrustSettings<'a> {
    pub(crate) root: &'a Arc<LazyTrustRoot>,
    pub(crate) is_dev: bool,
    /// The vet statement that a lock file names.
    pub(crate) pinned: Option<&'a Digest>,
}

/// What is known after a check of trust, for a lock file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checked {
    pub(crate) signer: Option<String>,
    pub(crate) vet: Option<Digest>,
}

/// Whether someone who is trusted signed a plugin, and a vetter accepted it.
pub(crate) fn check_trust(
    list: &PluginsFile,
    store: &ContentStore,
    image: &PinnedImage,
    (name, entry): (&str, &PluginEntry),
    TrustSettings { root, is_dev, pinned }: TrustSettings<'_>,
    notes: &mut Vec<String>,
) -> Result<Checked, RequestError> {
    let mut checked = Checked::default();
    if entry.trust.is_empty() {
        if !is_dev {
            let message =
                format!("the plugin `{name}` has no `trust` in `{}`, so nobody's signature counts", list.path);
            return Err(request_error(
                refused(ErrorCode::PluginNotSigned, message).hint("add `trust = \"NAME\"` and `[trust.NAME]`"),
            ));
        }
        notes.push(format!("the plugin `{name}` is not verified: it has no `trust` in plugins.toml"));
    } else {
        let signers = require_signer(store, image, &list.signers(&entry.trust, root)?).map_err(request_error)?;
        checked.signer = signers.first().map(super::signers::PluginSigner::name);
    }
    if entry.vet == VetMode::Off {
        if is_dev {
            return Ok(checked);
        }
        let message = format!("the plugin `{name}` has `vet = \"off\"`, which is for development");
        return Err(request_error(
            refused(ErrorCode::PluginNotVetted, message).hint("pass --dev, or require a vet statement"),
        ));
    }
    let accepted = if list.vetters.is_empty() {
        let message = format!("the plugin `{name}` is not vetted: `{}` has no `vetters`", list.path);
        Err(refused(ErrorCode::PluginNotVetted, message).hint("add `vetters = [\"NAME\"]` and `[trust.NAME]`"))
    } else {
        let statements = find_statements(store, image, &list.signers(&list.vetters, root)?).map_err(request_error)?;
        require_accepted(image, &statements, pinned)
    };
    match (accepted, entry.vet) {
        (Ok(statement), _) => checked.vet = Some(statement.digest),
        (Err(error), VetMode::Warn) => notes.push(format!("{} ({})", error.message, error.code.as_str())),
        (Err(error), _) => return Err(request_error(error)),
    }
    Ok(checked)
}

/// A plugin of the list that `assay.lock` does not have.
pub(crate) fn not_locked(name: &str) -> EvaluationError {
    mismatch(format!("assay.lock has no plugin `{name}`"))
}

fn mismatch(message: String) -> EvaluationError {
    refused(ErrorCode::PluginLockMismatch, message).hint("run `assay plugin lock` and review what it changes")
}

/// Whether a locked plugin is one that the list means.
pub(crate) fn check_entry(name: &str, entry: &PluginEntry, locked: &LockedPlugin) -> Result<(), EvaluationError> {
    let source: Option<ImageRef> = locked.source.parse().ok();
    let is_source = source.as_ref().map(ImageRef::repository) == entry.source.as_ref();
    let version = source.as_ref().and_then(ImageRef::tag).and_then(version_of_tag);
    match (is_source, version) {
        (true, Some(version)) if entry.version.matches(&version) => Ok(()),
        (true, _) => Err(mismatch(format!(
            "assay.lock has `{name}` as {}, and plugins.toml requires the version {}",
            locked.source, entry.version
        ))),
        (false, _) => Err(mismatch(format!(
            "assay.lock has `{name}` from {}, which is not its source in plugins.toml",
            locked.source
        ))),
    }
}

/// Whether what was fetched is what was locked.
pub(crate) fn check_component(name: &str, found: &PluginImage, locked: &LockedPlugin) -> Result<(), EvaluationError> {
    if found.component == locked.component {
        return Ok(());
    }
    Err(mismatch(format!("the component of `{name}` is {}, and assay.lock has {}", found.component, locked.component)))
}

/// The version that a tag stands for.
pub(crate) fn version_of_tag(tag: &str) -> Option<semver::Version> {
    tag.replace('_', "+").parse().ok()
}

/// The digest of what a plugin requests, without the reasons.
pub(crate) fn permissions_digest(plugin: &Plugin) -> Digest {
    let mut requested: Vec<_> = plugin
        .requested()
        .map(|one| {
            let mut options = one.options.to_vec();
            options.sort();
            json!([one.kind, one.name, options]).to_string()
        })
        .collect();
    requested.sort();
    Digest::of(json!(requested).to_string().as_bytes())
}

impl SourcedPlugin {
    /// A component that an evidence archive has under this name. It was verified when the archive was made.
    pub(crate) fn of_archive(name: &str, bytes: Vec<u8>) -> Self {
        Self {
            place: format!("`{name}`"),
            entry: None,
            bytes: bytes.into(),
            is_file: false,
            notes: vec![],
            locked: None,
        }
    }

    /// Whether the loaded plugin is what was locked.
    ///
    /// # Errors
    /// It is of another world or requests something else.
    pub fn check_locked(&self, plugin: &Plugin) -> Result<(), RequestError> {
        let Some(locked) = &self.locked else { return Ok(()) };
        check_loaded(&locked.name, plugin, locked).map_err(request_error)
    }
}

/// Whether a loaded plugin is what was locked.
pub(crate) fn check_loaded(name: &str, plugin: &Plugin, locked: &LockedPlugin) -> Result<(), EvaluationError> {
    if plugin.world() != locked.world {
        let (is, was) = (plugin.world(), &locked.world);
        return Err(mismatch(format!("`{name}` is of the world `{is}`, and assay.lock has `{was}`")));
    }
    if permissions_digest(plugin) != locked.permissions {
        return Err(mismatch(format!("`{name}` requests other permissions than assay.lock has")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_must_be_that_of_the_list() {
        let text = "[plugin.a]\nsource = 'r.example/a'\nversion = '1.1'\n";
        let list = PluginsFile::parse(text, Utf8Path::new("plugins.toml")).unwrap();
        let entry = &list.plugins["a"];
        assert!(check_entry("a", entry, &LockedPlugin::of_test("a", "r.example/a:1.2.0")).is_ok());
        for source in ["r.example/a:1.0.0", "r.example/a:2.0.0", "r.example/b:1.2.0", "r.example/a:latest", ""] {
            let error = check_entry("a", entry, &LockedPlugin::of_test("a", source)).unwrap_err();
            assert_eq!(error.code, ErrorCode::PluginLockMismatch, "{source}");
        }
    }

    fn sources(text: &str, is_dev: bool) -> (tempfile::TempDir, PluginSources) {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(folder.path().join("plugins.toml")).unwrap();
        fs_err::write(&file, text).unwrap();
        fs_err::write(folder.path().join("a.wasm"), "bytes").unwrap();
        let settings = crate::source_settings::SourceSettings {
            cache: crate::CacheDir::None,
            offline: true,
            registries: assay_oci::RegistryOptions::default(),
            deadline: None,
            is_strict: true,
            trust_root: crate::TrustRootSettings::default(),
        };
        let sources = PluginSources::new(Some(&file), None, is_dev, settings).unwrap();
        (folder, sources)
    }

    #[test]
    fn a_file_needs_dev_and_its_digest() {
        let (right, wrong) = (Digest::of(b"bytes"), Digest::of(b"other"));
        let text = format!(
            "[plugin.a]\nfile = 'a.wasm'\ndigest = '{right}'\n[plugin.b]\nfile = 'a.wasm'\ndigest = '{wrong}'\n"
        );
        let (_folder, dev) = sources(&text, true);
        assert_eq!(&*dev.find("a").unwrap().unwrap().bytes, b"bytes");
        assert_eq!(dev.source("a").unwrap().entry.as_deref(), Some("a"));
        assert!(dev.find("c").unwrap().is_none());
        assert!(dev.find("b").unwrap_err().to_string().contains("another one than listed"));
        let (_folder, plain) = sources(&text, false);
        assert!(plain.find("a").unwrap_err().to_string().contains("for development"));
    }

    #[test]
    fn a_tag_is_never_run_and_what_is_unknown_has_a_near_name() {
        let (_folder, sources) = sources("[plugin.jenkins]\nsource = 'r.example/jenkins'\n", false);
        let message = |argument: &str| sources.source(argument).unwrap_err().message();
        assert!(message("r.example/jenkins:1.0.0").contains("names a tag"));
        assert!(message("r.example/jenkins").contains("names a tag"));
        assert!(message("jenkin").contains("did you mean `jenkins`?"));
        assert!(message("r.example/a@sha256:12").contains("not a reference by digest"));
        assert!(message("jenkins").contains("assay.lock has no plugin `jenkins` (plugin-lock-mismatch)"));
        assert!(message("none.wasm").contains("no such file"));
    }
}
