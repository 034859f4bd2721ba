//! Keys of `io.jwt.*` and `crypto.*`: PEM blocks, JSON Web Keys, verifying and signing with them.
//!
//! A public key is kept as the bytes the crypto library takes: the key info of a certificate, a point, or PKCS#1.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self as lib, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaEncoding, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde_json::{Map, Value as Json};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::encodings::{STANDARD, URL};
use super::errors::BuiltinError;
use super::hashes::{same, sha256_mac, sha384_mac, sha512_mac};
use crate::engine::bytes;

/// One block of a PEM text.
pub(super) struct Block {
    /// The word behind BEGIN.
    pub label: String,
    /// What the block holds.
    pub bytes: Vec<u8>,
}

/// The first block of a text, and what follows it.
pub(super) fn pem_block(text: &str) -> Option<(Block, &str)> {
    let mut rest = text;
    loop {
        let (_, begun) = rest.split_once("-----BEGIN ")?;
        let (label, body) = begun.split_once("-----")?;
        let end = format!("-----END {label}-----");
        rest = body;
        let Some((body, behind)) = body.split_once(&end) else { continue };
        // Headers end with an empty line.
        let content = match body.trim_start().split_once("\n\n") {
            Some((headers, content)) if headers.contains(':') => content,
            _ => body,
        };
        let packed: String = content.chars().filter(|character| !character.is_whitespace()).collect();
        if let Ok(bytes) = STANDARD.decode(&packed, true) {
            let behind = behind.strip_prefix('\r').unwrap_or(behind);
            return Some((Block { label: label.to_owned(), bytes }, behind.strip_prefix('\n').unwrap_or(behind)));
        }
    }
}

/// A key that signatures are checked with.
pub(super) struct PublicKey {
    /// The algorithm it is meant for; any that fits when empty.
    pub alg: String,
    /// Its name in a set.
    pub kid: String,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Public(Vec<u8>),
}

impl PublicKey {
    /// A shared secret.
    pub(super) fn secret(secret: &str) -> Self {
        let material = Material::Secret(bytes::bytes_of(secret).into_owned());
        Self { alg: String::new(), kid: String::new(), material }
    }

    /// Whether the signature of these bytes is right.
    pub(super) fn verify(&self, alg: &str, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Secret(secret) => mac(alg, secret, signed).is_some_and(|mac| same(&mac, signature)),
            Material::Public(key) => verifier(alg)
                .is_some_and(|algorithm| UnparsedPublicKey::new(algorithm, key).verify(signed, signature).is_ok()),
        }
    }
}

fn mac(alg: &str, key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    match alg {
        "HS256" => Some(sha256_mac(key, bytes)),
        "HS384" => Some(sha384_mac(key, bytes)),
        "HS512" => Some(sha512_mac(key, bytes)),
        _ => None,
    }
}

fn verifier(alg: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match alg {
        "RS256" => &lib::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &lib::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &lib::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &lib::RSA_PSS_2048_8192_SHA256,
        "PS384" => &lib::RSA_PSS_2048_8192_SHA384,
        "PS512" => &lib::RSA_PSS_2048_8192_SHA512,
        "ES256" => &lib::ECDSA_P256_SHA256_FIXED,
        "ES384" => &lib::ECDSA_P384_SHA384_FIXED,
        "ES512" => &lib::ECDSA_P521_SHA512_FIXED,
        "EdDSA" => &lib::ED25519,
        _ => return None,
    })
}

/// Whether the name is one of the algorithms.
pub(super) fn known(alg: &str) -> bool {
    verifier(alg).is_some() || mac(alg, &[], &[]).is_some()
}

/// The keys of a certificate or public key in PEM, of a JSON Web Key, or of a set of them.
pub(super) fn public_keys(text: &str) -> Result<Vec<PublicKey>, BuiltinError> {
    if let Some((block, behind)) = pem_block(text) {
        if !behind.is_empty() {
            return Err(BuiltinError::failed("extra data after a PEM certificate block"));
        }
        let key = match &*block.label {
            "CERTIFICATE" => Certificate::from_der(&block.bytes)
                .and_then(|certificate| certificate.tbs_certificate.subject_public_key_info.to_der())
                .map_err(|error| BuiltinError::failed(format!("failed to parse a PEM certificate: {error}")))?,
            "PUBLIC KEY" => block.bytes,
            _ => return Err(BuiltinError::failed("failed to extract a Key from the PEM certificate")),
        };
        return Ok(vec![PublicKey { alg: String::new(), kid: String::new(), material: Material::Public(key) }]);
    }
    let keys = key_set(text)?;
    let mut all = Vec::with_capacity(keys.len());
    for key in keys {
        let alg = text_of(&key, "alg");
        if !alg.is_empty() && !known(alg) {
            continue;
        }
        let material = material(&key).ok_or_else(|| bad_key("unsupported or incomplete key"))?;
        all.push(PublicKey { alg: alg.to_owned(), kid: text_of(&key, "kid").to_owned(), material });
    }
    Ok(all)
}

fn bad_key(what: &str) -> BuiltinError {
    BuiltinError::failed(format!("failed to parse a JWK key (set): {what}"))
}

/// One key, or the keys of a set.
fn key_set(text: &str) -> Result<Vec<Map<String, Json>>, BuiltinError> {
    let document: Json = serde_json::from_str(text).map_err(|error| bad_key(&error.to_string()))?;
    let Json::Object(mut document) = document else { return Err(bad_key("not an object")) };
    let keys = match document.remove("keys") {
        Some(Json::Array(keys)) => keys,
        Some(_) => return Err(bad_key("`keys` is not a list")),
        None => vec![Json::Object(document)],
    };
    keys.into_iter()
        .map(|key| match key {
            Json::Object(key) if key.contains_key("kty") => Ok(key),
            _ => Err(bad_key("a key has no `kty`")),
        })
        .collect()
}

fn text_of<'k>(key: &'k Map<String, Json>, field: &str) -> &'k str {
    key.get(field).and_then(Json::as_str).unwrap_or_default()
}

fn bytes_of(key: &Map<String, Json>, field: &str) -> Option<Vec<u8>> {
    let text = key.get(field)?.as_str()?.trim_end_matches('=');
    URL.decode(text, false).ok().filter(|bytes| !bytes.is_empty())
}

fn material(key: &Map<String, Json>) -> Option<Material> {
    Some(match text_of(key, "kty") {
        "oct" => Material::Secret(bytes_of(key, "k")?),
        "RSA" => Material::Public(sequence(&[integer(&bytes_of(key, "n")?), integer(&bytes_of(key, "e")?)])),
        "EC" => Material::Public(point(key)?),
        "OKP" if text_of(key, "crv") == "Ed25519" => Material::Public(bytes_of(key, "x")?),
        _ => return None,
    })
}

fn point(key: &Map<String, Json>) -> Option<Vec<u8>> {
    let size = match text_of(key, "crv") {
        "P-256" => 32,
        "P-384" => 48,
        "P-521" => 66,
        _ => return None,
    };
    Some([vec![4], fitted(&bytes_of(key, "x")?, size), fitted(&bytes_of(key, "y")?, size)].concat())
}

/// The number with zeros in front up to this size.
fn fitted(bytes: &[u8], size: usize) -> Vec<u8> {
    [vec![0; size.saturating_sub(bytes.len())], bytes.to_vec()].concat()
}

/// A number in DER.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len().saturating_sub(1));
    let digits = bytes.get(zeros..).unwrap_or_default();
    let sign = if digits.first().is_none_or(|first| *first >= 0x80) { vec![0] } else { Vec::new() };
    tagged(2, &[sign, digits.to_vec()].concat())
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match (content.len(), u8::try_from(significant.len())) {
        (short @ 0..0x80, _) => out.push(u8::try_from(short).unwrap_or(0)),
        (_, Ok(count)) => {
            out.push(0x80 | count);
            out.extend(significant);
        }
        // A length never has more than eight bytes.
        (_, Err(_)) => {}
    }
    out.extend_from_slice(content);
    out
}

/// Signs the bytes with the first key of a JSON Web Key or set.
pub(super) fn sign(keys: &str, alg: &str, bytes: &[u8]) -> Result<Vec<u8>, BuiltinError> {
    let keys = key_set(keys)?;
    let key = keys.first().ok_or_else(|| BuiltinError::failed("no keys found in JWK set"))?;
    sign_with(key, alg, bytes).ok_or_else(|| {
        BuiltinError::failed(format!("the key of type `{}` cannot sign with {alg}", text_of(key, "kty")))
    })
}

fn sign_with(key: &Map<String, Json>, alg: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let kind = text_of(key, "kty");
    match alg {
        "HS256" | "HS384" | "HS512" if kind == "oct" => mac(alg, &bytes_of(key, "k")?, bytes),
        "EdDSA" if kind == "OKP" => {
            let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes_of(key, "d")?, &bytes_of(key, "x")?).ok()?;
            Some(pair.sign(bytes).as_ref().to_vec())
        }
        "ES256" | "ES384" | "ES512" if kind == "EC" => {
            let (algorithm, size): (&'static EcdsaSigningAlgorithm, usize) = match alg {
                "ES256" => (&lib::ECDSA_P256_SHA256_FIXED_SIGNING, 32),
                "ES384" => (&lib::ECDSA_P384_SHA384_FIXED_SIGNING, 48),
                _ => (&lib::ECDSA_P521_SHA512_FIXED_SIGNING, 66),
            };
            let private = fitted(&bytes_of(key, "d")?, size);
            let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &private, &point(key)?).ok()?;
            Some(pair.sign(&random, bytes).ok()?.as_ref().to_vec())
        }
        _ if kind == "RSA" => {
            let padding: &'static dyn RsaEncoding = match alg {
                "RS256" => &lib::RSA_PKCS1_SHA256,
                "RS384" => &lib::RSA_PKCS1_SHA384,
                "RS512" => &lib::RSA_PKCS1_SHA512,
                "PS256" => &lib::RSA_PSS_SHA256,
                "PS384" => &lib::RSA_PSS_SHA384,
                "PS512" => &lib::RSA_PSS_SHA512,
                _ => return None,
            };
            let mut parts = vec![integer(&[0])];
            for field in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
                parts.push(integer(&bytes_of(key, field)?));
            }
            let pair = RsaKeyPair::from_der(&sequence(&parts)).ok()?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &random, bytes, &mut signature).ok()?;
            Some(signature)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pem_text_gives_its_blocks_in_turn() {
        let text = "noise\n-----BEGIN A-----\nYWJj\n-----END A-----\n-----BEGIN B-----\nZGVm\n-----END B-----\n";
        let (first, behind) = pem_block(text).unwrap();
        assert_eq!((&*first.label, &*first.bytes), ("A", &b"abc"[..]));
        let (second, behind) = pem_block(behind).unwrap();
        assert_eq!((&*second.label, &*second.bytes, behind), ("B", &b"def"[..], ""));
        assert!(pem_block("-----BEGIN A-----\n!\n-----END A-----\n").is_none());
    }

    #[test]
    fn a_number_in_der_has_no_sign() {
        assert_eq!(integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(tagged(4, &[7; 200]).get(..3), Some(&[4, 0x81, 200][..]));
    }
}
