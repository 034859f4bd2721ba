//! TOML as JSON.

use serde_json::{Map, Value};

/// Dates are strings, and in UTC if without a zone, as in conftest. What JSON cannot hold is an error.
pub(crate) fn toml_value(table: toml::Table) -> Result<Value, String> {
    fn value(from: toml::Value) -> Result<Value, String> {
        Ok(match from {
            toml::Value::String(text) => text.into(),
            toml::Value::Integer(number) => number.into(),
            toml::Value::Float(number) => {
                let number = serde_json::Number::from_f64(number);
                Value::Number(number.ok_or("a number is not finite, which JSON cannot hold")?)
            }
            toml::Value::Boolean(is_so) => is_so.into(),
            toml::Value::Datetime(timestamp) => {
                let date = timestamp.date.map_or_else(|| "0000-01-01".to_owned(), |date| date.to_string());
                let time = timestamp.time.map_or_else(|| "00:00:00".to_owned(), |time| time.to_string());
                let zone = timestamp.offset.map_or_else(|| "Z".to_owned(), |offset| offset.to_string());
                format!("{date}T{time}{zone}").into()
            }
            toml::Value::Array(items) => items.into_iter().map(value).collect::<Result<Vec<_>, _>>()?.into(),
            toml::Value::Table(table) => object(table)?,
        })
    }
    fn object(table: toml::Table) -> Result<Value, String> {
        let entries = table.into_iter().map(|(name, inner)| Ok((name, value(inner)?)));
        Ok(Value::Object(entries.collect::<Result<Map<_, _>, String>>()?))
    }
    object(table)
}
