//! The operators of comparison and membership under their names: any two values have an order.

use regorus::Value;

use super::float_kind::is_float;
use super::operands::some;
use super::types::{ANY, Type};
use super::value_order::compare;
use super::{Builtin, Outcome, builtin};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("equal"(a: ANY, b: ANY) -> Type::Boolean => |a: &Value, b: &Value| some(a == b)),
    builtin!("neq"(a: ANY, b: ANY) -> Type::Boolean => |a: &Value, b: &Value| some(a != b)),
    builtin!("lt"(a: ANY, b: ANY) -> Type::Boolean => |a: &Value, b: &Value| some(compare(a, b).is_lt())),
    builtin!("lte"(a: ANY, b: ANY) -> Type::Boolean => |a: &Value, b: &Value| some(compare(a, b).is_le())),
    builtin!("gt"(a: ANY, b: ANY) -> Type::Boolean => |a: &Value, b: &Value| some(compare(a, b).is_gt())),
    builtin!("gte"(a: ANY, b: ANY) -> Type::Boolean => |a: &Value, b: &Value| some(compare(a, b).is_ge())),
    builtin!("internal.member_2"(value: ANY, whole: ANY) -> Type::Boolean => member),
    builtin!("internal.member_3"(key: ANY, value: ANY, whole: ANY) -> Type::Boolean => member_at),
];

fn member(value: &Value, whole: &Value) -> Outcome {
    some(match whole {
        Value::Set(set) => set.contains(value),
        Value::Array(array) => array.iter().any(|element| element == value),
        Value::Object(object) => object.values().any(|element| element == value),
        _ => false,
    })
}

fn member_at(key: &Value, value: &Value, whole: &Value) -> Outcome {
    some(match whole {
        Value::Set(set) => key == value && set.contains(value),
        Value::Array(array) => match key {
            Value::Number(at) if at.is_integer() && !is_float(key) => {
                at.as_u64().and_then(|at| usize::try_from(at).ok()).and_then(|at| array.get(at)) == Some(value)
            }
            _ => false,
        },
        Value::Object(object) => object.get(key) == Some(value),
        _ => false,
    })
}
