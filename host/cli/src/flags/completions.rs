//! The flags of `completions`.

use clap::Args;
use clap_complete::Shell;

pub(super) fn help() -> &'static str {
    "Examples:
  # bash, for this user
  assay completions bash > ~/.local/share/bash-completion/completions/assay

  # zsh, in a directory of $fpath
  assay completions zsh > ~/.zfunc/_assay

  # fish
  assay completions fish > ~/.config/fish/completions/assay.fish"
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsFlags {
    /// Shell: bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub(crate) shell: Shell,
}
