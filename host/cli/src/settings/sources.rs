//! Where fetched policies are kept, and whether any may be fetched.

use std::time::Instant;

use camino::Utf8PathBuf;

use super::Surroundings;
use crate::flags::sources::SourceFlags;

/// How policy sources are brought to this machine.
#[derive(Debug, Clone)]
pub(crate) struct SourceSettings {
    pub(crate) cache: CacheFolder,
    /// Nothing is asked of a network: what is not here is an error.
    pub(crate) offline: bool,
    /// Registries that are asked over plain HTTP.
    pub(crate) insecure_registries: Vec<String>,
    /// The end of the run, which no fetch outlasts.
    pub(crate) deadline: Option<Instant>,
}

/// The folder that keeps what was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CacheFolder {
    /// Nothing is kept.
    None,
    /// The user's. That it cannot be written to, as in many containers, is no error.
    Usual(Utf8PathBuf),
    /// One that was asked for.
    Given(Utf8PathBuf),
}

impl SourceSettings {
    pub(crate) fn new(flags: &SourceFlags, around: &Surroundings) -> Self {
        let cache = match &flags.cache_dir {
            Some(folder) if folder.as_str().is_empty() => CacheFolder::None,
            Some(folder) => CacheFolder::Given(folder.clone()),
            None => (around.cache_home)().map_or(CacheFolder::None, |home| CacheFolder::Usual(home.join("assay"))),
        };
        Self { cache, offline: false, insecure_registries: Vec::new(), deadline: None }
    }

    /// The same for a run that asks no network.
    pub(crate) const fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The same for a run that ends then.
    pub(crate) const fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same with registries that are asked over plain HTTP.
    pub(crate) fn insecure(mut self, registries: &[String]) -> Self {
        self.insecure_registries = registries.to_vec();
        self
    }
}
