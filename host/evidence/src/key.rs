//! [`PublicKey`]: the key that signatures must match, read once and checked to be a key.
//!
//! Verified are the kinds of keys that `cosign` takes: ECDSA on P-256 and P-384, RSA (PKCS#1 v1.5) of 2,048 bits and
//! more, and Ed25519. Every other kind is refused by name.
//!
//! What is hashed with what depends on how the key was given, as it does in `ec`: a key in a file verifies with its own
//! hash, SHA-384 for P-384; a key written as text verifies with SHA-256 whatever its curve. The same signature can so be
//! good under one and not under the other, which nobody would guess: a P-384 key is the only one it matters for.

use std::fmt;

use aws_lc_rs::{
    digest::{Algorithm, Context, SHA256, SHA384},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigstore_verify::{
    crypto::{KeyAlgorithm, VerificationKey, validate_raw_public_key},
    types::DerPublicKey,
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
}

/// What is signed: a hash of the message, or the message itself.
#[derive(Clone, Copy)]
enum Kind {
    Ecdsa(&'static Algorithm),
    Rsa,
    Ed25519,
}

/// Where a key comes from, which decides its hash.
#[derive(Clone, Copy)]
enum KeySource {
    Text,
    File,
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
    #[error("the key is an {algorithm} key; supported are ECDSA P-256 and P-384, RSA and Ed25519 keys")]
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
    /// is skipped, as OpenSSL writes some. For a key that was written where it is used; see the module.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::read(text, KeySource::Text)
    }

    /// The same for the text of a key file, or of what stands for one.
    pub fn from_file_text(text: &str) -> Result<Self, KeyError> {
        Self::read(text, KeySource::File)
    }

    fn read(text: &str, source: KeySource) -> Result<Self, KeyError> {
        let der = DerPublicKey::new(decode(text)?);
        let malformed = |why: &dyn fmt::Display| KeyError::Malformed { why: why.to_string() };
        let read = VerificationKey::from_spki(&der).map_err(|error| malformed(&error))?;
        let (kind, algorithm): (Kind, &'static dyn VerificationAlgorithm) = match read.scheme().key_algorithm() {
            KeyAlgorithm::EcdsaP256 => (Kind::Ecdsa(&SHA256), &ECDSA_P256_SHA256_ASN1),
            KeyAlgorithm::EcdsaP384 => match source {
                KeySource::Text => (Kind::Ecdsa(&SHA256), &ECDSA_P384_SHA256_ASN1),
                KeySource::File => (Kind::Ecdsa(&SHA384), &ECDSA_P384_SHA384_ASN1),
            },
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
            Kind::Ecdsa(_) => malformed(&"its point is not on its curve"),
            Kind::Ed25519 => malformed(&"it is not a point of Ed25519"),
        })?;
        Ok(Self { pem: encode(der.as_bytes()), key, kind })
    }

    /// The key as canonical PEM: lines of 64 columns and a newline at the end, as Go writes it.
    #[must_use]
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// Whether `signature` is this key's over the parts in a row. Parts, because an envelope's payload of 100 MiB should
    /// not be copied to get a prefix.
    pub(crate) fn verifies(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        let hash = match self.kind {
            Kind::Ecdsa(hash) => hash,
            Kind::Rsa => &SHA256,
            // This algorithm reads its message twice, so it has to be in one piece.
            Kind::Ed25519 => return self.key.verify_sig(&parts.concat(), signature).is_ok(),
        };
        let mut hash = Context::new(hash);
        for part in parts {
            hash.update(part);
        }
        self.key.verify_digest_sig(&hash.finish(), signature).is_ok()
    }

    /// What cosign says of a signature that is not this key's.
    pub(crate) const fn mismatch(&self) -> &'static str {
        match self.kind {
            Kind::Ecdsa(_) => "invalid signature when validating ASN.1 encoded signature",
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
mod tests {
    use aws_lc_rs::{
        encoding::{AsDer, PublicKeyX509Der},
        rand::SystemRandom,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
            RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
        },
    };

    use super::*;
    use crate::fixture::Signer;

    fn refused(pem: &str) -> String {
        let error = PublicKey::from_pem(pem).unwrap_err();
        assert!(!error.hint().is_empty());
        error.to_string()
    }

    #[test]
    fn a_key_is_written_back_in_one_form_whatever_the_text_was() {
        let pem = Signer::new().pem();
        assert_eq!(PublicKey::from_pem(&pem).unwrap().to_pem(), pem);
        let (head, rest) = pem.split_once('\n').unwrap();
        let (body, end) = rest.split_once("\n-----END").unwrap();
        let body = body.replace('\n', "");
        let irregular = format!("Bag Attributes\r\n\r\n{head}\r\n{}\r\n \r\n{body}\n-----END{end}\n\n", "");
        assert_eq!(PublicKey::from_pem(&irregular).unwrap().to_pem(), pem);
        assert!(pem.lines().all(|line| line.len() <= LINE));
    }

    #[test]
    fn what_is_no_public_key_is_named() {
        let pem = Signer::new().pem();
        for (text, message) in [
            (String::new(), "has no `-----BEGIN PUBLIC KEY-----`"),
            ("garbage".to_owned(), "has no `-----BEGIN PUBLIC KEY-----`"),
            (pem.replace("PUBLIC", "PRIVATE"), "is a private key (`PRIVATE KEY`)"),
            (pem.replace("PUBLIC", "EC PRIVATE"), "is a private key (`EC PRIVATE KEY`)"),
            (pem.replace("PUBLIC", "ENCRYPTED SIGSTORE PRIVATE"), "is a private key"),
            (pem.replace("PUBLIC KEY", "CERTIFICATE"), "is a certificate"),
            (pem.replace("PUBLIC KEY", "RSA PUBLIC KEY"), "`RSA PUBLIC KEY`, not `PUBLIC KEY`"),
            (pem.replace("-----END", "END"), "has no `-----END PUBLIC KEY-----`"),
            (pem.replace('A', "*"), "is not base64"),
            (format!("{pem}{pem}"), "more than one PEM block"),
            (format!("{pem}trailing"), "trailing data"),
            (encode(b"not DER"), "cannot be read"),
        ] {
            let error = refused(&text);
            assert!(error.contains(message), "{error} lacks {message}");
        }
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut der = decode(&Signer::new().pem()).unwrap();
        *der.last_mut().unwrap() ^= 1;
        assert!(refused(&encode(&der)).contains("not on its curve"));
        der.push(0);
        assert!(refused(&encode(&der)).contains("cannot be read"));
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let pem = |point: [u8; 32]| {
            let head = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
            encode(&[head.as_slice(), &point].concat())
        };
        for known in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut point = known;
                point[31] |= sign;
                assert!(refused(&pem(point)).contains("anyone can forge signatures"), "{point:?}");
            }
        }
        let good: [u8; 32] = Ed25519KeyPair::generate().unwrap().public_key().as_ref().try_into().unwrap();
        assert!(PublicKey::from_pem(&pem(good)).is_ok());
    }

    fn pem(key: &impl AsDer<PublicKeyX509Der<'static>>) -> String {
        encode(key.as_der().unwrap().as_ref())
    }

    #[test]
    fn every_kind_of_key_verifies_its_own_signatures() {
        let random = SystemRandom::new();
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let ed25519 = Ed25519KeyPair::generate().unwrap();
        let rsa = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa_sign = |padding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; rsa.public_modulus_len()];
            rsa.sign(padding, &random, b"message", &mut signature).unwrap();
            signature
        };
        let p256_signature = p256.sign(&random, b"message").unwrap().as_ref().to_vec();
        let ed25519_signature = ed25519.sign(b"message").as_ref().to_vec();
        let ed25519 = {
            let head = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
            encode(&[head.as_slice(), ed25519.public_key().as_ref()].concat())
        };
        let keys = [
            (pem(p256.public_key()), p256_signature),
            (ed25519, ed25519_signature),
            (pem(rsa.public_key()), rsa_sign(&RSA_PKCS1_SHA256)),
        ];
        for (at, (pem, _)) in keys.iter().enumerate() {
            for key in [PublicKey::from_pem(pem).unwrap(), PublicKey::from_file_text(pem).unwrap()] {
                assert_eq!(key.to_pem(), pem);
                for (other, (_, signature)) in keys.iter().enumerate() {
                    assert_eq!(key.verifies(&[b"mess", b"age"], signature), at == other, "{at} {other}");
                    assert!(!key.verifies(&[b"other"], signature), "{at} {other}");
                }
            }
        }
        // Another padding of the same key.
        let key = PublicKey::from_pem(&pem(rsa.public_key())).unwrap();
        assert!(!key.verifies(&[b"message"], &rsa_sign(&RSA_PSS_SHA256)));
    }

    #[test]
    fn the_hash_of_a_p384_key_depends_on_how_it_was_given() {
        let (sha256, sha384) = (STANDARD.decode(P384_SHA256).unwrap(), STANDARD.decode(P384_SHA384).unwrap());
        let (file, text) = (PublicKey::from_file_text(P384).unwrap(), PublicKey::from_pem(P384).unwrap());
        assert!(file.verifies(&[b"message"], &sha384) && !file.verifies(&[b"message"], &sha256));
        assert!(text.verifies(&[b"message"], &sha256) && !text.verifies(&[b"message"], &sha384));
    }

    /// A key of `openssl ecparam -name secp384r1`, and its signatures of `message` by `openssl dgst`.
    const P384: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEBK+WT5UWYOPgMu2XY3jTZ4vpAsPPJ7eQ\n\
rEQhS+iHcW1M+a2BvvD3ZGw2Pib0FVuKiS69d+/jWg5OWeifGUuv87sx2uqbDzyg\n\
ruXkWclT1XQobT+5rT54zlEnIZv7IhG8\n\
-----END PUBLIC KEY-----\n";
    const P384_SHA256: &str = "MGYCMQCPpnqZOzZrugmj+UdvB3dPEdo24JEOU2igdRLBRAioDTr8iua1U3Nr2A+vVqd5Md8CMQD7hljRC4G0zD8syh\
         DbBQAq9mBtY9WpDLxBMHicjwiNnppcf4uELxGoobpP80gaxSI=";
    const P384_SHA384: &str = "MGYCMQCu5CN33vP/dULvcbD0n0JQh85SMm0/2E/FdQGOdOF6ztO53T5VKaBZg6PlHBrx2xgCMQC8iKU4mrk/Qv/1hj\
         sps3XbBf1tP5zDstgYYQ32wGjuLnBXnzZfO5LkqLStOPdi7S0=";

    #[test]
    fn short_rsa_keys_and_other_algorithms_are_refused() {
        assert!(refused(RSA_1024).contains("2048"), "{}", refused(RSA_1024));
        let p521 = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap();
        assert!(refused(&pem(p521.public_key())).contains("cannot be read"));
    }

    const RSA_1024: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDKLcLAJAy0+KC9XaeFKCzfv/BN\n\
H0xjbN9vWp20NQaP9CH5fFAyL23u0ePzlfEyez3AbQUwXsKCqn1l8fDolG6genUH\n\
ZpAoAs9KIdljz5PTX/CqQ68ABa8lCcyek6pa9gxxqGtmBLDluwNBdu01eXQjWYtF\n\
oBDJtfN/MSnoMBhYzwIDAQAB\n\
-----END PUBLIC KEY-----\n";

    #[test]
    fn only_a_der_signature_of_this_key_over_these_bytes_verifies() {
        let signer = Signer::new();
        let key = signer.public();
        let good = signer.sign(b"message");
        assert!(key.verifies(&[b"mess", b"age"], &good));
        assert!(!key.verifies(&[b"other"], &good));
        assert!(!Signer::new().public().verifies(&[b"message"], &good));
        assert!(!key.verifies(&[b"message"], &[]));
        assert!(!key.verifies(&[b"message"], good.split_last().unwrap().1));
        // r = s = 0, and a fixed-length signature in place of DER.
        assert!(!key.verifies(&[b"message"], &[0x30, 6, 2, 1, 0, 2, 1, 0]));
        assert!(!key.verifies(&[b"message"], &[0; 64]));
        let mut longer = good;
        longer.push(0);
        assert!(!key.verifies(&[b"message"], &longer));
    }
}
