//! Keys that cosign encrypted, and what they sign.

use aws_lc_rs::{
    encoding::Pkcs8V1Der,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaSigningAlgorithm},
};

use super::*;
use crate::open_statement;

/// A private key as cosign writes it.
fn encrypted(pkcs8: &[u8], password: &str, label: &str) -> String {
    let document = encrypted::encrypt(pkcs8, password.as_bytes(), &[1; 32], &[2; 24]).unwrap();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(document))
}

const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Vec<u8> {
    EcdsaKeyPair::generate(algorithm).unwrap().to_pkcs8v1().unwrap().as_ref().to_vec()
}

#[test]
fn every_kind_of_key_signs_what_its_public_key_verifies_and_no_other() {
    let rsa: Pkcs8V1Der<'_> = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
    let ed25519 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let kinds = [
        ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
        ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
        rsa.as_ref().to_vec(),
        ed25519.as_ref().to_vec(),
    ];
    let keys = kinds.map(|pkcs8| SigningKey::from_pkcs8(&pkcs8).unwrap());
    let hex = "ab".repeat(32);
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "t",
        "subject": [{"name": "n", "digest": {"sha256": hex}}], "predicate": {"a": [1]},
    });
    for (at, key) in keys.iter().enumerate() {
        let envelope = key.sign_statement(statement.to_string().as_bytes()).unwrap();
        assert!(envelope.starts_with(r#"{"payloadType":"application/vnd.in-toto+json","payload":""#), "{envelope}");
        for (other, verifier) in keys.iter().enumerate() {
            let public = PublicKey::from_pem(verifier.public_key().to_pem()).unwrap();
            let opened = open_statement(envelope.as_bytes(), Some(&public));
            assert_eq!(opened.is_ok(), at == other, "{at} {other}: {opened:?}");
            if let Ok(opened) = opened {
                assert_eq!((opened.predicate_type.as_str(), opened.predicate.as_str()), ("t", r#"{"a":[1]}"#));
                assert_eq!(opened.subjects.first().unwrap().hex(), hex);
            }
        }
    }
}

#[test]
fn a_key_opens_with_its_password_alone_under_both_of_its_names() {
    let pkcs8 = ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING);
    for label in [LABEL, "ENCRYPTED COSIGN PRIVATE KEY"] {
        let pem = encrypted(&pkcs8, "secret", label);
        let key = SigningKey::from_pem(&pem, b"secret").unwrap();
        let public = key.public_key().to_pem().to_owned();
        assert_eq!(SigningKey::from_pkcs8(&pkcs8).unwrap().public_key().to_pem(), public);
        for wrong in ["", "Secret", "secret\n"] {
            assert_eq!(SigningKey::from_pem(&pem, wrong.as_bytes()).unwrap_err(), SigningKeyError::Password);
        }
        // Nobody sees the key.
        assert!(!format!("{key:?}").contains("PRIVATE"), "{key:?}");
    }
}

#[test]
fn what_is_no_encrypted_key_of_cosign_says_what_it_is() {
    let plain = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    let read = |text: &str| SigningKey::from_pem(text, b"").unwrap_err();
    for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
        let error = read(&plain(label));
        assert_eq!(error, SigningKeyError::Plain { label: label.to_owned() });
        assert!(error.hint().contains("import-key-pair"));
    }
    assert_eq!(read(&plain("PUBLIC KEY")), SigningKeyError::Public);
    assert!(matches!(read(&plain("CERTIFICATE")), SigningKeyError::OtherBlock { .. }));
    assert_eq!(read("cosign.key"), SigningKeyError::NotPem);
    assert_eq!(read(&format!("-----BEGIN {LABEL}-----\nAAAA")), SigningKeyError::NotPem);
    assert_eq!(read(&(plain(LABEL) + "x")), SigningKeyError::Several);
    assert!(matches!(read(&plain(LABEL)), SigningKeyError::Malformed(_)));
    assert!(matches!(read(&plain(LABEL).replace("AAAA", "!")), SigningKeyError::Malformed(_)));
    let of = |pkcs8: &[u8]| read(&encrypted(pkcs8, "", LABEL));
    assert_eq!(of(b"no key"), SigningKeyError::Algorithm);
    assert_eq!(of(&ecdsa(&ECDSA_P521_SHA512_ASN1_SIGNING)), SigningKeyError::Algorithm);
}
