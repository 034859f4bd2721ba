//! Whose signatures count: the public key, and what is not verified yet.

use assay_model::{limits, policy::PolicySpec};
use camino::Utf8Path;

use crate::{error::Unusable, files::read_text, flags::image::TrustFlags};

/// A public key's PEM text and where it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyText {
    pub(crate) pem: String,
    pub(crate) origin: String,
}

pub(super) fn refuse_what_is_not_verified_yet(trust: &TrustFlags, policy: &PolicySpec) -> Result<(), Unusable> {
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let keyless = [
        ("--certificate-identity", &trust.certificate_identity),
        ("--certificate-identity-regexp", &trust.certificate_identity_regexp),
        ("--certificate-oidc-issuer", &trust.certificate_oidc_issuer),
        ("--certificate-oidc-issuer-regexp", &trust.certificate_oidc_issuer_regexp),
    ];
    if let Some((flag, _)) = keyless.iter().find(|(_, value)| given(value)) {
        return Err(Unusable::new(format!("`{flag}`: keyless signatures are not verified yet"))
            .hint("sign with a key and give `--public-key`"));
    }
    if policy.identity.is_some() && !given(&trust.public_key) && policy.public_key.is_empty() {
        return Err(Unusable::new("the policy's `identity` asks for keyless signatures, which are not verified yet")
            .hint("sign with a key and give `--public-key`"));
    }
    if given(&trust.rekor_url) {
        return Err(Unusable::new("`--rekor-url`: transparency logs are not verified yet")
            .hint("give `--ignore-rekor` and leave out `--rekor-url`"));
    }
    if !trust.ignore_rekor {
        return Err(Unusable::new("signatures would be looked up in a transparency log, which is not verified yet")
            .hint("give `--ignore-rekor` to judge by the public key alone"));
    }
    Ok(())
}

pub(super) fn key(flag: Option<&str>, mut policy: PolicySpec) -> Result<(KeyText, PolicySpec), Unusable> {
    let flag = flag.filter(|text| !text.is_empty());
    let (argument, whence) = match (flag, policy.public_key.as_str()) {
        (Some(argument), _) => (argument.to_owned(), "--public-key"),
        (None, "") => {
            return Err(Unusable::new("no public key to verify signatures with")
                .hint("give `--public-key FILE`, or `publicKey` in the policy configuration"));
        }
        (None, argument) => (argument.to_owned(), "the policy's `publicKey`"),
    };
    let remote = ["k8s://", "awskms://", "gcpkms://", "azurekms://", "hashivault://", "https://", "http://"];
    let key = if argument.contains("-----BEGIN") {
        KeyText { pem: argument.clone(), origin: format!("the text of {whence}") }
    } else if remote.iter().any(|scheme| argument.starts_with(scheme)) {
        return Err(Unusable::new(format!("{whence} `{argument}`: only key files and PEM texts are read so far"))
            .hint("save the public key as a PEM file"));
    } else {
        let pem = read_text(Utf8Path::new(&argument), whence, limits::CONFIG_FILE_BYTES)?;
        KeyText { pem, origin: format!("`{argument}`") }
    };
    policy.public_key = argument;
    Ok((key, policy))
}
