//! The flags of `compare`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

pub(super) fn help() -> &'static str {
    "Examples:
  # would the policy that is about to be merged judge differently?
  assay compare policy.yaml new-policy.yaml

  # how is it on a day to come, for one image, as JSON?
  assay compare policy.yaml new-policy.yaml --effective-time 2030-01-01 \\
      --image-digest sha256:1ca5e4a3… --image-url registry.example/shop/cart --output json

Exit codes:
  0  the question was answered, with yes or no
  2  the request is unusable: a flag is wrong, or a policy cannot be read"
}

#[derive(Debug, Args)]
pub(crate) struct CompareFlags {
    /// The first policy configuration: a file, JSON or YAML text, or a repository or address that holds one
    #[arg(value_name = "POLICY")]
    pub(crate) first: String,

    /// The second, in any of these forms
    #[arg(value_name = "POLICY")]
    pub(crate) second: String,

    /// Moment at which they are compared: `now`, a date (YYYY-MM-DD) or an RFC 3339 time
    #[arg(long, value_name = "TIME", default_value = "now", help_heading = "Comparison")]
    pub(crate) effective_time: String,

    /// Allow an effective time in the past
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Comparison")]
    pub(crate) allow_past_effective_time: bool,

    /// Digest of the image for which volatile criteria are looked at
    #[arg(long, value_name = "DIGEST", default_value = "", hide_default_value = true, help_heading = "Image")]
    pub(crate) image_digest: String,

    /// Reference of that image, as `imageRef` names it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = "Image")]
    pub(crate) image_ref: String,

    /// Repository of that image, as `imageUrl` names it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = "Image")]
    pub(crate) image_url: String,

    /// How to answer: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(crate) output: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
