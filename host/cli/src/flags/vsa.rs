//! [`VsaFlags`]: the flags of `validate image` that make verification summary attestations (VSAs).

use clap::{ArgAction, Args};

use super::go;

/// What `validate image` makes of a run beside reports.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Attestation of the result")]
pub(crate) struct VsaFlags {
    /// Attest what came of the validation of each image (verification summary attestation, VSA)
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) vsa: bool,

    /// Form of the attestation: `dsse`, a signed envelope, or `predicate`, its content alone [default: dsse]
    #[arg(long, value_name = "dsse|predicate")]
    pub(crate) attestation_format: Option<String>,

    /// Directory to write attestations to; it is created if necessary
    #[arg(long, value_name = "DIR")]
    pub(crate) attestation_output_dir: Option<String>,

    /// Private key that signs attestations, as `cosign generate-key-pair` writes it, decrypted with the password in
    /// `COSIGN_PASSWORD`, or in a Secret with its password
    #[arg(long, value_name = "FILE|k8s://NAMESPACE/SECRET[/FIELD]")]
    pub(crate) vsa_signing_key: Option<String>,

    /// Accepted and not used: only `validate vsa` reads attestations
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) vsa_public_key: Option<String>,

    /// Directory to keep signed attestations in, under names that are never used twice; repeatable. `rekor@URL` is not
    /// supported
    #[arg(long, value_name = "local@DIR")]
    pub(crate) vsa_upload: Vec<String>,

    /// Accepted and not used: every image is evaluated, whatever attestations there are
    #[arg(long, value_name = "DURATION", hide = true)]
    pub(crate) vsa_expiration: Option<String>,
}
