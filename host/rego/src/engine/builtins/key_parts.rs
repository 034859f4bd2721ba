//! Parts of keys, public and private: items of DER, points on curves.

use num_bigint::{BigInt, BigUint, Sign};
use regorus::Value;

use super::operands::whole;

/// The tagged items one after the other.
pub(super) fn der_items(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut items = Vec::new();
    while let [tag, length, rest @ ..] = bytes {
        let (length, rest) = match usize::from(*length) {
            short @ 0..0x80 => (short, rest),
            long => {
                let (digits, rest) = rest.split_at_checked(long & 0x7f).filter(|(digits, _)| digits.len() <= 4)?;
                (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        items.push((*tag, content));
        bytes = rest;
    }
    bytes.is_empty().then_some(items)
}

/// The coordinates of a point that is not compressed.
pub(super) fn point(bytes: &[u8]) -> Option<[Value; 2]> {
    let (4, rest) = bytes.split_first().map(|(first, rest)| (*first, rest))? else { return None };
    let (x, y) = rest.split_at_checked(rest.len() / 2)?;
    Some([x, y].map(|bytes| whole(BigInt::from_biguint(Sign::Plus, BigUint::from_bytes_be(bytes)))))
}

/// A key on a curve; what the curve is Go keeps to itself.
pub(super) fn curve_key<const N: usize>(numbers: [(&str, Value); N]) -> Value {
    let all = numbers.into_iter().chain([("Curve", Value::new_object())]);
    super::operands::object_of(all.map(|(name, value)| (Value::from(name), value)))
}
