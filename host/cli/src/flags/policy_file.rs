//! The flags of `validate policy`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

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

    /// Of the commands beside this one; nothing here has successes
    #[arg(long, hide = true, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::FALSE)]
    pub(crate) show_successes: bool,

    /// Of the commands beside this one; nothing here has warnings
    #[arg(long, hide = true, default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::TRUE)]
    pub(crate) show_warnings: bool,

    /// Of the commands beside this one; nothing here has findings
    #[arg(long, hide = true, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::FALSE)]
    pub(crate) show_policy_docs_link: bool,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
