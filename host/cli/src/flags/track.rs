//! The flags of `track bundle`.

use clap::{ArgAction, Args, Subcommand};

use super::{go, sources::SourceFlags};

#[derive(Debug, Subcommand)]
pub(crate) enum Track {
    /// Record the current versions of Tekton bundles and tasks in a policy data file
    #[command(
        alias = "tekton-task",
        after_help = "Examples:
  # create a record of trusted tasks from a bundle
  assay track bundle --bundle registry.example/tasks/build:0.1 --output trusted-tasks.yaml

  # add a task from a repository; the version it replaces stays trusted for 30 days
  assay track bundle --git git+https://git.example/tasks.git//task/build.yaml@main \\
      --input trusted-tasks.yaml --replace --in-effect-days 30

  # record what the tags currently resolve to
  assay track bundle --input trusted-tasks.yaml --replace --freshen

  # keep the record in a registry, where policies can use it as a data source
  assay track bundle --input oci:registry.example/data/trusted:latest --replace --freshen

Policies read the record as data: add its directory to the data sources of a policy configuration."
    )]
    Bundle(TrackFlags),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct TrackTargets {
    /// Tekton bundle to record, with a tag, a digest or both; repeatable
    #[arg(short, long, value_name = "IMAGE", help_heading = "Tasks")]
    pub(crate) bundle: Vec<String>,

    /// Task in a Git repository to record, as `git+URL//PATH@REVISION`; repeatable
    #[arg(short, long, value_name = "REFERENCE", help_heading = "Tasks")]
    pub(crate) git: Vec<String>,

    /// Record to start from: a file, or `oci:` followed by an image reference
    #[arg(short, long, value_name = "FILE|oci:IMAGE", help_heading = "Record")]
    pub(crate) input: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TrackFlags {
    #[command(flatten)]
    pub(crate) tracked: TrackTargets,

    /// Drop expired entries
    #[arg(short, long, default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE,
        help_heading = "Record")]
    pub(crate) prune: bool,

    /// Also write the record back to `--input`
    #[arg(short, long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Record")]
    pub(crate) replace: bool,

    /// Where to write the record: a file, or `oci:` followed by an image reference with a tag [default: standard
    /// output]
    #[arg(
        short,
        long,
        value_name = "FILE|oci:IMAGE",
        default_value = "",
        hide_default_value = true,
        help_heading = "Record"
    )]
    pub(crate) output: String,

    /// Re-resolve recorded tags and revisions
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Tasks")]
    pub(crate) freshen: bool,

    /// Days until a superseded version expires
    #[arg(long, value_name = "DAYS", default_value = "60", value_parser = go::count, help_heading = "Record")]
    pub(crate) in_effect_days: u32,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
