//! The flags of `verify`.

use camino::Utf8PathBuf;
use clap::{ArgAction, Args, Subcommand, ValueEnum};

use super::{go, identity::IdentityFlags, registry::RegistryFlags};

#[derive(Debug, Subcommand)]
pub(crate) enum Verify {
    /// Verify the signatures of an image
    #[command(after_help = image_help())]
    Image(Box<VerifyImageFlags>),

    /// Verify the attestations about an image
    #[command(after_help = attestation_help())]
    Attestation(Box<VerifyAttestationFlags>),

    /// Verify a Sigstore bundle in a file, about a file or a digest
    #[command(after_help = bundle_help())]
    Bundle(Box<VerifyBundleFlags>),
}

fn image_help() -> String {
    format!(
        "Examples:
  # an image that was signed with a key
  assay verify image registry.example/shop/cart:1.2 --key cosign.pub

  # an image that a GitHub workflow signed without a key, from an OCI layout on disk
  assay verify image ghcr.io/shop/cart@sha256:… --evidence ./oci \\
      --certificate-identity-regexp '^https://github\\.com/shop/cart/' \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com

{}",
        crate::exit::VERIFY_HELP
    )
}

fn attestation_help() -> String {
    format!(
        "Examples:
  # the provenance of an image
  assay verify attestation registry.example/shop/cart:1.2 --key cosign.pub --type slsaprovenance

{}",
        crate::exit::VERIFY_HELP
    )
}

fn bundle_help() -> String {
    format!(
        "Examples:
  # a release file and its bundle
  assay verify bundle --bundle cart.tar.gz.sigstore.json cart.tar.gz \\
      --certificate-identity release@shop.example \\
      --certificate-oidc-issuer https://accounts.google.com

  # the same by digest, with a result for a program
  assay verify bundle --bundle cart.tar.gz.sigstore.json --key cosign.pub --output json sha256:…

{}",
        crate::exit::VERIFY_HELP
    )
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct SignerFlags {
    /// Public key of the signer: a PEM file, inline PEM, `env://NAME` for an environment variable, or
    /// `k8s://NAMESPACE/SECRET` for a Secret in a cluster; takes precedence over an identity
    #[arg(short, long, value_name = "FILE|PEM|env://NAME|k8s://NAMESPACE/SECRET", allow_hyphen_values = true)]
    pub(crate) key: Option<String>,

    #[command(flatten)]
    pub(crate) identity: IdentityFlags,

    /// Do not require an entry of a transparency log for each signature
    #[arg(long, env = "ASSAY_IGNORE_REKOR", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) ignore_rekor: bool,

    /// Do not require a timestamp of a certificate transparency log in certificates
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) ignore_sct: bool,

    /// Format of the result: text or json
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Result"
    )]
    pub(crate) output: VerifyFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ImagePlaceFlags {
    /// Image to verify
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    /// OCI image layout (directory or tar archive) to read all evidence from; nothing is fetched
    #[arg(long, value_name = "DIR|TAR", env = "ASSAY_EVIDENCE", help_heading = "Image")]
    pub(crate) evidence: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyImageFlags {
    #[command(flatten)]
    pub(crate) place: ImagePlaceFlags,
    #[command(flatten)]
    pub(crate) signer: SignerFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Statement")]
pub(crate) struct TypeFlags {
    /// Predicate type that the statement must have: a URI, or one of cosign's names for it (slsaprovenance,
    /// slsaprovenance02, slsaprovenance1, spdx, spdxjson, cyclonedx, link, vuln, openvex, custom)
    #[arg(long = "type", value_name = "PREDICATE")]
    pub(crate) predicate_type: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyAttestationFlags {
    #[command(flatten)]
    pub(crate) place: ImagePlaceFlags,
    #[command(flatten)]
    pub(crate) signer: SignerFlags,
    #[command(flatten)]
    pub(crate) statement: TypeFlags,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyBundleFlags {
    /// The file that was signed, or its digest
    #[arg(value_name = "FILE|sha256:HEX|sha512:HEX")]
    pub(crate) artifact: String,

    /// The Sigstore bundle
    #[arg(long, value_name = "FILE", help_heading = "Signatures")]
    pub(crate) bundle: Utf8PathBuf,

    #[command(flatten)]
    pub(crate) signer: SignerFlags,
    #[command(flatten)]
    pub(crate) statement: TypeFlags,
}
