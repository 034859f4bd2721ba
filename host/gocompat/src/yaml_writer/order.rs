//! The order of keys.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// The order in which Go's YAML writer sorts keys: punctuation before letters, runs of digits as numbers.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(a, b)| a != b) else { return left.len().cmp(&right.len()) };
    let (tail, other_tail) = (left.get(at..).unwrap_or_default(), right.get(at..).unwrap_or_default());
    let (Some(first), Some(other)) = (tail.first(), other_tail.first()) else { return Ordering::Equal };
    match (first.is_alphabetic(), other.is_alphabetic()) {
        (true, true) => return first.cmp(other),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // After digits that are not zeros a zero continues a number, as in 10 and 1a.
    let before = left.get(..at).unwrap_or_default().iter().rev().take_while(|character| character.is_ascii_digit());
    let continues = (*first == '0' || *other == '0') && before.clone().any(|digit| *digit != '0');
    let number = |tail: &[char]| {
        let digits: Vec<u32> = tail.iter().map_while(|character| character.to_digit(10)).collect();
        let start = i64::from(continues);
        let value = digits.iter().fold(start, |sum, digit| sum.wrapping_mul(10).wrapping_add(i64::from(*digit)));
        (value, digits.len())
    };
    number(tail).cmp(&number(other_tail)).then_with(|| first.cmp(other))
}

/// The fields of an object in that order.
///
/// It is not a strict order (`12` stands before `1a`, `1a` before `2`, `2` before `12`), and the sorts of the
/// standard library may panic over such a thing, which keys from outside must not bring about. Merging never does, and
/// from fields sorted by their bytes it always comes to the same.
pub(super) fn sorted_fields(fields: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut fields: Vec<_> = fields.iter().map(|(key, value)| (key.as_str(), value)).collect();
    fields.sort_by_key(|(key, _)| *key);
    merge_sorted(fields)
}

fn merge_sorted<'a>(mut left: Vec<(&'a str, &'a Value)>) -> Vec<(&'a str, &'a Value)> {
    if left.len() < 2 {
        return left;
    }
    let right = left.split_off(left.len() / 2);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (left, right) = (merge_sorted(left), merge_sorted(right));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let next = if natural_order(b, a).is_lt() { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left.chain(right));
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_of_any_kind_are_sorted_alike_however_they_came(keys in prop::collection::btree_set("[0-9a-c_-]{1,4}", 0..300)) {
            let object = |keys: &mut dyn Iterator<Item = &String>| -> Map<String, Value> {
                keys.map(|key| (key.clone(), Value::Null)).collect()
            };
            let names = |fields: &Map<String, Value>| {
                sorted_fields(fields).into_iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>()
            };
            let sorted = names(&object(&mut keys.iter()));
            prop_assert_eq!(&sorted, &names(&object(&mut keys.iter().rev())));
            prop_assert_eq!(sorted.len(), keys.len());
        }
    }

    #[test]
    fn keys_are_sorted_as_people_would() {
        let keys = ["success", "successes", "success-count", "a10", "a9", "a", "B", "ab", "1", "a-b", "_"];
        let fields = keys.iter().map(|key| ((*key).to_owned(), Value::Null)).collect();
        let keys: Vec<_> = sorted_fields(&fields).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["_", "1", "B", "a", "a-b", "a9", "a10", "ab", "success", "success-count", "successes"]);
    }
}
