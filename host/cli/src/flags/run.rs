//! The flags of `run`.

use std::num::NonZeroUsize;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use super::{image_evidence::EvidenceFlags, sources::SourceFlags};

pub(super) fn help() -> &'static str {
    "Examples:
  # run the scenarios of the resources in a folder, with plugins under development
  assay run tenants-config --images snapshot.yaml --plugins plugins.toml --dev

  # with reports for a CI system and for Tekton
  assay run tenants-config --images snapshot.yaml --output junit=junit.xml \\
      --output appstudio=test-output.json

  # with the evidence of images, for tasks that read SBOMs or provenance
  assay run tenants-config --images snapshot.yaml --evidence ./oci --public-key cosign.pub

  # one scenario, with events for a program; the same command goes on after a crash
  assay run tenants-config --images snapshot.yaml --scenario smoke --format jsonl --store .assay

Exit codes:
  0  every required scenario passed
  1  a required scenario failed
  2  invalid request: a flag, a file or a plan is invalid, or another process coordinates the store
  3  error: a required scenario could not be carried out, or the store cannot be read or written"
}

#[derive(Debug, Args)]
pub(crate) struct RunFilesFlags {
    /// File or folder with scenarios, pipelines and the application; repeatable
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<Utf8PathBuf>,

    /// Snapshot to test: a file or inline JSON or YAML [default: the one in the files, or composed of their components]
    #[arg(long, value_name = "SNAPSHOT", help_heading = "Run selection")]
    pub(crate) images: Option<String>,

    /// Scenario to run; repeatable [default: every one that matches]
    #[arg(long, value_name = "NAME", help_heading = "Run selection")]
    pub(crate) scenario: Vec<String>,

    /// Component that changed; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Run selection")]
    pub(crate) changed: Vec<String>,

    /// Let a run without any scenario pass, as in Konflux
    #[arg(long, help_heading = "Run selection")]
    pub(crate) allow_empty: bool,

    /// Use results of earlier runs in the store where tasks, plugins, parameters and images are the same
    #[arg(long, help_heading = "Run selection")]
    pub(crate) reuse: bool,

    #[command(flatten)]
    pub(crate) execution: ExecutionFlags,
}

/// How and where a run is carried out, and what is written of it.
#[derive(Debug, Args)]
pub(crate) struct ExecutionFlags {
    /// Folder in which the run is recorded
    #[arg(long, value_name = "DIR", default_value = ".assay", help_heading = "Execution")]
    pub(crate) store: Utf8PathBuf,

    #[command(flatten)]
    pub(crate) list: PluginListFlags,

    #[command(flatten)]
    pub(crate) evidence: EvidenceFlags,

    /// Number of tasks to run concurrently
    #[arg(long, value_name = "N", default_value = "2", help_heading = "Execution")]
    pub(crate) workers: NonZeroUsize,

    /// Output format: text or jsonl (one event per line)
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: RunFormat,

    /// Report to write when the run has ended, as FORMAT=FILE: junit, appstudio (TEST_OUTPUT), json, jsonl (events) or
    /// test-result (an in-toto statement that --sign-key signs); repeatable
    #[arg(long, value_name = "FORMAT=FILE", help_heading = "Report")]
    pub(crate) output: Vec<String>,

    /// Private key for test-result, encrypted by cosign; COSIGN_PASSWORD has its password
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub(crate) sign_key: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}

/// Where the plugins of a run come from.
#[derive(Debug, Args)]
pub(crate) struct PluginListFlags {
    /// List of plugins (plugins.toml)
    #[arg(long, value_name = "FILE", help_heading = "Execution")]
    pub(crate) plugins: Option<Utf8PathBuf>,

    /// OCI layout of `assay plugin pull --save` to take plugins from; none is fetched then
    #[arg(long, value_name = "TAR", help_heading = "Execution")]
    pub(crate) plugins_from: Option<Utf8PathBuf>,

    /// Accept plugins that are files, for development
    #[arg(long, help_heading = "Execution")]
    pub(crate) dev: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunFormat {
    Text,
    Jsonl,
}
