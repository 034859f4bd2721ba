//! [`Kind`]: the set of values a term can have, as far as it is known before evaluation.
//!
//! They are OPA's types, with what OPA does not know of a variable that nothing is bound to yet ([`Kind::Unknown`]): nothing is
//! equal to it, so that OPA refuses some policies which have a value. Where a kind has too many parts it is any value.

use std::{collections::BTreeMap, fmt, sync::Arc};

use regorus::Value;

use crate::engine::builtins::{Type, is_float, write_start};

/// Bytes of a value after which nothing more of it is shown.
const SHOWN: usize = 1_000;

/// Alternatives that are kept apart: more are any value.
const ALTERNATIVES: usize = 16;

/// Elements of a constant, and levels of it, that are looked at: a large table is any array, set or object.
pub(super) const ELEMENTS: usize = 64;
const LEVELS: usize = 6;

/// Parts that a kind may have, all levels together; a larger one is any value. Twenty rules that each name the one before
/// twice make a kind of a million parts.
const PARTS: usize = 1_000;

/// A set of values. The order is that of OPA's messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Nothing is known, not even that it has a value.
    Unknown,
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
    /// A function, which is no value: its arguments and its result.
    Function(Arc<[Self]>, Arc<Self>),
}

impl Kind {
    /// An array of one kind of elements; as in OPA an empty one where nothing is known of them.
    pub(super) fn array_of(element: Self) -> Self {
        Self::Array([].into(), Some(element).filter(|element| *element != Self::Unknown).map(Arc::new)).bounded()
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
            Self::Unknown | Self::Null | Self::Boolean | Self::Number | Self::String | Self::Any => true,
            Self::Array(fixed, rest) => {
                fixed.iter().all(|kind| kind.fits(left)) && rest.as_ref().is_none_or(|kind| kind.fits(left))
            }
            Self::Object(fixed, rest) => {
                fixed.values().all(|kind| kind.fits(left))
                    && rest.as_ref().is_none_or(|rest| rest.0.fits(left) && rest.1.fits(left))
            }
            Self::Set(of) => of.fits(left),
            Self::One(all) => all.iter().all(|kind| kind.fits(left)),
            Self::Function(arguments, result) => arguments.iter().all(|kind| kind.fits(left)) && result.fits(left),
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
            Value::Array(all) if all.is_empty() || all.len() > ELEMENTS || level > LEVELS => Self::array_of(Self::Any),
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

    /// The kind of a known key of an object. As in OPA, which keeps it as JSON, a set is an array, and what is empty is that alone.
    fn of_key(key: &Value) -> Self {
        match key {
            Value::Array(items) if items.len() <= ELEMENTS => Self::array(items.iter().map(Self::of_key).collect()),
            Value::Set(items) if items.len() <= ELEMENTS => Self::array(items.iter().map(Self::of_key).collect()),
            Value::Object(items) if items.len() <= ELEMENTS => {
                Self::object(items.iter().map(|(key, value)| (key.clone(), Self::of_key(value))).collect(), None)
            }
            key => Self::of(key),
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

    /// Both together; what nothing is known of adds nothing.
    pub(super) fn or(first: Option<Self>, other: Self) -> Option<Self> {
        let Some(first) = first.filter(|first| *first != Self::Unknown) else {
            return Some(other).filter(|other| *other != Self::Unknown);
        };
        if first == other || other == Self::Unknown {
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

    /// What definitions of one rule give together: objects without known keys are merged, and so are sets.
    pub(super) fn merged(first: Option<Self>, other: Self) -> Option<Self> {
        let Some(first) = first else { return Some(other) };
        let either = |one: &Self, other: &Self| Self::or(Some(one.clone()), other.clone()).unwrap_or(Self::Unknown);
        match (&first, &other) {
            (Self::Object(one, Some(left)), Self::Object(two, Some(right))) if one.is_empty() && two.is_empty() => {
                let value = Self::merged(Some(left.1.clone()), right.1.clone()).unwrap_or(Self::Unknown);
                Some(Self::object_of(either(&left.0, &right.0), value))
            }
            (Self::Set(left), Self::Set(right)) => Some(Self::set_of(either(left, right))),
            _ => Self::or(Some(first), other),
        }
    }

    /// Whether nothing is known of some part of it.
    pub(super) fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Null
            | Self::Boolean
            | Self::Number
            | Self::String
            | Self::Any
            | Self::One(_)
            | Self::Function(..) => false,
            Self::Array(fixed, rest) => {
                fixed.iter().any(Self::has_unknown) || rest.as_deref().is_some_and(Self::has_unknown)
            }
            Self::Object(fixed, rest) => {
                fixed.values().any(Self::has_unknown)
                    || rest.as_deref().is_some_and(|(key, value)| key.has_unknown() || value.has_unknown())
            }
            Self::Set(of) => of.has_unknown(),
        }
    }

    /// Whether this kind is among those of the other.
    fn is_within(&self, other: &Self) -> bool {
        match other {
            Self::Any => true,
            Self::One(all) => all.contains(self),
            other => self == other,
        }
    }

    /// Whether some value can be of both kinds, as far as OPA looks.
    pub(super) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => false,
            (Self::Function(one, _), Self::Function(other, _)) => {
                one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| one.meets(other))
            }
            (Self::Function(..), _) | (_, Self::Function(..)) => false,
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
                // As in OPA values of which nothing is known are like those of an object that has no other keys.
                let others_meet = match (more_left, more_right) {
                    (Some(one), Some(other)) if one.1 != Self::Unknown && other.1 != Self::Unknown => {
                        one.1.meets(&other.1)
                    }
                    _ => true,
                };
                let meets_in =
                    |key: &Value, one: &Self, of: &Self| of.select(key).is_some_and(|other| one.meets(&other));
                others_meet
                    && left.iter().all(|(key, one)| meets_in(key, one, other))
                    && right.iter().all(|(key, one)| left.contains_key(key) || meets_in(key, one, self))
            }
            // Two sets are equal when both are empty, but OPA does not think of that.
            (Self::Set(left), Self::Set(right)) => left.meets(right),
            _ => false,
        }
    }

    /// What stands at a constant key; none where nothing does.
    pub(super) fn select(&self, key: &Value) -> Option<Self> {
        match self {
            Self::Any => Some(Self::Any),
            Self::Unknown | Self::Null | Self::Boolean | Self::Number | Self::String | Self::Function(..) => None,
            Self::One(all) => all.iter().filter_map(|one| one.select(key)).fold(None, Self::or),
            // A fraction, a negative number and `1.0` are the place of nothing.
            Self::Array(fixed, rest) => {
                let at = key.as_u64().ok().filter(|_| !is_float(key)).and_then(|at| usize::try_from(at).ok())?;
                fixed.get(at).or(rest.as_deref()).cloned()
            }
            Self::Set(of) => {
                let own = Self::of(key);
                own.is_within(of).then_some(own)
            }
            Self::Object(fixed, rest) => fixed.get(key).cloned().or_else(|| {
                let (of, value) = rest.as_deref()?;
                // OPA keeps such keys as JSON, in which a set is an array.
                let own = match key {
                    Value::Set(items) => Self::of(&Value::from(items.iter().cloned().collect::<Vec<_>>())),
                    key => Self::of(key),
                };
                own.is_within(of).then(|| value.clone())
            }),
        }
    }

    /// The kind of its keys; none for what has no parts.
    pub(super) fn keys(&self) -> Option<Self> {
        match self {
            Self::Any => Some(Self::Any),
            Self::Unknown | Self::Null | Self::Boolean | Self::Number | Self::String | Self::Function(..) => None,
            Self::One(all) => all.iter().filter_map(Self::keys).fold(None, Self::or),
            Self::Array(..) => Some(Self::Number),
            Self::Set(element) => Self::or(None, Self::clone(element)),
            Self::Object(fixed, rest) => {
                let rest = rest.as_deref().map(|(key, _)| key.clone());
                fixed.keys().map(Self::of_key).chain(rest).fold(None, Self::or)
            }
        }
    }

    /// The keys of an object that are known, as they are written.
    pub(super) fn fixed_keys(&self) -> Vec<String> {
        match self {
            Self::Object(fixed, _) => fixed.keys().map(shown).collect(),
            _ => Vec::new(),
        }
    }

    /// The kind of its elements; none for what has none.
    pub(super) fn values(&self) -> Option<Self> {
        match self {
            Self::Any => Some(Self::Any),
            Self::Unknown | Self::Null | Self::Boolean | Self::Number | Self::String | Self::Function(..) => None,
            Self::One(all) => all.iter().filter_map(Self::values).fold(None, Self::or),
            Self::Array(fixed, rest) => fixed.iter().cloned().chain(rest.as_deref().cloned()).fold(None, Self::or),
            Self::Set(element) => Self::or(None, Self::clone(element)),
            Self::Object(fixed, rest) => {
                let rest = rest.as_deref().map(|(_, value)| value.clone());
                fixed.values().cloned().chain(rest).fold(None, Self::or)
            }
        }
    }
}

/// Each place is looked at once: to go through both sides one after the other would double the work at every level.
fn arrays_meet((left, more_left): (&[Kind], Option<&Kind>), (right, more_right): (&[Kind], Option<&Kind>)) -> bool {
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

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => to.write_str("???"),
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
            Self::Function(arguments, result) => {
                to.write_str("(")?;
                listed(to, arguments.iter())?;
                write!(to, ") => {result}")
            }
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

/// A value as it is written.
pub(super) fn shown(value: &Value) -> String {
    let mut text = String::new();
    write_start(&mut text, value, SHOWN);
    text
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
            ("[]", "array[any]"),
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
        assert_eq!(object.select(&Value::from("a")), Some(Kind::Number));
        assert_eq!((object.select(&Value::from("c")), Kind::Number.select(&Value::from("c"))), (None, None));
        assert_eq!(object.values().unwrap().to_string(), "any<number, string>");
        assert_eq!(
            (kind("[1]").select(&Value::from(0_u64)), kind("[1]").select(&Value::from(1_u64))),
            (Some(Kind::Number), None)
        );
        assert_eq!(
            (object.keys(), kind("[1]").keys(), Kind::Null.keys()),
            (Some(Kind::String), Some(Kind::Number), None)
        );
    }

    #[test]
    fn what_nothing_is_known_of_meets_nothing_and_adds_nothing() {
        let unknown = Kind::array(vec![Kind::Unknown]);
        assert!(unknown.has_unknown() && !unknown.meets(&kind("[1]")) && !Kind::Unknown.meets(&Kind::Any));
        assert_eq!(Kind::or(Some(Kind::Unknown), Kind::Number), Some(Kind::Number));
        assert_eq!(Kind::or(Some(Kind::Number), Kind::Unknown), Some(Kind::Number));
        assert_eq!(Kind::array_of(Kind::Unknown).to_string(), "array");
        assert_eq!((Kind::set_of(Kind::Unknown).keys(), Kind::array_of(Kind::Unknown).values()), (None, None));
    }

    #[test]
    fn definitions_of_one_rule_are_merged() {
        let merged = |one: Kind, other: Kind| Kind::merged(Some(one), other).unwrap().to_string();
        assert_eq!(merged(Kind::set_of(Kind::Number), Kind::set_of(Kind::String)), "set[any<number, string>]");
        let objects = |value: Kind| Kind::object_of(Kind::String, value);
        assert_eq!(merged(objects(Kind::Number), objects(Kind::Null)), "object[string: any<null, number>]");
        assert_eq!(merged(kind("{\"a\": 1}"), kind("{\"b\": 1}")), "any<object<a: number>, object<b: number>>");
    }
}
