//! [`SourceSettings`]: where fetched policies are kept, whether any may be fetched, how registries are accessed, and
//! [`open_evidence`]: what stands in for them.

use std::time::Instant;

use assay_documents::DocumentFormat;
use assay_oci::{Cache, ContentStore, OpenedLayout, RegistriesConf, RegistryOptions};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    error::{RequestError, RequestErrorKind},
    trust_root::TrustRootSettings,
};

/// How policy sources are fetched.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// The folder that keeps what was fetched.
    pub cache: CacheDir,
    /// Nothing is fetched over a network: a source that is not local is an error.
    pub offline: bool,
    /// How registries are accessed.
    pub registries: RegistryOptions,
    /// The end of the run, which no fetch outlasts.
    pub deadline: Option<Instant>,
    /// Whether a source that is a path here and looks remote is refused. `ec` takes the path.
    pub is_strict: bool,
    /// Where the trust root of what policies and runs verify is.
    pub trust_root: TrustRootSettings,
}

/// The folder that keeps what was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheDir {
    /// Nothing is kept.
    None,
    /// The user's default. It is not an error if it is not writable, as in many containers.
    Default(Utf8PathBuf),
    /// One that the user chose.
    Explicit(Utf8PathBuf),
}

impl SourceSettings {
    /// The same for a run without network access.
    #[must_use]
    pub const fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The same for a run that ends then.
    #[must_use]
    pub fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self.registries.deadline = deadline;
        self
    }

    /// A store that fetches from registries.
    pub(crate) fn registry(&self) -> Result<ContentStore, RequestError> {
        let cache = self.open_cache()?;
        open_registry(RegistryOptions { cache, ..self.registries.clone() })
    }

    /// The folder that keeps what was fetched; none where nothing is kept.
    pub(crate) fn open_cache(&self) -> Result<Option<Cache>, RequestError> {
        let open = |folder: &Utf8Path| Cache::open(folder.as_std_path());
        Ok(match &self.cache {
            CacheDir::None => None,
            CacheDir::Default(folder) => open(folder).ok(),
            CacheDir::Explicit(folder) => Some(open(folder).map_err(|error| {
                RequestError::new(format!("the cache directory `{folder}` cannot be used: {error}"))
                    .hint("choose another directory with `--cache-dir`, or disable caching with `--cache-dir=`")
            })?),
        })
    }
}

/// A store that fetches from registries.
pub(crate) fn open_registry(options: RegistryOptions) -> Result<ContentStore, RequestError> {
    ContentStore::registry(options).map_err(|error| {
        let refused = RequestError::of(RequestErrorKind::Registry, error.message);
        match error.hint {
            Some(hint) => refused.hint(hint),
            None => refused,
        }
    })
}

/// Adds what a registries.conf says.
///
/// # Errors
/// What is wrong with it.
pub fn add_registries_conf(conf: &mut RegistriesConf, text: &str) -> Result<(), String> {
    DocumentFormat::Toml.read(text)?.iter().try_for_each(|document| conf.add(document))
}

/// Opens an OCI image layout or an evidence archive.
///
/// # Errors
/// It is none, or cannot be read.
pub fn open_evidence(path: &Utf8Path) -> Result<OpenedLayout, RequestError> {
    OpenedLayout::open(path.as_std_path())
        .map_err(|error| RequestError::from_error(&error).hint(error.hint()).with_kind(RequestErrorKind::Registry))
}
