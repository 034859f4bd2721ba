//! Private keys as policies see them: `crypto.x509.parse_rsa_private_key` as a JSON Web Key, the others as Go shows its own.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use num_bigint::{BigInt, BigUint, Sign};
use regorus::Value;

use super::encodings::{STANDARD, URL};
use super::key_parts::{curve_key, der_items, point};
use super::operands::{object_of, record, whole};

/// The eight numbers of an RSA key: modulus, both exponents, primes, and what speeds up computing with them.
type RsaNumbers<'k> = [&'k [u8]; 8];

/// What one sequence holds.
fn sequence(bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    match der_items(bytes)?[..] {
        [(0x30, inner)] => der_items(inner),
        _ => None,
    }
}

/// The algorithm and the key of PKCS#8; no algorithm for the older forms.
fn inner(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    match sequence(bytes)?[..] {
        [(2, _), (0x30, algorithm), (4, key), ..] => match der_items(algorithm)?[..] {
            [(6, oid), ..] => Some((Some(oid), key)),
            _ => None,
        },
        _ => Some((None, bytes)),
    }
}

fn rsa_numbers(bytes: &[u8]) -> Option<RsaNumbers<'_>> {
    let (_, key) = inner(bytes)?;
    let numbers = sequence(key)?.into_iter().skip(1).take(8).filter(|(tag, _)| *tag == 2);
    let numbers: Vec<&[u8]> = numbers
        .map(|(_, bytes)| bytes.get(bytes.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default())
        .collect();
    numbers.try_into().ok()
}

/// An RSA key as a JSON Web Key.
pub(super) fn rsa_web_key(bytes: &[u8]) -> Option<Value> {
    let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
    let fields = names.into_iter().zip(rsa_numbers(bytes)?).map(|(name, bytes)| (name, URL.encode(bytes, false)));
    let all = fields.chain([("kty", "RSA".to_owned())]);
    Some(object_of(all.map(|(name, text)| (Value::from(name), Value::from(text)))))
}

fn natural(bytes: &[u8]) -> Value {
    whole(BigInt::from_biguint(Sign::Plus, BigUint::from_bytes_be(bytes)))
}

/// A key of any kind as Go shows it.
pub(super) fn private_key(bytes: &[u8]) -> Option<Value> {
    if let Some([n, e, d, p, q, dp, dq, qi]) = rsa_numbers(bytes) {
        let precomputed = record([
            ("Dp", natural(dp)),
            ("Dq", natural(dq)),
            ("Qinv", natural(qi)),
            ("CRTValues", Value::new_array()),
        ]);
        return Some(record([
            ("N", natural(n)),
            ("E", natural(e)),
            ("D", natural(d)),
            ("Primes", Value::from(vec![natural(p), natural(q)])),
            ("Precomputed", precomputed),
        ]));
    }
    const ED25519: [u8; 3] = [0x2b, 0x65, 0x70];
    let (algorithm, key) = inner(bytes)?;
    if algorithm == Some(ED25519.as_slice()) {
        let [(4, seed)] = der_items(key)?[..] else { return None };
        let public = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let both = [seed, public.public_key().as_ref()].concat();
        return Some(Value::from(STANDARD.encode(&both, true)));
    }
    let parts = sequence(key)?;
    let [(2, _), (4, secret), ..] = parts[..] else { return None };
    let (_, public) = parts.iter().find(|(tag, _)| *tag == 0xa1)?;
    let [(3, bits)] = der_items(public)?[..] else { return None };
    // A bit string begins with the number of bits that do not count.
    let [x, y] = point(bits.get(1..)?)?;
    Some(curve_key([("D", natural(secret)), ("X", x), ("Y", y)]))
}
