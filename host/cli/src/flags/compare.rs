//! The flags of `compare`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

pub(super) fn help() -> &'static str {
    "Examples:
  # would the policy that is about to be merged give different results?
  assay compare policy.yaml new-policy.yaml

  # compare them as of a future date, for one image, as JSON
  assay compare policy.yaml new-policy.yaml --effective-time 2030-01-01 \\
      --image-digest sha256:1ca5e4a3… --image-url registry.example/shop/cart --output json

Exit codes:
  0  the comparison was made, whatever its result
  2  invalid request: a flag is invalid, or a policy cannot be read"
}

#[derive(Debug, Args)]
pub(crate) struct CompareFlags {
    /// First policy configuration: a file, inline JSON or YAML, or a repository or URL
    #[arg(value_name = "POLICY")]
    pub(crate) first: String,

    /// Second policy configuration, in any of these forms
    #[arg(value_name = "POLICY")]
    pub(crate) second: String,

    /// Effective time for the comparison: `now`, a date (YYYY-MM-DD) or an RFC 3339 time
    #[arg(long, value_name = "TIME", default_value = "now", help_heading = "Comparison")]
    pub(crate) effective_time: String,

    /// Allow an effective time in the past
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Comparison")]
    pub(crate) allow_past_effective_time: bool,

    /// Digest of the image whose volatile criteria are compared
    #[arg(long, value_name = "DIGEST", default_value = "", hide_default_value = true, help_heading = "Image")]
    pub(crate) image_digest: String,

    /// Reference of that image, matched against `imageRef`
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = "Image")]
    pub(crate) image_ref: String,

    /// Repository of that image, matched against `imageUrl`
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = "Image")]
    pub(crate) image_url: String,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(crate) output: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
