//! The flags of `man`.

use camino::Utf8PathBuf;
use clap::Args;

pub(super) fn help() -> &'static str {
    "Examples:
  # read the page of the program
  assay man | man -l -

  # write the pages of all commands where `man assay-validate-image` finds them
  assay man ~/.local/share/man/man1"
}

#[derive(Debug, Args)]
pub(crate) struct ManFlags {
    /// Folder to write the pages of all commands to; it is made where it is missing
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<Utf8PathBuf>,
}
