//! [`Object`]: the fields of a JSON object that decide something, read so that no other reader could see other ones.
//!
//! Two readers of one document may differ: some take the first of two equal keys, some the last, and Go's takes
//! `Subject` for `subject`. What decides must not depend on that, so a key that stands twice, or beside a variant of
//! itself in other letters, is refused. [`sound`] does the same for equal keys anywhere in a document.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, value::RawValue};

/// Fields of one deciding object. Envelopes, statements, subjects and payloads have fewer than ten.
const FIELDS: usize = 1024;
/// Items of one deciding array: subjects of a statement, signatures of an envelope (sigstore-go's limit on subjects).
const ITEMS: usize = 1024;

/// A key that `serde_json` replaces by its content, so that a later reader would see another document.
const RAW: &str = "$serde_json::private::RawValue";

/// The fields of an object in their order, each verbatim.
pub(super) struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads an object. The error says what stands in its place.
    pub(super) fn read(json: &'a str) -> Result<Self, String> {
        let mut from = serde_json::Deserializer::from_str(json);
        let fields = from.deserialize_map(Fields).map_err(|error| format!("the signed JSON does not read: {error}"))?;
        from.end().map_err(|error| format!("the signed JSON does not end: {error}"))?;
        Ok(Self(fields))
    }

    /// A field's JSON, if there is one. An error if there are two, or variants of it.
    pub(super) fn get(&self, name: &str) -> Result<Option<&'a str>, String> {
        let mut found = self.0.iter().filter(|(key, _)| folds_to(key, name));
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((key, value)), None) if key == name => Ok(Some(value.get())),
            (Some((key, _)), None) => Err(format!("the signed JSON has the key `{key}` in place of `{name}`")),
            (Some((first, _)), Some((second, _))) => {
                Err(format!("the signed JSON has the key `{name}` more than once, as `{first}` and `{second}`"))
            }
        }
    }

    /// A field's JSON, which must be there.
    pub(super) fn need(&self, name: &str) -> Result<&'a str, String> {
        self.get(name)?.ok_or_else(|| format!("the signed JSON lacks `{name}`"))
    }
}

/// A JSON string.
pub(super) fn text(json: &str) -> Result<String, String> {
    serde_json::from_str(json).map_err(|error| format!("the signed JSON has no text where one belongs: {error}"))
}

/// A JSON string, borrowed where it has no escapes: for payloads of many megabytes.
pub(super) fn long_text(json: &str) -> Result<Cow<'_, str>, String> {
    #[derive(Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Borrowed<'_>>(json)
        .map(|Borrowed(text)| text)
        .map_err(|error| format!("the signed JSON has no text where one belongs: {error}"))
}

/// The items of a JSON array, each verbatim.
pub(super) fn items(json: &str) -> Result<Vec<&str>, String> {
    let mut from = serde_json::Deserializer::from_str(json);
    from.deserialize_seq(Items)
        .map(|items| items.into_iter().map(RawValue::get).collect())
        .map_err(|error| format!("the signed JSON has no list where one belongs: {error}"))
}

/// Refuses a document that readers could take for different ones: equal keys in one object, numbers beyond 64-bit
/// floats, half a surrogate pair, nesting beyond what recursive readers stand.
pub(super) fn sound(json: &str) -> Result<(), String> {
    let mut from = serde_json::Deserializer::from_str(json);
    // serde_json itself stops at a nesting of 128 and at what is not Unicode.
    Sound
        .deserialize(&mut from)
        .and_then(|()| from.end())
        .map_err(|error| format!("the signed JSON is unsound: {error}"))
}

/// Whether Go's `encoding/json` would take `key` for `name`, which is lower-case ASCII but for `T` in `payloadType`
/// and its like.
fn folds_to(key: &str, name: &str) -> bool {
    let fold = |character: char| match character {
        // The two characters beyond ASCII whose simple folding is ASCII.
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        character => character.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = from.next_entry()? {
            if fields.len() == FIELDS {
                return Err(A::Error::custom(format_args!("an object has more than {FIELDS} fields")));
            }
            fields.push(field);
        }
        Ok(fields)
    }
}

struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            if items.len() == ITEMS {
                return Err(A::Error::custom(format_args!("a list has more than {ITEMS} items")));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// Walks a document and keeps nothing of it.
struct Sound;

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        while from.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = from.next_key::<Key<'de>>()? {
            match key {
                // With all digits kept, serde_json hands over a large number or a fraction as an object of one key.
                Key(Cow::Borrowed(NUMBER)) => {
                    let digits: String = from.next_value()?;
                    let number: Number = digits.parse().map_err(A::Error::custom)?;
                    if number.as_f64().is_none() {
                        return Err(A::Error::custom(format_args!("the number {digits} is out of range")));
                    }
                }
                Key(key) if key == RAW || key == NUMBER => {
                    return Err(A::Error::custom(format_args!("a key is `{key}`")));
                }
                Key(key) => {
                    from.next_value_seed(Self)?;
                    if let Some(key) = keys.replace(key) {
                        return Err(A::Error::custom(format_args!("the key `{key}` stands twice in one object")));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The key by which `serde_json` hands over a number.
const NUMBER: &str = "$serde_json::private::Number";

/// A key, borrowed where it has no escapes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deciding_key_stands_once_and_in_its_own_letters() {
        let object = Object::read(r#"{"subject":[1],"a":0,"a":1,"kind":2}"#).unwrap();
        assert_eq!(object.get("subject"), Ok(Some("[1]")));
        assert_eq!(object.get("none"), Ok(None));
        assert!(object.get("a").unwrap_err().contains("more than once"));
        for json in [
            r#"{"subject":[],"Subject":[]}"#,
            r#"{"subject":[],"\u0053UBJECT":[]}"#,
            "{\"subject\":[],\"\u{17f}ubject\":[]}",
            r#"{"Subject":[]}"#,
        ] {
            assert!(Object::read(json).unwrap().get("subject").is_err(), "{json}");
        }
        assert!(Object::read("{\"\u{212a}ind\":[]}").unwrap().get("kind").is_err());
        for json in ["[]", "1", "null", "{", "{}{}", r#"{"a":}"#, ""] {
            assert!(Object::read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn objects_and_lists_that_decide_are_bounded() {
        let fields = |count: usize| (0..count).map(|at| format!("\"{at}\":0")).collect::<Vec<_>>().join(",");
        assert!(Object::read(&format!("{{{}}}", fields(FIELDS))).is_ok());
        assert!(Object::read(&format!("{{{}}}", fields(FIELDS + 1))).is_err());
        assert_eq!(items(&format!("[{}]", ["1"; ITEMS].join(","))).unwrap().len(), ITEMS);
        assert!(items(&format!("[{}]", ["1"; ITEMS + 1].join(","))).is_err());
    }

    #[test]
    fn a_document_that_readers_take_for_different_ones_is_unsound() {
        for good in [
            r#"{"a":{"b":[1,-2.5e300,"x\ud83d\ude00",null,true]},"b":{"a":0},"n":12345678901234567890123}"#,
            &format!("{}{}", "[".repeat(100), "]".repeat(100)),
        ] {
            assert_eq!(sound(good), Ok(()), "{good}");
        }
        for bad in [
            r#"{"a":1,"b":{"c":1,"c":2}}"#,
            r#"[{"a":1,"\u0061":1}]"#,
            r#"{"a":1e400}"#,
            r#"{"a":-1e999}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"$serde_json::private::RawValue":"{}"}"#,
            "\u{feff}{}",
            "{} {}",
            "",
            &"[".repeat(100_000),
            &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        ] {
            let shown: String = bad.chars().take(60).collect();
            assert!(sound(bad).is_err(), "{shown}");
        }
    }

    #[test]
    fn texts_and_lists_are_nothing_else() {
        assert_eq!(text(r#""a\n""#).unwrap(), "a\n");
        assert!(matches!(long_text(r#""abc""#), Ok(Cow::Borrowed("abc"))));
        assert_eq!(long_text(r#""a\/b""#).unwrap(), "a/b");
        for json in ["1", "null", "[]", "{}"] {
            assert!(text(json).is_err() && long_text(json).is_err(), "{json}");
        }
        for json in ["1", "null", r#""x""#, "{}"] {
            assert!(items(json).is_err(), "{json}");
        }
    }
}
