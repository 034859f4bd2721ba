//! [`Kind`]: the set of values a term can have, as far as it is known before evaluation.
//!
//! A kind may be wider than the truth, never narrower: what is refused by its kind can never have a value.

use std::{collections::BTreeMap, fmt, sync::Arc};

use regorus::Value;

use crate::engine::builtins::Type;

/// Alternatives that are kept apart: more are any value.
const ALTERNATIVES: usize = 16;

/// Elements of a constant, and levels of it, that are looked at: a large table is any array, set or object.
const ELEMENTS: usize = 64;
const LEVELS: usize = 6;

/// Parts that a kind may have, all levels together; a larger one is any value. Twenty rules that each name the one before
/// twice make a kind of a million parts.
const PARTS: usize = 1_000;

/// A set of values. The order is that of OPA's messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    /// The first elements, and the kind of the others where there may be others.
    Array(Arc<[Self]>, Option<Arc<Self>>),
    /// Known keys, and the kinds of other keys and values where there may be others.
    Object(Arc<BTreeMap<Value, Self>>, Option<Arc<(Self, Self)>>),
    Set(Arc<Self>),
    /// One of these, two at least, sorted.
    One(Arc<[Self]>),
    Any,
}

/// A place in a value that cannot be there.
#[derive(Debug)]
pub(super) enum Missing {
    /// The value has no parts.
    Scalar,
    /// It has only these keys.
    Keys(Vec<Value>),
    /// Its keys are of this kind.
    Key(Kind),
}

impl Kind {
    /// An array of one kind of elements.
    pub(super) fn array_of(element: Self) -> Self {
        Self::Array([].into(), Some(element.into())).bounded()
    }

    /// An array of exactly these elements.
    pub(super) fn array(elements: Vec<Self>) -> Self {
        Self::Array(elements.into(), None).bounded()
    }

    /// A set of such elements.
    pub(super) fn set_of(element: Self) -> Self {
        Self::Set(element.into()).bounded()
    }

    /// An object of any keys of one kind.
    pub(super) fn object_of(key: Self, value: Self) -> Self {
        Self::object(BTreeMap::new(), Some((key, value)))
    }

    /// An object of known keys, and of others where there may be others.
    pub(super) fn object(fixed: BTreeMap<Value, Self>, rest: Option<(Self, Self)>) -> Self {
        Self::Object(fixed.into(), rest.map(Arc::new)).bounded()
    }

    /// The same, or any value where it has too many parts: a wider kind refuses less, and never something that is right.
    fn bounded(self) -> Self {
        let mut left = PARTS;
        if self.fits(&mut left) { self } else { Self::Any }
    }

    /// Whether it has no more parts than are left.
    fn fits(&self, left: &mut usize) -> bool {
        let Some(less) = left.checked_sub(1) else { return false };
        *left = less;
        match self {
            Self::Null | Self::Boolean | Self::Number | Self::String | Self::Any => true,
            Self::Array(fixed, rest) => {
                fixed.iter().all(|kind| kind.fits(left)) && rest.as_ref().is_none_or(|kind| kind.fits(left))
            }
            Self::Object(fixed, rest) => {
                fixed.values().all(|kind| kind.fits(left))
                    && rest.as_ref().is_none_or(|rest| rest.0.fits(left) && rest.1.fits(left))
            }
            Self::Set(of) => of.fits(left),
            Self::One(all) => all.iter().all(|kind| kind.fits(left)),
        }
    }

    /// The kind of exactly this value.
    pub(super) fn of(value: &Value) -> Self {
        Self::at_level(value, 0)
    }

    fn at_level(value: &Value, level: usize) -> Self {
        let inner = |value: &Value| Self::at_level(value, level + 1);
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(all) if all.len() > ELEMENTS || level > LEVELS => Self::array_of(Self::Any),
            Value::Array(all) => Self::array(all.iter().map(inner).collect()),
            Value::Set(all) if all.is_empty() || all.len() > ELEMENTS || level > LEVELS => Self::set_of(Self::Any),
            Value::Set(all) => Self::set_of(all.iter().map(inner).fold(None, Self::or).unwrap_or(Self::Any)),
            Value::Object(all) if all.is_empty() || all.len() > ELEMENTS || level > LEVELS => {
                Self::object_of(Self::Any, Self::Any)
            }
            Value::Object(all) => {
                Self::object(all.iter().map(|(key, value)| (key.clone(), inner(value))).collect(), None)
            }
            Value::Undefined => Self::Any,
        }
    }

    /// What a built-in function declares.
    pub(super) fn declared(declared: &Type) -> Self {
        match declared {
            Type::Any([]) => Self::Any,
            Type::Any(all) => all.iter().map(Self::declared).fold(None, Self::or).unwrap_or(Self::Any),
            Type::Null => Self::Null,
            Type::Boolean => Self::Boolean,
            Type::Number => Self::Number,
            Type::String => Self::String,
            Type::Array { fixed, rest } => {
                Self::Array(fixed.iter().map(Self::declared).collect(), rest.map(|rest| Arc::new(Self::declared(rest))))
            }
            Type::Set(element) => Self::set_of(Self::declared(element)),
            Type::Object { fixed, rest } => {
                let fixed = fixed.iter().map(|(key, value)| (Value::from(*key), Self::declared(value)));
                let rest = rest.map(|(key, value)| Arc::new((Self::declared(key), Self::declared(value))));
                Self::Object(Arc::new(fixed.collect()), rest)
            }
        }
    }

    /// Both together.
    #[expect(clippy::unnecessary_wraps, reason = "it is what `fold` goes on with, beginning with nothing")]
    pub(super) fn or(first: Option<Self>, other: Self) -> Option<Self> {
        let Some(first) = first else { return Some(other) };
        if first == other {
            return Some(first);
        }
        let mut all: Vec<Self> = Vec::new();
        for kind in [first, other] {
            match kind {
                Self::Any => return Some(Self::Any),
                Self::One(more) => all.extend(more.iter().cloned()),
                one => all.push(one),
            }
        }
        all.sort();
        all.dedup();
        Some(if all.len() > ALTERNATIVES { Self::Any } else { Self::One(all.into()).bounded() })
    }

    /// Whether some value can be of both kinds.
    pub(super) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::One(all), other) => all.iter().any(|one| one.meets(other)),
            (one, Self::One(all)) => all.iter().any(|other| one.meets(other)),
            (Self::Null, Self::Null)
            | (Self::Boolean, Self::Boolean)
            | (Self::Number, Self::Number)
            | (Self::String, Self::String) => true,
            (Self::Array(left, more_left), Self::Array(right, more_right)) => {
                arrays_meet((left, more_left.as_deref()), (right, more_right.as_deref()))
            }
            (Self::Object(left, more_left), Self::Object(right, more_right)) => {
                let others_meet = match (more_left, more_right) {
                    (Some(one), Some(other)) => one.1.meets(&other.1),
                    _ => true,
                };
                others_meet
                    && left.iter().all(|(key, one)| match right.get(key) {
                        Some(other) => one.meets(other),
                        None => is_other(more_right.as_deref(), key, one),
                    })
                    && right.iter().all(|(key, one)| left.contains_key(key) || is_other(more_left.as_deref(), key, one))
            }
            // Two sets are equal when both are empty, but OPA does not think of that, and nobody writes it.
            (Self::Set(left), Self::Set(right)) => left.meets(right),
            _ => false,
        }
    }

    /// What stands at a key: a constant, or something of a kind.
    pub(super) fn at(&self, key: Option<&Value>, kind: &Self) -> Result<Self, Missing> {
        match self {
            Self::Any => Ok(Self::Any),
            Self::Null | Self::Boolean | Self::Number | Self::String => Err(Missing::Scalar),
            Self::One(all) => {
                let found = all.iter().filter_map(|one| one.at(key, kind).ok()).fold(None, Self::or);
                found.ok_or(Missing::Scalar)
            }
            Self::Array(fixed, rest) => {
                if !kind.meets(&Self::Number) {
                    return Err(Missing::Key(Self::Number));
                }
                if fixed.is_empty() && rest.is_none() {
                    return Ok(Self::Any);
                }
                let all = || fixed.iter().cloned().chain(rest.as_deref().cloned()).fold(None, Self::or);
                let found = match key {
                    Some(key) => match key.as_u64().ok().and_then(|at| usize::try_from(at).ok()) {
                        Some(at) => fixed.get(at).or(rest.as_deref()).cloned(),
                        // A fraction or a negative number is the place of nothing.
                        None => None,
                    },
                    None => all(),
                };
                found.ok_or(Missing::Key(Self::Number))
            }
            Self::Set(element) if element.meets(kind) => Ok(Self::clone(element)),
            Self::Set(element) => Err(Missing::Key(Self::clone(element))),
            Self::Object(fixed, rest) => {
                let others = rest.as_deref().filter(|(of, _)| of.meets(kind)).map(|(_, value)| value.clone());
                let found = match key {
                    Some(key) => fixed.get(key).cloned().or(others),
                    None => fixed
                        .iter()
                        .filter(|(key, _)| Self::of(key).meets(kind))
                        .map(|(_, value)| value.clone())
                        .chain(others)
                        .fold(None, Self::or),
                };
                found.ok_or_else(|| match rest.as_deref() {
                    Some((of, _)) => Missing::Key(of.clone()),
                    None => Missing::Keys(fixed.keys().cloned().collect()),
                })
            }
        }
    }

    /// The kind of its keys; none for what has no parts.
    pub(super) fn keys(&self) -> Option<Self> {
        match self {
            Self::Any => Some(Self::Any),
            Self::Null | Self::Boolean | Self::Number | Self::String => None,
            Self::One(all) => all.iter().filter_map(Self::keys).fold(None, Self::or),
            Self::Array(..) => Some(Self::Number),
            Self::Set(element) => Some(Self::clone(element)),
            Self::Object(fixed, rest) => {
                let rest = rest.as_deref().map(|(key, _)| key.clone());
                Some(fixed.keys().map(Self::of).chain(rest).fold(None, Self::or).unwrap_or(Self::Any))
            }
        }
    }

    /// The kind of its elements; none for what has no parts.
    pub(super) fn values(&self) -> Option<Self> {
        match self {
            Self::Any => Some(Self::Any),
            Self::Null | Self::Boolean | Self::Number | Self::String => None,
            Self::One(all) => all.iter().filter_map(Self::values).fold(None, Self::or),
            Self::Array(fixed, rest) => {
                let all = fixed.iter().cloned().chain(rest.as_deref().cloned());
                Some(all.fold(None, Self::or).unwrap_or(Self::Any))
            }
            Self::Set(element) => Some(Self::clone(element)),
            Self::Object(fixed, rest) => {
                let rest = rest.as_deref().map(|(_, value)| value.clone());
                Some(fixed.values().cloned().chain(rest).fold(None, Self::or).unwrap_or(Self::Any))
            }
        }
    }
}

/// Each place is looked at once: to go through both sides one after the other would double the work at every level.
fn arrays_meet((left, more_left): (&[Kind], Option<&Kind>), (right, more_right): (&[Kind], Option<&Kind>)) -> bool {
    // As in OPA nothing is known of the elements of `[]`.
    let open = |fixed: &[Kind], rest: Option<&Kind>| fixed.is_empty() && rest.is_none();
    if open(left, more_left) || open(right, more_right) {
        return true;
    }
    // As in OPA two lists of any length are of one kind only if their elements are, though both may be empty.
    if let (Some(one), Some(other)) = (more_left, more_right)
        && !one.meets(other)
    {
        return false;
    }
    (0..left.len().max(right.len())).all(|at| match (left.get(at).or(more_left), right.get(at).or(more_right)) {
        (Some(one), Some(other)) => one.meets(other),
        _ => false,
    })
}

/// Whether a key and its value can be among the other keys of an object.
fn is_other(others: Option<&(Kind, Kind)>, key: &Value, value: &Kind) -> bool {
    others.is_some_and(|(of, other)| of.meets(&Kind::of(key)) && value.meets(other))
}

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => to.write_str("any"),
            Self::Null => to.write_str("null"),
            Self::Boolean => to.write_str("boolean"),
            Self::Number => to.write_str("number"),
            Self::String => to.write_str("string"),
            Self::One(all) => {
                to.write_str("any<")?;
                listed(to, all.iter())?;
                to.write_str(">")
            }
            Self::Array(fixed, rest) => {
                to.write_str("array")?;
                if !fixed.is_empty() {
                    to.write_str("<")?;
                    listed(to, fixed.iter())?;
                    to.write_str(">")?;
                }
                rest.as_ref().map_or(Ok(()), |rest| write!(to, "[{rest}]"))
            }
            Self::Set(of) => write!(to, "set[{of}]"),
            Self::Object(fixed, rest) => {
                to.write_str("object")?;
                if !fixed.is_empty() {
                    to.write_str("<")?;
                    listed(to, fixed.iter().map(|(key, kind)| format!("{}: {kind}", plain(key))))?;
                    to.write_str(">")?;
                }
                rest.as_ref().map_or(Ok(()), |rest| write!(to, "[{}: {}]", rest.0, rest.1))
            }
        }
    }
}

/// A key as messages show it: strings without quotes.
fn plain(key: &Value) -> String {
    match key {
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

fn listed(to: &mut fmt::Formatter<'_>, all: impl Iterator<Item = impl fmt::Display>) -> fmt::Result {
    for (at, one) in all.enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(to, "{comma}{one}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(json: &str) -> Kind {
        Kind::of(&Value::from_json_str(json).unwrap())
    }

    #[test]
    fn kinds_read_as_in_opas_messages() {
        for (json, text) in [
            ("1", "number"),
            ("[1, \"a\"]", "array<number, string>"),
            ("[]", "array"),
            ("{\"a\": null}", "object<a: null>"),
            ("{}", "object[any: any]"),
        ] {
            assert_eq!(kind(json).to_string(), text);
        }
        let either = Kind::or(Kind::or(None, Kind::String), Kind::Number).unwrap();
        assert_eq!(either.to_string(), "any<number, string>");
        assert_eq!(Kind::object_of(Kind::String, either).to_string(), "object[string: any<number, string>]");
    }

    #[test]
    fn kinds_meet_when_a_value_can_be_of_both() {
        for (left, right, meet) in [
            ("1", "2", true),
            ("1", "\"a\"", false),
            ("[1]", "[2]", true),
            ("[1]", "[1, 2]", false),
            ("[1]", "[\"a\"]", false),
            ("{\"a\": 1}", "{\"a\": 2}", true),
            ("{\"a\": 1}", "{\"b\": 1}", false),
            ("{\"a\": 1}", "{}", true),
        ] {
            assert_eq!(kind(left).meets(&kind(right)), meet, "{left} and {right}");
            assert_eq!(kind(right).meets(&kind(left)), meet, "{right} and {left}");
        }
        assert!(
            Kind::array_of(Kind::Number).meets(&kind("[1, 2]"))
                && !kind("[\"a\"]").meets(&Kind::array_of(Kind::Number))
        );
        assert!(Kind::Any.meets(&Kind::Null));
    }

    #[test]
    fn parts_are_known_as_far_as_the_whole_is() {
        let object = kind("{\"a\": 1, \"b\": \"x\"}");
        assert_eq!(object.at(Some(&Value::from("a")), &Kind::String).unwrap(), Kind::Number);
        assert!(
            matches!(object.at(Some(&Value::from("c")), &Kind::String), Err(Missing::Keys(keys)) if keys.len() == 2)
        );
        assert_eq!(object.at(None, &Kind::Any).unwrap().to_string(), "any<number, string>");
        assert!(matches!(Kind::Number.at(None, &Kind::Any), Err(Missing::Scalar)));
        assert!(matches!(kind("[1]").at(None, &Kind::String), Err(Missing::Key(Kind::Number))));
        assert_eq!(
            (object.keys(), kind("[1]").keys(), Kind::Null.keys()),
            (Some(Kind::String), Some(Kind::Number), None)
        );
    }
}
