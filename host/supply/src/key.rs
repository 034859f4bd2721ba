//! [`PublicKey`]: the key that signatures must match, read once and checked to be a key.
//!
//! Only ECDSA on P-256 with SHA-256 is verified so far: what `cosign generate-key-pair` makes and Tekton Chains signs
//! with. Every other kind is refused by name, because a key that is silently read another way (a P-384 key with
//! SHA-256, say) accepts signatures that others refuse.

use std::fmt;

use aws_lc_rs::{
    digest::{Context, SHA256},
    signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey},
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

/// An ECDSA P-256 public key: a point that is on the curve.
#[derive(Clone)]
pub struct PublicKey {
    pem: String,
    key: ParsedPublicKey,
}

/// The text is not a key to verify with. [`hint`](Self::hint) says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM block at all.
    #[error("the key is not PEM text: it holds no `-----BEGIN PUBLIC KEY-----`")]
    NotPem,
    /// More than one PEM block.
    #[error("the key file holds more than one PEM block")]
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
    #[error("the key file holds a PEM block `{label}`, not `PUBLIC KEY`")]
    OtherBlock {
        /// What the PEM block calls itself.
        label: String,
    },
    /// The PEM block is cut short, or its content is no public key.
    #[error("the public key cannot be read: {why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
    /// A sound key of another algorithm.
    #[error("the key is an {algorithm} key; only ECDSA P-256 keys are verified so far")]
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
                "give one ECDSA P-256 public key in PEM, such as the `cosign.pub` of `cosign generate-key-pair`"
            }
            Self::Private { .. } => {
                "give the public half, such as `cosign.pub`, and keep the private key away from here"
            }
            Self::Certificate => "give the certificate's public key: `openssl x509 -pubkey -noout -in CERTIFICATE`",
            Self::Algorithm { .. } => "sign with a key of `cosign generate-key-pair`",
        }
    }
}

impl PublicKey {
    /// Reads PEM text with one block `PUBLIC KEY` (RFC 7468, RFC 5280 `SubjectPublicKeyInfo`); text before the block
    /// is skipped, as OpenSSL writes some.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = DerPublicKey::new(decode(text)?);
        let malformed = |why: &dyn fmt::Display| KeyError::Malformed { why: why.to_string() };
        let read = VerificationKey::from_spki(&der).map_err(|error| malformed(&error))?;
        let algorithm = match read.scheme().key_algorithm() {
            KeyAlgorithm::EcdsaP256 => None,
            KeyAlgorithm::EcdsaP384 => Some("ECDSA P-384"),
            KeyAlgorithm::Ed25519 => Some("Ed25519"),
            KeyAlgorithm::Rsa => Some("RSA"),
            KeyAlgorithm::MlDsa44 | KeyAlgorithm::MlDsa65 | KeyAlgorithm::MlDsa87 => Some("ML-DSA"),
            _ => Some("unknown"),
        };
        if let Some(algorithm) = algorithm {
            return Err(KeyError::Algorithm { algorithm });
        }
        validate_raw_public_key(read.scheme(), read.as_bytes()).map_err(|error| malformed(&error))?;
        // Here a point off the curve is found, long before the first signature.
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, read.as_bytes())
            .map_err(|_| malformed(&"its point is not on the curve P-256"))?;
        Ok(Self { pem: encode(der.as_bytes()), key })
    }

    /// The key as canonical PEM: lines of 64 columns and a newline at the end, as Go writes it.
    #[must_use]
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// Whether `signature` (ASN.1 DER) is this key's over the parts in a row. Parts, because an envelope's payload
    /// of 100 MiB should not be copied to get a prefix.
    pub(crate) fn verifies(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        let mut hash = Context::new(&SHA256);
        for part in parts {
            hash.update(part);
        }
        self.key.verify_digest_sig(&hash.finish(), signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "PublicKey({:?})", self.pem)
    }
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
        return Err(malformed("text follows its PEM block"));
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
        rsa::KeySize,
        signature::{
            ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
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
        let untidy = format!("Bag Attributes\r\n\r\n{head}\r\n{}\r\n \r\n{body}\n-----END{end}\n\n", "");
        assert_eq!(PublicKey::from_pem(&untidy).unwrap().to_pem(), pem);
        assert!(pem.lines().all(|line| line.len() <= LINE));
    }

    #[test]
    fn what_is_no_public_key_is_named() {
        let pem = Signer::new().pem();
        for (text, said) in [
            (String::new(), "holds no `-----BEGIN PUBLIC KEY-----`"),
            ("garbage".to_owned(), "holds no `-----BEGIN PUBLIC KEY-----`"),
            (pem.replace("PUBLIC", "PRIVATE"), "is a private key (`PRIVATE KEY`)"),
            (pem.replace("PUBLIC", "EC PRIVATE"), "is a private key (`EC PRIVATE KEY`)"),
            (pem.replace("PUBLIC", "ENCRYPTED SIGSTORE PRIVATE"), "is a private key"),
            (pem.replace("PUBLIC KEY", "CERTIFICATE"), "is a certificate"),
            (pem.replace("PUBLIC KEY", "RSA PUBLIC KEY"), "`RSA PUBLIC KEY`, not `PUBLIC KEY`"),
            (pem.replace("-----END", "END"), "has no `-----END PUBLIC KEY-----`"),
            (pem.replace('A', "*"), "is not base64"),
            (format!("{pem}{pem}"), "more than one PEM block"),
            (format!("{pem}trailing"), "text follows"),
            (encode(b"not DER"), "cannot be read"),
        ] {
            let error = refused(&text);
            assert!(error.contains(said), "{error} lacks {said}");
        }
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut der = decode(&Signer::new().pem()).unwrap();
        *der.last_mut().unwrap() ^= 1;
        assert!(refused(&encode(&der)).contains("not on the curve"));
        der.push(0);
        assert!(refused(&encode(&der)).contains("cannot be read"));
    }

    #[test]
    fn other_algorithms_are_refused_by_name() {
        let spki = |algorithm: &[u8], key: &[u8]| {
            let short = |length: usize| u8::try_from(length).unwrap();
            let mut der = vec![0x30, short(algorithm.len() + key.len() + 3)];
            der.extend_from_slice(algorithm);
            der.extend_from_slice(&[0x03, short(key.len() + 1), 0]);
            der.extend_from_slice(key);
            encode(&der)
        };
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        let p384_algorithm = b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
        assert_eq!(
            refused(&spki(p384_algorithm, p384.public_key().as_ref())),
            "the key is an ECDSA P-384 key; only ECDSA P-256 keys are verified so far"
        );
        let ed25519 = Ed25519KeyPair::generate().unwrap();
        assert!(refused(&spki(b"\x30\x05\x06\x03\x2b\x65\x70", ed25519.public_key().as_ref())).contains("Ed25519"));
        let rsa = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(rsa.public_key());
        assert!(refused(&encode(rsa.unwrap().as_ref())).contains("RSA"));
        let p521 = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap();
        let p521 = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(p521.public_key());
        assert!(refused(&encode(p521.unwrap().as_ref())).contains("cannot be read"));
    }

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
