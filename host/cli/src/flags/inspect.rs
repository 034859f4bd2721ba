//! The flags of `inspect policy` and `inspect policy-data`.

use camino::Utf8PathBuf;
use clap::{ArgGroup, Args, Subcommand};

use super::sources::SourceFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum Inspect {
    /// Shows the rules of policy sources with what their annotations say
    #[command(after_help = "Examples:
  # what do the policies of a folder judge, and since when?
  assay inspect policy --source ./policy

  # the names of the rules that a policy configuration could include, of one collection
  assay inspect policy --policy policy.yaml --collection redhat --output names")]
    Policy(InspectPolicyFlags),
    /// Shows the data of data sources, put together
    #[command(after_help = "Examples:
  # what do policies see as `data` with these two sources?
  assay inspect policy-data --output yaml --source ./data \\
      --source git::https://git.example/data//data")]
    PolicyData(InspectDataFlags),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("shown").required(true))]
pub(crate) struct InspectPolicyFlags {
    /// Policy configuration whose policy sources are looked at
    #[arg(short, long, value_name = "FILE|TEXT|SOURCE", group = "shown", help_heading = "Sources")]
    pub(crate) policy: Option<String>,

    /// Policy source to look at; repeatable
    #[arg(short, long, value_name = "SOURCE", group = "shown", help_heading = "Sources")]
    pub(crate) source: Vec<String>,

    /// Folder that what is fetched is copied into
    #[arg(short, long, value_name = "DIR", help_heading = "Sources")]
    pub(crate) dest: Option<Utf8PathBuf>,

    /// How to show it: json, text, names or short-names
    #[arg(short, long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(crate) output: String,

    /// Only rules of this name: `package.short_name` or `short_name`
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "Rules")]
    pub(crate) rule: String,

    /// Only rules of this package
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "Rules")]
    pub(crate) package: String,

    /// Only rules of this collection
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "Rules")]
    pub(crate) collection: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}

#[derive(Debug, Args)]
pub(crate) struct InspectDataFlags {
    /// Data source to look at; repeatable
    #[arg(short, long, value_name = "SOURCE", required = true, help_heading = "Sources")]
    pub(crate) source: Vec<String>,

    /// Folder that what is fetched is copied into
    #[arg(short, long, value_name = "DIR", help_heading = "Sources")]
    pub(crate) dest: Option<Utf8PathBuf>,

    /// How to show it: json or yaml
    #[arg(short, long, value_name = "FORMAT", default_value = "json", help_heading = "Report")]
    pub(crate) output: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
