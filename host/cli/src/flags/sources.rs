//! The flags of every command that fetches policies, with those for the registries they come from.

use camino::Utf8PathBuf;
use clap::Args;

use super::registry::RegistryFlags;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cache")]
pub(crate) struct SourceFlags {
    /// Folder that keeps fetched policies between runs, by commit and digest; an empty text keeps nothing [default: the
    /// user's cache folder]
    #[arg(long, value_name = "DIR", env = "ASSAY_CACHE_DIR")]
    pub(crate) cache_dir: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,
}
