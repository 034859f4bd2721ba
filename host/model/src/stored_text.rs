//! How values without a serde form of their own are stored in events: times as RFC 3339, statements as their bytes.

use std::{fmt::Display, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

use crate::stored::Bytes;

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

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
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

/// Signed statements, kept byte for byte.
pub(crate) mod statements {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(statements: &[Arc<[u8]>], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(statements.iter().map(|statement| Bytes(Arc::clone(statement))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Arc<[u8]>>, D::Error> {
        Ok(Vec::<Bytes>::deserialize(from)?.into_iter().map(|Bytes(bytes)| bytes).collect())
    }
}
