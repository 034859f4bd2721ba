//! [`Num`]: numbers in calculations. A fraction is kept as its decimal digits, so that 0.1 + 0.2 is 0.3 as it is in OPA.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use regorus::Value;

use super::errors::BuiltinError;
use super::limits;

/// `digits` times ten to the power of `-scale`.
#[derive(Clone, Debug)]
pub(super) struct Num {
    digits: BigInt,
    scale: u32,
}

/// Whole numbers below it are floats without a loss.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Digits behind the point of a quotient: more than a float can keep.
const QUOTIENT_DIGITS: u32 = 40;

impl Num {
    /// A whole number.
    pub(super) fn whole(digits: BigInt) -> Self {
        Self { digits, scale: 0 }
    }

    /// The number in a value.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        if number.is_integer()
            && let Ok(big) = number.to_big()
        {
            return Some(Self::whole((*big).clone()));
        }
        number.as_f64().and_then(|float| Self::parse(&format!("{float:e}")))
    }

    /// The number that a text is, if it is one. What looks like a number and is too long to make one of is an error that
    /// ends the evaluation: a comparison with it must not silently fail.
    pub(super) fn read(text: &str) -> Result<Option<Self>, BuiltinError> {
        let character = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        if text.len() > limits::NUMBER_DIGITS && text.bytes().all(character) {
            return Err(long_number());
        }
        Ok(Self::parse(text))
    }

    /// Reads `12`, `-1.5`, `1e3`, `1.5E-2`; an exponent beyond that of any float is refused.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?),
            None => (text, 0_i32),
        };
        if exponent.abs() > 5000 || mantissa.len() > limits::NUMBER_DIGITS {
            return None;
        }
        let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let unsigned = before.strip_prefix(['-', '+']).unwrap_or(before);
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if unsigned.len() + behind.len() == 0 || !plain(unsigned) || !plain(behind) {
            return None;
        }
        let mut digits: BigInt = format!("{unsigned}{behind}").parse().ok()?;
        if before.starts_with('-') {
            digits = -digits;
        }
        let scale = i64::try_from(behind.len()).ok()? - i64::from(exponent);
        Some(match u32::try_from(scale) {
            Ok(scale) => Self { digits, scale }.short(),
            Err(_) => Self::whole(digits * ten(u32::try_from(-scale).ok()?)),
        })
    }

    fn short(mut self) -> Self {
        let ten = BigInt::from(10);
        while self.scale > 0 && (&self.digits % &ten).is_zero() {
            self.digits /= &ten;
            self.scale -= 1;
        }
        self
    }

    /// The whole number, if it is one.
    pub(super) fn as_whole(&self) -> Option<&BigInt> {
        (self.scale == 0).then_some(&self.digits)
    }

    /// Whether it is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_zero()
    }

    /// The digits without a fraction, rounded towards zero.
    pub(super) fn truncated(&self) -> BigInt {
        &self.digits / ten(self.scale)
    }

    /// The largest whole number that is not larger.
    pub(super) fn floor(&self) -> BigInt {
        let whole = self.truncated();
        if self.scale > 0 && self.digits.is_negative() { whole - 1 } else { whole }
    }

    /// The smallest whole number that is not smaller.
    pub(super) fn ceil(&self) -> BigInt {
        let whole = self.truncated();
        if self.scale > 0 && !self.digits.is_negative() { whole + 1 } else { whole }
    }

    /// The nearest whole number, halves away from zero.
    pub(super) fn round(&self) -> BigInt {
        let half = ten(self.scale);
        let doubled = &self.digits * 2;
        let shifted = if self.digits.is_negative() { doubled - &half } else { doubled + &half };
        if self.scale == 0 { self.digits.clone() } else { shifted / (half * 2) }
    }

    /// The number without its sign.
    pub(super) fn abs(&self) -> Self {
        Self { digits: self.digits.abs(), scale: self.scale }
    }

    fn aligned(&self, other: &Self) -> (BigInt, BigInt, u32) {
        let scale = self.scale.max(other.scale);
        (&self.digits * ten(scale - self.scale), &other.digits * ten(scale - other.scale), scale)
    }

    /// The sum.
    pub(super) fn plus(&self, other: &Self) -> Self {
        let (left, right, scale) = self.aligned(other);
        Self { digits: left + right, scale }.short()
    }

    /// The difference.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let (left, right, scale) = self.aligned(other);
        Self { digits: left - right, scale }.short()
    }

    /// The product.
    pub(super) fn times(&self, other: &Self) -> Self {
        Self { digits: &self.digits * &other.digits, scale: self.scale + other.scale }.short()
    }

    /// The quotient; the divisor must not be zero.
    pub(super) fn over(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let (left, right, _) = self.aligned(other);
        // A small number over a large one needs more places for the same number of digits.
        let places = QUOTIENT_DIGITS + u32::try_from(right.bits().saturating_sub(left.bits()) / 3).ok()?;
        Some(Self { digits: left * ten(places) / right, scale: places }.short())
    }

    /// An error when the number has become too large to go on with.
    pub(super) fn bounded(&self) -> Result<(), BuiltinError> {
        if self.digits.bits() > limits::NUMBER_BITS {
            return Err(BuiltinError::limit(format!("would make a number of more than {} bits", limits::NUMBER_BITS)));
        }
        Ok(())
    }

    /// The value: whole numbers with every digit, others as the nearest float.
    pub(super) fn value(self) -> Result<Value, BuiltinError> {
        self.bounded()?;
        if self.scale == 0 {
            return Ok(Value::Number(self.digits.into()));
        }
        let text = format!("{}e-{}", self.digits, self.scale);
        text.parse::<f64>()
            .ok()
            .filter(|float| float.is_finite())
            .map(Value::from)
            .ok_or_else(|| BuiltinError::failed("illegal value"))
    }

    /// Decimal text with this many places, rounded half away from zero, and the trailing zeros kept.
    pub(super) fn fixed(&self, places: u32) -> String {
        let scaled = Self { digits: &self.digits * ten(places), scale: self.scale }.round();
        let sign = if scaled.is_negative() { "-" } else { "" };
        let digits = scaled.abs().to_string();
        let width = places as usize + 1;
        let padded = format!("{digits:0>width$}");
        let at = padded.len() - places as usize;
        match padded.split_at_checked(at) {
            Some((whole, "")) => format!("{sign}{whole}"),
            Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
            None => padded,
        }
    }
}

/// The value of a number as a text writes it, if the text is one. As in OPA what is written with a point or an exponent is no
/// index and no operand of `%d`, though it equals the whole number: it is kept as a float, unless that loses digits.
pub(crate) fn written(text: &str) -> Result<Option<Value>, BuiltinError> {
    let Some(number) = Num::read(text)? else { return Ok(None) };
    let float = text.contains(['.', 'e', 'E']).then(|| text.parse::<f64>().ok()).flatten();
    match float.filter(|float| float.abs() < EXACT) {
        Some(float) => Ok(Some(Value::from(float))),
        None => number.value().map(Some),
    }
}

/// A number would be longer than [`limits::NUMBER_DIGITS`].
pub(super) fn long_number() -> BuiltinError {
    BuiltinError::limit(format!("would parse a number of more than {} digits", limits::NUMBER_DIGITS))
}

fn ten(power: u32) -> BigInt {
    BigInt::from(10).pow(power)
}

#[cfg(test)]
mod tests {
    use super::super::float_kind::is_float;
    use super::*;

    fn num(text: &str) -> Num {
        Num::parse(text).unwrap()
    }

    #[test]
    fn tenths_add_up() {
        let sum = num("0.1").plus(&num("0.2")).value().unwrap();
        assert_eq!(sum, Value::from(0.3));
        assert_eq!(num("1e109").over(&num("1e100")).unwrap().value().unwrap(), Value::from(1_000_000_000_i64));
        assert_eq!(num("1").over(&num("3")).unwrap().value().unwrap(), Value::from(1.0 / 3.0));
    }

    #[test]
    fn a_number_with_a_point_or_an_exponent_is_a_float_and_equals_the_whole_number() {
        let float = |text: &str| written(text).unwrap().unwrap();
        for (text, equal) in [("1.0", 1), ("1e3", 1_000), ("-2.5E1", -25), ("0e0", 0)] {
            let value = float(text);
            assert!(is_float(&value) && value == Value::from(equal), "{text}");
        }
        let large = float("1e30");
        assert!(!is_float(&large) && large == float(&format!("1{}", "0".repeat(30))));
        assert!(!is_float(&float("1000")) && written("x").unwrap().is_none());
    }

    #[test]
    fn rounding_follows_the_sign() {
        for (text, floor, ceil, round) in [("-1.5", -2, -1, -2), ("1.5", 1, 2, 2), ("2.4", 2, 3, 2), ("7", 7, 7, 7)] {
            let number = num(text);
            assert_eq!((number.floor(), number.ceil(), number.round()), (floor.into(), ceil.into(), round.into()));
        }
    }

    #[test]
    fn an_exponent_without_end_is_refused() {
        assert!(Num::parse("1e999999999").is_none());
        assert!(Num::parse("--1").is_none());
        assert!(Num::read(&"9".repeat(limits::NUMBER_DIGITS)).unwrap().is_some());
        assert!(Num::read(&"9".repeat(limits::NUMBER_DIGITS + 1)).unwrap_err().halt);
        assert!(Num::read(&"x".repeat(limits::NUMBER_DIGITS + 1)).unwrap().is_none());
        assert!(Num::parse("").is_none());
    }
}
