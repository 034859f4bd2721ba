//! [`Shape`]: the keys that a document of some format has, so that a key in another case is not taken for an unknown
//! one: Go's `encoding/json` takes `Labels`, `labels` and `LABELS` for the same.

use serde_json::Value;

/// What is known of the keys of a document.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Keys of any kind.
    Any,
    /// An object with these keys, and others that differ from each of them by more than their case.
    Object(&'static [(&'static str, Self)]),
    /// A list of them.
    List(&'static Self),
    /// An object with keys of any kind and such values.
    Map(&'static Self),
}

impl Shape {
    /// What is known of a field, or that its key is a known one in another case.
    pub(super) fn field(&self, key: &str) -> Result<&Self, String> {
        match self {
            Self::Any | Self::List(_) => Ok(&Self::Any),
            Self::Map(inner) => Ok(inner),
            Self::Object(known) => match known.iter().find(|(name, _)| *name == key) {
                Some((_, inner)) => Ok(inner),
                None => match known.iter().find(|(name, _)| folds_to(key, name)) {
                    None => Ok(&Self::Any),
                    Some((name, _)) => Err(format!("the key `{key}` is used instead of `{name}`")),
                },
            },
        }
    }

    /// What is known of an item.
    pub(super) const fn item(&self) -> &Self {
        match self {
            Self::List(inner) => inner,
            Self::Any | Self::Object(_) | Self::Map(_) => &Self::Any,
        }
    }

    /// Rejects a parsed document that has a known key in another case.
    ///
    /// # Errors
    /// The key, and what it could be taken for.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Object(_) | Self::Map(_), Value::Object(fields)) => {
                fields.iter().try_for_each(|(key, value)| self.field(key)?.check(value))
            }
            (Self::List(inner), Value::Array(items)) => items.iter().try_for_each(|item| inner.check(item)),
            _ => Ok(()),
        }
    }
}

/// Whether Go's `encoding/json` would take `key` for `name`, which is ASCII: simple folding of Unicode.
pub(super) fn folds_to(key: &str, name: &str) -> bool {
    let fold = |character: char| match character {
        // The two characters beyond ASCII whose simple folding is ASCII.
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        character => character.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_known_key_in_another_case_is_found_wherever_it_is() {
        const INNER: Shape = Shape::Object(&[("Labels", Shape::Any), ("kind", Shape::Any)]);
        const SHAPE: Shape = Shape::Object(&[("list", Shape::List(&INNER)), ("map", Shape::Map(&INNER))]);
        for good in [
            json!({"list": [{"Labels": {"labels": 1, "LIST": 2}, "Label": 3}], "other": {"LIST": 1, "labels": 2}}),
            json!({"list": null, "map": [1], "lists": 1}),
            json!([{"List": 1}]),
        ] {
            assert_eq!(SHAPE.check(&good), Ok(()), "{good}");
        }
        for (bad, key) in [
            (json!({"List": []}), "`List` is used instead of `list`"),
            (json!({"li\u{17f}t": []}), "instead of `list`"),
            (json!({"list": [{}, {"labels": 1}]}), "`labels` is used instead of `Labels`"),
            (json!({"map": {"x": {"\u{212a}ind": 1}}}), "instead of `kind`"),
            (json!({"list": [], "LIST": []}), "`LIST` is used instead of `list`"),
        ] {
            let error = SHAPE.check(&bad).unwrap_err();
            assert!(error.contains(key), "{bad}: {error}");
        }
    }
}
