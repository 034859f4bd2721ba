//! Whose signatures count: the public key, and what is not verified yet.

use assay_app::{ClusterAccess, KeyText};
use assay_model::{cluster::SecretKey, evidence::CheckKind, limits, policy::PolicySpec};
use camino::Utf8Path;

use super::non_empty;
use crate::{
    error::CliError,
    files::read_text,
    flags::image::{TrustFlags, VsaFlags},
};

/// The checks that are left out because the user says so.
pub(super) fn skipped(trust: &TrustFlags) -> Vec<CheckKind> {
    let flags = [
        (trust.skip_att_sig_check, CheckKind::AttestationSignature),
        (trust.skip_image_sig_check, CheckKind::ImageSignature),
    ];
    flags.into_iter().filter(|(skip, _)| *skip).map(|(_, check)| check).collect()
}

/// Verification summaries are neither made nor believed yet.
pub(super) fn refuse_summaries(flags: &VsaFlags) -> Result<(), CliError> {
    if let Some(format) = non_empty(flags.attestation_format.as_deref())
        && !["dsse", "predicate"].contains(&format)
    {
        return Err(CliError::new(format!("invalid --attestation-format: {format} (valid: dsse, predicate)")));
    }
    let upload = flags.vsa_upload.iter().any(|backend| !backend.is_empty());
    if flags.vsa || upload {
        let flag = if flags.vsa { "--vsa" } else { "--vsa-upload" };
        return Err(CliError::new(format!("`{flag}`: verification summaries (VSA) are not supported yet"))
            .hint("remove the flag, or pass `--vsa=false`"));
    }
    Ok(())
}

pub(super) fn refuse_what_is_not_verified_yet(trust: &TrustFlags, policy: &PolicySpec) -> Result<(), CliError> {
    let is_given = |text: &Option<String>| non_empty(text.as_deref()).is_some();
    let keyless = [
        ("--certificate-identity", &trust.certificate_identity),
        ("--certificate-identity-regexp", &trust.certificate_identity_regexp),
        ("--certificate-oidc-issuer", &trust.certificate_oidc_issuer),
        ("--certificate-oidc-issuer-regexp", &trust.certificate_oidc_issuer_regexp),
    ];
    // With a key, identities are ignored.
    if let Some((flag, _)) = keyless.iter().find(|(_, value)| is_given(value) && !is_given(&trust.public_key)) {
        return Err(CliError::new(format!("`{flag}`: keyless verification is not supported yet"))
            .hint("sign with a key and pass `--public-key`"));
    }
    if policy.identity.is_some() && !is_given(&trust.public_key) && policy.public_key.is_empty() {
        return Err(CliError::new("the policy's `identity` requires keyless verification, which is not supported yet")
            .hint("sign with a key and pass `--public-key`"));
    }
    // With `--ignore-rekor`, the log's address is only reported; pipelines always pass both.
    if is_given(&trust.rekor_url) && !trust.ignore_rekor {
        return Err(CliError::new("`--rekor-url`: transparency log verification is not supported yet")
            .hint("pass `--ignore-rekor` to verify signatures with the public key only"));
    }
    if !trust.ignore_rekor {
        return Err(CliError::new("transparency log verification is not supported yet")
            .hint("pass `--ignore-rekor` to verify signatures with the public key only"));
    }
    Ok(())
}

pub(super) fn load_key(
    flag: Option<&str>,
    mut policy: PolicySpec,
    variable: fn(&str) -> Option<String>,
    cluster: &ClusterAccess,
) -> Result<(KeyText, PolicySpec), CliError> {
    let (argument, whence) = match (non_empty(flag), policy.public_key.as_str()) {
        (Some(argument), _) => (argument.to_owned(), "--public-key"),
        (None, "") => {
            return Err(CliError::new("no public key to verify signatures with")
                .hint("pass `--public-key FILE`, or set `publicKey` in the policy configuration"));
        }
        (None, argument) => (argument.to_owned(), "the policy's `publicKey`"),
    };
    let key = if argument.contains("-----BEGIN") {
        KeyText { pem: argument.clone(), origin: format!("the value of {whence}") }
    } else if let Some(name) = argument.strip_prefix("env://") {
        let pem = variable(name).ok_or_else(|| {
            CliError::new(format!("{whence} `{argument}`: the environment variable `{name}` is not set"))
                .hint("set it to the public key in PEM")
        })?;
        // The hash is that of a file, as in `ec`.
        KeyText { pem, origin: format!("the variable `{name}`") }
    } else if SecretKey::is_meant(&argument) {
        // The hash is that of a file, as in `ec`.
        let pem = cluster.read_public_key(&argument, whence)?;
        KeyText { pem, origin: format!("{whence} `{argument}`") }
    } else if let Some(scheme) = scheme_of(&argument) {
        return Err(CliError::new(format!("{whence} `{argument}`: keys by `{scheme}` are not supported"))
            .hint("save the public key as a PEM file, or in a Secret: `k8s://NAMESPACE/SECRET`"));
    } else {
        let pem = read_text(Utf8Path::new(&argument), whence, limits::CONFIG_FILE_BYTES)?;
        KeyText { pem, origin: format!("`{argument}`") }
    };
    policy.public_key = argument;
    Ok((key, policy))
}

/// The scheme of a key that is not on this machine: of a key service, an address, a PKCS #11 token. Never a file.
fn scheme_of(argument: &str) -> Option<&str> {
    const TOKEN: &str = "pkcs11:";
    let is_scheme = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let before = argument.split_once("://").map(|(scheme, _)| scheme).filter(is_scheme);
    before.or_else(|| argument.starts_with(TOKEN).then_some("pkcs11"))
}
