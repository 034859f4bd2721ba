//! The flags of `plugin`: what authors of plugins and platform teams work with.

pub(crate) mod author;

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Create the source of a plugin from a template
    #[command(after_help = "Examples:
  # a check of images in Rust, in the new directory `license-gate`
  assay plugin new license-gate

  # a custom task in Python
  assay plugin new registry-gate --lang python --world task

Exit codes:
  0  the project was created
  2  invalid request: the name, the language, the world, or a directory that exists")]
    New(author::NewFlags),
}

/// The form of a result on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}
