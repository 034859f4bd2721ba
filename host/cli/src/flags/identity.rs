//! The flags that say who may sign without a key, and by whose word, which several commands have.

use camino::Utf8PathBuf;
use clap::Args;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct IdentityFlags {
    /// Identity that the signer's certificate must have: a URI, an e-mail address or another name
    #[arg(long, value_name = "TEXT", env = "ASSAY_CERTIFICATE_IDENTITY")]
    pub(crate) certificate_identity: Option<String>,

    /// The identity as a regular expression, which matches anywhere in it unless anchored with `^` and `$`
    #[arg(long, value_name = "REGEX", env = "ASSAY_CERTIFICATE_IDENTITY_REGEXP")]
    pub(crate) certificate_identity_regexp: Option<String>,

    /// OIDC issuer that the signer's certificate must have, such as `https://token.actions.githubusercontent.com`
    #[arg(long, value_name = "URL", env = "ASSAY_CERTIFICATE_OIDC_ISSUER")]
    pub(crate) certificate_oidc_issuer: Option<String>,

    /// The issuer as a regular expression, which matches anywhere in it unless anchored with `^` and `$`
    #[arg(long, value_name = "REGEX", env = "ASSAY_CERTIFICATE_OIDC_ISSUER_REGEXP")]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,

    /// `trusted_root.json` with the authorities and logs to trust [default: what the SIGSTORE_ variables name, what
    /// `assay sigstore initialize` stored, or the public good instance]
    #[arg(long, value_name = "FILE", env = "ASSAY_TRUSTED_ROOT")]
    pub(crate) trusted_root: Option<Utf8PathBuf>,
}
