//! [`repeated`]: the elements of an array that are there already.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher};

use hashbrown::DefaultHashBuilder;
use regorus::Value;
use regorus::value::Array;

use super::errors::BuiltinError;
use super::json_text::{compact, fields};
use super::value_order::sorted;
use crate::engine::bytes::is_raw;

/// The places of equal elements, each with that of the one before it. Elements are equal if their JSON is.
pub(super) fn repeated(array: &Array) -> Result<Vec<(usize, usize)>, BuiltinError> {
    let hashes = DefaultHashBuilder::default();
    let hash = |(at, element): (usize, &Value)| {
        let mut hasher = hashes.build_hasher();
        feed(element, &mut hasher)?;
        Ok((hasher.finish(), at))
    };
    let mut by_hash: Vec<(u64, usize)> = array.iter().enumerate().map(hash).collect::<Result<_, BuiltinError>>()?;
    by_hash.sort_unstable();
    let mut repeated = Vec::new();
    // Their JSON is written only where it may be equal.
    for alike in by_hash.chunk_by(|(a, _), (b, _)| a == b).filter(|alike| alike.len() > 1) {
        let mut seen = BTreeMap::new();
        for (_, at) in alike {
            let Some(element) = array.get(*at) else { continue };
            if let Some(first) = seen.insert(compact(element)?, *at) {
                repeated.push((first, *at));
            }
        }
    }
    repeated.sort_unstable_by_key(|(_, at)| *at);
    Ok(repeated)
}

/// Feeds a hash that is equal for values whose JSON is equal; of a number, only that it is one.
fn feed(value: &Value, hasher: &mut impl Hasher) -> Result<(), BuiltinError> {
    match value {
        Value::Null | Value::Undefined => hasher.write_u8(0),
        Value::Bool(flag) => hasher.write_u8(1 + u8::from(*flag)),
        Value::Number(_) => hasher.write_u8(3),
        // Bytes that are not UTF-8 are all written in the same way.
        Value::String(text) if is_raw(text) => hasher.write_u8(4),
        Value::String(text) => feed_text(text, hasher),
        Value::Array(array) => {
            hasher.write_u8(6);
            array.iter().try_for_each(|element| feed(element, hasher))?;
        }
        Value::Set(set) => {
            hasher.write_u8(6);
            sorted(set.iter()).into_iter().try_for_each(|element| feed(element, hasher))?;
        }
        Value::Object(object) => {
            hasher.write_u8(7);
            if object.keys().all(|key| matches!(key, Value::String(text) if !is_raw(text))) {
                object.iter_sorted().try_for_each(|(key, value)| {
                    feed(key, hasher)?;
                    feed(value, hasher)
                })?;
            } else {
                fields(object)?.into_iter().try_for_each(|(key, value)| {
                    feed_text(&key, hasher);
                    feed(value, hasher)
                })?;
            }
        }
    }
    Ok(())
}

fn feed_text(text: &str, hasher: &mut impl Hasher) {
    hasher.write_u8(5);
    hasher.write(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated_in(text: &str) -> Vec<(usize, usize)> {
        let value = Value::from_json_str(text).unwrap();
        repeated(value.as_array().unwrap()).unwrap()
    }

    #[test]
    fn elements_are_equal_if_their_json_is() {
        assert_eq!(repeated_in(r#"["a", "b", "a", 1, "1", "a", null, false, 0]"#), [(0, 2), (2, 5)]);
        assert_eq!(repeated_in(r#"[{"a": [1], "b": {}}, {"b": {}, "a": [1]}, {"a": [2], "b": {}}]"#), [(0, 1)]);
        assert_eq!(repeated_in(r#"[[1, 2], [2, 1], [[1], 2], [1, [2]], [], {}, "", null]"#), [(0, 0); 0]);
        // In JSON, a set is an array, and a key that is not a string its JSON.
        let set = Value::from(std::collections::BTreeSet::from([Value::from(1), Value::from(2)]));
        let odd = Value::from(BTreeMap::from([(Value::from(1), Value::Null)]));
        let plain = Value::from(BTreeMap::from([(Value::from("1"), Value::Null)]));
        let list = Value::from(vec![Value::from(1), Value::from(2)]);
        let all = Value::from(vec![set.clone(), odd, list, plain, set]);
        assert_eq!(repeated(all.as_array().unwrap()).unwrap(), [(0, 2), (1, 3), (2, 4)]);
    }
}
