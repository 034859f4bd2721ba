//! Tests for types and conversions: `is_*`, `type_name`, `to_number`, `cast_*`.

use regorus::Value;

use super::decimal::written;
use super::errors::BuiltinError;
use super::operands::{collection, list, set_of, some};
use super::term::kind;
use super::types::{ANY, ARRAY, OBJECT, SET, Type};
use super::{Builtin, Outcome, builtin};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("is_array"(value: ANY) -> Type::Boolean => |value: &Value| some(kind(value) == "array")),
    builtin!("is_boolean"(value: ANY) -> Type::Boolean => |value: &Value| some(kind(value) == "boolean")),
    builtin!("is_null"(value: ANY) -> Type::Boolean => |value: &Value| some(kind(value) == "null")),
    builtin!("is_number"(value: ANY) -> Type::Boolean => |value: &Value| some(kind(value) == "number")),
    builtin!("is_object"(value: ANY) -> Type::Boolean => |value: &Value| some(kind(value) == "object")),
    builtin!("is_set"(value: ANY) -> Type::Boolean => |value: &Value| some(kind(value) == "set")),
    builtin!("is_string"(value: ANY) -> Type::Boolean => |value: &Value| some(kind(value) == "string")),
    builtin!("type_name"(value: ANY) -> Type::String => |value: &Value| some(kind(value))),
    builtin!("to_number"(value: Type::Any(&[Type::Null, Type::Boolean, Type::Number, Type::String])) -> Type::Number => to_number),
    builtin!("cast_array"(value: ANY) -> ARRAY => |value: &Value| some(list(collection(value, 1, &["array", "set"])?.into_iter().cloned()))),
    builtin!("cast_set"(value: ANY) -> SET => |value: &Value| some(set_of(collection(value, 1, &["array", "set"])?.into_iter().cloned()))),
    builtin!("cast_string"(value: ANY) -> Type::String => |value: &Value| only(value, "string")),
    builtin!("cast_boolean"(value: ANY) -> Type::Boolean => |value: &Value| only(value, "boolean")),
    builtin!("cast_null"(value: ANY) -> Type::Null => |value: &Value| only(value, "null")),
    builtin!("cast_object"(value: ANY) -> OBJECT => |value: &Value| only(value, "object")),
];

fn only(value: &Value, wanted: &str) -> Outcome {
    if kind(value) == wanted { some(value.clone()) } else { Err(BuiltinError::wrong_type(1, value, &[wanted])) }
}

fn to_number(value: &Value) -> Outcome {
    match value {
        Value::Null | Value::Bool(false) => some(0_i64),
        Value::Bool(true) => some(1_i64),
        Value::Number(_) => some(value.clone()),
        Value::String(text) => {
            let word = text.trim_start_matches(['+', '-']).to_lowercase();
            if matches!(&*word, "inf" | "infinity" | "nan") {
                return Err(BuiltinError::wrong_type(1, value, &["valid number string"]));
            }
            let bad = || {
                BuiltinError::failed(format!(
                    "strconv.ParseFloat: parsing {}: invalid syntax",
                    super::term::term(value)
                ))
            };
            written(text)?.ok_or_else(bad).map(Some)
        }
        other => Err(BuiltinError::wrong_type(1, other, &["null", "boolean", "number", "string"])),
    }
}
