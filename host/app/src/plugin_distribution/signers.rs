//! Whose signatures count for a plugin: the signers of `plugins.toml`, and what each has signed.

use std::sync::Arc;

use assay_evidence::{
    Relocation, Signer, Trust,
    keyless::{CertificateLogPolicy, LogPolicy},
    prove_image, verify_attestations,
};
use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::Attestation,
    image::PinnedImage,
    limits,
    policy::Identity,
};
use assay_oci::ContentStore;
use serde::Serialize;

use super::{
    error::refused,
    plugins_file::{LogRequirement, PluginsFile, TrustEntry},
};
use crate::{
    error::RequestError,
    mode::Mode,
    read::read_text,
    trust::{KeyText, RunTrust, SignerRequest, TrustRequest, build_trust},
    trust_root::LazyTrustRoot,
};

/// Someone who signed a plugin and is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginSigner {
    /// The name of the entry in `plugins.toml`.
    pub trust: String,
    /// The name in the certificate; none of a key.
    pub identity: Option<String>,
    /// Who knows it; none of a key.
    pub issuer: Option<String>,
    /// The digest of the public key in PEM; none of an identity.
    pub key_id: Option<String>,
}

impl PluginSigner {
    /// How a lock file calls it.
    pub(crate) fn name(&self) -> String {
        self.identity.clone().unwrap_or_else(|| format!("key {}", self.trust))
    }
}

/// A trusted signer, ready to verify.
pub(crate) struct TrustedSigner {
    name: String,
    trust: Trust,
    key_id: Option<String>,
}

impl PluginsFile {
    /// The signers of these names.
    pub(crate) fn signers(
        &self,
        names: &[String],
        root: &Arc<LazyTrustRoot>,
    ) -> Result<Vec<TrustedSigner>, RequestError> {
        let signer = |name: &String| {
            let entry = self.trust.get(name).cloned().unwrap_or_default();
            let RunTrust { trust, key } = build_trust(&self.trust_request(name, entry)?, Mode::Native, root)?;
            let key_id = (!key.is_empty()).then(|| Digest::of(key.as_bytes()).to_string());
            Ok(TrustedSigner { name: name.clone(), trust, key_id })
        };
        names.iter().map(signer).collect()
    }

    fn trust_request(&self, name: &str, entry: TrustEntry) -> Result<TrustRequest, RequestError> {
        let is_key = entry.key.is_some();
        let signer = match entry.key {
            Some(pem) if pem.contains("-----BEGIN") => {
                SignerRequest::Key(KeyText { pem, origin: format!("trust `{name}` of `{}`", self.path) })
            }
            Some(file) => {
                let path = self.folder().join(file);
                let pem = read_text(&path, &format!("trust `{name}`"), limits::CONFIG_FILE_BYTES)?;
                SignerRequest::Key(KeyText { pem, origin: format!("`{path}`") })
            }
            None => SignerRequest::Identity(Identity {
                subject: entry.identity,
                subject_reg_exp: entry.identity_regexp,
                issuer: entry.issuer,
                issuer_reg_exp: entry.issuer_regexp,
            }),
        };
        let log = match entry.log {
            Some(LogRequirement::Required) => LogPolicy::Required,
            Some(LogRequirement::Ignored) => LogPolicy::Ignored,
            // A key's signature says by itself whose it is; a certificate is valid for minutes, and only a log knows when.
            None if is_key => LogPolicy::Ignored,
            None => LogPolicy::Required,
        };
        Ok(TrustRequest {
            signer,
            log,
            certificate_log: CertificateLogPolicy::Required,
            // The digest binds a signature to the plugin: a copy in another registry is the same plugin.
            relocation: Relocation::Allowed,
        })
    }
}

/// Who of these signed a plugin.
///
/// # Errors
/// Something cannot be read, and nobody is known to have signed.
pub(crate) fn find_signers(
    store: &ContentStore,
    image: &PinnedImage,
    signers: &[TrustedSigner],
) -> Result<Vec<PluginSigner>, EvaluationError> {
    let (mut found, mut unread) = (Vec::new(), None);
    for signer in signers {
        let proofs = prove_image(store, image, &signer.trust)?;
        unread = unread.or_else(|| proofs.unread.first().cloned());
        for proof in proofs.verified {
            let (identity, issuer, key_id) = match proof.signer {
                Signer::Key => (None, None, signer.key_id.clone()),
                Signer::Identity { name, issuer, .. } => (Some(name), Some(issuer), None),
            };
            let one = PluginSigner { trust: signer.name.clone(), identity, issuer, key_id };
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    match unread {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// Someone of these must have signed the plugin.
pub(crate) fn require_signer(
    store: &ContentStore,
    image: &PinnedImage,
    signers: &[TrustedSigner],
) -> Result<Vec<PluginSigner>, EvaluationError> {
    let found = find_signers(store, image, signers)?;
    if found.is_empty() {
        let names: Vec<_> = signers.iter().map(|signer| format!("`{}`", signer.name)).collect();
        let message = format!("{image} is not signed by {}, whom plugins.toml trusts for it", names.join(" or "));
        return Err(refused(ErrorCode::PluginNotSigned, message)
            .hint("see what is signed, and why it does not count, with `assay plugin verify`"));
    }
    Ok(found)
}

/// The statements about a plugin that these signed, each once.
///
/// # Errors
/// Something cannot be read, and no statement is known.
pub(crate) fn find_statements(
    store: &ContentStore,
    image: &PinnedImage,
    signers: &[TrustedSigner],
) -> Result<Vec<Attestation>, EvaluationError> {
    let mut found: Vec<Attestation> = Vec::new();
    for signer in signers {
        for attestation in verify_attestations(store, image, &signer.trust)?.unwrap_or_default() {
            if !found.iter().any(|known| known.digest == attestation.digest) {
                found.push(attestation);
            }
        }
    }
    Ok(found)
}
