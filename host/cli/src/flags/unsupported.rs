//! Commands of `ec` that are not there: they take any arguments and end with an error before any work.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct RawArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sigstore {
    /// Fetches trust roots (not there: an error)
    Initialize(RawArgs),
}
