//! Calculation: `+ - * / %`, `abs`, `ceil`, `floor`, `round`. Whole numbers keep every digit.

use regorus::Value;

use super::decimal::Num;
use super::errors::BuiltinError;
use super::operands::{some, whole};
use super::types::{SET, Type};
use super::{Builtin, Outcome, builtin};

const NUMBER_OR_SET: Type = Type::Any(&[Type::Number, SET]);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("plus"(a: Type::Number, b: Type::Number) -> Type::Number => plus),
    builtin!("minus"(a: NUMBER_OR_SET, b: NUMBER_OR_SET) -> NUMBER_OR_SET => minus),
    builtin!("mul"(a: Type::Number, b: Type::Number) -> Type::Number => mul),
    builtin!("div"(a: Type::Number, b: Type::Number) -> Type::Number => div),
    builtin!("rem"(a: Type::Number, b: Type::Number) -> Type::Number => rem),
    builtin!("abs"(number: Type::Number) -> Type::Number => abs),
    builtin!("ceil"(number: Type::Number) -> Type::Number => ceil),
    builtin!("floor"(number: Type::Number) -> Type::Number => floor),
    builtin!("round"(number: Type::Number) -> Type::Number => round),
];

/// Both as machine words: nearly every calculation in a policy.
fn words(a: &Value, b: &Value) -> Option<(i64, i64)> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_integer() && b.is_integer() => Some((a.as_i64()?, b.as_i64()?)),
        _ => None,
    }
}

pub(super) fn number(value: &Value, position: usize) -> Result<Num, BuiltinError> {
    match value {
        Value::Number(_) => Num::of(value).ok_or_else(|| BuiltinError::failed("illegal value")),
        other => Err(BuiltinError::wrong_type(position, other, &["number"])),
    }
}

fn numbers(a: &Value, b: &Value) -> Result<(Num, Num), BuiltinError> {
    Ok((number(a, 1)?, number(b, 2)?))
}

fn plus(a: &Value, b: &Value) -> Outcome {
    if let Some(sum) = words(a, b).and_then(|(a, b)| a.checked_add(b)) {
        return some(sum);
    }
    let (a, b) = numbers(a, b)?;
    a.plus(&b).value().map(Some)
}

fn minus(a: &Value, b: &Value) -> Outcome {
    if let Some(difference) = words(a, b).and_then(|(a, b)| a.checked_sub(b)) {
        return some(difference);
    }
    match (a, b) {
        (Value::Set(left), Value::Set(right)) => some(left.difference(right)),
        (Value::Set(_), other) => Err(BuiltinError::wrong_type(2, other, &["set"])),
        (Value::Number(_), Value::Number(_)) => {
            let (a, b) = numbers(a, b)?;
            a.minus(&b).value().map(Some)
        }
        (Value::Number(_), other) => Err(BuiltinError::wrong_type(2, other, &["number"])),
        (other, _) => Err(BuiltinError::wrong_type(1, other, &["number", "set"])),
    }
}

fn mul(a: &Value, b: &Value) -> Outcome {
    if let Some(product) = words(a, b).and_then(|(a, b)| a.checked_mul(b)) {
        return some(product);
    }
    let (a, b) = numbers(a, b)?;
    a.times(&b).value().map(Some)
}

fn div(a: &Value, b: &Value) -> Outcome {
    if let Some((a, b)) = words(a, b)
        && b != 0
        && a.checked_rem(b) == Some(0)
        && let Some(quotient) = a.checked_div(b)
    {
        return some(quotient);
    }
    let (a, b) = numbers(a, b)?;
    a.over(&b).ok_or_else(|| BuiltinError::failed("divide by zero"))?.value().map(Some)
}

fn rem(a: &Value, b: &Value) -> Outcome {
    if let Some(remainder) = words(a, b).and_then(|(a, b)| a.checked_rem(b)) {
        return some(remainder);
    }
    let (a, b) = numbers(a, b)?;
    match (a.as_whole(), b.as_whole()) {
        (Some(_), Some(_)) if b.is_zero() => Err(BuiltinError::failed("modulo by zero")),
        (Some(a), Some(b)) => some(whole(a % b)),
        _ => Err(BuiltinError::failed("modulo on floating-point number")),
    }
}

fn abs(value: &Value) -> Outcome {
    number(value, 1)?.abs().value().map(Some)
}

fn ceil(value: &Value) -> Outcome {
    some(whole(number(value, 1)?.ceil()))
}

fn floor(value: &Value) -> Outcome {
    some(whole(number(value, 1)?.floor()))
}

fn round(value: &Value) -> Outcome {
    some(whole(number(value, 1)?.round()))
}
