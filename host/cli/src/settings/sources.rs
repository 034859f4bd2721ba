//! Where fetched policies are kept, and whether any may be fetched.

use std::time::Instant;

use assay_oci::{ContentStore, RegistryOptions};
use camino::Utf8PathBuf;

use super::{Environment, Mode};
use crate::{error::CliError, flags::sources::SourceFlags, registries};

/// How policy sources are fetched.
#[derive(Debug, Clone)]
pub(crate) struct SourceSettings {
    pub(crate) cache: CacheDir,
    /// Nothing is fetched over a network: a source that is not local is an error.
    pub(crate) offline: bool,
    /// How registries are accessed.
    pub(crate) registries: RegistryOptions,
    /// The end of the run, which no fetch outlasts.
    pub(crate) deadline: Option<Instant>,
    /// Whether a source that is a path here and looks remote is refused. `ec` takes the path.
    pub(crate) is_strict: bool,
}

/// The folder that keeps what was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CacheDir {
    /// Nothing is kept.
    None,
    /// The user's default. It is not an error if it is not writable, as in many containers.
    Default(Utf8PathBuf),
    /// One that the user chose.
    Explicit(Utf8PathBuf),
}

impl SourceSettings {
    pub(crate) fn new(flags: &SourceFlags, env: &Environment) -> Result<Self, CliError> {
        let cache = match &flags.cache_dir {
            Some(folder) if folder.as_str().is_empty() => CacheDir::None,
            Some(folder) => CacheDir::Explicit(folder.clone()),
            None => (env.cache_home)().map_or(CacheDir::None, |home| CacheDir::Default(home.join("assay"))),
        };
        let registries = registries::parse_options(&flags.registries, (env.network)())?;
        Ok(Self { cache, offline: false, registries, deadline: env.deadline, is_strict: env.mode == Mode::Native })
    }

    /// The same for a run without network access.
    pub(crate) const fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The same for a run that ends then.
    pub(crate) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self.registries.deadline = deadline;
        self
    }

    /// A store that fetches from registries.
    pub(crate) fn registry(&self) -> Result<ContentStore, CliError> {
        registries::open_registry(self.registries.clone())
    }
}
