//! Parts of stored documents: [`Version`], which refuses what another version wrote, and [`Bytes`], bytes in JSON.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
    ser::SerializeMap as _,
};

/// The version of a stored document, `N`. It stands first, so that it is read before any field that another version may
/// have; another version is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version<const N: u32>;

impl<const N: u32> Serialize for Version<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(N)
    }
}

impl<'de, const N: u32> Deserialize<'de> for Version<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u64::deserialize(from)? {
            version if version == u64::from(N) => Ok(Self),
            version => Err(D::Error::custom(format_args!(
                "the document has version {version}, and this program reads version {N}"
            ))),
        }
    }
}

/// Bytes as they are stored: a string if they are UTF-8, as JSON documents are, and `{"base64": "…"}` otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Arc<[u8]>);

const BASE64: &str = "base64";

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => to.serialize_str(text),
            Err(_) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry(BASE64, &STANDARD.encode(&self.0))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Bytes;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a string or an object with the field `base64`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
                Ok(Bytes(text.as_bytes().into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bytes, A::Error> {
                let entry = map.next_entry::<String, String>()?;
                let (_, text) =
                    entry.filter(|(key, _)| key == BASE64).ok_or_else(|| A::Error::missing_field(BASE64))?;
                let bytes = STANDARD.decode(text).map_err(A::Error::custom)?;
                match map.next_key::<String>()? {
                    None => Ok(Bytes(bytes.into())),
                    Some(_) => Err(A::Error::custom("a field beside `base64`")),
                }
            }
        }
        from.deserialize_any(Read)
    }
}
