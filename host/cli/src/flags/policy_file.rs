//! The flags of `validate policy`.

use clap::Args;

use super::sources::SourceFlags;

pub(super) fn help() -> &'static str {
    "Examples:
  # before it is committed
  assay validate policy --policy policy.yaml

  # as it stands in a repository
  assay validate policy --policy github.com/conforma/config//slsa3

Exit codes:
  0  the policy configuration follows its format
  2  it does not, or it cannot be read"
}

#[derive(Debug, Args)]
pub(crate) struct ValidatePolicyFlags {
    /// Policy configuration to check: a file, JSON or YAML text, or a repository or address that holds one
    #[arg(short, long, value_name = "FILE|TEXT|SOURCE", help_heading = "Policy")]
    pub(crate) policy: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
