//! Values of Rego in the stored form.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use super::{Reader, Stored, Writer};
use crate::engine::builtins::is_float;

/// What a value is, in its first byte.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    /// A number that is not negative, at most 64 bits.
    pub(super) const NATURAL: u8 = 3;
    /// A number of 64 bits with a sign.
    pub(super) const INTEGER: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    /// The digits of a number that has no limit.
    pub(super) const DIGITS: u8 = 6;
    pub(super) const TEXT: u8 = 7;
    pub(super) const ARRAY: u8 = 8;
    pub(super) const SET: u8 = 9;
    pub(super) const OBJECT: u8 = 10;
    pub(super) const UNDEFINED: u8 = 11;
}

/// Whether two numbers are kept in the same way; the ways cannot be named.
fn is_kept_as(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Number(one), Value::Number(other)) => std::mem::discriminant(one) == std::mem::discriminant(other),
        _ => false,
    }
}

impl Stored for Value {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Null => to.byte(tag::NULL),
            Self::Bool(value) => to.byte(if *value { tag::TRUE } else { tag::FALSE }),
            Self::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (_, _, Some(float)) if is_float(self) => {
                    to.byte(tag::FLOAT);
                    to.word(float.to_bits());
                }
                (Some(natural), ..) if is_kept_as(self, &Self::from(0_u64)) => {
                    to.byte(tag::NATURAL);
                    to.number(natural);
                }
                (_, Some(integer), _) if is_kept_as(self, &Self::from(0_i64)) => {
                    to.byte(tag::INTEGER);
                    to.word(integer.cast_unsigned());
                }
                _ => {
                    to.byte(tag::DIGITS);
                    to.text(&number.format_decimal());
                }
            },
            Self::String(text) => {
                to.byte(tag::TEXT);
                to.text(text);
            }
            Self::Array(items) => {
                to.byte(tag::ARRAY);
                to.number(items.len() as u64);
                items.iter().for_each(|item| item.write(to));
            }
            Self::Set(items) => {
                to.byte(tag::SET);
                to.number(items.len() as u64);
                items.iter_sorted().for_each(|item| item.write(to));
            }
            Self::Object(fields) => {
                to.byte(tag::OBJECT);
                to.number(fields.len() as u64);
                for (key, value) in fields.iter_sorted() {
                    key.write(to);
                    value.write(to);
                }
            }
            Self::Undefined => to.byte(tag::UNDEFINED),
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            tag::NULL => Some(Self::Null),
            tag::FALSE => Some(Self::Bool(false)),
            tag::TRUE => Some(Self::Bool(true)),
            tag::NATURAL => from.number().map(Self::from),
            tag::INTEGER => from.word().map(|word| Self::from(word.cast_signed())),
            tag::FLOAT => from.word().map(|word| Self::from(f64::from_bits(word))),
            tag::DIGITS => {
                let digits = from.text()?;
                let is_digits = digits.strip_prefix('-').unwrap_or(&digits).bytes().all(|byte| byte.is_ascii_digit());
                is_digits.then(|| Self::from_json_str(&digits).ok()).flatten()
            }
            tag::TEXT => from.text().map(Self::String),
            tag::ARRAY => from.nested(Vec::read).map(Self::from),
            tag::SET => from.nested(Vec::read).map(|items| Self::from(items.into_iter().collect::<BTreeSet<_>>())),
            tag::OBJECT => from.nested(BTreeMap::<Self, Self>::read).map(Self::from),
            tag::UNDEFINED => Some(Self::Undefined),
            _ => None,
        }
    }
}
