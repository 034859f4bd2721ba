//! The flags of `init policies`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Init {
    /// Writes a first policy to start from
    #[command(after_help = "Examples:
  # see it
  assay init policies

  # make a folder with it, and see that it compiles
  assay init policies --dest-dir policy
  assay policy check policy")]
    Policies(InitFlags),
}

#[derive(Debug, Args)]
pub(crate) struct InitFlags {
    /// Folder to write `sample.rego` to, made if it is not there [default: standard output]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) dest_dir: Option<Utf8PathBuf>,
}
