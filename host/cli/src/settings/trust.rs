//! Whose signatures count: a public key or an identity, and the trust root.

use assay_app::{
    CertificateLogPolicy, ClusterAccess, KeyText, LogPolicy, Relocation, SignerRequest, SigstoreFiles, StoredTrustRoot,
    TrustRequest, TrustRootSettings,
};
use assay_model::{
    cluster::SecretKey,
    evidence::CheckKind,
    limits,
    policy::{Identity, PolicySpec},
};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Environment, non_empty};
use crate::{
    error::CliError,
    files::read_text,
    flags::{identity::IdentityFlags, image::TrustFlags},
};

/// The checks that are left out because the user says so.
pub(super) fn skipped(trust: &TrustFlags) -> Vec<CheckKind> {
    let flags = [
        (trust.skip_att_sig_check, CheckKind::AttestationSignature),
        (trust.skip_image_sig_check, CheckKind::ImageSignature),
    ];
    flags.into_iter().filter(|(skip, _)| *skip).map(|(_, check)| check).collect()
}

/// Whose signatures count: those of the key of the flag; without one, of the identity of the flags, then of the policy's
/// key, then of the policy's identity, as in `ec`.
pub(super) fn trust_request(
    flags: &TrustFlags,
    policy: &mut PolicySpec,
    env: &Environment,
    cluster: &ClusterAccess,
) -> Result<TrustRequest, CliError> {
    let signer = match (non_empty(flags.public_key.as_deref()), identity(&flags.identity)) {
        (Some(argument), _) => {
            argument.clone_into(&mut policy.public_key);
            SignerRequest::Key(load_key(argument, "--public-key", env.variable, cluster)?)
        }
        (None, Some(identity)) => {
            policy.public_key.clear();
            SignerRequest::Identity(identity)
        }
        (None, None) if !policy.public_key.is_empty() => {
            SignerRequest::Key(load_key(&policy.public_key, "the policy's `publicKey`", env.variable, cluster)?)
        }
        (None, None) => match &policy.identity {
            Some(identity) => SignerRequest::Identity(identity.clone()),
            None => {
                return Err(CliError::new("no public key and no identity to verify signatures with").hint(
                    "pass `--public-key FILE`, or `--certificate-identity` and `--certificate-oidc-issuer`, or set \
                     `publicKey` or `identity` in the policy configuration",
                ));
            }
        },
    };
    let is_relocatable = flags.allow_relocation || env.mode.allows_relocation();
    Ok(TrustRequest {
        signer,
        log: if flags.ignore_rekor { LogPolicy::Ignored } else { LogPolicy::Required },
        certificate_log: CertificateLogPolicy::Required,
        relocation: if is_relocatable { Relocation::Allowed } else { Relocation::Refused },
    })
}

/// The identity that flags name, if any does.
pub(super) fn identity(flags: &IdentityFlags) -> Option<Identity> {
    let text = |flag: &Option<String>| flag.clone().unwrap_or_default();
    let identity = Identity {
        subject: text(&flags.certificate_identity),
        subject_reg_exp: text(&flags.certificate_identity_regexp),
        issuer: text(&flags.certificate_oidc_issuer),
        issuer_reg_exp: text(&flags.certificate_oidc_issuer_regexp),
    };
    (identity != Identity::default()).then_some(identity)
}

/// Where the trust root is: what the flag names, and what cosign's variables do.
pub(crate) fn trust_root_settings(file: Option<&Utf8Path>, env: &Environment) -> TrustRootSettings {
    let given = |name: &str| (env.variable)(name).filter(|value| !value.is_empty());
    let path = |name: &str| given(name).map(Utf8PathBuf::from);
    TrustRootSettings {
        file: file.filter(|file| !file.as_str().is_empty()).map(Utf8Path::to_owned),
        variables: SigstoreFiles {
            authority: path("SIGSTORE_ROOT_FILE"),
            log: path("SIGSTORE_REKOR_PUBLIC_KEY"),
            certificate_log: path("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE"),
            timestamp_authority: path("SIGSTORE_TSA_CERTIFICATE_FILE"),
        },
        stored: stored_trust_root(env),
    }
}

/// Where a trust root is stored: in the folder of `TUF_ROOT`, else in that of cosign.
pub(crate) fn stored_trust_root(env: &Environment) -> Option<StoredTrustRoot> {
    let given = |name: &str| (env.variable)(name).filter(|value| !value.is_empty()).map(Utf8PathBuf::from);
    let folder = given("TUF_ROOT").or_else(|| given("HOME").map(|home| home.join(".sigstore/root")))?;
    Some(StoredTrustRoot { folder, now: env.now })
}

/// The text of the key that an argument names. `whence` says where the argument stands.
pub(super) fn load_key(
    argument: &str,
    whence: &str,
    variable: fn(&str) -> Option<String>,
    cluster: &ClusterAccess,
) -> Result<KeyText, CliError> {
    if argument.contains("-----BEGIN") {
        return Ok(KeyText { pem: argument.to_owned(), origin: format!("the value of {whence}") });
    }
    if let Some(name) = argument.strip_prefix("env://") {
        let pem = variable(name).ok_or_else(|| {
            CliError::new(format!("{whence} `{argument}`: the environment variable `{name}` is not set"))
                .hint("set it to the public key in PEM")
        })?;
        return Ok(KeyText { pem, origin: format!("the variable `{name}`") });
    }
    if SecretKey::is_meant(argument) {
        let pem = cluster.read_public_key(argument, whence)?;
        return Ok(KeyText { pem, origin: format!("{whence} `{argument}`") });
    }
    if let Some(scheme) = scheme_of(argument) {
        return Err(CliError::new(format!("{whence} `{argument}`: keys by `{scheme}` are not supported"))
            .hint("save the public key as a PEM file, or in a Secret: `k8s://NAMESPACE/SECRET`"));
    }
    let pem = read_text(Utf8Path::new(argument), whence, limits::CONFIG_FILE_BYTES)?;
    Ok(KeyText { pem, origin: format!("`{argument}`") })
}

/// The scheme of a key that is not on this machine: of a key service, an address, a PKCS #11 token. Never a file.
fn scheme_of(argument: &str) -> Option<&str> {
    const TOKEN: &str = "pkcs11:";
    let is_scheme = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let before = argument.split_once("://").map(|(scheme, _)| scheme).filter(is_scheme);
    before.or_else(|| argument.starts_with(TOKEN).then_some("pkcs11"))
}
