//! The flags of `policy fmt`. Names and defaults are those of `opa fmt`.

use clap::Args;

pub(super) fn help() -> String {
    format!(
        "Examples:
  # format all policies of a directory in place
  assay policy fmt --write policy

  # which files are not formatted? (for CI)
  assay policy fmt --list --fail policy

  # a policy of before OPA 1.0 becomes one that both versions read
  assay policy fmt --v0-v1 old.rego

{}",
        crate::exit::FMT_HELP
    )
}

/// Flags of `policy fmt`.
#[derive(Debug, Args)]
pub(crate) struct FmtFlags {
    /// Files and directories with policies [default: standard input]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<String>,

    /// Write the result to the file instead of printing it
    #[arg(short, long, help_heading = "Output")]
    pub(crate) write: bool,

    /// Print the names of files that are not formatted, and nothing else
    #[arg(short, long, help_heading = "Output")]
    pub(crate) list: bool,

    /// Print what would change, and nothing else
    #[arg(short, long, help_heading = "Output")]
    pub(crate) diff: bool,

    /// Fail if a file is not formatted
    #[arg(long, help_heading = "Output")]
    pub(crate) fail: bool,

    /// Read and write Rego v0
    #[arg(long, help_heading = "Language")]
    pub(crate) v0_compatible: bool,

    /// Read Rego v0 and write what is Rego v0 and v1
    #[arg(long, help_heading = "Language", alias = "rego-v1")]
    pub(crate) v0_v1: bool,

    /// Read Rego v1, which is the default; with --v0-v1 too
    #[arg(long, hide = true)]
    pub(crate) v1_compatible: bool,

    /// Remove the imports that Rego v1 does not need: `rego.v1` and `future.keywords`
    #[arg(long, help_heading = "Language")]
    pub(crate) drop_v0_imports: bool,

    /// Check that the result is a policy
    #[arg(long, help_heading = "Output", default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true,
        action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) check_result: bool,

    /// Capabilities file (accepted and ignored: a policy is formatted for this version)
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) capabilities: Option<String>,
}
