//! [`is_float`]: how a number is kept.

use regorus::Value;

/// Whether a number is kept as a float. As in OPA, `1.0` is not an array index, though it equals `1`.
pub(crate) fn is_float(value: &Value) -> bool {
    // The kinds of numbers cannot be named, but those of two numbers compared.
    match (value, &Value::from(0.5)) {
        (Value::Number(number), Value::Number(float)) => {
            std::mem::discriminant(number) == std::mem::discriminant(float)
        }
        _ => false,
    }
}
