//! [`Memberships`]: whether a string is an element of an array, for arrays that are requested for many strings.
//!
//! OPA and the plain loop look through the array each time, which takes the square of its length where each of many
//! strings is looked up in a list of as many.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use regorus::{Value, value::Array};

/// Shorter arrays are looked through.
const SHORT: usize = 16;

/// Arrays that are known at a time; they are held as long.
const ARRAYS: usize = 64;

/// The arrays whose strings were requested, by their address. Those of the policy's data stay for the queries that follow.
#[derive(Debug, Default)]
pub(super) struct Memberships(HashMap<usize, Membership>);

#[derive(Debug)]
struct Membership {
    /// Held, so that no other array takes its address.
    array: Arc<Array>,
    /// Its strings, from the second request on.
    texts: Option<HashSet<Arc<str>>>,
}

impl Memberships {
    /// Whether the value is an element of the domain, or of an object's values; false for other domains.
    pub(super) fn holds(&mut self, element: &Value, domain: &Value) -> bool {
        match (domain, element) {
            (Value::Array(array), Value::String(text)) if array.len() >= SHORT => self.holds_text(text, array),
            (Value::Array(array), _) => array.iter().any(|other| other == element),
            (Value::Set(set), _) => set.contains(element),
            (Value::Object(object), _) => object.values().any(|other| other == element),
            _ => false,
        }
    }

    /// Lets go of arrays that nothing else holds.
    pub(super) fn forget_unshared(&mut self) {
        self.0.retain(|_, known| Arc::strong_count(&known.array) > 1);
    }

    fn holds_text(&mut self, text: &str, array: &Arc<Array>) -> bool {
        let is_it = |other: &Value| matches!(other, Value::String(other) if **other == *text);
        let address = Arc::as_ptr(array).addr();
        if let Some(known) = self.0.get_mut(&address) {
            let texts = known.texts.get_or_insert_with(|| {
                let mut texts = HashSet::with_capacity(known.array.len());
                texts.extend(known.array.iter().filter_map(|other| match other {
                    Value::String(other) => Some(Arc::clone(other)),
                    _ => None,
                }));
                texts
            });
            return texts.contains(text);
        }
        if self.0.len() == ARRAYS {
            self.0.clear();
        }
        self.0.insert(address, Membership { array: Arc::clone(array), texts: None });
        array.iter().any(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_gives_what_the_plain_loop_gives() {
        let mut memberships = Memberships::default();
        let arrays: Vec<Value> = (0..ARRAYS as u64 + 3)
            .map(|at| {
                Value::from(
                    (0..20)
                        .map(|n| if n % 5 == 4 { Value::from(n) } else { format!("{at}-{n}").into() })
                        .collect::<Vec<_>>(),
                )
            })
            .collect();
        for _ in 0..3 {
            for (at, array) in arrays.iter().enumerate() {
                for (element, want) in [
                    (format!("{at}-0").into(), true),
                    (format!("{at}-18").into(), true),
                    (format!("{at}-4").into(), false),
                    (format!("{}-0", at + 1).into(), false),
                    (Value::from(4_u64), true),
                    (Value::from(5_u64), false),
                ] {
                    assert_eq!(memberships.holds(&element, array), want, "{element} in {array}");
                }
            }
        }
        assert!(memberships.0.len() <= ARRAYS);
        drop(arrays);
        memberships.forget_unshared();
        assert!(memberships.0.is_empty());
    }

    #[test]
    fn an_array_that_is_gone_does_not_speak_for_the_next_at_its_address() {
        let mut memberships = Memberships::default();
        for round in 0..200 {
            let array = Value::from((0..20).map(|n| Value::from(format!("{round}-{n}"))).collect::<Vec<_>>());
            for _ in 0..3 {
                assert!(memberships.holds(&Value::from(format!("{round}-19")), &array));
                assert!(!memberships.holds(&Value::from(format!("{}-19", round + 1)), &array));
            }
        }
    }
}
