//! Functions on strings. Positions and lengths count characters (code points), not bytes.

use regorus::Value;

use super::errors::BuiltinError;
use super::numbers::integer_text;
use super::operands::{bytes, characters, int, list, object, some, string, strings, text, too_long, too_many};
use super::types::{STRING_COLLECTION, STRING_SET, STRINGS, Type, array_of, object_of};
use super::{Builtin, Outcome, builtin, limits};
use crate::engine::bytes::{bytes_of, is_raw};

const ONE_OR_MORE: Type = Type::Any(&[Type::String, STRINGS, STRING_SET]);
const TEXT: Type = Type::String;

pub(super) const TABLE: &[Builtin] = &[
    builtin!("concat"(join: TEXT, parts: STRING_COLLECTION) -> TEXT => concat),
    builtin!("contains"(whole: TEXT, part: TEXT) -> Type::Boolean => contains),
    builtin!("startswith"(whole: TEXT, part: TEXT) -> Type::Boolean => |a: &Value, b: &Value| some(bytes(a, 1)?.starts_with(&bytes(b, 2)?))),
    builtin!("endswith"(whole: TEXT, part: TEXT) -> Type::Boolean => |a: &Value, b: &Value| some(bytes(a, 1)?.ends_with(&bytes(b, 2)?))),
    builtin!("format_int"(number: Type::Number, base: Type::Number) -> TEXT => integer_text),
    builtin!("indexof"(whole: TEXT, part: TEXT) -> Type::Number => indexof),
    builtin!("indexof_n"(whole: TEXT, part: TEXT) -> array_of(&Type::Number) => indexof_n),
    builtin!("lower"(whole: TEXT) -> TEXT => |a: &Value| text(characters(a, 1)?.chars().map(lower).collect())),
    builtin!("upper"(whole: TEXT) -> TEXT => |a: &Value| text(characters(a, 1)?.chars().map(upper).collect())),
    builtin!("replace"(whole: TEXT, old: TEXT, new: TEXT) -> TEXT => replace),
    builtin!("split"(whole: TEXT, at: TEXT) -> STRINGS => split),
    builtin!("strings.any_prefix_match"(texts: ONE_OR_MORE, parts: ONE_OR_MORE) -> Type::Boolean => |a: &Value, b: &Value| any(a, b, |text, part| text.starts_with(part))),
    builtin!("strings.any_suffix_match"(texts: ONE_OR_MORE, parts: ONE_OR_MORE) -> Type::Boolean => |a: &Value, b: &Value| any(a, b, |text, part| text.ends_with(part))),
    builtin!("strings.count"(whole: TEXT, part: TEXT) -> Type::Number => count),
    builtin!("strings.replace_n"(pairs: object_of(&TEXT, &TEXT), whole: TEXT) -> TEXT => replace_n),
    builtin!("strings.reverse"(whole: TEXT) -> TEXT => |a: &Value| text(characters(a, 1)?.chars().rev().collect())),
    builtin!("substring"(whole: TEXT, from: Type::Number, length: Type::Number) -> TEXT => substring),
    builtin!("trim"(whole: TEXT, characters: TEXT) -> TEXT => |a: &Value, b: &Value| trim(a, b, |text, of| text.trim_matches(of))),
    builtin!("trim_left"(whole: TEXT, characters: TEXT) -> TEXT => |a: &Value, b: &Value| trim(a, b, |text, of| text.trim_start_matches(of))),
    builtin!("trim_right"(whole: TEXT, characters: TEXT) -> TEXT => |a: &Value, b: &Value| trim(a, b, |text, of| text.trim_end_matches(of))),
    builtin!("trim_prefix"(whole: TEXT, part: TEXT) -> TEXT => trim_prefix),
    builtin!("trim_suffix"(whole: TEXT, part: TEXT) -> TEXT => trim_suffix),
    builtin!("trim_space"(whole: TEXT) -> TEXT => |a: &Value| some(string(a, 1)?.trim())),
    builtin!("internal.template_string"(parts: super::types::ARRAY) -> TEXT => interpolate),
];

fn concat(join: &Value, parts: &Value) -> Outcome {
    let join = string(join, 1)?;
    let parts = strings(parts, 2, &["set", "array"])?;
    let length: usize = parts.iter().map(|part| part.len().saturating_add(join.len())).fold(0, usize::saturating_add);
    if length.saturating_sub(join.len()) > limits::TEXT_BYTES {
        return Err(too_long());
    }
    text(parts.join(join))
}

/// Of valid UTF-8 strings, one contains the other if its characters do.
fn contains(whole: &Value, part: &Value) -> Outcome {
    let (whole, part) = (string(whole, 1)?, string(part, 2)?);
    if is_raw(whole) || is_raw(part) {
        let (whole, part) = (bytes_of(whole), bytes_of(part));
        return some(part.is_empty() || whole.windows(part.len()).any(|window| window == &*part));
    }
    some(whole.contains(part))
}

/// In Go the lowercase form of a character is one character; in Rust it can be two.
fn lower(character: char) -> char {
    let mut small = character.to_lowercase();
    match (small.next(), small.next()) {
        (Some(one), None) => one,
        (Some(first), Some(_)) if character == '\u{130}' => first,
        _ => character,
    }
}

fn upper(character: char) -> char {
    let mut large = character.to_uppercase();
    match (large.next(), large.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn search<'v>(whole: &'v Value, part: &'v Value) -> Result<(&'v str, &'v str), BuiltinError> {
    let (whole, part) = (string(whole, 1)?, string(part, 2)?);
    if part.is_empty() {
        return Err(BuiltinError::failed("empty search character"));
    }
    Ok((whole, part))
}

fn indexof(whole: &Value, part: &Value) -> Outcome {
    let (whole, part) = search(whole, part)?;
    match whole.split_once(part) {
        Some((before, _)) => some(before.chars().count()),
        None => some(-1_i64),
    }
}

/// Places may overlap: `aa` stands twice in `aaa`.
fn indexof_n(whole: &Value, part: &Value) -> Outcome {
    let (whole, part) = search(whole, part)?;
    compared(whole.len(), part.len())?;
    let places = whole
        .char_indices()
        .enumerate()
        .filter(|(_, (byte, _))| whole.get(*byte..).is_some_and(|rest| rest.starts_with(part)))
        .map(|(place, _)| place)
        .take(limits::ELEMENTS + 1);
    let places: Vec<_> = places.collect();
    if places.len() > limits::ELEMENTS { Err(too_many()) } else { some(list(places)) }
}

/// Refuses to compare each of many things with each of many others.
fn compared(these: usize, those: usize) -> Result<(), BuiltinError> {
    if these.saturating_mul(those) > limits::COMPARED {
        return Err(BuiltinError::limit(format!("would compare more than {} times", limits::COMPARED)));
    }
    Ok(())
}

fn replace(whole: &Value, old: &Value, new: &Value) -> Outcome {
    let (whole, old, new) = (string(whole, 1)?, string(old, 2)?, string(new, 3)?);
    let times = if old.is_empty() { whole.chars().count() + 1 } else { whole.matches(old).count() };
    if times.saturating_mul(new.len()).saturating_add(whole.len()) > limits::TEXT_BYTES {
        return Err(too_long());
    }
    text(whole.replace(old, new))
}

fn split(whole: &Value, at: &Value) -> Outcome {
    let (whole, at) = (string(whole, 1)?, string(at, 2)?);
    if whole.len() > limits::ELEMENTS
        && (at.is_empty() || whole.matches(at).take(limits::ELEMENTS).count() >= limits::ELEMENTS)
    {
        return Err(too_many());
    }
    if at.is_empty() {
        return some(list(whole.chars().map(|character| Value::from(character.to_string()))));
    }
    some(list(whole.split(at)))
}

fn any(texts: &Value, parts: &Value, matches: fn(&str, &str) -> bool) -> Outcome {
    fn parts_of(value: &Value, position: usize) -> Result<Vec<&str>, BuiltinError> {
        match value {
            Value::String(one) => Ok(vec![&**one]),
            other => strings(other, position, &["string", "set", "array"]),
        }
    }
    let (texts, parts) = (parts_of(texts, 1)?, parts_of(parts, 2)?);
    compared(texts.len(), parts.len())?;
    some(texts.iter().any(|text| parts.iter().any(|part| matches(text, part))))
}

fn count(whole: &Value, part: &Value) -> Outcome {
    let (whole, part) = (string(whole, 1)?, string(part, 2)?);
    some(if part.is_empty() { whole.chars().count() + 1 } else { whole.matches(part).count() })
}

/// At each place the first key that stands there is replaced; keys are tried in their order.
fn replace_n(pairs: &Value, whole: &Value) -> Outcome {
    let pairs = object(pairs, 1)?;
    let whole = string(whole, 2)?;
    let mut replaced = Vec::with_capacity(pairs.len());
    for (key, value) in pairs.iter_sorted() {
        match (key, value) {
            (Value::String(key), Value::String(value)) => replaced.push((&**key, &**value)),
            (Value::String(_), _) => return Err(BuiltinError::operand(1, "non-string value found in pattern object")),
            _ => return Err(BuiltinError::operand(1, "non-string key found in pattern object")),
        }
    }
    compared(whole.len(), replaced.len())?;
    let mut result = String::with_capacity(whole.len());
    let mut rest = whole;
    let mut after_empty = false;
    loop {
        let found = replaced.iter().find(|(key, _)| rest.starts_with(key) && !(after_empty && key.is_empty()));
        after_empty = found.is_some_and(|(key, _)| key.is_empty());
        if let Some((key, value)) = found {
            result.push_str(value);
            if result.len() > limits::TEXT_BYTES {
                return Err(too_long());
            }
            if !key.is_empty() {
                rest = rest.strip_prefix(key).unwrap_or_default();
                continue;
            }
        }
        if after_empty {
            continue;
        }
        let mut characters = rest.chars();
        let Some(character) = characters.next() else { break };
        result.push(character);
        rest = characters.as_str();
    }
    text(result)
}

fn substring(whole: &Value, from: &Value, length: &Value) -> Outcome {
    let whole = characters(whole, 1)?;
    let (from, length) = (int(from, 2)?, int(length, 3)?);
    let Ok(from) = usize::try_from(from) else { return Err(BuiltinError::failed("negative offset")) };
    let rest = whole.chars().skip(from);
    some(match usize::try_from(length) {
        Ok(length) => rest.take(length).collect::<String>(),
        Err(_) => rest.collect(),
    })
}

fn trim(whole: &Value, cutset: &Value, cut: for<'t> fn(&'t str, &[char]) -> &'t str) -> Outcome {
    let (whole, cutset) = (string(whole, 1)?, string(cutset, 2)?);
    some(cut(whole, &cutset.chars().collect::<Vec<_>>()))
}

fn trim_prefix(whole: &Value, part: &Value) -> Outcome {
    let (whole, part) = (string(whole, 1)?, string(part, 2)?);
    some(whole.strip_prefix(part).unwrap_or(whole))
}

fn trim_suffix(whole: &Value, part: &Value) -> Outcome {
    let (whole, part) = (string(whole, 1)?, string(part, 2)?);
    some(whole.strip_suffix(part).unwrap_or(whole))
}

/// The parts of `$"…{x}…"`: a set holds what an expression gave, and an empty one that it was undefined.
fn interpolate(parts: &Value) -> Outcome {
    let mut whole = String::new();
    for part in super::operands::array(parts, 1)?.iter() {
        match part {
            Value::Set(given) => match given.first() {
                Some(value) => whole.push_str(&super::term::shown(value)),
                None => whole.push_str("<undefined>"),
            },
            other => whole.push_str(&super::term::shown(other)),
        }
        if whole.len() > limits::TEXT_BYTES {
            return Err(too_long());
        }
    }
    text(whole)
}
