//! [`SigningKey`]: a private key that cosign encrypted, opened with its password, and what is signed with it.
//!
//! The form of the file is that of `cosign generate-key-pair` and `cosign import-key-pair`; see [`encrypted`]. As in `ec`, a
//! key that is not encrypted is refused. A P-384 key signs with SHA-384, as cosign's does; all others sign with SHA-256, and an
//! Ed25519 key the message itself.

mod encrypted;

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    cosign::{PAYLOAD_TYPE, envelope_head},
    key::{KeyError, PublicKey},
};

/// A private key.
pub struct SigningKey {
    pair: KeyPair,
    public: PublicKey,
}

enum KeyPair {
    Ecdsa(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The text is not a key to sign with, or nothing could be signed. [`hint`](Self::hint) says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// No PEM block at all, or one without its end.
    #[error("the signing key is not PEM: it has no `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----`")]
    NotPem,
    /// More than one PEM block, or something after it.
    #[error("there is more than one PEM block, or trailing data after the first, in the signing key")]
    Several,
    /// A public key where a private one is wanted.
    #[error("the signing key is a public key, not a private one")]
    Public,
    /// A private key that is not encrypted.
    #[error("the signing key is not encrypted (`{label}`)")]
    Plain {
        /// What the PEM block calls itself.
        label: String,
    },
    /// Another kind of PEM block.
    #[error("the signing key has a PEM block `{label}`, not `ENCRYPTED SIGSTORE PRIVATE KEY`")]
    OtherBlock {
        /// What the PEM block calls itself.
        label: String,
    },
    /// What is inside the PEM block is not of the form that cosign writes.
    #[error("the signing key cannot be read: {0}")]
    Malformed(String),
    /// The password is another one, or the key was changed.
    #[error("the signing key cannot be decrypted: the password is wrong, or the key was changed")]
    Password,
    /// What was decrypted is not a key of a kind that signs.
    #[error("the decrypted signing key is not an ECDSA P-256 or P-384, RSA or Ed25519 key in PKCS #8")]
    Algorithm,
    /// The system gave no random numbers, or its result did not verify.
    #[error("nothing could be signed with the signing key")]
    Failed,
}

impl SigningKeyError {
    /// What a person can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Plain { .. } => {
                "`cosign import-key-pair --key FILE` encrypts it with the password in `COSIGN_PASSWORD`"
            }
            Self::Public => "pass the private key, such as `cosign.key`",
            Self::Password => "set `COSIGN_PASSWORD` to the password of the key",
            Self::Failed => "try again",
            Self::NotPem | Self::Several | Self::OtherBlock { .. } | Self::Malformed(_) | Self::Algorithm => {
                "pass a key such as the `cosign.key` of `cosign generate-key-pair`"
            }
        }
    }
}

impl SigningKey {
    /// Reads PEM text with one block `ENCRYPTED SIGSTORE PRIVATE KEY` or `ENCRYPTED COSIGN PRIVATE KEY`, and decrypts it. This
    /// takes some 100 ms and 128 MiB at most.
    ///
    /// # Errors
    /// It is not such a block, the password is wrong, or the key is of a kind that does not sign.
    pub fn from_pem(text: &str, password: &[u8]) -> Result<Self, SigningKeyError> {
        Self::from_pkcs8(&encrypted::decrypt(&decode(text)?, password)?)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, SigningKeyError> {
        let ecdsa = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der).ok().map(KeyPair::Ecdsa);
        let pair = ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .or_else(|| ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING))
            .or_else(|| rsa::KeyPair::from_pkcs8(der).ok().map(KeyPair::Rsa))
            .or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(KeyPair::Ed25519))
            .ok_or(SigningKeyError::Algorithm)?;
        let spki: Option<PublicKeyX509Der<'_>> = match &pair {
            KeyPair::Ecdsa(pair) => pair.public_key().as_der().ok(),
            KeyPair::Rsa(pair) => pair.public_key().as_der().ok(),
            KeyPair::Ed25519(pair) => pair.public_key().as_der().ok(),
        };
        let public = spki.ok_or(SigningKeyError::Algorithm)?;
        // What is too weak to verify with is too weak to sign with.
        let public = PublicKey::from_spki(public.as_ref()).map_err(|_: KeyError| SigningKeyError::Algorithm)?;
        Ok(Self { pair, public })
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs an in-toto statement: the envelope (DSSE 1.0) as JSON on one line, in the form in which cosign and `ec` write it.
    ///
    /// # Errors
    /// [`SigningKeyError::Failed`].
    pub fn sign_statement(&self, statement: &[u8]) -> Result<String, SigningKeyError> {
        let message = [envelope_head(statement).as_bytes(), statement].concat();
        let signature = self.sign(&message)?;
        // A fault while signing could give away the key.
        if !self.public.verifies(&[&message], &signature) {
            return Err(SigningKeyError::Failed);
        }
        let signatures = json!([{"keyid": "", "sig": STANDARD.encode(signature)}]);
        Ok(json!({"payloadType": PAYLOAD_TYPE, "payload": STANDARD.encode(statement), "signatures": signatures})
            .to_string())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            KeyPair::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SigningKeyError::Failed),
            KeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| SigningKeyError::Failed)?;
                Ok(signature)
            }
            KeyPair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "SigningKey({:?})", self.public)
    }
}

/// The content of the only PEM block of this text, which must be an encrypted private key.
fn decode(text: &str) -> Result<Vec<u8>, SigningKeyError> {
    const BEGIN: &str = "-----BEGIN ";
    const DASHES: &str = "-----";
    let (_, block) = text.split_once(BEGIN).ok_or(SigningKeyError::NotPem)?;
    let (label, body) = block.split_once(DASHES).ok_or(SigningKeyError::NotPem)?;
    let label: String = label.chars().take(64).collect();
    match label.as_str() {
        "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {}
        "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => return Err(SigningKeyError::Plain { label }),
        "PUBLIC KEY" => return Err(SigningKeyError::Public),
        _ => return Err(SigningKeyError::OtherBlock { label }),
    }
    let (body, rest) = body.split_once(&format!("-----END {label}-----")).ok_or(SigningKeyError::NotPem)?;
    if !rest.trim().is_empty() {
        return Err(SigningKeyError::Several);
    }
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| SigningKeyError::Malformed("its PEM block is not base64".to_owned()))
}

/// A private key (PKCS #8) as `cosign.key` holds it, for fixtures. None if there are no random numbers.
#[cfg(any(test, feature = "verdicts"))]
#[must_use]
pub fn encrypted_key(pkcs8: &[u8], password: &[u8]) -> Option<String> {
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    for bytes in [&mut salt[..], &mut nonce[..]] {
        aws_lc_rs::rand::fill(bytes).ok()?;
    }
    let base64 = STANDARD.encode(encrypted::encrypt(pkcs8, password, &salt, &nonce)?);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let label = "ENCRYPTED SIGSTORE PRIVATE KEY";
    Some(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")))
}

#[cfg(test)]
mod tests;
