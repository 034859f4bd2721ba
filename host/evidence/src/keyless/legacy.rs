//! [`LayerVerifier`]: signatures and envelopes under cosign's tags with what is annotated beside them: certificate, log
//! entry, timestamp (cosign `specs/SIGNATURE_SPEC.md`, `specs/ATTESTATION_SPEC.md`).

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    evidence::Signature,
    strict::{StrictObject, string},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigstore_verify::{
    tsa::verify_timestamp_for_authority,
    types::{SignatureBytes, TimestampToken},
};

use super::{
    CertificateLogPolicy, LogPolicy,
    certificate::SigningCertificate,
    certificate_metadata, certificate_timestamp,
    identity::Identity,
    layer_content::Content,
    log_entry::{EntrySigner, LogEntry},
    pem,
    trust_root::TrustRoot,
    verified_time::{TimeSource, VerifiedTime},
};
use crate::{error::VerificationError, key::PublicKey};

const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const LOG_ENTRY: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The size of a timestamp: one has 1 to 6 kB.
pub(super) const TIMESTAMP_BYTES: usize = 64 << 10;

/// A layer's annotations.
pub(crate) type Annotations = BTreeMap<String, String>;

/// Who signed a layer and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerEvidence {
    /// The identifier of the certificate's key, as `ec` reports it.
    pub(crate) keyid: String,
    /// The certificate in PEM.
    pub(crate) certificate: Option<String>,
    /// The certificates annotated beside it, if the trust root has each.
    pub(crate) chain: Vec<String>,
    /// What the certificate says.
    pub(crate) metadata: BTreeMap<String, String>,
    /// The name in the certificate that was wanted, and its issuer.
    pub(crate) identity: Option<(String, String)>,
    /// The verified times.
    pub(crate) times: Vec<VerifiedTime>,
    /// Which signatures of an envelope verify, by their places in it.
    pub(crate) verified: Vec<usize>,
    /// The log and the place in it.
    pub(crate) log: Option<(String, i64)>,
}

impl LayerEvidence {
    /// Adds what the certificate says to a signature; as in `ec`, the key is then called by the certificate's.
    pub(crate) fn describe(&self, mut signature: Signature) -> Signature {
        if self.certificate.is_some() {
            signature.keyid.clone_from(&self.keyid);
        }
        signature.certificate.clone_from(&self.certificate);
        signature.chain.clone_from(&self.chain);
        signature.metadata.clone_from(&self.metadata);
        signature
    }
}

/// Verifies layers that are signed by an identity, or by a key in a log.
#[derive(Clone, Debug)]
pub(crate) struct LayerVerifier {
    pub(crate) signer: LayerSigner,
    pub(crate) root: Arc<TrustRoot>,
    pub(crate) log: LogPolicy,
    pub(crate) certificate_log: CertificateLogPolicy,
}

/// Who may sign.
#[derive(Clone, Debug)]
pub(crate) enum LayerSigner {
    Key(PublicKey),
    Identities(Vec<Identity>),
}

impl LayerSigner {
    pub(crate) const fn is_identity(&self) -> bool {
        matches!(self, Self::Identities(_))
    }
}

impl LayerVerifier {
    /// Verifies everything of a layer but its claims.
    pub(crate) fn verify(
        &self,
        annotations: &Annotations,
        content: &Content<'_>,
    ) -> Result<LayerEvidence, VerificationError> {
        if let Content::Envelope { .. } = content
            && annotations.get(SIGNATURE).is_some_and(|signature| !signature.is_empty())
        {
            let why = "the layer of an attestation has a signature beside its envelope";
            return Err(VerificationError::Malformed(why.to_owned()));
        }
        let entry = annotations.get(LOG_ENTRY).map(|entry| LogEntry::verify(entry, &self.root)).transpose()?;
        if self.log == LogPolicy::Required && entry.is_none() {
            let why = "there is no log entry beside the signature";
            return Err(VerificationError::LogEntry(why.to_owned()));
        }
        match &self.signer {
            LayerSigner::Key(key) => {
                check_certificate_beside(key, annotations)?;
                let verified = content.verify_with(|message, signature| key.verifies(message, signature));
                if verified.is_empty() {
                    return Err(VerificationError::Signature(key.mismatch()));
                }
                let log = log_of(entry.as_ref());
                let mut times = Vec::new();
                if let Some(entry) = entry {
                    entry.check_is_about(content, &verified, &EntrySigner::Key(key.to_pem()))?;
                    times.push(VerifiedTime { source: TimeSource::Log, at: entry.time });
                }
                Ok(LayerEvidence { times, log, verified, ..LayerEvidence::default() })
            }
            LayerSigner::Identities(identities) => {
                self.verify_keyless(identities, annotations, content, entry.as_ref())
            }
        }
    }

    fn verify_keyless(
        &self,
        identities: &[Identity],
        annotations: &Annotations,
        content: &Content<'_>,
        entry: Option<&LogEntry>,
    ) -> Result<LayerEvidence, VerificationError> {
        let certificate = annotations
            .get(CERTIFICATE)
            .filter(|certificate| !certificate.is_empty())
            .ok_or_else(|| VerificationError::Certificate("there is no certificate beside the signature".to_owned()))?;
        let certificate = pem::certificate(certificate)
            .map_err(|why| VerificationError::Certificate(format!("the certificate cannot be read: {why}")))?;
        let certificate = SigningCertificate::read(certificate)?;
        let verified = content.verify_with(|message, signature| certificate.verify(message, signature));
        if verified.is_empty() {
            return Err(VerificationError::Signature("the signature is not of the certificate's key"));
        }
        let mut times = Vec::new();
        if let Some(entry) = entry {
            entry.check_is_about(content, &verified, &EntrySigner::Certificate(&certificate.der))?;
            times.push(VerifiedTime { source: TimeSource::Log, at: entry.time });
        }
        if let Some(timestamp) = annotations.get(TIMESTAMP) {
            let at = self.verify_timestamp(timestamp, content)?;
            times.push(VerifiedTime { source: TimeSource::TimestampAuthority, at });
        }
        // Without one, nobody knows whether the certificate was valid when it signed; the present time says nothing.
        let mut issuer = None;
        for time in &times {
            issuer = Some(certificate.check_at(time.at, &self.root)?);
        }
        let issuer = issuer.ok_or_else(|| {
            VerificationError::Timestamp("neither a log nor a timestamp authority vouches for the time".to_owned())
        })?;
        if self.certificate_log == CertificateLogPolicy::Required {
            certificate_timestamp::check(&certificate, &issuer.key, &self.root)?;
        }
        let identity = certificate.check_identity(identities)?;
        let chain = annotations.get(CHAIN).and_then(|chain| pem::certificates(chain).ok()).unwrap_or_default();
        let is_trusted =
            chain.iter().all(|der| self.root.authorities.iter().any(|authority| authority.certificates.contains(der)));
        let chain = if is_trusted { chain.iter().map(|der| pem::encode(der)).collect() } else { Vec::new() };
        Ok(LayerEvidence {
            keyid: certificate_metadata::key_identifier(&certificate),
            certificate: Some(pem::encode(&certificate.der)),
            chain,
            metadata: certificate_metadata::metadata(&certificate),
            identity: Some(identity),
            times,
            verified,
            log: log_of(entry),
        })
    }

    /// The time of a timestamp over the signature; of an attestation, over the layer.
    fn verify_timestamp(&self, annotation: &str, content: &Content<'_>) -> Result<i64, VerificationError> {
        let refused = |why: &dyn std::fmt::Display| {
            VerificationError::Timestamp(format!("the timestamp beside the signature does not count: {why}"))
        };
        if annotation.len() > TIMESTAMP_BYTES {
            return Err(VerificationError::Limit(format!("the timestamp has more than {TIMESTAMP_BYTES} bytes")));
        }
        let token = StrictObject::read(annotation)
            .and_then(|fields| fields.required("SignedRFC3161Timestamp").and_then(string))
            .map_err(|why| refused(&why))?;
        let token = STANDARD.decode(token).map_err(|why| refused(&why))?;
        let signed = match content {
            Content::Signature { signature, .. } => signature.to_vec(),
            Content::Envelope { layer, .. } => layer.to_vec(),
        };
        let (token, signed) = (TimestampToken::new(token), SignatureBytes::new(signed));
        let mut why = refused(&"the trust root has no timestamp authority");
        for authority in &self.root.timestamp_authorities {
            match verify_timestamp_for_authority(&token, &signed, authority) {
                Ok(time) => return Ok(time.as_second()),
                Err(error) => why = refused(&error),
            }
        }
        Err(why)
    }
}

/// Refuses a certificate beside a signature of a key that is not of that key: one of the two is not the signer's.
pub(crate) fn check_certificate_beside(key: &PublicKey, annotations: &Annotations) -> Result<(), VerificationError> {
    let Some(certificate) = annotations.get(CERTIFICATE).filter(|certificate| !certificate.is_empty()) else {
        return Ok(());
    };
    let refused = |why: &dyn std::fmt::Display| {
        VerificationError::Certificate(format!("the certificate beside the signature does not count: {why}"))
    };
    let certificate = pem::certificate(certificate).map_err(|why| refused(&why))?;
    let certificate = SigningCertificate::read(certificate)?;
    let is_of_key = PublicKey::from_pem(&certificate.key.to_pem()).is_ok_and(|of| of.to_pem() == key.to_pem());
    if is_of_key { Ok(()) } else { Err(refused(&"it is not of the given key")) }
}

fn log_of(entry: Option<&LogEntry>) -> Option<(String, i64)> {
    entry.map(|entry| (entry.log.clone(), entry.index))
}
