//! The flags of `inspect policy` and `inspect policy-data`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::sources::SourceFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum Inspect {
    /// Shows the rules of policy sources with what their annotations say
    Policy(InspectPolicyFlags),
    /// Shows the data of data sources, put together
    PolicyData(InspectDataFlags),
}

#[derive(Debug, Args)]
pub(crate) struct InspectPolicyFlags {
    /// Policy configuration whose policy sources are looked at
    #[arg(short, long, value_name = "FILE|TEXT|SOURCE", conflicts_with = "source")]
    pub(crate) policy: Option<String>,

    /// Policy source to look at; repeatable
    #[arg(short, long, value_name = "SOURCE")]
    pub(crate) source: Vec<String>,

    /// Folder that what is fetched is copied into
    #[arg(short, long, value_name = "DIR")]
    pub(crate) dest: Option<Utf8PathBuf>,

    /// How to show it: json, text, names or short-names
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: String,

    /// Only rules of this name: `package.short_name` or `short_name`
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) rule: String,

    /// Only rules of this package
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) package: String,

    /// Only rules of this collection
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) collection: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}

#[derive(Debug, Args)]
pub(crate) struct InspectDataFlags {
    /// Data source to look at; repeatable
    #[arg(short, long, value_name = "SOURCE", required = true)]
    pub(crate) source: Vec<String>,

    /// Folder that what is fetched is copied into
    #[arg(short, long, value_name = "DIR")]
    pub(crate) dest: Option<Utf8PathBuf>,

    /// How to show it: json or yaml
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    pub(crate) output: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
