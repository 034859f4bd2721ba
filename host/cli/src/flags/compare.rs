//! The flags of `compare`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

#[derive(Debug, Args)]
pub(crate) struct CompareFlags {
    /// The first policy configuration: a file, JSON or YAML text, or a repository or address that holds one
    #[arg(value_name = "POLICY")]
    pub(crate) first: String,

    /// The second
    #[arg(value_name = "POLICY")]
    pub(crate) second: String,

    /// Moment at which they are compared: `now`, a date (YYYY-MM-DD) or an RFC 3339 time
    #[arg(long, value_name = "TIME", default_value = "now")]
    pub(crate) effective_time: String,

    /// Allow an effective time in the past
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) allow_past_effective_time: bool,

    /// Digest of the image for which volatile criteria are looked at
    #[arg(long, value_name = "DIGEST", default_value = "")]
    pub(crate) image_digest: String,

    /// Reference of that image, as `imageRef` names it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) image_ref: String,

    /// Repository of that image, as `imageUrl` names it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) image_url: String,

    /// How to answer: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
