//! [`Type`]: the declared types of arguments and results, as they are reported for a wrong call.

use std::fmt;

/// A set of values. `Any(&[])` is every value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// One of these; every value when the list is empty.
    Any(&'static [Self]),
    /// `null`.
    Null,
    /// `true` and `false`.
    Boolean,
    /// Numbers.
    Number,
    /// Strings.
    String,
    /// Arrays that begin with `fixed` and go on with elements of `rest`, if that is given.
    Array {
        /// The first elements.
        fixed: &'static [Self],
        /// The others; none are allowed without it.
        rest: Option<&'static Self>,
    },
    /// Sets of such elements.
    Set(&'static Self),
    /// Objects with the `fixed` keys, and others of the types in `rest`, if that is given.
    Object {
        /// Keys that must be there.
        fixed: &'static [(&'static str, Self)],
        /// Key and value of the others.
        rest: Option<(&'static Self, &'static Self)>,
    },
}

impl Type {
    /// Whether its values are scalars.
    const fn is_scalar(&self) -> bool {
        matches!(self, Self::Null | Self::Boolean | Self::Number | Self::String)
    }

    /// Whether its values are scalars, or collections of scalars alone.
    pub(crate) fn is_flat(&self) -> bool {
        match self {
            Self::Array { fixed, rest } => fixed.iter().all(Self::is_scalar) && rest.is_none_or(Self::is_scalar),
            Self::Set(element) => element.is_scalar(),
            other => other.is_scalar(),
        }
    }
}

/// Every value.
pub const ANY: Type = Type::Any(&[]);
/// Any array.
pub(crate) const ARRAY: Type = array_of(&ANY);
/// Any set.
pub(crate) const SET: Type = Type::Set(&ANY);
/// Any object.
pub(crate) const OBJECT: Type = object_of(&ANY, &ANY);
/// An object with text keys.
pub const DOCUMENT: Type = object_of(&Type::String, &ANY);
/// An array of strings.
pub const STRINGS: Type = array_of(&Type::String);
/// A set of strings.
pub const STRING_SET: Type = Type::Set(&Type::String);
/// An array or a set.
pub(crate) const COLLECTION: Type = Type::Any(&[ARRAY, SET]);
/// An array or a set of strings.
pub(crate) const STRING_COLLECTION: Type = Type::Any(&[STRINGS, STRING_SET]);
/// An array or a set of numbers.
pub(crate) const NUMBER_COLLECTION: Type = Type::Any(&[array_of(&Type::Number), Type::Set(&Type::Number)]);

/// Arrays of one type of element.
#[must_use]
pub const fn array_of(element: &'static Type) -> Type {
    Type::Array { fixed: &[], rest: Some(element) }
}

/// Arrays with exactly these elements.
pub(crate) const fn tuple(fixed: &'static [Type]) -> Type {
    Type::Array { fixed, rest: None }
}

/// Objects of one type of key and of value.
#[must_use]
pub const fn object_of(key: &'static Type, value: &'static Type) -> Type {
    Type::Object { fixed: &[], rest: Some((key, value)) }
}

impl fmt::Display for Type {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any([]) => to.write_str("any"),
            Self::Any(alternatives) => {
                to.write_str("any<")?;
                separated(to, alternatives)?;
                to.write_str(">")
            }
            Self::Null => to.write_str("null"),
            Self::Boolean => to.write_str("boolean"),
            Self::Number => to.write_str("number"),
            Self::String => to.write_str("string"),
            Self::Array { fixed, rest } => {
                to.write_str("array")?;
                if !fixed.is_empty() {
                    to.write_str("<")?;
                    separated(to, fixed)?;
                    to.write_str(">")?;
                }
                rest.map_or(Ok(()), |rest| write!(to, "[{rest}]"))
            }
            Self::Set(of) => write!(to, "set[{of}]"),
            Self::Object { fixed, rest } => {
                to.write_str("object")?;
                if !fixed.is_empty() {
                    to.write_str("<")?;
                    for (at, (key, one)) in fixed.iter().enumerate() {
                        let comma = if at == 0 { "" } else { ", " };
                        write!(to, "{comma}{key}: {one}")?;
                    }
                    to.write_str(">")?;
                }
                rest.map_or(Ok(()), |(key, value)| write!(to, "[{key}: {value}]"))
            }
        }
    }
}

fn separated(to: &mut fmt::Formatter<'_>, types: &[Type]) -> fmt::Result {
    for (at, one) in types.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(to, "{comma}{one}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_reads_as_in_a_type_error() {
        assert_eq!(COLLECTION.to_string(), "any<array[any], set[any]>");
        assert_eq!(tuple(&[Type::Boolean, DOCUMENT]).to_string(), "array<boolean, object[string: any]>");
        let patch = Type::Object { fixed: &[("op", Type::String)], rest: Some((&ANY, &ANY)) };
        assert_eq!(patch.to_string(), "object<op: string>[any: any]");
    }
}
