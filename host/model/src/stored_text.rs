//! How values that have no form of their own in serde are stored in events: times and images as their texts, statements as
//! the text that they are.

use std::{fmt::Display, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _, ser::SerializeSeq as _};

/// What is written and read as its text.
pub(crate) mod text {
    use super::*;

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// The same of what may be absent.
pub(crate) mod optional_text {
    use super::*;

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

/// Signed statements: JSON texts, kept byte for byte.
pub(crate) mod statements {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(statements: &[Arc<[u8]>], to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(statements.len()))?;
        for statement in statements {
            list.serialize_element(std::str::from_utf8(statement).map_err(S::Error::custom)?)?;
        }
        list.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Arc<[u8]>>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        Ok(texts.into_iter().map(|text| text.into_bytes().into()).collect())
    }
}
