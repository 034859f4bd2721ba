//! The flags of `init policies`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Init {
    /// Create a starter policy: a rule, its tests and a policy configuration
    #[command(after_help = "Examples:
  # print the rule
  assay init policies

  # write the rule, its tests and a policy configuration to a directory, and run the tests
  assay init policies --dest-dir my-policy
  assay policy test my-policy")]
    Policies(InitFlags),
}

#[derive(Debug, Args)]
pub(crate) struct InitFlags {
    /// Directory to write the files to; created if missing [default: print the rule to standard output]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) dest_dir: Option<Utf8PathBuf>,
}
