//! The flags of `validate policy`.

use clap::Args;

use super::sources::SourceFlags;

#[derive(Debug, Args)]
pub(crate) struct ValidatePolicyFlags {
    /// Policy configuration to check: a file, JSON or YAML text, or a repository or address that holds one
    #[arg(short, long, value_name = "FILE|TEXT|SOURCE")]
    pub(crate) policy: String,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}
