//! The flags that say where the evidence of images is that plugins read, and whose signatures count for it.

use camino::Utf8PathBuf;
use clap::{ArgAction, Args};

use super::{go, identity::IdentityFlags};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Evidence")]
pub(crate) struct EvidenceFlags {
    /// OCI image layout (directory or tar archive) to read images and their evidence from; nothing is fetched for them
    #[arg(long, value_name = "DIR|TAR")]
    pub(crate) evidence: Option<Utf8PathBuf>,

    /// Public key of the signer of the images' evidence: a PEM file, inline PEM, `env://NAME` for an environment variable, or
    /// `k8s://NAMESPACE/SECRET` for a Secret in a cluster
    #[arg(
        short = 'k',
        long,
        value_name = "FILE|PEM|env://NAME|k8s://NAMESPACE/SECRET",
        env = "ASSAY_PUBLIC_KEY",
        allow_hyphen_values = true,
        help_heading = "Signatures"
    )]
    pub(crate) public_key: Option<String>,

    /// Do not require an entry of a transparency log for each signature
    #[arg(long, env = "ASSAY_IGNORE_REKOR", default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Signatures")]
    pub(crate) ignore_rekor: bool,

    #[command(flatten)]
    pub(crate) identity: IdentityFlags,
}
