//! `semver.*`: semantic versions, read as leniently as OPA reads them: a `v` in front, zeros in front of a number.

use std::cmp::Ordering;

use num_bigint::BigUint;
use regorus::Value;

use super::errors::BuiltinError;
use super::operands::{some, string};
use super::term::term;
use super::types::{ANY, Type};
use super::{Builtin, Outcome, builtin};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("semver.compare"(a: Type::String, b: Type::String) -> Type::Number => compare),
    builtin!("semver.is_valid"(version: ANY) -> Type::Boolean => is_valid),
];

/// What versions are ordered by: build metadata does not count.
struct Version<'t> {
    core: [u64; 3],
    pre_release: &'t str,
}

fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let identifiers = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let (core, pre_release) = text.split_once('-').unwrap_or((text, ""));
    if !identifiers(build) || !identifiers(pre_release) {
        return None;
    }
    let mut parts = core.split('.').map(|part| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse::<u64>().ok().filter(|n| *n <= i64::MAX as u64))?
    });
    let core = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(Version { core, pre_release })
}

impl Version<'_> {
    fn order(&self, other: &Self) -> Ordering {
        // A pre-release comes before its release.
        self.core.cmp(&other.core).then_with(|| match (self.pre_release, other.pre_release) {
            ("", "") => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (a, b) => identifiers(a, b),
        })
    }
}

/// Numbers by value and before words, words by their characters.
fn identifiers(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    let number = |text: &str| (!text.is_empty()).then(|| text.parse::<BigUint>().ok()).flatten();
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn compare(a: &Value, b: &Value) -> Outcome {
    let (left, right) = (string(a, 1)?, string(b, 2)?);
    let bad = |position: usize, value: &Value| {
        BuiltinError::failed(format!("operand {position}: string {} is not a valid SemVer", term(value)))
    };
    let (left, right) = (parse(left).ok_or_else(|| bad(1, a))?, parse(right).ok_or_else(|| bad(2, b))?);
    some(match left.order(&right) {
        Ordering::Less => -1_i64,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    })
}

fn is_valid(version: &Value) -> Outcome {
    some(matches!(version, Value::String(text) if parse(text).is_some()))
}
