//! The flags of `track bundle`.

use clap::{ArgAction, Args, Subcommand};

use super::{go, sources::SourceFlags};

#[derive(Debug, Subcommand)]
pub(crate) enum Track {
    /// Records the newest versions of Tekton bundles and tasks in a file of policy data
    #[command(
        alias = "tekton-task",
        after_help = "Examples:
  # begin a record of trusted tasks with a bundle
  assay track bundle --bundle registry.example/tasks/build:0.1 --output trusted-tasks.yaml

  # add a task of a repository; what it replaces stays trusted for 30 days
  assay track bundle --git git+https://git.example/tasks.git//task/build.yaml@main \\
      --input trusted-tasks.yaml --replace --in-effect-days 30

  # record what the tags point to today
  assay track bundle --input trusted-tasks.yaml --replace --freshen

  # keep the record in a registry, as a source of data that policies can name
  assay track bundle --input oci:registry.example/data/trusted:latest --replace --freshen

Policies read the record as data: name its folder among the data sources of a policy configuration."
    )]
    Bundle(TrackFlags),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct TrackTargets {
    /// Tekton bundle to record, with a tag, a digest or both; repeatable
    #[arg(short, long, value_name = "IMAGE", help_heading = "Tasks")]
    pub(crate) bundle: Vec<String>,

    /// Task in a repository to record, `git+URL//PATH@REVISION`; repeatable
    #[arg(short, long, value_name = "REFERENCE", help_heading = "Tasks")]
    pub(crate) git: Vec<String>,

    /// Record to start from: a file, or `oci:` and an image
    #[arg(short, long, value_name = "FILE|oci:IMAGE", help_heading = "Record")]
    pub(crate) input: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TrackFlags {
    #[command(flatten)]
    pub(crate) tracked: TrackTargets,

    /// Leave out what has expired
    #[arg(short, long, default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE,
        help_heading = "Record")]
    pub(crate) prune: bool,

    /// Write the record to the place of `--input` as well
    #[arg(short, long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Record")]
    pub(crate) replace: bool,

    /// Where to write the record: a file, or `oci:` and an image with a tag to push it as [default: standard output]
    #[arg(
        short,
        long,
        value_name = "FILE|oci:IMAGE",
        default_value = "",
        hide_default_value = true,
        help_heading = "Record"
    )]
    pub(crate) output: String,

    /// Ask again what the recorded tags and files are now
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Tasks")]
    pub(crate) freshen: bool,

    /// Days after which what a newer version replaces expires
    #[arg(long, value_name = "DAYS", default_value = "60", value_parser = go::count, help_heading = "Record")]
    pub(crate) in_effect_days: u32,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
