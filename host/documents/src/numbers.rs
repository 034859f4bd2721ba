//! Numbers of forms that have floats alone: digits as JSON, whole where they are.

use assay_gocompat::float;
use serde_json::Value;

/// Digits with a point and an exponent or without, as JSON. None for what no float holds.
pub(crate) fn number(text: &str) -> Option<Value> {
    let digits = text.trim_start_matches('0');
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.parse().ok().map(Value::Number);
    }
    float::json_value(text.parse().ok()?)
}
