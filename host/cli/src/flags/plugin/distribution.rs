//! The flags of the commands for platform teams: `plugin push`, `pull`, `sign`, `verify`, `vet`, `lock`, `update`, `list`.

use camino::Utf8PathBuf;
use clap::Args;

use super::Format;
use crate::flags::{registry::RegistryFlags, verify::SignerFlags};

#[derive(Debug, Args)]
pub(crate) struct PushFlags {
    /// Component to push
    #[arg(value_name = "FILE")]
    pub(crate) component: Utf8PathBuf,

    /// Repository, with or without a tag [default tag: the version of the component]
    #[arg(value_name = "REF")]
    pub(crate) reference: String,

    /// Private key to sign with, such as `cosign.key`; its password is in COSIGN_PASSWORD
    #[arg(long, value_name = "KEY", help_heading = "Signatures")]
    pub(crate) sign_key: Option<Utf8PathBuf>,

    /// SBOM to attach, CycloneDX or SPDX in JSON: signed with --sign-key, and as it is without it
    #[arg(long, value_name = "FILE", help_heading = "Signatures")]
    pub(crate) sbom: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct PullFlags {
    /// Reference by tag or digest; with --save, none saves what assay.lock has
    #[arg(value_name = "REF", required_unless_present = "save")]
    pub(crate) reference: Option<String>,

    /// File to write the component to
    #[arg(long, value_name = "FILE", requires = "reference", help_heading = "Output")]
    pub(crate) out: Option<Utf8PathBuf>,

    /// OCI layout to write, one tar file: the plugin and those of assay.lock, with signatures and vet statements
    #[arg(long, value_name = "TAR", help_heading = "Output")]
    pub(crate) save: Option<Utf8PathBuf>,

    /// List of plugins (plugins.toml); assay.lock is beside it
    #[arg(long, value_name = "FILE", help_heading = "Plugins")]
    pub(crate) plugins: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct SignFlags {
    /// Plugin to sign: a reference by tag or digest
    #[arg(value_name = "REF")]
    pub(crate) reference: String,

    /// Private key to sign with, such as `cosign.key`; its password is in COSIGN_PASSWORD
    #[arg(long, value_name = "KEY", help_heading = "Signatures")]
    pub(crate) sign_key: Utf8PathBuf,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyFlags {
    /// Plugin to verify: a reference by tag or digest; with --plugins, a name or a reference by digest
    #[arg(value_name = "NAME|REF")]
    pub(crate) component: String,

    /// List of plugins (plugins.toml): verify as a run would, with assay.lock, signers and vetters
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "certificate_identity", "certificate_identity_regexp"],
        help_heading = "Plugins")]
    pub(crate) plugins: Option<Utf8PathBuf>,

    /// OCI layout of `assay plugin pull --save` to read everything from; nothing is fetched
    #[arg(long, value_name = "TAR", help_heading = "Plugins")]
    pub(crate) from: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) signer: SignerFlags,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,
}

#[derive(Debug, Args)]
pub(crate) struct VetFlags {
    /// Plugin to vet: a reference by tag or digest
    #[arg(value_name = "REF")]
    pub(crate) reference: String,

    /// Directory of Rego rules, or a policy configuration
    #[arg(long, value_name = "DIR|CONFIG", help_heading = "Policy")]
    pub(crate) policy: String,

    /// Private key to sign the verdict with and attach it to the plugin; its password is in COSIGN_PASSWORD
    #[arg(long, value_name = "KEY", help_heading = "Signatures")]
    pub(crate) sign_key: Option<Utf8PathBuf>,

    /// List of plugins (plugins.toml): who is trusted, and what is granted
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    pub(crate) plugins: Option<Utf8PathBuf>,

    /// Also print the document that rules see as `input`, with --format json
    #[arg(long, help_heading = "Report")]
    pub(crate) show_input: bool,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct LockFlags {
    /// Write nothing, and fail if the lock file is not right
    #[arg(long, conflicts_with = "accept_permissions", help_heading = "Lock file")]
    pub(crate) check: bool,

    /// Accept that plugins request other permissions than before
    #[arg(long, help_heading = "Lock file")]
    pub(crate) accept_permissions: bool,

    /// Keep the native code of the plugins in the cache, for runs that must not compile
    #[arg(long, help_heading = "Lock file")]
    pub(crate) compile: bool,

    #[command(flatten)]
    pub(crate) list: ListedFlags,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateFlags {
    /// Plugins to update [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Accept that plugins request other permissions than before
    #[arg(long, help_heading = "Lock file")]
    pub(crate) accept_permissions: bool,

    #[command(flatten)]
    pub(crate) list: ListedFlags,
}

/// The flags of commands that read and write `assay.lock`.
#[derive(Debug, Args)]
pub(crate) struct ListedFlags {
    /// List of plugins; assay.lock is beside it
    #[arg(long, value_name = "FILE", default_value = "plugins.toml", help_heading = "Plugins")]
    pub(crate) plugins: Utf8PathBuf,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = "Report")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ListFlags {
    /// List of plugins; assay.lock is beside it
    #[arg(long, value_name = "FILE", default_value = "plugins.toml")]
    pub(crate) plugins: Utf8PathBuf,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct BenchFlags {
    /// Component to measure
    #[arg(value_name = "FILE")]
    pub(crate) component: Utf8PathBuf,

    /// Number of calls
    #[arg(long, value_name = "N", default_value = "200")]
    pub(crate) runs: std::num::NonZeroU32,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: Format,
}
