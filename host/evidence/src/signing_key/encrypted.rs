//! [`decrypt`]: what cosign encrypts private keys with: JSON with the parameters of scrypt (RFC 7914), which makes a key of the
//! password, and of NaCl's `secretbox` (XSalsa20 and Poly1305), which seals the private key (PKCS #8).
//!
//! The source of the form is `encrypted` of `go-securesystemslib`.

use assay_model::{
    memory::Memory,
    strict::{self, Shape, StrictObject, string},
};
use aws_lc_rs::constant_time;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use poly1305::{Poly1305, universal_hash::KeyInit as _};
use salsa20::{
    XSalsa20,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use scrypt::Params;

use super::SigningKeyError;

/// The parameters that are accepted, as the binary logarithm of `N`: other ones could take any time and memory. They are the
/// three of `go-securesystemslib`, all with `r` = 8 and `p` = 1.
const LOG_N: [(&str, u8); 3] = [("32768", 15), ("65536", 16), ("131072", 17)];
const R: u32 = 8;
const P: u32 = 1;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// A salt; cosign's has 32 bytes.
const SALT_BYTES: usize = 1024;
/// What the document takes once it is read; one of an RSA key of 8,192 bits has 10 KB.
const MEMORY: u64 = 1 << 20;

/// The private key in the document.
pub(super) fn decrypt(document: &[u8], password: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
    let Sealed { log_n, salt, nonce, ciphertext } = Sealed::read(document).map_err(SigningKeyError::Malformed)?;
    let malformed = |what: &str| SigningKeyError::Malformed(what.to_owned());
    let params = Params::new(log_n, R, P).map_err(|_| malformed("its scrypt parameters are invalid"))?;
    let mut key = [0; KEY_BYTES];
    scrypt::scrypt(password, &salt, &params, &mut key).map_err(|_| malformed("its scrypt parameters are invalid"))?;
    open(&key, &nonce, &ciphertext).ok_or(SigningKeyError::Password)
}

/// Opens what NaCl's `secretbox` sealed: a tag of Poly1305, whose key is the beginning of the stream of XSalsa20, and the
/// message under the rest of it.
fn open(key: &[u8; KEY_BYTES], nonce: &[u8; NONCE_BYTES], sealed: &[u8]) -> Option<Vec<u8>> {
    let (tag, ciphertext) = sealed.split_at_checked(TAG_BYTES)?;
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut tag_key = [0; KEY_BYTES];
    stream.apply_keystream(&mut tag_key);
    let computed = Poly1305::new(&tag_key.into()).compute_unpadded(ciphertext);
    constant_time::verify_slices_are_equal(computed.as_slice(), tag).ok()?;
    let mut message = ciphertext.to_vec();
    stream.apply_keystream(&mut message);
    Some(message)
}

/// Seals a message as `secretbox` does.
#[cfg(any(test, feature = "verdicts"))]
fn seal(key: &[u8; KEY_BYTES], nonce: &[u8; NONCE_BYTES], message: &[u8]) -> Vec<u8> {
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut tag_key = [0; KEY_BYTES];
    stream.apply_keystream(&mut tag_key);
    let mut ciphertext = message.to_vec();
    stream.apply_keystream(&mut ciphertext);
    let tag = Poly1305::new(&tag_key.into()).compute_unpadded(&ciphertext);
    [tag.as_slice(), &ciphertext].concat()
}

/// A private key (PKCS #8) as cosign encrypts it, for fixtures.
#[cfg(any(test, feature = "verdicts"))]
pub(super) fn encrypt(pkcs8: &[u8], password: &[u8], salt: &[u8; 32], nonce: &[u8; NONCE_BYTES]) -> Option<String> {
    let mut key = [0; KEY_BYTES];
    let (n, log_n) = LOG_N.first()?;
    scrypt::scrypt(password, salt, &Params::new(*log_n, R, P).ok()?, &mut key).ok()?;
    let document = serde_json::json!({
        "kdf": {
            "name": "scrypt",
            "params": {"N": n.parse::<u64>().ok()?, "r": R, "p": P},
            "salt": STANDARD.encode(salt),
        },
        "cipher": {"name": "nacl/secretbox", "nonce": STANDARD.encode(nonce)},
        "ciphertext": STANDARD.encode(seal(&key, nonce, pkcs8)),
    });
    Some(document.to_string())
}

struct Sealed {
    log_n: u8,
    salt: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
    ciphertext: Vec<u8>,
}

impl Sealed {
    fn read(document: &[u8]) -> Result<Self, String> {
        let document = StrictObject::read(strict::check(document, &Shape::Any, &Memory::of(MEMORY))?)?;
        let kdf = StrictObject::read(document.required("kdf")?)?;
        let cipher = StrictObject::read(document.required("cipher")?)?;
        for (what, object, name) in [("key derivation", &kdf, "scrypt"), ("cipher", &cipher, "nacl/secretbox")] {
            if string(object.required("name")?)? != name {
                return Err(format!("its {what} is not {name}"));
            }
        }
        let params = StrictObject::read(kdf.required("params")?)?;
        let n = params.required("N")?;
        let log_n = LOG_N.into_iter().find(|(known, _)| *known == n).map(|(_, log_n)| log_n);
        let log_n = log_n
            .filter(|_| params.required("r").is_ok_and(|r| r == "8") && params.required("p").is_ok_and(|p| p == "1"));
        let log_n = log_n.ok_or("its scrypt parameters are not those that cosign writes")?;
        let salt = bytes(kdf.required("salt")?)?;
        if salt.len() > SALT_BYTES {
            return Err(format!("its salt has more than {SALT_BYTES} bytes"));
        }
        let nonce = bytes(cipher.required("nonce")?)?;
        let nonce = nonce.try_into().map_err(|_| format!("its nonce does not have {NONCE_BYTES} bytes"))?;
        Ok(Self { log_n, salt, nonce, ciphertext: bytes(document.required("ciphertext")?)? })
    }
}

fn bytes(json: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(string(json)?).map_err(|_| "a field of it is not base64".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn document() -> Value {
        json!({
            "kdf": {"name": "scrypt", "params": {"N": 32768, "r": 8, "p": 1}, "salt": STANDARD.encode([1; 32])},
            "cipher": {"name": "nacl/secretbox", "nonce": STANDARD.encode([2; 24])},
            "ciphertext": STANDARD.encode([3; 64]),
        })
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_and_unchanged_alone() {
        let (key, nonce) = ([7; KEY_BYTES], [9; NONCE_BYTES]);
        for message in [&b""[..], b"m", &[5; 200]] {
            let sealed = seal(&key, &nonce, message);
            assert_eq!(open(&key, &nonce, &sealed).as_deref(), Some(message));
            assert_eq!(open(&[8; KEY_BYTES], &nonce, &sealed), None);
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert_eq!(open(&key, &nonce, &changed), None, "{at}");
            }
        }
        assert_eq!(open(&key, &nonce, &[0; TAG_BYTES - 1]), None);
    }

    /// The test vector of NaCl (`tests/secretbox.c`), which was published with it.
    #[test]
    fn the_tag_and_the_message_are_those_of_nacl() {
        let hex = |text: &str| -> Vec<u8> {
            text.as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect()
        };
        let key = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389").try_into().unwrap();
        let nonce = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37").try_into().unwrap();
        let message = hex(
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db6\
             6cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc\
             76897040e082f937763848645e0705",
        );
        let sealed = seal(&key, &nonce, &message);
        let start: Vec<u8> = sealed.iter().take(32).copied().collect();
        assert_eq!(start, hex("f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce"));
        assert_eq!(open(&key, &nonce, &sealed), Some(message));
    }

    #[test]
    fn parameters_that_could_take_any_time_are_refused_before_any_work() {
        let refused = |change: &dyn Fn(&mut Value)| {
            let mut document = document();
            change(&mut document);
            Sealed::read(document.to_string().as_bytes()).err()
        };
        assert_eq!(refused(&|_| ()), None);
        for n in [json!(1_073_741_824), json!(2), json!(-1), json!("65536"), json!(65536.0)] {
            let why = refused(&|document| document["kdf"]["params"]["N"] = n.clone());
            assert!(why.is_some_and(|why| why.contains("scrypt parameters")), "{n}");
        }
        for (name, value) in [("r", 9), ("p", 2)] {
            assert!(refused(&|document| document["kdf"]["params"][name] = json!(value)).is_some(), "{name}");
        }
        let long = STANDARD.encode([1; SALT_BYTES + 1]);
        assert!(refused(&|document| document["kdf"]["salt"] = json!(long)).unwrap().contains("more than 1024 bytes"));
        assert!(refused(&|document| document["kdf"]["salt"] = json!(STANDARD.encode([1; SALT_BYTES]))).is_none());
        let nonce = STANDARD.encode([2; 23]);
        assert!(refused(&|document| document["cipher"]["nonce"] = json!(nonce)).unwrap().contains("24 bytes"));
        assert!(
            refused(&|document| document["cipher"]["name"] = json!("none")).unwrap().contains("not nacl/secretbox")
        );
        assert!(refused(&|document| document["kdf"]["name"] = json!("argon2")).unwrap().contains("not scrypt"));
        assert!(refused(&|document| document["ciphertext"] = json!("!")).unwrap().contains("not base64"));
        assert!(refused(&|document| *document = json!([])).is_some());
    }
}
