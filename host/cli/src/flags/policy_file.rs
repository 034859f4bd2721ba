//! The flags of `validate policy`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

pub(super) fn help() -> &'static str {
    "Examples:
  # a file, before it is committed
  assay validate policy --policy policy.yaml

  # a policy configuration in a repository
  assay validate policy --policy github.com/conforma/config//slsa3

Exit codes:
  0  the policy configuration is well formed
  2  it is not, or it cannot be read"
}

#[derive(Debug, Args)]
pub(crate) struct ValidatePolicyFlags {
    /// Policy configuration to check: a file, inline JSON or YAML, or a repository or URL
    #[arg(short, long, value_name = "FILE|TEXT|SOURCE", help_heading = "Policy")]
    pub(crate) policy: String,

    /// Accepted and ignored: there are no successes to show
    #[arg(long, hide = true, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::FALSE)]
    pub(crate) show_successes: bool,

    /// Accepted and ignored: there are no warnings to show
    #[arg(long, hide = true, default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::TRUE)]
    pub(crate) show_warnings: bool,

    /// Accepted and ignored: there are no rule results
    #[arg(long, hide = true, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::FALSE)]
    pub(crate) show_policy_docs_link: bool,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
