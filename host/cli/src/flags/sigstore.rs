//! The flags of `sigstore initialize`, which are cosign's.

use clap::{Args, Subcommand};

use super::registry::RegistryFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum Sigstore {
    /// Fetch, verify and store the trust root of a Sigstore instance
    #[command(after_help = help())]
    Initialize(Box<InitializeFlags>),
}

fn help() -> &'static str {
    "Examples:
  # the public good instance
  assay sigstore initialize

  # an instance of your own; its root was received in another way
  assay sigstore initialize --mirror https://tuf.example --root root.json

It is stored in the folder of the variable TUF_ROOT, else in ~/.sigstore/root, as cosign does.
No other command fetches a trust root.

Exit codes:
  0  the trust root is stored
  2  invalid request, or what the mirror has does not verify or has expired
  3  the mirror or the root could not be read"
}

#[derive(Debug, Args)]
pub(crate) struct InitializeFlags {
    /// Mirror of the instance's metadata (TUF) [default: the public good instance]
    #[arg(long, value_name = "URL|DIR", help_heading = "Trust root")]
    pub(crate) mirror: Option<String>,

    /// First root to trust [default: that of the public good instance]
    #[arg(long, value_name = "FILE|URL", help_heading = "Trust root")]
    pub(crate) root: Option<String>,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,
}
