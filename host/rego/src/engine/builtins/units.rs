//! `units.parse` and `units.parse_bytes`: amounts like `500m`, `2Ki`, `1.5GB`.

use num_bigint::BigInt;
use num_traits::One;
use regorus::Value;

use super::decimal::Num;
use super::errors::BuiltinError;
use super::operands::{some, string, whole};
use super::types::Type;
use super::{Builtin, Outcome, builtin};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("units.parse"(amount: Type::String) -> Type::Number => parse),
    builtin!("units.parse_bytes"(amount: Type::String) -> Type::Number => parse_bytes),
];

fn failed(function: &str, what: &str) -> BuiltinError {
    BuiltinError::failed(format!("{function}: {what}"))
}

/// The digits in front and the unit behind them. An `e` belongs to the digits when a number follows it.
fn parts(amount: &str) -> (&str, &str) {
    let bytes = amount.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'0'..=b'9' | b'.' | b'+' | b'-' => {}
            b'e' | b'E' => match bytes.get(at + 1) {
                Some(b'+' | b'-') => at += 1,
                Some(b'0'..=b'9') => {}
                _ => break,
            },
            _ => break,
        }
        at += 1;
    }
    amount.split_at_checked(at).unwrap_or((amount, ""))
}

/// A thousand or 1,024 to the power of the unit prefix.
fn scale(character: &str, binary: bool) -> Option<BigInt> {
    let power = "kmgtpe".find(character).filter(|_| character.len() == 1)? + 1;
    Some(BigInt::from(if binary { 1024 } else { 1000 }).pow(u32::try_from(power).ok()?))
}

fn parse(amount: &Value) -> Outcome {
    const NAME: &str = "units.parse";
    let amount = string(amount, 1)?.replace('"', "");
    if amount.contains(' ') {
        return Err(failed(NAME, "spaces not allowed in resource strings"));
    }
    let (digits, unit) = parts(&amount);
    if digits.is_empty() {
        return Err(failed(NAME, "no amount provided"));
    }
    let small = unit.to_lowercase();
    let factor = match small.strip_suffix('i') {
        _ if unit == "m" => Num::parse("0.001"),
        _ if unit.is_empty() => Some(Num::whole(BigInt::one())),
        Some(character) => scale(character, true).map(Num::whole),
        None => scale(&small, false).map(Num::whole),
    };
    let factor = factor.ok_or_else(|| failed(NAME, &format!("unit {unit} not recognized")))?;
    let digits = Num::read(digits)?.ok_or_else(|| failed(NAME, "could not parse amount to a number"))?;
    let product = digits.times(&factor);
    match product.as_whole() {
        Some(number) => some(whole(number.clone())),
        None => Num::parse(&product.fixed(10))
            .ok_or_else(|| failed(NAME, "could not parse amount to a number"))?
            .value()
            .map(Some),
    }
}

fn parse_bytes(amount: &Value) -> Outcome {
    const NAME: &str = "units.parse_bytes";
    let amount = string(amount, 1)?.to_lowercase().replace('"', "");
    if amount.contains(' ') {
        return Err(failed(NAME, "spaces not allowed in resource strings"));
    }
    let (digits, unit) = parts(&amount);
    if digits.is_empty() {
        return Err(failed(NAME, "no byte amount provided"));
    }
    let bare = unit.strip_suffix('b').unwrap_or(unit);
    let factor = match bare.strip_suffix('i') {
        _ if unit.is_empty() => Some(BigInt::one()),
        Some(character) => scale(character, true),
        None => scale(bare, false),
    };
    let factor = factor.ok_or_else(|| failed(NAME, &format!("byte unit {unit} not recognized")))?;
    let digits = Num::read(digits)?.ok_or_else(|| failed(NAME, "could not parse byte amount to a number"))?;
    some(whole(digits.times(&Num::whole(factor)).truncated()))
}
