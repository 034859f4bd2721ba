//! The flags of `version`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct VersionFlags {
    /// As JSON
    #[arg(short, long)]
    pub(crate) json: bool,

    /// Only the version
    #[arg(short, long)]
    pub(crate) short: bool,
}
