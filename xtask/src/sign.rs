//! [`Key`], [`SignedPayload`] and [`Envelope`]: signatures as cosign stores them, made with keys that live in memory.
//!
//! Formats: cosign's `SIGNATURE_SPEC.md` and `ATTESTATION_SPEC.md`, DSSE's `protocol.md` and `envelope.md`. Nothing
//! here checks what it signs: tests sign wrong things on purpose.

use anyhow::anyhow;
use assay_model::digest::Digest;
use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The payload type of in-toto statements in DSSE envelopes.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// An ECDSA P-256 key pair. It is never written anywhere; only its public half can be had.
pub struct Key(EcdsaKeyPair);

impl Key {
    /// A new key.
    ///
    /// # Errors
    /// The machine gives no random numbers.
    pub fn generate() -> anyhow::Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
        pair.map(Self).map_err(|_| anyhow!("no key can be made: the machine gives no random numbers"))
    }

    /// The public key as `cosign.pub` holds it: a PEM block `PUBLIC KEY` with lines of 64.
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn public_pem(&self) -> anyhow::Result<String> {
        let der: PublicKeyX509Der<'_> =
            self.0.public_key().as_der().map_err(|_| anyhow!("the public key cannot be encoded"))?;
        let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
        for (at, character) in STANDARD.encode(der.as_ref()).chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END PUBLIC KEY-----\n");
        Ok(pem)
    }

    /// The private key as cosign writes it to `cosign.key`: encrypted with a password.
    ///
    /// # Errors
    /// The key cannot be encoded, or the machine gives no random numbers.
    pub fn encrypted_pem(&self, password: &str) -> anyhow::Result<String> {
        let pkcs8 = self.0.to_pkcs8v1().map_err(|_| anyhow!("the private key cannot be encoded"))?;
        let pem = assay_evidence::encrypted_key(pkcs8.as_ref(), password.as_bytes());
        pem.ok_or_else(|| anyhow!("the machine gives no random numbers"))
    }

    /// An ASN.1 DER signature over the SHA-256 of these bytes.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn sign(&self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        let signature = self.0.sign(&SystemRandom::new(), bytes).map_err(|_| anyhow!("the key cannot sign"))?;
        Ok(signature.as_ref().to_vec())
    }

    /// Whether a signature over these bytes is this key's.
    #[must_use]
    pub fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.0.public_key()).verify(bytes, signature).is_ok()
    }
}

/// A layer of a `.sig` manifest: what was signed, and the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPayload {
    /// The signed bytes.
    pub payload: Vec<u8>,
    /// The signature's base64, which becomes an annotation of the layer.
    pub signature: String,
}

impl SignedPayload {
    /// Signs that the image of this digest is in this repository.
    ///
    /// # Errors
    /// As [`Key::sign`].
    pub fn of(key: &Key, repository: &str, digest: &Digest) -> anyhow::Result<Self> {
        Self::of_bytes(key, simple_signing(repository, digest).to_string().into_bytes())
    }

    /// Signs any bytes.
    ///
    /// # Errors
    /// As [`Key::sign`].
    pub fn of_bytes(key: &Key, payload: Vec<u8>) -> anyhow::Result<Self> {
        let signature = STANDARD.encode(key.sign(&payload)?);
        Ok(Self { payload, signature })
    }
}

/// The document that cosign signs for an image ("simple signing"). `repository` is written with its registry.
#[must_use]
pub fn simple_signing(repository: &str, digest: &Digest) -> Value {
    json!({
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": null,
    })
}

/// A layer of an `.att` manifest: a DSSE envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The envelope's JSON.
    pub bytes: Vec<u8>,
    /// The statement's predicate type, which becomes an annotation of the layer; empty when the payload has none.
    pub predicate_type: String,
}

impl Envelope {
    /// Signs an in-toto statement.
    ///
    /// # Errors
    /// As [`Key::sign`].
    pub fn of(key: &Key, statement: &[u8]) -> anyhow::Result<Self> {
        Self::of_type(key, IN_TOTO, statement)
    }

    /// Signs a payload of any type.
    ///
    /// # Errors
    /// As [`Key::sign`].
    pub fn of_type(key: &Key, payload_type: &str, payload: &[u8]) -> anyhow::Result<Self> {
        let signature = key.sign(&pre_authentication_encoding(payload_type, payload))?;
        let envelope = json!({
            "payloadType": payload_type,
            "payload": STANDARD.encode(payload),
            "signatures": [{"keyid": "", "sig": STANDARD.encode(signature)}],
        });
        let statement: Value = serde_json::from_slice(payload).unwrap_or_default();
        let predicate_type = statement["predicateType"].as_str().unwrap_or_default().to_owned();
        Ok(Self { bytes: envelope.to_string().into_bytes(), predicate_type })
    }
}

/// What a DSSE signature is made over: `DSSEv1 LENGTH TYPE LENGTH PAYLOAD`.
#[must_use]
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};

    use super::*;

    /// Checks a signature with nothing but the PEM text.
    fn verifies(pem: &str, bytes: &[u8], signature: &[u8]) -> bool {
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(base64).unwrap();
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der).unwrap();
        key.verify_sig(bytes, signature).is_ok()
    }

    #[test]
    fn a_signature_verifies_with_the_public_key_and_no_other() {
        let key = Key::generate().unwrap();
        let signature = key.sign(b"text").unwrap();
        assert!(verifies(&key.public_pem().unwrap(), b"text", &signature));
        assert!(!verifies(&key.public_pem().unwrap(), b"test", &signature));
        assert!(!verifies(&Key::generate().unwrap().public_pem().unwrap(), b"text", &signature));
    }

    #[test]
    fn the_pem_has_lines_of_at_most_64() {
        let pem = Key::generate().unwrap().public_pem().unwrap();
        let lengths: Vec<_> = pem.lines().map(str::len).collect();
        assert_eq!(lengths, [26, 64, 60, 24]);
    }

    #[test]
    fn a_signed_payload_names_the_image() {
        let key = Key::generate().unwrap();
        let digest = Digest::of(b"image");
        let signed = SignedPayload::of(&key, "registry.example/shop/cart", &digest).unwrap();
        let signature = STANDARD.decode(&signed.signature).unwrap();
        assert!(verifies(&key.public_pem().unwrap(), &signed.payload, &signature));
        let document: Value = serde_json::from_slice(&signed.payload).unwrap();
        assert_eq!(document["critical"]["image"]["docker-manifest-digest"], digest.to_string());
        assert_eq!(document["critical"]["identity"]["docker-reference"], "registry.example/shop/cart");
    }

    #[test]
    fn an_envelope_is_signed_over_its_type_and_its_payload() {
        let key = Key::generate().unwrap();
        let statement = br#"{"predicateType":"p"}"#;
        let envelope = Envelope::of(&key, statement).unwrap();
        assert_eq!(envelope.predicate_type, "p");
        let document: Value = serde_json::from_slice(&envelope.bytes).unwrap();
        assert_eq!(STANDARD.decode(document["payload"].as_str().unwrap()).unwrap(), statement);
        let signature = STANDARD.decode(document["signatures"][0]["sig"].as_str().unwrap()).unwrap();
        let signed = b"DSSEv1 28 application/vnd.in-toto+json 21 {\"predicateType\":\"p\"}";
        assert!(verifies(&key.public_pem().unwrap(), signed, &signature));
        assert!(!verifies(&key.public_pem().unwrap(), statement, &signature));
        let other = Envelope::of_type(&key, "text/plain", b"no JSON").unwrap();
        assert_eq!(other.predicate_type, "");
    }
}
