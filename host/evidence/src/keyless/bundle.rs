//! [`BundleVerifier`]: Sigstore bundles, read strictly and then verified by `sigstore-verify`, and what it leaves open
//! here: the chain at every verified time with the authority's own certificates alone, and the identity.

use std::{fmt, sync::Arc};

use assay_model::{
    limits,
    memory::Memory,
    strict::{self, Shape, StrictObject},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::IgnoredAny};
use sigstore_verify::{
    CertificateError, Error, PublicKeyVerificationPolicy, TimestampError, TransparencyLogError, VerificationPolicy,
    types::{Artifact as CheckedArtifact, ArtifactDigest, Bundle, DerPublicKey, HashAlgorithm, SignatureContent},
};

use super::{
    CertificateLogPolicy, LogPolicy,
    artifact::Artifact,
    bare_bundle,
    bundle_format::{self, DIGESTS, SUBJECTS, Version},
    certificate::SigningCertificate,
    certificate_metadata, certificate_timestamp,
    identity::Identity,
    large_curve::{self, LargeSigner},
    legacy::{LayerEvidence, LayerSigner},
    log_entry::EntrySigner,
    log_proof, pem,
    trust_root::TrustRoot,
    verified_time::{TimeSource, VerifiedTime},
};
use crate::{error::VerificationError, key::PublicKey};

/// What a verified bundle says.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    pub(crate) evidence: LayerEvidence,
    pub(crate) signature: Vec<u8>,
    /// The payload of its envelope: an in-toto statement, byte for byte as it was signed.
    pub statement: Option<Vec<u8>>,
}

impl VerifiedBundle {
    /// The verified times, from the log and from timestamp authorities.
    #[must_use]
    pub fn times(&self) -> &[VerifiedTime] {
        &self.evidence.times
    }

    /// The identifier of the transparency log, in hex, and the place of the entry in it.
    #[must_use]
    pub fn log(&self) -> Option<(&str, i64)> {
        self.evidence.log.as_ref().map(|(id, index)| (id.as_str(), *index))
    }

    /// The name of the signer that was wanted, and the issuer that knows it, if it is not a key.
    #[must_use]
    pub fn identity(&self) -> Option<(&str, &str)> {
        self.evidence.identity.as_ref().map(|(name, issuer)| (name.as_str(), issuer.as_str()))
    }

    /// The certificate of the signer in PEM.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.evidence.certificate.as_deref()
    }
}

/// Verifies bundles by one root, of one signer.
#[derive(Clone, Debug)]
pub struct BundleVerifier {
    signer: LayerSigner,
    root: Arc<TrustRoot>,
    log: LogPolicy,
    certificate_log: CertificateLogPolicy,
}

impl BundleVerifier {
    /// Trusts bundles of a key.
    #[must_use]
    pub const fn of_key(key: PublicKey, root: Arc<TrustRoot>, log: LogPolicy) -> Self {
        Self { signer: LayerSigner::Key(key), root, log, certificate_log: CertificateLogPolicy::Required }
    }

    /// Trusts bundles of identities.
    #[must_use]
    pub const fn of_identities(
        identities: Vec<Identity>,
        root: Arc<TrustRoot>,
        log: LogPolicy,
        certificate_log: CertificateLogPolicy,
    ) -> Self {
        Self { signer: LayerSigner::Identities(identities), root, log, certificate_log }
    }

    pub(crate) const fn new(
        signer: LayerSigner,
        root: Arc<TrustRoot>,
        log: LogPolicy,
        certificate_log: CertificateLogPolicy,
    ) -> Self {
        Self { signer, root, log, certificate_log }
    }

    pub(crate) fn root(&self) -> &TrustRoot {
        &self.root
    }

    /// Verifies a bundle of any version, as a file has it.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(&self, bundle: &[u8], artifact: Artifact<'_>) -> Result<VerifiedBundle, VerificationError> {
        self.verify_since(Version::V01, bundle, artifact)
    }

    /// Verifies a bundle in a registry, which is of version 0.3: an older one may leave out the proof.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify_in_registry(
        &self,
        bundle: &[u8],
        artifact: Artifact<'_>,
    ) -> Result<VerifiedBundle, VerificationError> {
        self.verify_since(Version::V03, bundle, artifact)
    }

    fn verify_since(
        &self,
        oldest: Version,
        bytes: &[u8],
        artifact: Artifact<'_>,
    ) -> Result<VerifiedBundle, VerificationError> {
        let read = bundle_format::read(bytes)?;
        if read.version < oldest {
            let why = "the bundle is of a version before 0.3, which a registry must not have";
            return Err(VerificationError::Unsupported(why.to_owned()));
        }
        let (statement, signature) = match &read.bundle.content {
            SignatureContent::DsseEnvelope(envelope) => {
                let payload = envelope.payload.as_bytes();
                check_statement(payload)?;
                (Some(payload.to_vec()), envelope.signature.sig.as_bytes().to_vec())
            }
            SignatureContent::MessageSignature(message) => (None, message.signature.as_bytes().to_vec()),
            _ => return Err(VerificationError::Unsupported("the bundle's content is not known".to_owned())),
        };
        let entries = &read.bundle.verification_material.tlog_entries;
        if self.log == LogPolicy::Required && entries.is_empty() {
            return Err(VerificationError::LogEntry("the bundle has no log entry".to_owned()));
        }
        if let (LayerSigner::Key(key), LogPolicy::Ignored, None) = (&self.signer, self.log, &read.certificate)
            && bare_bundle::is_bare(&read.bundle)
        {
            bare_bundle::verify(key, &read.bundle, artifact)?;
            return Ok(VerifiedBundle { evidence: LayerEvidence::default(), signature, statement });
        }
        let checked = match artifact {
            Artifact::Bytes(bytes) => CheckedArtifact::Blob(bytes),
            Artifact::Sha256(digest) => digest_of(HashAlgorithm::Sha2256, digest)?,
            Artifact::Sha512(digest) => digest_of(HashAlgorithm::Sha2512, digest)?,
        };
        let certificate = read.certificate.map(SigningCertificate::read).transpose()?;
        let (key, named) = match (&self.signer, &certificate) {
            (LayerSigner::Key(_), Some(_)) => {
                let why = "the bundle is signed with a certificate, not with the given key";
                return Err(VerificationError::Unsupported(why.to_owned()));
            }
            (LayerSigner::Identities(_), None) => {
                let why = "the bundle is signed with a key, not by an identity";
                return Err(VerificationError::Certificate(why.to_owned()));
            }
            (LayerSigner::Key(key), None) => {
                let der = DerPublicKey::from_pem(key.to_pem()).map_err(|error| refusal(error.into()))?;
                (der, EntrySigner::Key(key.to_pem()))
            }
            (LayerSigner::Identities(_), Some(certificate)) => {
                (certificate.key.clone(), EntrySigner::Certificate(&certificate.der))
            }
        };
        let large = large_curve::curve_of(key.as_bytes(), &read.bundle);
        let times = match large {
            Some(curve) => {
                let signer = LargeSigner { curve, key: key.as_bytes(), named };
                large_curve::verify(&read.bundle, artifact, &signer, &self.root, self.log)?
            }
            None => self.verify_by_crate(checked, &read.bundle, &key)?,
        };
        let log = entries.first().map(|entry| {
            let id = entry.log_id.key_id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            (id, entry.log_index.as_i64())
        });
        let mut evidence = LayerEvidence { times, log, ..LayerEvidence::default() };
        if let (LayerSigner::Identities(identities), Some(certificate)) = (&self.signer, &certificate) {
            if evidence.times.is_empty() {
                let why = "neither a log nor a timestamp authority vouches for the time";
                return Err(VerificationError::Timestamp(why.to_owned()));
            }
            for time in &evidence.times {
                let issuer = certificate.check_at(time.at, &self.root)?;
                if self.certificate_log == CertificateLogPolicy::Required {
                    certificate_timestamp::check(certificate, &issuer.key, &self.root)?;
                }
                evidence.chain = issuer.authority.certificates.iter().map(|der| pem::encode(der)).collect();
            }
            evidence.identity = Some(certificate.check_identity(identities)?);
            evidence.keyid = certificate_metadata::key_identifier(certificate);
            evidence.certificate = Some(pem::encode(&certificate.der));
            evidence.metadata = certificate_metadata::metadata(certificate);
        }
        Ok(VerifiedBundle { evidence, signature, statement })
    }

    /// Verifies a bundle by `sigstore-verify`, all but the certificate. Gives the verified times.
    ///
    /// Of an identity it verifies neither the certificate, which is left to the caller for all bundles, nor the proofs of
    /// entries: together with those it would verify each promise twice.
    fn verify_by_crate(
        &self,
        artifact: CheckedArtifact<'_>,
        bundle: &Bundle,
        key: &DerPublicKey,
    ) -> Result<Vec<VerifiedTime>, VerificationError> {
        let verifier = &self.root.verifier;
        let entries = &bundle.verification_material.tlog_entries;
        let verified = match &self.signer {
            LayerSigner::Key(_) => {
                let policy = PublicKeyVerificationPolicy::new(key.clone());
                let policy = if self.log == LogPolicy::Ignored { policy.skip_tlog_unsafe() } else { policy };
                verifier.verify(artifact, bundle, &policy).map_err(refusal)?
            }
            LayerSigner::Identities(_) => {
                let policy = VerificationPolicy::any_identity().skip_certificate_chain().skip_tlog_unsafe();
                let verified =
                    verifier.verify(artifact.clone(), bundle, &policy).map_err(refusal).and_then(|verified| {
                        if self.log == LogPolicy::Required {
                            entries.iter().try_for_each(|entry| log_proof::check_inclusion(entry, &self.root))?;
                        }
                        Ok(verified)
                    });
                // Of several reasons, the first in the order of all steps is named.
                verified.map_err(|error| {
                    verifier.verify(artifact, bundle, &self.whole_policy()).map_or_else(refusal, |_| error)
                })?
            }
        };
        // Promised times come first, once for each entry that has one.
        let promised: Vec<i64> = entries
            .iter()
            .filter(|entry| entry.inclusion_promise.is_some())
            .filter_map(|entry| Some(entry.integrated_time?.as_second()))
            .collect();
        let times = verified.verified_timestamps().iter().map(|time| {
            let at = time.as_second();
            let source = if promised.contains(&at) { TimeSource::Log } else { TimeSource::TimestampAuthority };
            VerifiedTime { source, at }
        });
        Ok(times.collect())
    }
}

impl BundleVerifier {
    /// The policy by which `sigstore-verify` verifies everything of a bundle of an identity.
    fn whole_policy(&self) -> VerificationPolicy {
        let mut policy = VerificationPolicy::any_identity();
        if self.log == LogPolicy::Ignored {
            policy = policy.skip_tlog_unsafe();
        }
        if self.certificate_log == CertificateLogPolicy::Ignored {
            policy = policy.skip_sct();
        }
        policy
    }
}

impl VerifiedBundle {
    /// The signature as base64.
    pub(crate) fn signature_text(&self) -> String {
        STANDARD.encode(&self.signature)
    }
}

fn digest_of(algorithm: HashAlgorithm, digest: &[u8]) -> Result<CheckedArtifact<'static>, VerificationError> {
    ArtifactDigest::new(algorithm, digest.to_vec()).map(CheckedArtifact::Digest).map_err(|error| refusal(error.into()))
}

/// Refuses a statement that two readers could take for different ones, and one with too many subjects.
fn check_statement(payload: &[u8]) -> Result<(), VerificationError> {
    #[derive(Deserialize)]
    struct Subject {
        #[serde(default)]
        digest: Option<std::collections::BTreeMap<String, IgnoredAny>>,
    }
    let malformed = |why: &dyn fmt::Display| {
        VerificationError::Malformed(format!("the statement in the bundle is malformed: {why}"))
    };
    let memory = Memory::of(limits::STATEMENT_MEMORY);
    let statement = strict::check(payload, &Shape::Any, &memory).map_err(|why| malformed(&why))?;
    let fields = StrictObject::read(statement).map_err(|why| malformed(&why))?;
    for field in ["_type", "predicateType", "predicate"] {
        fields.get(field).map_err(|why| malformed(&why))?;
    }
    let subjects = fields.required("subject").map_err(|why| malformed(&why))?;
    let subjects: Vec<Subject> = serde_json::from_str(subjects).map_err(|why| malformed(&why))?;
    let digests = subjects.iter().map(|subject| subject.digest.as_ref().map_or(0, |digest| digest.len())).max();
    for (count, limit, what) in
        [(subjects.len(), SUBJECTS, "subjects"), (digests.unwrap_or_default(), DIGESTS, "digests of one subject")]
    {
        if count > limit {
            return Err(VerificationError::Limit(format!(
                "the statement has {count} {what}, over the limit of {limit}"
            )));
        }
    }
    Ok(())
}

/// What the verifier says, by its code here.
fn refusal(error: Error) -> VerificationError {
    let text = error.to_string();
    match error {
        Error::IdentityMismatch { .. } => VerificationError::Identity(text),
        Error::IssuerMismatch { .. } => VerificationError::Issuer(text),
        Error::SignatureInvalid(_) => VerificationError::Signature("the signature is not of the signer's key"),
        Error::ArtifactMismatch(_) => VerificationError::Subject(text),
        Error::Certificate(error) => match error {
            CertificateError::NoValidAuthority { .. }
            | CertificateError::NotYetValid { .. }
            | CertificateError::Expired { .. } => VerificationError::CertificateTime(text),
            CertificateError::ChainInvalid(_) if text.contains("CertExpired") || text.contains("CertNotValidYet") => {
                VerificationError::CertificateTime(text)
            }
            CertificateError::Sct(_) => VerificationError::Sct(text),
            _ => VerificationError::Certificate(text),
        },
        Error::TransparencyLog(error) => match error {
            TransparencyLogError::InclusionProof(_) => VerificationError::Inclusion(text),
            TransparencyLogError::Checkpoint(_) => VerificationError::Checkpoint(text),
            TransparencyLogError::IntegratedTime(_) => VerificationError::CertificateTime(text),
            _ => VerificationError::LogEntry(text),
        },
        Error::Timestamp(TimestampError::Invalid(_) | _) => VerificationError::Timestamp(text),
        Error::UnsupportedBundle(_) | Error::UnsupportedArtifact(_) => VerificationError::Unsupported(text),
        Error::Bundle(error) => match error {
            sigstore_verify::bundle::Error::MissingInclusionProof(_) => VerificationError::Inclusion(text),
            sigstore_verify::bundle::Error::MissingInclusionPromise(_) => VerificationError::LogEntry(text),
            _ => VerificationError::Malformed(text),
        },
        _ => VerificationError::Malformed(text),
    }
}
