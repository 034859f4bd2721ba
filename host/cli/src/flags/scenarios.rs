//! The flags of `scenarios match`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ScenariosCommand {
    /// Decide for each scenario whether a Snapshot is tested by it, and say why
    #[command(after_help = "Examples:
  # which scenarios would run for a Snapshot
  assay scenarios match --from tenants-config --images snapshot.yaml

  # and which of them look at what changed
  assay scenarios match --from tenants-config --images snapshot.yaml --changed cart --format json

Contexts are alternatives, as in Konflux. A scenario whose contexts all name components, or with the annotation
`assay.dev/components`, does not run when --changed names none of these components.

Exit codes:
  0  each scenario was decided
  2  invalid request: a file cannot be read or is rejected")]
    Match(MatchFlags),
}

#[derive(Debug, Args)]
pub(crate) struct MatchFlags {
    /// File or folder with scenarios and component groups; repeatable
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    pub(crate) from: Vec<Utf8PathBuf>,

    /// Snapshot: a file, or inline JSON or YAML
    #[arg(long, value_name = "SNAPSHOT", required = true)]
    pub(crate) images: String,

    /// Component that changed; repeatable
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) changed: Vec<String>,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: String,
}
