//! The flags of `version`.

use clap::Args;

pub(super) fn help() -> &'static str {
    "Examples:
  # the version, and the versions of ec and OPA it is compatible with
  assay version

  # the version only, for a script
  assay version --short"
}

#[derive(Debug, Args)]
pub(crate) struct VersionFlags {
    /// Print version information as JSON
    #[arg(short, long)]
    pub(crate) json: bool,

    /// Only print the version
    #[arg(short, long)]
    pub(crate) short: bool,
}
