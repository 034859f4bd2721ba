//! The flags of `validate input`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

pub(super) fn help() -> String {
    format!(
        "Examples:
  # judge a file, and a folder of files, by the sources of a policy configuration
  assay validate input pipeline.yaml tasks --policy policy.yaml

  # judge by what a repository holds, and write reports for a pipeline
  assay validate input pipeline.yaml --policy github.com/conforma/config//slsa3 \\
      --output text --output json=report.json

{}",
        crate::exit::INPUT_HELP
    )
}

#[derive(Debug, Args)]
pub(crate) struct ValidateInputFlags {
    /// Files to judge: JSON or YAML, a folder of such files, or the text of a document
    #[arg(value_name = "FILE|DIR|TEXT")]
    pub(crate) files: Vec<String>,

    /// The same, as `ec` took it before it took arguments
    #[arg(short, long, value_name = "FILE", hide = true)]
    pub(crate) file: Vec<String>,

    /// Policy configuration: a file, JSON or YAML text, or a repository or address that holds one
    #[arg(short, long, value_name = "FILE|TEXT|SOURCE", env = "ASSAY_POLICY", help_heading = "Policy")]
    pub(crate) policy: String,

    /// Items of the policy's `include` and `exclude` that match no rule are an error, not a warning
    #[arg(long, help_heading = "Policy")]
    pub(crate) strict_config: bool,

    /// Report to write, to standard output or a file: json, yaml, text or summary; repeatable [default: text]
    #[arg(short, long, value_name = "FORMAT[=FILE][?OPTION=BOOL]", help_heading = "Reports")]
    pub(crate) output: Vec<String>,

    /// Exit with 1 when the answer is no
    #[arg(short, long, default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE,
        help_heading = "Reports")]
    pub(crate) strict: bool,

    /// Moment to judge at: `now`, a date (YYYY-MM-DD) or an RFC 3339 time
    #[arg(long, value_name = "TIME", default_value = "now", help_heading = "Policy")]
    pub(crate) effective_time: String,

    /// Allow an effective time in the past
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Policy")]
    pub(crate) allow_past_effective_time: bool,

    /// Show titles, descriptions and solutions of rules
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Reports")]
    pub(crate) info: bool,

    /// Show what was looked at and is fine
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Reports")]
    pub(crate) show_successes: bool,

    /// Show warnings
    #[arg(long, default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE,
        help_heading = "Reports")]
    pub(crate) show_warnings: bool,

    /// End the text with a link to the policy documentation when there is something to look up
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Reports")]
    pub(crate) show_policy_docs_link: bool,

    /// How many files are judged at a time
    #[arg(long, value_name = "N", default_value = "5", help_heading = "Run")]
    pub(crate) workers: String,

    /// Colour the text report even when it does not go to a terminal
    #[arg(long, help_heading = "Reports")]
    pub(crate) color: bool,

    /// Never colour the text report; so does the environment's NO_COLOR
    #[arg(long, help_heading = "Reports")]
    pub(crate) no_color: bool,

    /// Wait for documents over HTTP (not there yet: an error)
    #[arg(long, hide = true)]
    pub(crate) server: bool,

    /// The address of that server
    #[arg(long, value_name = "ADDRESS", hide = true)]
    pub(crate) server_address: Option<String>,

    /// The port of that server
    #[arg(long, value_name = "PORT", hide = true)]
    pub(crate) server_port: Option<u16>,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
