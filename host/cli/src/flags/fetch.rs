//! The flags of `fetch policy`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::sources::SourceFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum Fetch {
    /// Fetches policy rules and data from repositories, bundles and other sources into a folder
    #[command(after_help = "Examples:
  # a folder of a repository
  assay fetch policy --dest fetched --source github.com/conforma/policy//policy/release

  # a bundle of a registry, with data
  assay fetch policy --source oci::registry.example/policy:v1 \\
      --data-source git::https://git.example/data//data

Each source gets a folder of its own below `policy` or `data`, named by a hash of its address.")]
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

    /// Folder to fetch into
    #[arg(short, long, value_name = "DIR", default_value = ".", help_heading = "Fetching")]
    pub(crate) dest: Utf8PathBuf,

    /// Fetch into a new temporary folder instead, which stays
    #[arg(short, long, help_heading = "Fetching")]
    pub(crate) work_dir: bool,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
