//! [`PublicKey`]: the key that signatures must match, read once and checked to be a key.
//!
//! Verified are the kinds of keys that `cosign` takes: ECDSA on P-256, P-384 and P-521, RSA (PKCS#1 v1.5) of 2,048 bits and
//! more, and Ed25519. Every other kind is refused by name.
//!
//! cosign signs with SHA-384 under a P-384 key and with SHA-512 under a P-521 key, while `ec` verifies every key with SHA-256,
//! however it was given. Here both hashes count ([`PublicKey::from_pem`]), and SHA-256 alone where the answer must be that of `ec`
//! ([`PublicKey::from_pem_for_ec`]). Both are the key's own signatures of the same bytes; neither is easier to forge.

use std::fmt;

use aws_lc_rs::{
    digest::{Algorithm, Context, Digest, SHA256, SHA384, SHA512},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA256_ASN1,
        ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigstore_verify::{
    crypto::{KeyAlgorithm, VerificationKey, validate_raw_public_key},
    types::DerPublicKey,
};
use x509_cert::{
    der::{Decode as _, asn1::ObjectIdentifier},
    spki::SubjectPublicKeyInfoOwned,
};

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
/// The width of a line of base64 in PEM (RFC 7468).
const LINE: usize = 64;

/// A public key that was checked to be one: a point on its curve, a modulus of enough bits.
#[derive(Clone)]
pub struct PublicKey {
    pem: String,
    key: ParsedPublicKey,
    kind: Kind,
    /// The same key for the hash of its curve, if that is another one.
    with_long_hash: Option<(ParsedPublicKey, &'static Algorithm)>,
}

/// What is signed: a hash of the message, or the message itself.
#[derive(Clone, Copy)]
enum Kind {
    Ecdsa,
    Rsa,
    Ed25519,
}

/// The hashes that a key on a large curve verifies with.
#[derive(Clone, Copy)]
enum Hashes {
    Sha256AndOwn,
    Sha256,
}

/// `id-ecPublicKey` and the curve P-521 (RFC 5480).
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The point of a key on P-521, by the key's `SubjectPublicKeyInfo`; none for any other key. The reader of the other kinds
/// does not know that curve.
pub(crate) fn p521_point(der: &[u8]) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoOwned::from_der(der).ok()?;
    let curve: ObjectIdentifier = info.algorithm.parameters.as_ref()?.decode_as().ok()?;
    let point = info.subject_public_key.as_bytes()?;
    (info.algorithm.oid == EC_KEY && curve == P521).then(|| point.to_vec())
}

/// The text is not a key to verify with. [`hint`](Self::hint) says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM block at all.
    #[error("the key is not PEM: it has no `-----BEGIN PUBLIC KEY-----`")]
    NotPem,
    /// More than one PEM block.
    #[error("the key file has more than one PEM block")]
    Several,
    /// A private key, possibly encrypted.
    #[error("the key is a private key (`{label}`), not a public one")]
    Private {
        /// What the PEM block calls itself.
        label: String,
    },
    /// A certificate.
    #[error("the key is a certificate, not a public key")]
    Certificate,
    /// Another kind of PEM block.
    #[error("the key file has a PEM block `{label}`, not `PUBLIC KEY`")]
    OtherBlock {
        /// What the PEM block calls itself.
        label: String,
    },
    /// The PEM block is truncated, or its content is not a public key.
    #[error("the public key cannot be read: {why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
    /// A sound key of another algorithm.
    #[error("the key is an {algorithm} key; supported are ECDSA (P-256, P-384, P-521), RSA and Ed25519 keys")]
    Algorithm {
        /// Its algorithm.
        algorithm: &'static str,
    },
}

impl KeyError {
    /// What a person can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotPem | Self::Several | Self::OtherBlock { .. } | Self::Malformed { .. } => {
                "pass one public key in PEM, such as the `cosign.pub` of `cosign generate-key-pair`"
            }
            Self::Private { .. } => "pass the public key, such as `cosign.pub`, and keep the private key secret",
            Self::Certificate => "pass the certificate's public key: `openssl x509 -pubkey -noout -in CERTIFICATE`",
            Self::Algorithm { .. } => "sign with a key of `cosign generate-key-pair`",
        }
    }
}

impl PublicKey {
    /// Reads PEM text with one block `PUBLIC KEY` (RFC 7468, RFC 5280 `SubjectPublicKeyInfo`); text before the block
    /// is skipped, as OpenSSL writes some.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::read(text, Hashes::Sha256AndOwn)
    }

    /// The same for a key that verifies exactly what it verifies in `ec`: with SHA-256 alone.
    pub fn from_pem_for_ec(text: &str) -> Result<Self, KeyError> {
        Self::read(text, Hashes::Sha256)
    }

    /// The key in DER (RFC 5280 `SubjectPublicKeyInfo`).
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        Self::of_der(&DerPublicKey::new(der.to_vec()), Hashes::Sha256AndOwn)
    }

    fn read(text: &str, hashes: Hashes) -> Result<Self, KeyError> {
        Self::of_der(&DerPublicKey::new(decode(text)?), hashes)
    }

    fn of_der(der: &DerPublicKey, hashes: Hashes) -> Result<Self, KeyError> {
        let malformed = |why: &dyn fmt::Display| KeyError::Malformed { why: why.to_string() };
        if let Some(point) = p521_point(der.as_bytes()) {
            let off_curve = |_| malformed(&"its point is not on its curve");
            let key = ParsedPublicKey::new(&ECDSA_P521_SHA256_ASN1, &point).map_err(off_curve)?;
            let own = ParsedPublicKey::new(&ECDSA_P521_SHA512_ASN1, &point).map_err(off_curve)?;
            let with_long_hash = matches!(hashes, Hashes::Sha256AndOwn).then_some((own, &SHA512));
            return Ok(Self { pem: encode(der.as_bytes()), key, kind: Kind::Ecdsa, with_long_hash });
        }
        let read = VerificationKey::from_spki(der).map_err(|error| malformed(&error))?;
        let (kind, algorithm): (Kind, &'static dyn VerificationAlgorithm) = match read.scheme().key_algorithm() {
            KeyAlgorithm::EcdsaP256 => (Kind::Ecdsa, &ECDSA_P256_SHA256_ASN1),
            KeyAlgorithm::EcdsaP384 => (Kind::Ecdsa, &ECDSA_P384_SHA256_ASN1),
            KeyAlgorithm::Ed25519 => (Kind::Ed25519, &ED25519),
            KeyAlgorithm::Rsa => (Kind::Rsa, &RSA_PKCS1_2048_8192_SHA256),
            KeyAlgorithm::MlDsa44 | KeyAlgorithm::MlDsa65 | KeyAlgorithm::MlDsa87 => {
                return Err(KeyError::Algorithm { algorithm: "ML-DSA" });
            }
            _ => return Err(KeyError::Algorithm { algorithm: "unknown" }),
        };
        validate_raw_public_key(read.scheme(), read.as_bytes()).map_err(|error| malformed(&error))?;
        if matches!(kind, Kind::Ed25519) && is_of_small_order(read.as_bytes()) {
            return Err(malformed(&"its point has a small order, so anyone can forge signatures"));
        }
        // Here a point off the curve and a short modulus are found, long before the first signature.
        let key = ParsedPublicKey::new(algorithm, read.as_bytes()).map_err(|_| match kind {
            Kind::Rsa => malformed(&"it is not an RSA key of 2048 to 8192 bits"),
            Kind::Ecdsa => malformed(&"its point is not on its curve"),
            Kind::Ed25519 => malformed(&"it is not a point of Ed25519"),
        })?;
        let with_long_hash = match (read.scheme().key_algorithm(), hashes) {
            (KeyAlgorithm::EcdsaP384, Hashes::Sha256AndOwn) => {
                ParsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, read.as_bytes()).ok().map(|key| (key, &SHA384))
            }
            _ => None,
        };
        Ok(Self { pem: encode(der.as_bytes()), key, kind, with_long_hash })
    }

    /// The key as canonical PEM: lines of 64 columns and a newline at the end, as Go writes it.
    #[must_use]
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The key in DER (RFC 5280 `SubjectPublicKeyInfo`).
    pub(crate) fn to_der(&self) -> Vec<u8> {
        // What was encoded from DER is PEM.
        decode(&self.pem).unwrap_or_default()
    }

    /// Whether `signature` is this key's over the parts in a row. Parts, because an envelope's payload of 100 MiB should
    /// not be copied to get a prefix.
    pub(crate) fn verifies(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        if matches!(self.kind, Kind::Ed25519) {
            // This algorithm reads its message twice, so it has to be in one piece.
            return self.key.verify_sig(&parts.concat(), signature).is_ok();
        }
        let verifies = |key: &ParsedPublicKey, hash: &'static Algorithm| {
            let mut hash = Context::new(hash);
            for part in parts {
                hash.update(part);
            }
            key.verify_digest_sig(&hash.finish(), signature).is_ok()
        };
        verifies(&self.key, &SHA256) || self.with_long_hash.as_ref().is_some_and(|(key, hash)| verifies(key, hash))
    }

    /// The same of a message by its SHA-256; none for an Ed25519 key, which signs no digest.
    pub(crate) fn verifies_sha256(&self, digest: &[u8], signature: &[u8]) -> Option<bool> {
        if matches!(self.kind, Kind::Ed25519) {
            return None;
        }
        let digest = Digest::import_less_safe(digest, &SHA256).ok()?;
        Some(self.key.verify_digest_sig(&digest, signature).is_ok())
    }

    /// What cosign says of a signature that is not this key's.
    pub(crate) const fn mismatch(&self) -> &'static str {
        match self.kind {
            Kind::Ecdsa => "invalid signature when validating ASN.1 encoded signature",
            Kind::Rsa => "crypto/rsa: verification error",
            Kind::Ed25519 => "failed to verify signature",
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "PublicKey({:?})", self.pem)
    }
}

/// The y coordinates of the points of Ed25519 whose order divides eight, little-endian: 1 (the identity), -1, 0, and the
/// two of order eight, and those of the first three that are written a modulus (2^255 - 19) too large, which readers
/// take for the same. Under such a key one signature fits every eighth message, or every message.
const SMALL_ORDER: [[u8; 32]; 7] = [
    low(0),
    low(1),
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    high(0xec),
    high(0xed),
    high(0xee),
];

/// A small number.
const fn low(last: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = last;
    bytes
}

/// A number just below 2^255.
const fn high(last: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = last;
    bytes[31] = 0x7f;
    bytes
}

/// Whether a point of Ed25519 has an order that divides eight, whatever the sign of its x coordinate.
fn is_of_small_order(point: &[u8]) -> bool {
    let Some((last, rest)) = point.split_last() else { return false };
    SMALL_ORDER.iter().any(|known| known.split_last().is_some_and(|(top, low)| low == rest && *top == last & 0x7f))
}

/// The DER inside the only PEM block of this text.
fn decode(text: &str) -> Result<Vec<u8>, KeyError> {
    let (_, block) = text.split_once(BEGIN).ok_or(KeyError::NotPem)?;
    let (label, body) = block.split_once(DASHES).ok_or(KeyError::NotPem)?;
    let label: String = label.chars().take(64).collect();
    if label.ends_with("PRIVATE KEY") {
        return Err(KeyError::Private { label });
    }
    if label == "CERTIFICATE" {
        return Err(KeyError::Certificate);
    }
    if label != "PUBLIC KEY" {
        return Err(KeyError::OtherBlock { label });
    }
    let malformed = |why: &str| KeyError::Malformed { why: why.to_owned() };
    let (body, rest) = body
        .split_once("-----END PUBLIC KEY-----")
        .ok_or_else(|| malformed("its PEM block has no `-----END PUBLIC KEY-----`"))?;
    if rest.contains(BEGIN) {
        return Err(KeyError::Several);
    }
    if !rest.trim().is_empty() {
        return Err(malformed("there is trailing data after its PEM block"));
    }
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| malformed("its PEM block is not base64"))
}

fn encode(der: &[u8]) -> String {
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (at, character) in STANDARD.encode(der).chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PUBLIC KEY-----\n");
    pem
}

#[cfg(test)]
mod tests;
