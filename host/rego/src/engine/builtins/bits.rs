//! `bits.*`: whole numbers of any size as two's complement.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};
use regorus::Value;

use super::errors::BuiltinError;
use super::operands::{big, some, whole};
use super::types::Type;
use super::{Builtin, Outcome, builtin, limits};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("bits.and"(a: Type::Number, b: Type::Number) -> Type::Number => |a: &Value, b: &Value| both(a, b, |a, b| a & b)),
    builtin!("bits.or"(a: Type::Number, b: Type::Number) -> Type::Number => |a: &Value, b: &Value| both(a, b, |a, b| a | b)),
    builtin!("bits.xor"(a: Type::Number, b: Type::Number) -> Type::Number => |a: &Value, b: &Value| both(a, b, |a, b| a ^ b)),
    builtin!("bits.negate"(a: Type::Number) -> Type::Number => |a: &Value| some(whole(!big(a, 1)?))),
    builtin!("bits.lsh"(a: Type::Number, by: Type::Number) -> Type::Number => left),
    builtin!("bits.rsh"(a: Type::Number, by: Type::Number) -> Type::Number => right),
];

fn both(a: &Value, b: &Value, op: fn(BigInt, BigInt) -> BigInt) -> Outcome {
    some(whole(op(big(a, 1)?, big(b, 2)?)))
}

fn shift(by: &Value) -> Result<BigInt, BuiltinError> {
    let by = big(by, 2)?;
    if by.is_negative() {
        return Err(BuiltinError::operand(2, "must be an unsigned integer number but got a negative integer"));
    }
    Ok(by)
}

fn left(a: &Value, by: &Value) -> Outcome {
    let (a, by) = (big(a, 1)?, shift(by)?);
    match by.to_u64() {
        Some(by) if by.saturating_add(a.bits()) <= limits::NUMBER_BITS => some(whole(a << by)),
        _ => Err(BuiltinError::limit(format!("would make a number of more than {} bits", limits::NUMBER_BITS))),
    }
}

fn right(a: &Value, by: &Value) -> Outcome {
    let (a, by) = (big(a, 1)?, shift(by)?);
    // Beyond the last bit only the sign is left.
    some(whole(a >> by.to_u64().unwrap_or(u64::MAX).min(limits::NUMBER_BITS)))
}
