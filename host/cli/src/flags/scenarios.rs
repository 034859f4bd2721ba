//! The flags of `scenarios match`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::sources::SourceFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum ScenariosCommand {
    /// Show for each scenario whether it applies to a Snapshot, and why
    #[command(after_help = "Examples:
  # which scenarios would run for a Snapshot
  assay scenarios match --from tenants-config --images snapshot.yaml

  # and which of them apply to what changed
  assay scenarios match --from tenants-config --images snapshot.yaml --changed cart --format json

Contexts are alternatives, as in Konflux. A scenario whose contexts all name components, or with
the annotation `assay.dev/components`, does not run when --changed names none of these components.

Exit codes:
  0  each scenario was decided
  2  invalid request: a file cannot be read or is rejected")]
    Match(Box<MatchFlags>),
}

#[derive(Debug, Args)]
pub(crate) struct MatchFlags {
    /// File or folder with scenarios and component groups; repeatable
    #[arg(long, value_name = "PATH", required = true, num_args = 1.., help_heading = "What is tested")]
    pub(crate) from: Vec<Utf8PathBuf>,

    /// Snapshot: a file, or inline JSON or YAML
    #[arg(long, value_name = "SNAPSHOT", required = true, help_heading = "What is tested")]
    pub(crate) images: String,

    /// Component that changed; repeatable
    #[arg(long, value_name = "NAME", num_args = 1.., help_heading = "What is tested")]
    pub(crate) changed: Vec<String>,

    /// Folder with recorded runs: say which results of them would count with `assay run --reuse`
    #[arg(long, value_name = "DIR", help_heading = "Earlier results")]
    pub(crate) store: Option<Utf8PathBuf>,

    /// List of plugins (plugins.toml)
    #[arg(long, value_name = "FILE", requires = "store", help_heading = "Earlier results")]
    pub(crate) plugins: Option<Utf8PathBuf>,

    /// Accept plugins that are files, for development
    #[arg(long, requires = "store", help_heading = "Earlier results")]
    pub(crate) dev: bool,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(crate) format: String,
}
