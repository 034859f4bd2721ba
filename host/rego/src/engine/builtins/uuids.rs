//! `uuid.parse` and `uuid.rfc4122`.

use regorus::Value;

use super::operands::{some, string};
use super::scope::Scope;
use super::term::term;
use super::types::{ANY, Type, object_of};
use super::{Builtin, Outcome, builtin};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("uuid.parse"(text: Type::String) -> object_of(&Type::String, &ANY) => parse),
    builtin!("uuid.rfc4122"(key: Type::String) -> Type::String => scoped rfc4122).volatile(),
];

/// The sixteen bytes of `00000000-0000-…`, the same in braces, behind `urn:uuid:` or without its dashes.
fn bytes(text: &str) -> Option<[u8; 16]> {
    let text = match text.len() {
        45 => text.get(..9).filter(|urn| urn.eq_ignore_ascii_case("urn:uuid:")).and_then(|_| text.get(9..))?,
        38 => text.strip_prefix('{')?.strip_suffix('}')?,
        _ => text,
    };
    let digits: String = match text.len() {
        36 => {
            let dashed =
                text.char_indices().all(|(at, character)| (character == '-') == matches!(at, 8 | 13 | 18 | 23));
            dashed.then(|| text.replace('-', ""))?
        }
        32 => text.to_owned(),
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

/// Undefined if the string is not a UUID.
fn parse(text: &Value) -> Outcome {
    let Some(bytes) = bytes(string(text, 1)?) else { return Ok(None) };
    let [a, b, c, d, e, f, g, h, clock_high, clock_low, node @ ..] = bytes;
    let version = g >> 4;
    let variant = match clock_high {
        high if high & 0xc0 == 0x80 => "RFC4122",
        high if high & 0xe0 == 0xc0 => "Microsoft",
        high if high & 0xe0 == 0xe0 => "Future",
        _ => "Reserved",
    };
    let mut fields = vec![("variant", Value::from(variant)), ("version", Value::from(u64::from(version)))];
    if matches!(version, 1 | 2) {
        let [first, ..] = node;
        let scope = if first & 2 == 2 { "local" } else { "global" };
        let cast = if first & 1 == 1 { "multicast" } else { "unicast" };
        // Hundreds of nanoseconds since the first day of the Gregorian calendar.
        let time = i64::from_be_bytes([g & 0x0f, h, e, f, a, b, c, d]);
        let unix = time.wrapping_sub(0x01b2_1dd2_1381_4000).wrapping_mul(100);
        let node: Vec<String> = node.iter().map(|byte| format!("{byte:02x}")).collect();
        fields.extend([
            ("nodeid", Value::from(node.join("-"))),
            ("macvariables", Value::from(format!("{scope}:{cast}"))),
            ("time", Value::from(unix)),
            ("clocksequence", Value::from(u64::from(u16::from_be_bytes([clock_high, clock_low]) & 0x3fff))),
        ]);
    }
    if version == 2 {
        let domain = match clock_low {
            0 => "Person".to_owned(),
            1 => "Group".to_owned(),
            2 => "Org".to_owned(),
            other => format!("Domain{other}"),
        };
        fields.push(("domain", Value::from(domain)));
        fields.push(("id", Value::from(u64::from(u32::from_be_bytes([a, b, c, d])))));
    }
    some(super::operands::object_of(fields.into_iter().map(|(key, value)| (Value::from(key), value))))
}

/// A random UUID; the same key gives the same one within one query.
fn rfc4122(scope: &mut Scope<'_>, key: &Value) -> Outcome {
    let mut bytes = scope.draw("uuid.rfc4122", &term(key));
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let mut dashed = String::with_capacity(36);
    for (at, digit) in digits.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            dashed.push('-');
        }
        dashed.push(digit);
    }
    some(dashed)
}
