//! [`verify`]: bundles of signers with keys on large curves that `sigstore-verify` does not verify: P-521, and P-384 where the
//! log has a longer hash than SHA-256 (Rekor `pkg/types/hashedrekord`, `rekor-tiles` for version 0.0.2).
//!
//! The same is verified as there: proofs, states and promises of logs, timestamps, the signature, what it is about, and
//! that each entry is of this signature and signer. The certificate is left to the caller, as it is for all bundles.

use assay_model::{
    memory::Memory,
    strict::{self, Shape, StrictObject, array},
};
use aws_lc_rs::{
    digest::{Algorithm, Context, Digest, SHA256, SHA384, SHA512, digest},
    signature::{ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, EcdsaVerificationAlgorithm, ParsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sigstore_verify::{
    crypto::KeyAlgorithm,
    tsa::verify_timestamp_for_authority,
    types::{
        Bundle, DerPublicKey, HashAlgorithm, KindVersion, SignatureBytes, SignatureContent, TimestampToken,
        bundle::{MessageSignature, TransparencyLogEntry},
    },
};

use super::{
    LogPolicy,
    artifact::Artifact,
    bare_bundle,
    log_entry::{self, EntrySigner, refused, text_at, text_field},
    log_proof,
    trust_root::TrustRoot,
    verified_time::{TimeSource, VerifiedTime},
};
use crate::{error::VerificationError, key};

const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A curve with its own hash.
#[derive(Clone, Copy)]
pub(super) enum Curve {
    P384,
    P521,
}

/// Who must have signed.
pub(super) struct LargeSigner<'a> {
    pub(super) curve: Curve,
    /// The key as a whole `SubjectPublicKeyInfo`.
    pub(super) key: &'a [u8],
    /// What a log entry must name: the certificate, or the key.
    pub(super) named: EntrySigner<'a>,
}

/// The curve of a bundle's signer, if `sigstore-verify` does not verify it.
pub(super) fn curve_of(key: &[u8], bundle: &Bundle) -> Option<Curve> {
    if key::p521_point(key).is_some() {
        return Some(Curve::P521);
    }
    let is_p384 = matches!(KeyAlgorithm::from_spki(&DerPublicKey::new(key.to_vec())), Ok(KeyAlgorithm::EcdsaP384));
    let has_long_hash = |entry: &TransparencyLogEntry| {
        let body: Value = serde_json::from_slice(entry.canonicalized_body.as_bytes()).unwrap_or_default();
        let algorithm = body.pointer("/spec/data/hash/algorithm");
        let algorithm = algorithm.or_else(|| body.pointer("/spec/hashedRekordV002/data/algorithm"));
        algorithm.is_some_and(|algorithm| algorithm != "sha256" && algorithm != "SHA2_256")
    };
    (is_p384 && bundle.verification_material.tlog_entries.iter().any(has_long_hash)).then_some(Curve::P384)
}

/// Verifies all of a bundle but its certificate. Gives the verified times.
pub(super) fn verify(
    bundle: &Bundle,
    artifact: Artifact<'_>,
    signer: &LargeSigner<'_>,
    root: &TrustRoot,
    log: LogPolicy,
) -> Result<Vec<VerifiedTime>, VerificationError> {
    let signed = Signed::of(bundle, artifact)?;
    signed.check_signature(signer)?;
    let entries = &bundle.verification_material.tlog_entries;
    let mut times = Vec::new();
    for entry in entries {
        if log_proof::has_promised_time(entry) {
            times.push(VerifiedTime { source: TimeSource::Log, at: log_proof::promised(entry, root)? });
        }
    }
    for timestamp in &bundle.verification_material.timestamp_verification_data.rfc3161_timestamps {
        let at = stamped(&timestamp.signed_timestamp, signed.signature(), root)?;
        times.push(VerifiedTime { source: TimeSource::TimestampAuthority, at });
    }
    for entry in entries {
        if log == LogPolicy::Required {
            log_proof::check_inclusion(entry, root)?;
        }
        signed.check_entry(entry, signer)?;
    }
    Ok(times)
}

/// What is signed.
enum Signed<'a> {
    Envelope { payload: &'a [u8], signature: &'a [u8] },
    Message { artifact: Artifact<'a>, signature: &'a [u8] },
}

impl<'a> Signed<'a> {
    /// Refuses content that is not about the artifact.
    fn of(bundle: &'a Bundle, artifact: Artifact<'a>) -> Result<Self, VerificationError> {
        match &bundle.content {
            SignatureContent::DsseEnvelope(envelope) => {
                if envelope.payload_type != IN_TOTO {
                    let why = format!("the envelope is not of the type `{IN_TOTO}`");
                    return Err(VerificationError::Unsupported(why));
                }
                let payload = envelope.payload.as_bytes();
                bare_bundle::check_subjects(payload, artifact)?;
                Ok(Self::Envelope { payload, signature: envelope.signature.sig.as_bytes() })
            }
            SignatureContent::MessageSignature(message) => {
                let signed = Self::Message { artifact, signature: message.signature.as_bytes() };
                signed.check_claim(message)?;
                Ok(signed)
            }
            _ => Err(VerificationError::Unsupported("the bundle's content is not known".to_owned())),
        }
    }

    const fn signature(&self) -> &'a [u8] {
        match self {
            Self::Envelope { signature, .. } | Self::Message { signature, .. } => signature,
        }
    }

    /// The hash of what is signed.
    fn hash(&self, algorithm: &'static Algorithm) -> Result<Digest, VerificationError> {
        let (artifact, payload) = match self {
            Self::Envelope { payload, .. } => (None, *payload),
            Self::Message { artifact, .. } => (Some(*artifact), [].as_slice()),
        };
        let given = |digest: &[u8], of: &'static Algorithm| {
            let why = "the signature is over another hash than the given one: pass the file, not its digest";
            let digest = (of == algorithm).then(|| Digest::import_less_safe(digest, of).ok()).flatten();
            digest.ok_or_else(|| VerificationError::Unsupported(why.to_owned()))
        };
        match artifact {
            Some(Artifact::Bytes(bytes)) => Ok(digest(algorithm, bytes)),
            Some(Artifact::Sha256(digest)) => given(digest, &SHA256),
            Some(Artifact::Sha512(digest)) => given(digest, &SHA512),
            None => {
                let mut hash = Context::new(algorithm);
                hash.update(format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), payload.len()).as_bytes());
                hash.update(payload);
                Ok(hash.finish())
            }
        }
    }

    fn check_claim(&self, message: &MessageSignature) -> Result<(), VerificationError> {
        let Some(claimed) = &message.message_digest else { return Ok(()) };
        let algorithm = match claimed.algorithm {
            HashAlgorithm::Sha2256 => &SHA256,
            HashAlgorithm::Sha2384 => &SHA384,
            HashAlgorithm::Sha2512 => &SHA512,
            _ => return Err(VerificationError::Unsupported("the hash of the message is not known".to_owned())),
        };
        match self.hash(algorithm)?.as_ref() == claimed.digest.as_bytes() {
            true => Ok(()),
            false => Err(VerificationError::Subject("the bundle is about another file".to_owned())),
        }
    }

    fn check_signature(&self, signer: &LargeSigner<'_>) -> Result<(), VerificationError> {
        let mismatch = VerificationError::Signature("the signature is not of the signer's key");
        let (verification, hash): (&'static EcdsaVerificationAlgorithm, _) = match signer.curve {
            Curve::P384 => (&ECDSA_P384_SHA384_ASN1, &SHA384),
            Curve::P521 => (&ECDSA_P521_SHA512_ASN1, &SHA512),
        };
        let hash = self.hash(hash)?;
        let key = ParsedPublicKey::new(verification, signer.key);
        match key.is_ok_and(|key| key.verify_digest_sig(&hash, self.signature()).is_ok()) {
            true => Ok(()),
            false => Err(mismatch),
        }
    }

    /// Refuses an entry of another content, another signature or another signer.
    fn check_entry(&self, entry: &TransparencyLogEntry, signer: &LargeSigner<'_>) -> Result<(), VerificationError> {
        let body = entry.canonicalized_body.as_bytes();
        let body = strict::check(body, &Shape::Any, &Memory::of(log_entry::MEMORY)).map_err(refused)?;
        let body = StrictObject::read(body).map_err(refused)?;
        let (kind, version) = (text_field(&body, "kind")?, text_field(&body, "apiVersion")?);
        if (kind.as_str(), version.as_str()) != (entry.kind_version.kind(), entry.kind_version.version()) {
            return Err(refused("its body is of another kind"));
        }
        let spec = body.required("spec").map_err(refused)?;
        match (self, entry.kind_version) {
            (Self::Message { .. }, KindVersion::HashedRekordV001) => {
                let hash = self.hash(algorithm(&text_at(spec, &["data", "hash", "algorithm"])?)?)?;
                check_equal(&hex(hash.as_ref()), &text_at(spec, &["data", "hash", "value"])?, "content")?;
                self.check_logged(&text_at(spec, &["signature", "content"])?)?;
                signer.named.check(&text_at(spec, &["signature", "publicKey", "content"])?)
            }
            (_, KindVersion::HashedRekordV002) => {
                let at = |path: &[&str]| text_at(spec, &[&["hashedRekordV002"], path].concat());
                let hash = self.hash(algorithm(&at(&["data", "algorithm"])?)?)?;
                check_equal(&STANDARD.encode(hash.as_ref()), &at(&["data", "digest"])?, "content")?;
                self.check_logged(&at(&["signature", "content"])?)?;
                let (kind, der) = match signer.named {
                    EntrySigner::Certificate(der) => ("x509Certificate", der),
                    EntrySigner::Key(_) => ("publicKey", signer.key),
                };
                check_equal(&STANDARD.encode(der), &at(&["signature", "verifier", kind, "rawBytes"])?, "signer")
            }
            (Self::Envelope { payload, .. }, KindVersion::DsseV001) => {
                let hash = digest(algorithm(&text_at(spec, &["payloadHash", "algorithm"])?)?, payload);
                check_equal(&hex(hash.as_ref()), &text_at(spec, &["payloadHash", "value"])?, "content")?;
                let spec = StrictObject::read(spec).map_err(refused)?;
                let logged = array(spec.required("signatures").map_err(refused)?).map_err(refused)?;
                let [logged] = logged.as_slice() else {
                    return Err(refused(format_args!("it has {} signatures, not one", logged.len())));
                };
                self.check_logged(&text_at(logged, &["signature"])?)?;
                signer.named.check(&text_at(logged, &["verifier"])?)
            }
            _ => Err(VerificationError::Unsupported(format!(
                "a log entry of the kind `{kind}` {version} is not one for this bundle"
            ))),
        }
    }

    fn check_logged(&self, signature: &str) -> Result<(), VerificationError> {
        check_equal(&STANDARD.encode(self.signature()), signature, "signature")
    }
}

fn check_equal(wanted: &str, logged: &str, what: &str) -> Result<(), VerificationError> {
    if wanted == logged { Ok(()) } else { Err(refused(format_args!("it is of another {what}"))) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hash by its name in entries of either version.
fn algorithm(name: &str) -> Result<&'static Algorithm, VerificationError> {
    match name {
        "sha256" | "SHA2_256" => Ok(&SHA256),
        "sha384" | "SHA2_384" => Ok(&SHA384),
        "sha512" | "SHA2_512" => Ok(&SHA512),
        other => Err(refused(format_args!("its hash `{}` is not known", crate::error::shown(other)))),
    }
}

/// The time of a timestamp over the signature.
fn stamped(token: &TimestampToken, signature: &[u8], root: &TrustRoot) -> Result<i64, VerificationError> {
    let signature = SignatureBytes::new(signature.to_vec());
    let mut why = "the trust root has no timestamp authority".to_owned();
    for authority in &root.timestamp_authorities {
        match verify_timestamp_for_authority(token, &signature, authority) {
            Ok(time) => return Ok(time.as_second()),
            Err(error) => why = error.to_string(),
        }
    }
    Err(VerificationError::Timestamp(format!("a timestamp of the bundle does not count: {why}")))
}
