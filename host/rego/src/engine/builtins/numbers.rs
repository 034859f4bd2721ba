//! Ranges, random numbers and the digits of whole numbers.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};
use regorus::Value;

use super::arithmetic::number;
use super::errors::BuiltinError;
use super::operands::{big, int, list, some, string, text, too_many, whole};
use super::scope::Scope;
use super::types::{Type, array_of};
use super::{Builtin, Outcome, builtin, limits};

const NUMBERS: Type = array_of(&Type::Number);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("numbers.range"(from: Type::Number, to: Type::Number) -> NUMBERS => |a: &Value, b: &Value| range(a, b, &1.into())),
    builtin!("numbers.range_step"(from: Type::Number, to: Type::Number, step: Type::Number) -> NUMBERS => range_step),
    builtin!("rand.intn"(key: Type::String, below: Type::Number) -> Type::Number => scoped intn).volatile(),
];

/// From one number to the other, both included, up or down.
fn range(from: &Value, to: &Value, step: &BigInt) -> Outcome {
    let (from, to) = (big(from, 1)?, big(to, 2)?);
    let distance = &to - &from;
    let count = (distance.abs() / step).to_usize().filter(|count| *count < limits::RANGE_NUMBERS);
    let count = count.ok_or_else(too_many_numbers)? + 1;
    // A million numbers that are long themselves are more than a million machine words.
    let words = usize::try_from(from.bits().max(to.bits()) / 256).unwrap_or(usize::MAX).saturating_add(1);
    if count.saturating_mul(words) > limits::ELEMENTS {
        return Err(too_many());
    }
    let step = if distance.is_negative() { -step } else { step.clone() };
    let mut next = from;
    some(list((0..count).map(|_| {
        let this = whole(next.clone());
        next += &step;
        this
    })))
}

fn too_many_numbers() -> BuiltinError {
    BuiltinError::limit(format!("requested more than {} numbers", limits::RANGE_NUMBERS))
}

fn range_step(from: &Value, to: &Value, step: &Value) -> Outcome {
    big(from, 1)?;
    big(to, 2)?;
    let step = big(step, 3)?;
    if !step.is_positive() {
        return Err(BuiltinError::failed("numbers.range_step: step must be a positive integer"));
    }
    range(from, to, &step)
}

/// The same key and bound give the same number within one query.
fn intn(scope: &mut Scope<'_>, key: &Value, below: &Value) -> Outcome {
    let key = string(key, 1)?;
    let below = int(below, 2)?.unsigned_abs();
    if below.is_zero() {
        return some(0_i64);
    }
    let drawn = u128::from_be_bytes(scope.draw("rand.intn", &format!("{key}-{below}")));
    some(whole(BigInt::from(drawn % u128::from(below))))
}

/// `format_int`: the digits of the number, without its fraction, to base 2, 8, 10 or 16.
pub(super) fn integer_text(value: &Value, base: &Value) -> Outcome {
    let digits = number(value, 1)?.truncated();
    let base = match base {
        Value::Number(base) => {
            [2, 8, 10, 16].into_iter().find(|known| base.is_integer() && base.as_u64() == Some(u64::from(*known)))
        }
        other => return Err(BuiltinError::wrong_type(2, other, &["number"])),
    };
    match base {
        Some(base) => text(digits.to_str_radix(base)),
        None => Err(BuiltinError::operand(2, "must be one of {2, 8, 10, 16}")),
    }
}
