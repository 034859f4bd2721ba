//! The flags of the commands for authors: `plugin new`, `build`, `test`, `run`, `inspect`.
//!
//! `--debug` and `--trace` of every command have a meaning of their own for `build` and `test`.

use assay_plugin_kit::{Language, World};
use camino::Utf8PathBuf;
use clap::Args;

use super::Format;
use crate::flags::{go, image_evidence::EvidenceFlags, registry::RegistryFlags};

#[derive(Debug, Args)]
pub(crate) struct NewFlags {
    /// Name of the plugin: `a-z`, digits and `-`
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

#[derive(Debug, Args)]
pub(crate) struct BuildFlags {
    /// Directory of the plugin
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: Utf8PathBuf,

    /// File to write the component to [default: out/NAME.wasm in the directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<Utf8PathBuf>,

    /// Directory for what cargo builds of plugins in Rust; several can share one [default: out/target in the directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) cargo_target_dir: Option<Utf8PathBuf>,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct TestFlags {
    /// Directory of the plugin; its cases are in `tests`
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: Utf8PathBuf,

    /// Cases to run, by name [default: all]
    #[arg(value_name = "CASE")]
    pub(crate) cases: Vec<String>,

    /// Component to test [default: out/NAME.wasm in the directory]
    #[arg(long, value_name = "FILE", help_heading = "Cases")]
    pub(crate) component: Option<Utf8PathBuf>,

    /// Rewrite what cases expect to what the plugin answers
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true,
        action = clap::ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE, help_heading = "Cases")]
    pub(crate) update: bool,

    /// Kill adapters between every two effects, and resume
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true,
        action = clap::ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE, help_heading = "Cases")]
    pub(crate) crash_everywhere: bool,

    /// Break the service at every request: `all` (429, 5xx, reset, no response, cut body, expired token)
    #[arg(long, value_name = "KIND", value_parser = ["all"], hide_possible_values = true, help_heading = "Cases")]
    pub(crate) faults: Option<String>,

    /// Run every case twice, with equal results
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true,
        action = clap::ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE, help_heading = "Cases")]
    pub(crate) reuse: bool,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    /// Plugin to run: a component, a name in the list of plugins, or a reference by digest
    #[arg(value_name = "FILE|NAME|REF", required_unless_present_any = ["resume", "cancel"])]
    pub(crate) plugin: Option<String>,

    /// Go on with a job that was interrupted
    #[arg(long, value_name = "ID", conflicts_with_all = ["plugin", "cancel", "from"], help_heading = "Run")]
    pub(crate) resume: Option<String>,

    /// Cancel a job that was interrupted
    #[arg(long, value_name = "ID", conflicts_with_all = ["plugin", "from"], help_heading = "Run")]
    pub(crate) cancel: Option<String>,

    /// Snapshot under test
    #[arg(long, value_name = "SNAPSHOT", help_heading = "Run")]
    pub(crate) images: Option<Utf8PathBuf>,

    /// Image under test, instead of a Snapshot
    #[arg(long, value_name = "IMAGE", conflicts_with = "images", help_heading = "Run")]
    pub(crate) image: Option<String>,

    /// Events that a reporter reads, as `--output jsonl=FILE` writes them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["resume", "cancel"], help_heading = "Run")]
    pub(crate) events: Option<Utf8PathBuf>,

    /// Parameter of the plugin; repeatable, also for the items of a list
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Run")]
    pub(crate) param: Vec<String>,

    /// Number of the attempt, from 1
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Run")]
    pub(crate) attempt: std::num::NonZeroU32,

    /// Folder in which jobs of adapters are kept
    #[arg(long, value_name = "DIR", default_value = ".assay", help_heading = "Run")]
    pub(crate) store: Utf8PathBuf,

    /// List of plugins (plugins.toml): who must have signed and vetted a plugin, and the hosts, secrets and limits that its
    /// entry grants; of a file, the entry of the plugin's name
    #[arg(long, value_name = "FILE", help_heading = "Grants")]
    pub(crate) plugins: Option<Utf8PathBuf>,

    /// OCI layout of `assay plugin pull --save` to read the plugin from; no plugin is fetched
    #[arg(long, value_name = "TAR", help_heading = "Grants")]
    pub(crate) from: Option<Utf8PathBuf>,

    /// Let the plugin reach this machine, grant what it requests where the list has no entry, and accept entries that are
    /// files or not vetted, for development
    #[arg(long, help_heading = "Grants")]
    pub(crate) dev: bool,

    /// Value of a secret: NAME=env:VARIABLE, NAME=file:PATH or NAME=k8s://NAMESPACE/SECRET/FIELD; repeatable
    #[arg(long, value_name = "NAME=SOURCE", help_heading = "Grants")]
    pub(crate) secret: Vec<String>,

    #[command(flatten)]
    pub(crate) evidence: EvidenceFlags,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// Record requests and responses as a case: `tests/green` makes `tests/green.toml`
    #[arg(long, value_name = "DIR", help_heading = "Report")]
    pub(crate) record: Option<Utf8PathBuf>,

    /// New or empty folder to write the plugin's files to
    #[arg(long, value_name = "DIR", help_heading = "Report")]
    pub(crate) artifacts: Option<Utf8PathBuf>,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct InspectFlags {
    /// Plugin to inspect: a component, a name in the list of plugins, or a reference in a registry
    #[arg(value_name = "FILE|NAME|REF")]
    pub(crate) plugin: String,

    /// Print what an older plugin has differently
    #[arg(long, value_name = "FILE|NAME|REF", help_heading = "Report")]
    pub(crate) diff: Option<String>,

    /// List of plugins (plugins.toml): whose signatures count, and what is granted
    #[arg(long, value_name = "FILE", help_heading = "Plugins")]
    pub(crate) plugins: Option<Utf8PathBuf>,

    /// OCI layout of `assay plugin pull --save` to read plugins from; nothing is fetched
    #[arg(long, value_name = "TAR", help_heading = "Plugins")]
    pub(crate) from: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: Format,
}
