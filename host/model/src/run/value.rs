//! [`ParamValue`]: the value of a parameter or a result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// A string.
    Text(String),
    /// An array of strings.
    Items(Vec<String>),
    /// An object of strings.
    Fields(BTreeMap<String, String>),
}

impl From<&str> for ParamValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
