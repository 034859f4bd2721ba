//! [`verify`]: a bundle of a key with neither a log entry nor a timestamp, where none is wanted. `sigstore-verify` takes no
//! bundle without evidence of a time, which says nothing of a key.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use serde::Deserialize;
use sigstore_verify::types::{Bundle, HashAlgorithm, SignatureContent};

use super::artifact::Artifact;
use crate::{error::VerificationError, key::PublicKey};

const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Whether there is nothing in the bundle but the signature.
pub(super) fn is_bare(bundle: &Bundle) -> bool {
    let material = &bundle.verification_material;
    let timestamps = &material.timestamp_verification_data;
    material.tlog_entries.is_empty() && timestamps.rfc3161_timestamps.is_empty()
}

/// Refuses a bundle that the key did not sign, or that is about something else.
pub(super) fn verify(key: &PublicKey, bundle: &Bundle, artifact: Artifact<'_>) -> Result<(), VerificationError> {
    let mismatch = || VerificationError::Signature("the signature is not of the signer's key");
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => {
            if envelope.payload_type != IN_TOTO {
                let why = format!("the envelope is not of the type `{IN_TOTO}`");
                return Err(VerificationError::Unsupported(why));
            }
            let payload = envelope.payload.as_bytes();
            let head = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), payload.len());
            if !key.verifies(&[head.as_bytes(), payload], envelope.signature.sig.as_bytes()) {
                return Err(mismatch());
            }
            check_subjects(payload, artifact)
        }
        SignatureContent::MessageSignature(message) => {
            let sha256 = match artifact {
                Artifact::Bytes(bytes) => digest(&SHA256, bytes).as_ref().to_vec(),
                Artifact::Sha256(digest) => digest.to_vec(),
                Artifact::Sha512(_) => {
                    let why = "a signature of a key is verified by the file or its SHA-256";
                    return Err(VerificationError::Unsupported(why.to_owned()));
                }
            };
            if let Some(claimed) = &message.message_digest
                && claimed.algorithm == HashAlgorithm::Sha2256
                && claimed.digest.as_bytes() != sha256
            {
                return Err(VerificationError::Subject("the bundle is about another file".to_owned()));
            }
            let signature = message.signature.as_bytes();
            let is_signed = match artifact {
                Artifact::Bytes(bytes) => key.verifies(&[bytes], signature),
                _ => key.verifies_sha256(&sha256, signature).ok_or_else(|| {
                    let why = "a signature of an Ed25519 key is verified by the file, not by its digest";
                    VerificationError::Unsupported(why.to_owned())
                })?,
            };
            if is_signed { Ok(()) } else { Err(mismatch()) }
        }
        _ => Err(VerificationError::Unsupported("the bundle's content is not known".to_owned())),
    }
}

/// Refuses a statement that has no subject of this digest.
pub(super) fn check_subjects(statement: &[u8], artifact: Artifact<'_>) -> Result<(), VerificationError> {
    #[derive(Deserialize)]
    struct Statement {
        subject: Vec<Subject>,
    }
    #[derive(Deserialize)]
    struct Subject {
        #[serde(default)]
        digest: std::collections::BTreeMap<String, serde_json::Value>,
    }
    let statement: Statement =
        serde_json::from_slice(statement).map_err(|error| VerificationError::Malformed(error.to_string()))?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let wanted = match artifact {
        Artifact::Bytes(bytes) => {
            vec![("sha256", hex(digest(&SHA256, bytes).as_ref())), ("sha512", hex(digest(&SHA512, bytes).as_ref()))]
        }
        Artifact::Sha256(digest) => vec![("sha256", hex(digest))],
        Artifact::Sha512(digest) => vec![("sha512", hex(digest))],
    };
    let is_wanted = |subject: &Subject| {
        wanted.iter().any(|(algorithm, hex)| {
            subject.digest.get(*algorithm).and_then(serde_json::Value::as_str) == Some(hex.as_str())
        })
    };
    match statement.subject.iter().any(is_wanted) {
        true => Ok(()),
        false => Err(VerificationError::Subject("no subject of the statement has the digest".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use super::{
        super::{BundleVerifier, LogPolicy, TrustRoot},
        *,
    };
    use crate::fixture::{Signer, pae, statement};
    use assay_model::digest::Digest;

    const FILE: &[u8] = b"file";

    fn bundle(kind: &str, content: &Value) -> String {
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "k"}},
            kind: content,
        })
        .to_string()
    }

    fn message(signer: &Signer, file: &[u8], claimed: &[u8]) -> String {
        let digest = json!({"algorithm": "SHA2_256", "digest": STANDARD.encode(Digest::of(claimed).as_bytes())});
        bundle("messageSignature", &json!({"messageDigest": digest, "signature": signer.sig(file)}))
    }

    fn envelope(signer: &Signer, file: &[u8], payload_type: &str) -> String {
        let payload = statement(&Digest::of(file)).to_string().into_bytes();
        let signature = json!({"sig": signer.sig(&pae(payload_type, &payload))});
        let envelope =
            json!({"payload": STANDARD.encode(&payload), "payloadType": payload_type, "signatures": [signature]});
        bundle("dsseEnvelope", &envelope)
    }

    fn code(key: &Signer, log: LogPolicy, bundle: &str, artifact: Artifact<'_>) -> &'static str {
        let root = Arc::new(TrustRoot::public_good().unwrap());
        let verified = BundleVerifier::of_key(key.public(), root, log).verify(bundle.as_bytes(), artifact);
        verified.map_or_else(|error| error.code(), |_| "ok")
    }

    #[test]
    fn attack_a_bundle_of_a_key_alone_counts_for_its_file_where_no_log_is_wanted() {
        let (signer, digest) = (Signer::new(), Digest::of(FILE));
        for artifact in [Artifact::Bytes(FILE), Artifact::Sha256(digest.as_bytes())] {
            let of = |bundle: &str| code(&signer, LogPolicy::Ignored, bundle, artifact);
            assert_eq!(of(&message(&signer, FILE, FILE)), "ok");
            assert_eq!(of(&message(&signer, b"other", FILE)), "signature");
            assert_eq!(of(&message(&signer, b"other", b"other")), "subject");
            assert_eq!(of(&message(&Signer::new(), FILE, FILE)), "signature");
            assert_eq!(of(&envelope(&signer, FILE, IN_TOTO)), "ok");
            assert_eq!(of(&envelope(&signer, b"other", IN_TOTO)), "subject");
            assert_eq!(of(&envelope(&signer, FILE, "text/plain")), "unsupported");
            assert_eq!(of(&envelope(&Signer::new(), FILE, IN_TOTO)), "signature");
            assert_eq!(code(&signer, LogPolicy::Required, &message(&signer, FILE, FILE), artifact), "log-entry");
        }
        let sha512 = Artifact::Sha512(&[0; 64]);
        assert_eq!(code(&signer, LogPolicy::Ignored, &message(&signer, FILE, FILE), sha512), "unsupported");
        assert_eq!(code(&signer, LogPolicy::Ignored, &envelope(&signer, FILE, IN_TOTO), sha512), "subject");
    }
}
