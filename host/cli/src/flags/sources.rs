//! The flags of every command that fetches policies, with those of the registries.

use camino::Utf8PathBuf;
use clap::Args;

use super::registry::RegistryFlags;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cache")]
pub(crate) struct SourceFlags {
    /// Directory that caches fetched policies by commit and digest, and what policies and data are compiled to; empty
    /// disables caching [default: the user's cache directory]
    #[arg(long, value_name = "DIR", env = "ASSAY_CACHE_DIR")]
    pub(crate) cache_dir: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,
}
