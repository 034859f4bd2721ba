//! Keys of every kind, and what is refused as one.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P521_SHA256_ASN1_SIGNING,
        ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaEncoding,
    },
};

use super::*;
use crate::{
    fixture::Signer,
    keyless::{Annotations, Content},
    trust::{Relocation, Trust},
};

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
fn attack_what_is_no_public_key_is_named() {
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
        (format!("{pem}trailing"), "trailing data after its PEM block"),
        (encode(b"not DER"), "cannot be read"),
    ] {
        let error = refused(&text);
        assert!(error.contains(message), "{error} lacks {message}");
    }
}

#[test]
fn attack_a_point_off_the_curve_is_refused() {
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

/// The code for a signature under a trusted key.
fn code(key: &PublicKey, payload: &[u8], signature: &[u8]) -> &'static str {
    let trust = Trust::in_key(key.clone(), Relocation::Refused);
    let content = Content::Signature { payload, signature };
    trust.verify(&content, &Annotations::new()).map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn attack_every_kind_of_key_verifies_its_own_signatures() {
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
        for key in [PublicKey::from_pem(pem).unwrap(), PublicKey::from_pem_for_ec(pem).unwrap()] {
            assert_eq!(key.to_pem(), pem);
            for (other, (_, signature)) in keys.iter().enumerate() {
                assert_eq!(key.verifies(&[b"mess", b"age"], signature), at == other, "{at} {other}");
                assert!(!key.verifies(&[b"other"], signature), "{at} {other}");
            }
        }
    }
    // Another padding of the same key.
    let key = PublicKey::from_pem(&pem(rsa.public_key())).unwrap();
    assert_eq!(code(&key, b"message", &rsa_sign(&RSA_PKCS1_SHA256)), "ok");
    assert_eq!(code(&key, b"message", &rsa_sign(&RSA_PSS_SHA256)), "signature");
}

#[test]
fn attack_a_p384_key_verifies_with_both_hashes_and_for_ec_with_sha256_alone() {
    let (sha256, sha384) = (STANDARD.decode(P384_SHA256).unwrap(), STANDARD.decode(P384_SHA384).unwrap());
    let (key, for_ec) = (PublicKey::from_pem(P384).unwrap(), PublicKey::from_pem_for_ec(P384).unwrap());
    assert!(key.verifies(&[b"message"], &sha256) && key.verifies(&[b"message"], &sha384));
    assert!(!key.verifies(&[b"other"], &sha256) && !key.verifies(&[b"other"], &sha384));
    assert!(for_ec.verifies(&[b"message"], &sha256) && !for_ec.verifies(&[b"message"], &sha384));
    let codes = |key: &PublicKey| [&sha256, &sha384].map(|signature| code(key, b"message", signature));
    assert_eq!((codes(&key), codes(&for_ec)), (["ok", "ok"], ["ok", "signature"]));
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
fn a_p521_key_verifies_with_both_hashes_and_for_ec_with_sha256_alone() {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap();
    let private = pair.to_pkcs8v1().unwrap();
    let other = EcdsaKeyPair::from_pkcs8(&ECDSA_P521_SHA256_ASN1_SIGNING, private.as_ref()).unwrap();
    let signatures = [&other, &pair].map(|pair| pair.sign(&random, b"message").unwrap().as_ref().to_vec());
    let pem = pem(pair.public_key());
    let codes = |key: &PublicKey| [0, 1].map(|at| code(key, b"message", &signatures[at]));
    let key = PublicKey::from_pem(&pem).unwrap();
    assert_eq!((codes(&key), codes(&PublicKey::from_pem_for_ec(&pem).unwrap())), (["ok", "ok"], ["ok", "signature"]));
    assert_eq!(key.to_pem(), pem);
    assert_eq!(code(&key, b"other", &signatures[1]), "signature");
    let mut off = decode(&pem).unwrap();
    *off.last_mut().unwrap() ^= 1;
    assert!(refused(&encode(&off)).contains("not on its curve"));
}

#[test]
fn attack_short_rsa_keys_and_other_algorithms_are_refused() {
    assert!(refused(RSA_1024).contains("2048"), "{}", refused(RSA_1024));
    let k256 = EcdsaKeyPair::generate(&ECDSA_P256K1_SHA256_ASN1_SIGNING).unwrap();
    assert!(refused(&pem(k256.public_key())).contains("cannot be read"));
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

/// The example of RFC 8032, section 7.3: a key, and its signature of the hash of `abc` (Ed25519ph).
const RFC_8032_SEED: [u8; 32] = *b"\x83\x3f\xe6\x24\x09\x23\x7b\x9d\x62\xec\x77\x58\x75\x20\x91\x1e\x9a\x75\x9c\xec\x1d\x19\x75\x5b\x7d\xa9\x01\xb9\x6d\xca\x3d\x42";
const RFC_8032_PREHASHED: &str =
    "mKcCIvC4Ehqp0w+BPWg/gJ5GK0acf/h2OUmbuU5trkEx+FBCRjwqNVogA9BirfWqoQuMYeY2Biqq0RwqJgg0Bg==";

#[test]
fn attack_signatures_of_a_hash_do_not_count_under_a_key_that_signs_the_message() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&RFC_8032_SEED).unwrap();
    let head = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
    let key = PublicKey::from_pem(&encode(&[head.as_slice(), pair.public_key().as_ref()].concat())).unwrap();
    assert_eq!(code(&key, b"abc", pair.sign(b"abc").as_ref()), "ok");
    assert_eq!(code(&key, b"abc", &STANDARD.decode(RFC_8032_PREHASHED).unwrap()), "signature");
    // Nor is the hash itself the message.
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, b"abc");
    assert_eq!(code(&key, b"abc", pair.sign(hash.as_ref()).as_ref()), "signature");
    assert_eq!(
        key.verifies_sha256(assay_model::digest::Digest::of(b"abc").as_bytes(), pair.sign(b"abc").as_ref()),
        None
    );
}
