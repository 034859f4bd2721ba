//! [`source_settings`]: where fetched policies are kept, and how registries are accessed.

use assay_app::{CacheDir, SourceSettings};

use super::{Environment, trust::trust_root_settings};
use crate::{error::CliError, flags::sources::SourceFlags, registries};

/// How policy sources are fetched.
pub(crate) fn source_settings(flags: &SourceFlags, env: &Environment) -> Result<SourceSettings, CliError> {
    let cache = match &flags.cache_dir {
        Some(folder) if folder.as_str().is_empty() => CacheDir::None,
        Some(folder) => CacheDir::Explicit(folder.clone()),
        None => (env.cache_home)().map_or(CacheDir::None, |home| CacheDir::Default(home.join("assay"))),
    };
    let mut network = (env.network)();
    if !env.mode.reads_default_registries_conf() {
        network.default_registries_confs.clear();
    }
    let registries = registries::parse_options(&flags.registries, network)?;
    let is_strict = env.mode.refuses_ambiguous_sources();
    let trust_root = trust_root_settings(None, env);
    Ok(SourceSettings { cache, offline: false, registries, deadline: env.deadline, is_strict, trust_root })
}
