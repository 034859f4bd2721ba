//! The flags of `fetch policy`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::sources::SourceFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum Fetch {
    /// Fetch policies and data from repositories, bundles and other sources into a directory
    #[command(after_help = "Examples:
  # a directory of a repository
  assay fetch policy --dest fetched --source github.com/conforma/policy//policy/release

  # a bundle from a registry, with data
  assay fetch policy --source oci::registry.example/policy:v1 \\
      --data-source git::https://git.example/data//data

Each source is fetched into its own directory under `policy` or `data`, named by a hash of the
source.")]
    Policy(FetchPolicyFlags),
}

#[derive(Debug, Args)]
pub(crate) struct FetchPolicyFlags {
    /// Policy source to fetch; repeatable
    #[arg(short, long, value_name = "SOURCE", required = true, help_heading = "Fetching")]
    pub(crate) source: Vec<String>,

    /// Data source to fetch; repeatable
    #[arg(long, value_name = "SOURCE", help_heading = "Fetching")]
    pub(crate) data_source: Vec<String>,

    /// Directory to fetch into
    #[arg(short, long, value_name = "DIR", default_value = ".", help_heading = "Fetching")]
    pub(crate) dest: Utf8PathBuf,

    /// Fetch into a new temporary directory, which is kept
    #[arg(short, long, help_heading = "Fetching")]
    pub(crate) work_dir: bool,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
