//! `crypto.md5`, `sha1`, `sha256` and `crypto.hmac.*`: digests as hexadecimal text.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use regorus::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::encodings::to_hex;
use super::operands::{bytes, some};
use super::types::Type;
use super::{Builtin, Outcome, builtin};

const TEXT: Type = Type::String;

pub(super) const TABLE: &[Builtin] = &[
    builtin!("crypto.md5"(whole: TEXT) -> TEXT => |a: &Value| some(to_hex(&Md5::digest(bytes(a, 1)?)))),
    builtin!("crypto.sha1"(whole: TEXT) -> TEXT => |a: &Value| some(to_hex(&Sha1::digest(bytes(a, 1)?)))),
    builtin!("crypto.sha256"(whole: TEXT) -> TEXT => |a: &Value| some(to_hex(&Sha256::digest(bytes(a, 1)?)))),
    builtin!("crypto.hmac.md5"(whole: TEXT, key: TEXT) -> TEXT => |a: &Value, k: &Value| mac(a, k, md5_mac)),
    builtin!("crypto.hmac.sha1"(whole: TEXT, key: TEXT) -> TEXT => |a: &Value, k: &Value| mac(a, k, sha1_mac)),
    builtin!("crypto.hmac.sha256"(whole: TEXT, key: TEXT) -> TEXT => |a: &Value, k: &Value| mac(a, k, sha256_mac)),
    builtin!("crypto.hmac.sha512"(whole: TEXT, key: TEXT) -> TEXT => |a: &Value, k: &Value| mac(a, k, sha512_mac)),
    builtin!("crypto.hmac.equal"(a: TEXT, b: TEXT) -> Type::Boolean => equal),
];

macro_rules! keyed {
    ($name:ident, $hash:ty) => {
        /// The keyed digest of some bytes.
        pub(super) fn $name(key: &[u8], bytes: &[u8]) -> Vec<u8> {
            // A key of any length is allowed.
            Hmac::<$hash>::new_from_slice(key)
                .map(|mut mac| {
                    mac.update(bytes);
                    mac.finalize().into_bytes().to_vec()
                })
                .unwrap_or_default()
        }
    };
}

keyed!(md5_mac, Md5);
keyed!(sha1_mac, Sha1);
keyed!(sha256_mac, Sha256);
keyed!(sha384_mac, Sha384);
keyed!(sha512_mac, Sha512);

fn mac(whole: &Value, key: &Value, digest: fn(&[u8], &[u8]) -> Vec<u8>) -> Outcome {
    some(to_hex(&digest(&bytes(key, 2)?, &bytes(whole, 1)?)))
}

/// Compares in constant time.
fn equal(a: &Value, b: &Value) -> Outcome {
    some(same(&bytes(a, 1)?, &bytes(b, 2)?))
}

/// Equality in a time that depends on the lengths only.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}
