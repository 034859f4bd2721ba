//! Parameters: the host has checked their types and filled in defaults.

use crate::{Context, Error, bindings::assay::plugin::types::Value, invalid};

fn value<'a>(ctx: &'a Context, name: &str) -> Option<&'a Value> {
    ctx.params.iter().find(|param| param.name == name).map(|param| &param.value)
}

/// A string; an empty one counts as none.
pub fn optional<'a>(ctx: &'a Context, name: &str) -> Option<&'a str> {
    match value(ctx, name) {
        Some(Value::Text(text)) => Some(text.as_str()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// A string.
///
/// # Errors
/// There is none.
pub fn text<'a>(ctx: &'a Context, name: &str) -> Result<&'a str, Error> {
    optional(ctx, name).ok_or_else(|| invalid(format!("the parameter `{name}` is missing or empty")))
}

/// A list of strings.
pub fn list<'a>(ctx: &'a Context, name: &str) -> &'a [String] {
    match value(ctx, name) {
        Some(Value::Items(items)) => items,
        _ => &[],
    }
}

/// A whole number.
///
/// # Errors
/// There is none.
pub fn integer(ctx: &Context, name: &str) -> Result<u64, Error> {
    match value(ctx, name) {
        Some(Value::Json(text)) => {
            text.parse().map_err(|_| invalid(format!("the parameter `{name}` is not a whole number")))
        }
        _ => Err(invalid(format!("there is no parameter `{name}`"))),
    }
}

/// A string that is JSON.
///
/// # Errors
/// It is not.
pub fn json(ctx: &Context, name: &str) -> Result<Option<serde_json::Value>, Error> {
    optional(ctx, name)
        .map(|text| {
            serde_json::from_str(text).map_err(|error| invalid(format!("the parameter `{name}` is not JSON: {error}")))
        })
        .transpose()
}

/// `NAME=VALUE` for each element of a list, split at the first `=`.
///
/// # Errors
/// An element has no `=`, or no name.
pub fn pairs(ctx: &Context, name: &str) -> Result<Vec<(String, String)>, Error> {
    let pair = |item: &String| match item.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => {
            let shown: String = item.chars().take(40).collect();
            Err(invalid(format!("`{shown}` in the parameter `{name}` is not NAME=VALUE")))
        }
    };
    list(ctx, name).iter().map(pair).collect()
}
