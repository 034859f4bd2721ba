//! The flags of the commands for authors: `plugin new`.

use assay_plugin_kit::{Language, World};
use camino::Utf8PathBuf;
use clap::Args;

use super::Format;

#[derive(Debug, Args)]
pub(crate) struct NewFlags {
    /// Name of the plugin: lower-case letters, digits and `-`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Language: rust, python, javascript, typescript, go, c, cpp or zig
    #[arg(long, value_name = "LANG", default_value = "rust")]
    pub(crate) lang: Language,

    /// World: check, task-offline, task, adapter or reporter
    #[arg(long, value_name = "WORLD", default_value = "check")]
    pub(crate) world: World,

    /// Directory to create [default: the name]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<Utf8PathBuf>,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: Format,
}
