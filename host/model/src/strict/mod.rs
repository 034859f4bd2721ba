//! The one strict reader of JSON that decides something: no other reader could see another document.
//!
//! Two readers of one document may differ: some take the first of two equal keys, some the last, and Go's takes
//! `Subject` for `subject`. What decides must not depend on that. [`check`] refuses equal keys anywhere in a document
//! and known keys in another case ([`Shape`]); typed readers run after it. [`StrictObject`] gives the fields of one
//! object, each verbatim, for what is signed. [`yaml`](crate::yaml) reads values, of JSON with the same rules.

mod shape;
mod value;

pub use shape::Shape;
use shape::folds_to;
pub(crate) use value::{Reading, value};

use std::{borrow::Cow, cell::Cell, collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, value::RawValue};

use crate::memory::Memory;

/// Fields of one deciding object. Envelopes, statements, subjects and payloads have fewer than ten.
const FIELDS: usize = 1024;
/// Items of one deciding array: subjects of a statement, signatures of an envelope (sigstore-go's limit on subjects).
const ITEMS: usize = 1024;

/// What begins the keys that `serde_json` takes for something else, so that a later reader would see another document.
pub(crate) const PRIVATE: &str = "$serde_json::private::";

/// The key by which `serde_json` hands over a number.
const NUMBER: &str = "$serde_json::private::Number";

/// Whether a key of the JSON is written with [`PRIVATE`] at its beginning. Values may: only keys mean something to
/// `serde_json`.
fn has_private_key(text: &str) -> bool {
    let begins = |at: usize| text.get(at..).is_some_and(|rest| rest.starts_with(PRIVATE));
    text.match_indices('$').filter(|(at, _)| begins(*at)).any(|(at, _)| {
        // A quote behind a backslash is inside a string. So each string is looked through once at most.
        let before = text.get(..at).and_then(|before| before.strip_suffix('"'));
        let begins_string = before.is_some_and(|before| !before.ends_with('\\'));
        begins_string && after_string(text.get(at..).unwrap_or_default()).trim_start().starts_with(':')
    })
}

/// What follows the string that a text begins in the middle of.
fn after_string(text: &str) -> &str {
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => drop(rest.next()),
            '"' => break,
            _ => {}
        }
    }
    rest.as_str()
}

/// The fields of an object in their order, each verbatim.
pub struct StrictObject<'a>(Vec<(String, &'a RawValue)>);

impl<'a> StrictObject<'a> {
    /// Reads an object. The error says what stands in its place.
    pub fn read(json: &'a str) -> Result<Self, String> {
        let mut from = serde_json::Deserializer::from_str(json);
        let fields = from.deserialize_map(Fields).map_err(|error| format!("the JSON is invalid: {error}"))?;
        from.end().map_err(|error| format!("the JSON is incomplete: {error}"))?;
        Ok(Self(fields))
    }

    /// Reads an object, and in the same pass the fields of the object that one of its fields is: a statement of megabytes is
    /// looked through once. In its place in the outer object stands `{}` then, and for what is no object a value of the same kind. An
    /// object with too many fields is left in its place.
    ///
    /// # Errors
    /// What stands in place of the outer object, or that it has too many fields.
    pub fn read_with(json: &'a str, name: &str) -> Result<(Self, Option<Self>), String> {
        let mut from = serde_json::Deserializer::from_str(json);
        let has_too_many = Cell::new(false);
        let read = WithInner { name, has_too_many: &has_too_many }.deserialize(&mut from);
        if has_too_many.get() {
            return Ok((Self::read(json)?, None));
        }
        let read = read.map_err(|error| format!("the JSON is invalid: {error}"))?;
        from.end().map_err(|error| format!("the JSON is incomplete: {error}"))?;
        Ok(read)
    }

    /// The names of all fields with the JSON of each.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.get()))
    }

    /// A field's JSON, if there is one. An error if there are two, or variants of it.
    pub fn get(&self, name: &str) -> Result<Option<&'a str>, String> {
        let mut found = self.0.iter().filter(|(key, _)| folds_to(key, name));
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((key, value)), None) if key == name => Ok(Some(value.get())),
            (Some((key, _)), None) => Err(format!("the JSON has the key `{key}` instead of `{name}`")),
            (Some((first, _)), Some((second, _))) => {
                Err(format!("the JSON has the key `{name}` more than once, as `{first}` and `{second}`"))
            }
        }
    }

    /// A field's JSON, which must be there.
    pub fn required(&self, name: &str) -> Result<&'a str, String> {
        self.get(name)?.ok_or_else(|| format!("the JSON has no `{name}`"))
    }
}

/// A JSON string.
pub fn string(json: &str) -> Result<String, String> {
    serde_json::from_str(json).map_err(|error| format!("the JSON lacks a required string: {error}"))
}

/// A JSON string, borrowed where it has no escapes: for payloads of many megabytes.
pub fn long_string(json: &str) -> Result<Cow<'_, str>, String> {
    #[derive(Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    // What has no escapes is looked at many bytes at a time.
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_plain =
        |text: &&str| text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    if let Some(text) = inner.filter(is_plain) {
        return Ok(Cow::Borrowed(text));
    }
    serde_json::from_str::<Borrowed<'_>>(json)
        .map(|Borrowed(text)| text)
        .map_err(|error| format!("the JSON lacks a required string: {error}"))
}

/// The items of a JSON array, each verbatim.
pub fn array(json: &str) -> Result<Vec<&str>, String> {
    let mut from = serde_json::Deserializer::from_str(json);
    from.deserialize_seq(Items)
        .map(|items| items.into_iter().map(RawValue::get).collect())
        .map_err(|error| format!("the JSON lacks a required array: {error}"))
}

/// Refuses a document that readers could take for different ones: bytes that are not UTF-8, equal keys in one object,
/// known keys in another case, an array in place of a known object, numbers beyond 64-bit floats, half a surrogate
/// pair, text after the document, nesting beyond what recursive readers stand. What it would take as a value is
/// charged.
///
/// Gives the text, for a reader of its fields.
///
/// # Errors
/// What is wrong with it.
pub fn check<'a>(json: &'a [u8], shape: &Shape, memory: &Memory) -> Result<&'a str, String> {
    let text = std::str::from_utf8(json).map_err(|_| "the JSON is not valid UTF-8".to_owned())?;
    // Where the text holds no such key, every one that comes borrowed is serde_json's own way to give a number.
    if has_private_key(text) {
        return Err(format!("the JSON is ambiguous: a key begins with `{PRIVATE}`"));
    }
    let mut from = serde_json::Deserializer::from_str(text);
    // serde_json itself stops at a nesting of 128 and at what is not Unicode.
    RejectAmbiguous { shape, memory }
        .deserialize(&mut from)
        .and_then(|()| from.end())
        .map_err(|error| format!("the JSON is ambiguous: {error}"))?;
    Ok(text)
}

/// Reads an object with the object that the field of this name is.
#[derive(Clone, Copy)]
struct WithInner<'n> {
    name: &'n str,
    /// Whether the object within has more fields than are read.
    has_too_many: &'n Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for WithInner<'_> {
    type Value = (StrictObject<'de>, Option<StrictObject<'de>>);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WithInner<'_> {
    type Value = (StrictObject<'de>, Option<StrictObject<'de>>);

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let (mut fields, mut inner) = (Vec::new(), None);
        while let Some(name) = from.next_key::<String>()? {
            if fields.len() == FIELDS {
                return Err(A::Error::custom(format_args!("an object has more than {FIELDS} fields")));
            }
            let value = if name == self.name && inner.is_none() {
                let (own, stand_in) = from.next_value_seed(Inner(self.has_too_many))?;
                inner = own;
                serde_json::from_str(stand_in).map_err(A::Error::custom)?
            } else {
                from.next_value()?
            };
            fields.push((name, value));
        }
        Ok((StrictObject(fields), inner))
    }
}

/// Reads the fields of an object, or nothing of another value, with JSON of the same kind.
struct Inner<'n>(&'n Cell<bool>);

impl<'de> DeserializeSeed<'de> for Inner<'_> {
    type Value = (Option<StrictObject<'de>>, &'static str);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inner<'_> {
    type Value = (Option<StrictObject<'de>>, &'static str);

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((None, "null"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok((None, "true"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok((None, "0"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok((None, "0"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok((None, "\"\""))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        while from.next_element::<IgnoredAny>()?.is_some() {}
        Ok((None, "[]"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = from.next_key::<String>()? {
            if name == NUMBER {
                // As above a number with all its digits.
                from.next_value::<IgnoredAny>()?;
                return Ok((None, "0"));
            }
            if fields.len() == FIELDS {
                self.0.set(true);
                return Err(A::Error::custom(format_args!("an object has more than {FIELDS} fields")));
            }
            fields.push((name, from.next_value()?));
        }
        Ok((Some(StrictObject(fields)), "{}"))
    }
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
#[derive(Clone, Copy)]
struct RejectAmbiguous<'c> {
    shape: &'c Shape,
    memory: &'c Memory,
}

impl<'de> DeserializeSeed<'de> for RejectAmbiguous<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RejectAmbiguous<'_> {
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

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.memory.number().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.memory.number().map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.memory.text(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        if matches!(self.shape, Shape::Object(_) | Shape::Map(_)) {
            // A reader of structs may take a list for the fields in their order.
            return Err(A::Error::custom("an array is where an object is expected"));
        }
        let item = Self { shape: self.shape.item(), ..self };
        while from.next_element_seed(item)?.is_some() {
            self.memory.item().map_err(A::Error::custom)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = from.next_key::<Key<'de>>()? {
            match key {
                // With all digits kept, serde_json hands over a large number or a fraction as an object of one key.
                Key(Cow::Borrowed(NUMBER)) => {
                    let digits: String = from.next_value()?;
                    self.memory.number().and_then(|()| self.memory.text(&digits)).map_err(A::Error::custom)?;
                    let number: Number = digits.parse().map_err(A::Error::custom)?;
                    if number.as_f64().is_none() {
                        return Err(A::Error::custom(format_args!("the number {digits} is out of range")));
                    }
                }
                Key(key) if key.starts_with(PRIVATE) => {
                    return Err(A::Error::custom(format_args!("a key is `{key}`")));
                }
                Key(key) => {
                    self.memory.field(&key).map_err(A::Error::custom)?;
                    let shape = self.shape.field(&key).map_err(A::Error::custom)?;
                    from.next_value_seed(Self { shape, ..self })?;
                    if let Some(key) = keys.replace(key) {
                        return Err(A::Error::custom(format_args!("the key `{key}` is duplicated in an object")));
                    }
                }
            }
        }
        Ok(())
    }
}

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
    fn an_object_within_is_read_in_the_same_pass() {
        let json = r#"{"a": 1, "in": {"b": [1, {"c": 2.50}], "d": "x"}, "e": {"in": {}}}"#;
        let (outer, inner) = StrictObject::read_with(json, "in").unwrap();
        let fields: Vec<_> = inner.as_ref().unwrap().fields().collect();
        assert_eq!(fields, [("b", r#"[1, {"c": 2.50}]"#), ("d", "\"x\"")]);
        let fields: Vec<_> = outer.fields().collect();
        assert_eq!(fields, [("a", "1"), ("in", "{}"), ("e", r#"{"in": {}}"#)]);
        for (value, stand_in) in [
            ("null", "null"),
            ("false", "true"),
            ("-7", "0"),
            ("7", "0"),
            ("1.50", "0"),
            ("1e400", "0"),
            ("\"x\"", "\"\""),
            ("[{}]", "[]"),
        ] {
            let json = format!("{{\"in\": {value}}}");
            let (outer, inner) = StrictObject::read_with(&json, "in").unwrap();
            assert!(inner.is_none() && outer.get("in") == Ok(Some(stand_in)), "{value}");
        }
        let (outer, _) = StrictObject::read_with(r#"{"in": {}, "In": {}}"#, "in").unwrap();
        assert!(outer.get("in").is_err());
        let many = |count| (0..count).map(|at| format!("\"{at}\":0")).collect::<Vec<_>>().join(",");
        let within = |count| format!("{{\"in\": {{{}}}}}", many(count));
        assert!(StrictObject::read_with(&within(FIELDS), "in").is_ok());
        let json = within(FIELDS + 1);
        let (outer, inner) = StrictObject::read_with(&json, "in").unwrap();
        assert!(inner.is_none() && outer.required("in").unwrap().len() > FIELDS);
        for json in ["[]", "{", "{} {}", &format!("{{{}}}", many(FIELDS + 1))] {
            assert!(StrictObject::read_with(json, "in").is_err(), "{json:.40}");
        }
    }

    #[test]
    fn a_deciding_key_occurs_once_and_in_its_own_case() {
        let object = StrictObject::read(r#"{"subject":[1],"a":0,"a":1,"kind":2}"#).unwrap();
        assert_eq!(object.get("subject"), Ok(Some("[1]")));
        assert_eq!(object.get("none"), Ok(None));
        assert!(object.get("a").unwrap_err().contains("more than once"));
        for json in [
            r#"{"subject":[],"Subject":[]}"#,
            r#"{"subject":[],"\u0053UBJECT":[]}"#,
            "{\"subject\":[],\"\u{17f}ubject\":[]}",
            r#"{"Subject":[]}"#,
        ] {
            assert!(StrictObject::read(json).unwrap().get("subject").is_err(), "{json}");
        }
        assert!(StrictObject::read("{\"\u{212a}ind\":[]}").unwrap().get("kind").is_err());
        for json in ["[]", "1", "null", "{", "{}{}", r#"{"a":}"#, ""] {
            assert!(StrictObject::read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn objects_and_lists_that_decide_are_bounded() {
        let fields = |count: usize| (0..count).map(|at| format!("\"{at}\":0")).collect::<Vec<_>>().join(",");
        assert!(StrictObject::read(&format!("{{{}}}", fields(FIELDS))).is_ok());
        assert!(StrictObject::read(&format!("{{{}}}", fields(FIELDS + 1))).is_err());
        assert_eq!(array(&format!("[{}]", ["1"; ITEMS].join(","))).unwrap().len(), ITEMS);
        assert!(array(&format!("[{}]", ["1"; ITEMS + 1].join(","))).is_err());
    }

    fn reject_ambiguous(json: &str) -> Result<(), String> {
        check(json.as_bytes(), &Shape::Any, &Memory::of(1 << 20)).map(drop)
    }

    #[test]
    fn a_document_that_readers_take_for_different_ones_is_unsound() {
        for good in [
            r#"{"a":{"b":[1,-2.5e300,"x\ud83d\ude00",null,true]},"b":{"a":0},"n":12345678901234567890123}"#,
            &format!("{}{}", "[".repeat(100), "]".repeat(100)),
        ] {
            assert_eq!(reject_ambiguous(good), Ok(()), "{good}");
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
            assert!(reject_ambiguous(bad).is_err(), "{shown}");
        }
    }

    #[test]
    fn texts_and_lists_are_nothing_else() {
        assert_eq!(string(r#""a\n""#).unwrap(), "a\n");
        assert!(matches!(long_string(r#""abc""#), Ok(Cow::Borrowed("abc"))));
        assert_eq!(long_string(r#""a\/b""#).unwrap(), "a/b");
        assert_eq!(long_string("\"\u{e4}\u{7f}\"").unwrap(), "\u{e4}\u{7f}");
        for json in ["\"a\"b\"", "\"a\\\"", "\"a\nb\"", "\"", "\"\0\"", " \"a", "\"\\q\""] {
            assert!(long_string(json).is_err(), "{json}");
        }
        for json in ["1", "null", "[]", "{}"] {
            assert!(string(json).is_err() && long_string(json).is_err(), "{json}");
        }
        for json in ["1", "null", r#""x""#, "{}"] {
            assert!(array(json).is_err(), "{json}");
        }
    }

    #[test]
    fn known_keys_in_another_case_and_lists_for_objects_are_rejected() {
        const INNER: Shape = Shape::Object(&[("digest", Shape::Any)]);
        const SHAPE: Shape = Shape::Object(&[("layers", Shape::List(&INNER)), ("config", INNER)]);
        let check = |json: &[u8]| check(json, &SHAPE, &Memory::of(1 << 20)).map(drop);
        for good in [r#"{"layers":[{"digest":"x","Other":[]}],"config":null,"more":{"LAYERS":1}}"#, "{}", "null"] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            &br#"{"Layers":[]}"#[..],
            br#"{"layers":[{"Digest":"x"}]}"#,
            br#"{"config":{"digest":"x","DIGEST":"y"}}"#,
            br#"{"config":["x"]}"#,
            br#"{"layers":[["x"]]}"#,
            b"[]",
            b"{\"a\":\"\xff\"}",
            b"{} x",
        ] {
            assert!(check(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn what_a_document_would_take_is_charged_before_it_is_read() {
        let dense = format!("[{}1]", "1,".repeat(100_000));
        let error = check(dense.as_bytes(), &Shape::Any, &Memory::of(8 << 20)).unwrap_err();
        assert!(error.contains("more than 8388608 bytes of memory"), "{error}");
        assert!(check(dense.as_bytes(), &Shape::Any, &Memory::of(32 << 20)).is_ok());
    }
}
