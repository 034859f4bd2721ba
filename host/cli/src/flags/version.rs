//! The flags of `version`.

use clap::Args;

pub(super) fn help() -> &'static str {
    "Examples:
  # the version, and whose formats and answers it follows
  assay version

  # for a script
  assay version --short"
}

#[derive(Debug, Args)]
pub(crate) struct VersionFlags {
    /// Print it all as JSON
    #[arg(short, long)]
    pub(crate) json: bool,

    /// Print only the version
    #[arg(short, long)]
    pub(crate) short: bool,
}
