//! The flags of `validate input`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

pub(super) fn help() -> String {
    format!(
        "Examples:
  # evaluate the sources of a policy configuration for a file and a directory of files
  assay validate input pipeline.yaml tasks --policy policy.yaml

  # use a policy configuration from a repository, and write reports for a pipeline
  assay validate input pipeline.yaml --policy github.com/conforma/config//slsa3 \\
      --output text --output json=report.json

{}",
        crate::exit::INPUT_HELP
    )
}

#[derive(Debug, Args)]
pub(crate) struct ValidateInputFlags {
    /// Input to validate: JSON or YAML files, directories of such files, or inline JSON or YAML
    #[arg(value_name = "FILE|DIR|TEXT")]
    pub(crate) files: Vec<String>,

    /// Deprecated: use the arguments instead
    #[arg(short, long, value_name = "FILE", hide = true)]
    pub(crate) file: Vec<String>,

    /// Policy configuration: a file, inline JSON or YAML, or a repository or URL
    #[arg(short, long, value_name = "FILE|TEXT|SOURCE", env = "ASSAY_POLICY", help_heading = "Policy")]
    pub(crate) policy: String,

    /// Fail if an item of the policy's `include` or `exclude` matches no rule, instead of warning
    #[arg(long, help_heading = "Policy")]
    pub(crate) strict_config: bool,

    /// Report to write to standard output or a file: json, yaml, text or summary; repeatable [default: text]
    #[arg(short, long, value_name = "FORMAT[=FILE][?OPTION=BOOL]", help_heading = "Reports")]
    pub(crate) output: Vec<String>,

    /// Exit with code 1 if any violation is found
    #[arg(short, long, default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE,
        help_heading = "Reports")]
    pub(crate) strict: bool,

    /// Effective time for the evaluation: `now`, a date (YYYY-MM-DD) or an RFC 3339 time
    #[arg(long, value_name = "TIME", default_value = "now", help_heading = "Policy")]
    pub(crate) effective_time: String,

    /// Allow an effective time in the past
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Policy")]
    pub(crate) allow_past_effective_time: bool,

    /// Include titles, descriptions and solutions of rules in the report
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Reports")]
    pub(crate) info: bool,

    /// Include passing rules in the report
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Reports")]
    pub(crate) show_successes: bool,

    /// Include warnings in the report
    #[arg(long, default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE,
        help_heading = "Reports")]
    pub(crate) show_warnings: bool,

    /// Append a link to the policy documentation if anything failed
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Reports")]
    pub(crate) show_policy_docs_link: bool,

    /// Number of files to evaluate concurrently
    #[arg(long, value_name = "N", default_value = "5", help_heading = "Run")]
    pub(crate) workers: String,

    /// Color the text report even if it is not written to a terminal
    #[arg(long, help_heading = "Reports")]
    pub(crate) color: bool,

    /// Never color the text report; the same as setting NO_COLOR
    #[arg(long, help_heading = "Reports")]
    pub(crate) no_color: bool,

    /// Serve validation requests over HTTP (not supported yet: an error)
    #[arg(long, hide = true)]
    pub(crate) server: bool,

    /// Address of the server
    #[arg(long, value_name = "ADDRESS", hide = true)]
    pub(crate) server_address: Option<String>,

    /// Port of the server
    #[arg(long, value_name = "PORT", hide = true)]
    pub(crate) server_port: Option<u16>,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
