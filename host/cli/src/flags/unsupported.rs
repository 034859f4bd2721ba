//! Commands of `ec` that are not supported: they accept any arguments and fail before any work.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct RawArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(crate) arguments: Vec<String>,
}
