//! The flags of `inspect policy` and `inspect policy-data`.

use camino::Utf8PathBuf;
use clap::{ArgGroup, Args, Subcommand};

use super::sources::SourceFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum Inspect {
    /// List the rules of policy sources with their annotations
    #[command(after_help = "Examples:
  # which rules are in the policies of a directory, and since when are they effective?
  assay inspect policy --source ./policy

  # the names of the rules of one collection that a policy configuration can include
  assay inspect policy --policy policy.yaml --collection redhat --output names")]
    Policy(InspectPolicyFlags),
    /// Show the merged data
    #[command(after_help = "Examples:
  # what do policies see as `data` with these two sources?
  assay inspect policy-data --output yaml --source ./data \\
      --source git::https://git.example/data//data")]
    PolicyData(InspectDataFlags),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("shown").required(true))]
pub(crate) struct InspectPolicyFlags {
    /// Policy configuration whose policy sources are inspected
    #[arg(short, long, value_name = "FILE|TEXT|SOURCE", group = "shown", help_heading = "Sources")]
    pub(crate) policy: Option<String>,

    /// Policy source to inspect; repeatable
    #[arg(short, long, value_name = "SOURCE", group = "shown", help_heading = "Sources")]
    pub(crate) source: Vec<String>,

    /// Copy fetched sources to DIR
    #[arg(short, long, value_name = "DIR", help_heading = "Sources")]
    pub(crate) dest: Option<Utf8PathBuf>,

    /// Output format: json, text, names or short-names
    #[arg(short, long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(crate) output: String,

    /// Only show rules with this name: `package.short_name` or `short_name`
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "Rules")]
    pub(crate) rule: String,

    /// Only show rules of this package
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "Rules")]
    pub(crate) package: String,

    /// Only show rules of this collection
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "Rules")]
    pub(crate) collection: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}

#[derive(Debug, Args)]
pub(crate) struct InspectDataFlags {
    /// Data source to inspect; repeatable
    #[arg(short, long, value_name = "SOURCE", required = true, help_heading = "Sources")]
    pub(crate) source: Vec<String>,

    /// Copy fetched sources to DIR
    #[arg(short, long, value_name = "DIR", help_heading = "Sources")]
    pub(crate) dest: Option<Utf8PathBuf>,

    /// Output format: json or yaml
    #[arg(short, long, value_name = "FORMAT", default_value = "json", help_heading = "Report")]
    pub(crate) output: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
