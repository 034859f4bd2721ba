//! The flags of `import`.

use camino::Utf8PathBuf;
use clap::Args;

pub(super) fn help() -> &'static str {
    "Examples:
  # everything that a repository has for Konflux
  assay import .tekton tenants-config

  # as JSON: each document with its status, warnings and errors
  assay import scenario.yaml --format json

These kinds are read; documents of other kinds are ignored:
  appstudio.redhat.com, konflux-ci.dev  Application, Component, ComponentGroup, Snapshot,
                                        IntegrationTestScenario, EnterpriseContractPolicy,
                                        ReleasePlan, NudgeConfig
  tekton.dev                            Pipeline, PipelineRun, Task
  assay.dev/v1                          Pipeline

Exit codes:
  0  no document is rejected
  2  a document is rejected, or a path cannot be read"
}

#[derive(Debug, Args)]
pub(crate) struct ImportFlags {
    /// Files, and folders whose YAML and JSON files are read
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<Utf8PathBuf>,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(crate) format: String,
}
