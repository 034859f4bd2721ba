//! `net.cidr_*`: address ranges. A name is never looked up.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use regorus::Value;

use super::errors::BuiltinError;
use super::operands::{list, set_of, some, string, strings, too_many};
use super::term::kind;
use super::types::{ANY, ARRAY, STRING_SET, Type, array_of, object_of, tuple};
use super::{Builtin, Outcome, builtin, limits};

const TEXT: Type = Type::String;
const ENTRY: Type = Type::Any(&[TEXT, ARRAY]);
const ENTRIES: Type = Type::Any(&[TEXT, array_of(&ENTRY), object_of(&TEXT, &ENTRY), Type::Set(&ENTRY)]);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("net.cidr_contains"(range: TEXT, other: TEXT) -> Type::Boolean => |a: &Value, b: &Value| some(contains(string(a, 1)?, string(b, 2)?)?)),
    builtin!("net.cidr_overlap"(range: TEXT, other: TEXT) -> Type::Boolean => |a: &Value, b: &Value| some(contains(string(a, 1)?, string(b, 2)?)?)),
    builtin!("net.cidr_contains_matches"(ranges: ENTRIES, others: ENTRIES) -> Type::Set(&tuple(&[ANY, ANY])) => contains_matches),
    builtin!("net.cidr_expand"(range: TEXT) -> STRING_SET => expand),
    builtin!("net.cidr_intersects"(a: TEXT, b: TEXT) -> Type::Boolean => intersects),
    builtin!("net.cidr_is_valid"(range: TEXT) -> Type::Boolean => |range: &Value| some(matches!(range, Value::String(text) if text.parse::<IpNet>().is_ok()))),
    builtin!("net.cidr_merge"(ranges: Type::Any(&[array_of(&Type::Any(&[TEXT])), STRING_SET])) -> STRING_SET => merge),
];

fn range(text: &str) -> Result<IpNet, BuiltinError> {
    text.parse::<IpNet>()
        .map(|range| range.trunc())
        .map_err(|_error| BuiltinError::failed(format!("invalid CIDR address: {text}")))
}

fn contains(whole: &str, part: &str) -> Result<bool, BuiltinError> {
    let whole = range(whole)?;
    match part.parse::<IpAddr>() {
        Ok(address) => Ok(whole.contains(&address)),
        Err(_) => match range(part) {
            Ok(part) => Ok(whole.contains(&part)),
            Err(_) => Err(BuiltinError::failed(format!(
                "not a valid textual representation of an IP address or CIDR: {part}"
            ))),
        },
    }
}

fn intersects(a: &Value, b: &Value) -> Outcome {
    let (a, b) = (range(string(a, 1)?)?, range(string(b, 2)?)?);
    some(a.contains(&b) || b.contains(&a))
}

fn expand(whole: &Value) -> Outcome {
    let range = range(string(whole, 1)?)?;
    let bits = u32::from(range.max_prefix_len() - range.prefix_len());
    if 1_usize.checked_shl(bits).is_none_or(|count| count > limits::ELEMENTS) {
        return Err(too_many());
    }
    let text = |address: IpAddr| Value::from(address.to_string());
    some(match range {
        IpNet::V4(range) => {
            let first = u32::from(range.network());
            set_of((first..=u32::from(range.broadcast())).map(|address| text(Ipv4Addr::from(address).into())))
        }
        IpNet::V6(range) => {
            let first = u128::from(range.network());
            set_of(
                (first..=u128::from(range.broadcast())).map(|address| text(std::net::Ipv6Addr::from(address).into())),
            )
        }
    })
}

/// An address without a length stands for its historic class, as it does in OPA.
fn merge(ranges: &Value) -> Outcome {
    let mut all = Vec::new();
    for text in strings(ranges, 1, &["set", "array"])? {
        let bad =
            || BuiltinError::failed(format!("not a valid textual representation of an IP address or CIDR: {text}"));
        all.push(match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
            (Ok(range), _) => range.trunc(),
            (_, Ok(IpAddr::V4(address))) => {
                let length = match address.octets() {
                    [0..0x80, ..] => 8,
                    [0x80..0xc0, ..] => 16,
                    _ => 24,
                };
                IpNet::V4(Ipv4Net::new(address, length).map_err(|_error| bad())?.trunc())
            }
            (_, Ok(IpAddr::V6(_))) => return Err(BuiltinError::failed("IPv6 invalid: needs prefix length")),
            _ => return Err(bad()),
        });
    }
    some(set_of(IpNet::aggregate(&all).into_iter().map(|range| Value::from(range.to_string()))))
}

/// The range of one entry: a text, or an array that begins with it.
fn entry(element: &Value, position: usize) -> Result<&str, BuiltinError> {
    let text = match element {
        Value::Array(array) => array.first(),
        other => Some(other),
    };
    match text {
        Some(Value::String(text)) => Ok(text),
        _ => Err(BuiltinError::failed(format!("operand {position}: element must be string or non-empty array"))),
    }
}

/// What a range is called in the result, and the range.
fn entries(value: &Value, position: usize) -> Result<Vec<(Value, &str)>, BuiltinError> {
    match value {
        Value::String(text) => Ok(vec![(value.clone(), &**text)]),
        Value::Array(array) => {
            array.iter().enumerate().map(|(at, one)| Ok((Value::from(at), entry(one, position)?))).collect()
        }
        Value::Set(set) => set.iter().map(|one| Ok((one.clone(), entry(one, position)?))).collect(),
        Value::Object(object) => object.iter().map(|(key, one)| Ok((key.clone(), entry(one, position)?))).collect(),
        other => Err(BuiltinError::operand(
            position,
            format_args!("must be one of {{string, array, set, object}} but got {}", kind(other)),
        )),
    }
}

fn contains_matches(ranges: &Value, others: &Value) -> Outcome {
    let (ranges, others) = (entries(ranges, 1)?, entries(others, 2)?);
    if ranges.len().saturating_mul(others.len()) > limits::ELEMENTS {
        return Err(too_many());
    }
    let mut found = std::collections::BTreeSet::new();
    for (name, range) in &ranges {
        for (other, part) in &others {
            if contains(range, part)? {
                found.insert(list([name.clone(), other.clone()]));
            }
        }
    }
    some(found)
}
