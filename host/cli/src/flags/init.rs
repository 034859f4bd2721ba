//! The flags of `init policies`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Init {
    /// Create a starter policy
    #[command(after_help = "Examples:
  # print it
  assay init policies

  # write it to a directory, and check that it compiles
  assay init policies --dest-dir policy
  assay policy check policy")]
    Policies(InitFlags),
}

#[derive(Debug, Args)]
pub(crate) struct InitFlags {
    /// Directory to write `sample.rego` to; created if missing [default: standard output]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) dest_dir: Option<Utf8PathBuf>,
}
