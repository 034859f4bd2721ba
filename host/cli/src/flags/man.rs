//! The flags of `man`.

use camino::Utf8PathBuf;
use clap::Args;

pub(super) fn help() -> &'static str {
    "Examples:
  # read the manual page of the program
  assay man | man -l -

  # write the manual pages of all commands where `man assay-validate-image` finds them
  assay man ~/.local/share/man/man1"
}

#[derive(Debug, Args)]
pub(crate) struct ManFlags {
    /// Directory to write the manual pages of all commands to; created if missing
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<Utf8PathBuf>,
}
