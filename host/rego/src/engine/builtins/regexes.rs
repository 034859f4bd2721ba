//! `regex.*`: functions on Go's regular expressions, which [`regex_syntax`](super::regex_syntax) compiles.

use std::sync::Arc;

use regex::Regex;
use regorus::Value;

use super::errors::BuiltinError;
use super::glob_overlap;
use super::operands::{int, list, some, string, text, too_long, too_many};
use super::regex_syntax::compile;
use super::scope::Scope;
use super::types::{STRINGS, Type, array_of};
use super::{Builtin, Outcome, builtin, limits};

const TEXT: Type = Type::String;

pub(super) const TABLE: &[Builtin] = &[
    builtin!("regex.match"(pattern: TEXT, whole: TEXT) -> Type::Boolean => scoped matches),
    builtin!("re_match"(pattern: TEXT, whole: TEXT) -> Type::Boolean => scoped matches),
    builtin!("regex.is_valid"(pattern: TEXT) -> Type::Boolean => scoped is_valid),
    builtin!("regex.find_n"(pattern: TEXT, whole: TEXT, most: Type::Number) -> STRINGS => scoped find_n),
    builtin!("regex.find_all_string_submatch_n"(pattern: TEXT, whole: TEXT, most: Type::Number) -> array_of(&STRINGS) => scoped find_groups),
    builtin!("regex.replace"(whole: TEXT, pattern: TEXT, new: TEXT) -> TEXT => scoped replace),
    builtin!("regex.split"(pattern: TEXT, whole: TEXT) -> STRINGS => scoped split),
    builtin!("regex.template_match"(template: TEXT, whole: TEXT, open: TEXT, close: TEXT) -> Type::Boolean => scoped template_match),
    builtin!("regex.globs_match"(a: TEXT, b: TEXT) -> Type::Boolean => globs_match),
];

/// The compiled pattern, from the worker's cache.
fn compiled(scope: &mut Scope<'_>, pattern: &str) -> Result<Arc<Regex>, BuiltinError> {
    if let Some(regex) = scope.caches.regexes.get(pattern) {
        return Ok(regex);
    }
    let regex = compile(pattern)?;
    Ok(scope.caches.regexes.keep(pattern.to_owned(), Arc::new(regex)))
}

fn matches(scope: &mut Scope<'_>, pattern: &Value, whole: &Value) -> Outcome {
    let (pattern, whole) = (string(pattern, 1)?, string(whole, 2)?);
    some(compiled(scope, pattern)?.is_match(whole))
}

fn is_valid(scope: &mut Scope<'_>, pattern: &Value) -> Outcome {
    let Value::String(pattern) = pattern else { return some(false) };
    match compiled(scope, pattern) {
        Ok(_) => some(true),
        Err(error) if error.halt => Err(error),
        Err(_) => some(false),
    }
}

/// The number of matches wanted; a negative one wants all.
fn most(value: &Value) -> Result<usize, BuiltinError> {
    Ok(usize::try_from(int(value, 3)?).unwrap_or(usize::MAX))
}

fn find_n(scope: &mut Scope<'_>, pattern: &Value, whole: &Value, limit: &Value) -> Outcome {
    let (pattern, whole, limit) = (string(pattern, 1)?, string(whole, 2)?, most(limit)?);
    let regex = compiled(scope, pattern)?;
    let found = regex.find_iter(whole).take(limit.min(limits::ELEMENTS + 1));
    few(found.map(|found| Value::from(found.as_str())).collect())
}

fn find_groups(scope: &mut Scope<'_>, pattern: &Value, whole: &Value, limit: &Value) -> Outcome {
    let (pattern, whole, limit) = (string(pattern, 1)?, string(whole, 2)?, most(limit)?);
    let regex = compiled(scope, pattern)?;
    let groups = |found: regex::Captures<'_>| list(found.iter().map(|group| group.map_or("", |group| group.as_str())));
    let found = regex.captures_iter(whole).take(limit.min(limits::ELEMENTS / regex.captures_len().max(1) + 1));
    let found: Vec<_> = found.map(groups).collect();
    if found.len().saturating_mul(regex.captures_len()) > limits::ELEMENTS { Err(too_many()) } else { some(found) }
}

fn replace(scope: &mut Scope<'_>, whole: &Value, pattern: &Value, new: &Value) -> Outcome {
    let (whole, pattern, new) = (string(whole, 1)?, string(pattern, 2)?, string(new, 3)?);
    let regex = compiled(scope, pattern)?;
    let mut result = String::with_capacity(whole.len());
    let mut done = 0;
    for found in regex.captures_iter(whole) {
        let Some(place) = found.get(0) else { continue };
        result.push_str(whole.get(done..place.start()).unwrap_or_default());
        found.expand(new, &mut result);
        done = place.end();
        if result.len() > limits::TEXT_BYTES {
            return Err(too_long());
        }
    }
    result.push_str(whole.get(done..).unwrap_or_default());
    text(result)
}

fn split(scope: &mut Scope<'_>, pattern: &Value, whole: &Value) -> Outcome {
    let (pattern, whole) = (string(pattern, 1)?, string(whole, 2)?);
    let regex = compiled(scope, pattern)?;
    if !pattern.is_empty() && whole.is_empty() {
        return some(list([""]));
    }
    let (mut parts, mut done, mut last) = (Vec::new(), 0, 0);
    for found in regex.find_iter(whole) {
        last = found.start();
        // A match of nothing at the very start does not split.
        if found.end() != 0 {
            parts.push(whole.get(done..found.start()).unwrap_or_default());
        }
        done = found.end();
    }
    if last != whole.len() {
        parts.push(whole.get(done..).unwrap_or_default());
    }
    few(parts.into_iter().map(Value::from).collect())
}

/// An array of allowed length.
fn few(values: Vec<Value>) -> Outcome {
    if values.len() > limits::ELEMENTS { Err(too_many()) } else { some(values) }
}

/// A text with regular expressions between delimiters: `urn:foo:{.*}`.
fn template_match(scope: &mut Scope<'_>, template: &Value, whole: &Value, open: &Value, close: &Value) -> Outcome {
    let (template, whole) = (string(template, 1)?, string(whole, 2)?);
    let (open, close) = (delimiter(open, 3, "start")?, delimiter(close, 4, "end")?);
    let unbalanced = || BuiltinError::failed(format!("unbalanced braces in {}", super::term::term(&template.into())));
    let mut pattern = String::from("^");
    let (mut depth, mut literal, mut inside) = (0_u32, String::new(), String::new());
    for character in template.chars() {
        if character == open && (open != close || depth == 0) {
            depth += 1;
            if depth == 1 {
                pattern.push_str(&regex::escape(&std::mem::take(&mut literal)));
                continue;
            }
        } else if character == close {
            depth = depth.checked_sub(1).ok_or_else(unbalanced)?;
            if depth == 0 {
                pattern.push_str(&format!("({})", std::mem::take(&mut inside)));
                continue;
            }
        }
        if depth == 0 { literal.push(character) } else { inside.push(character) }
    }
    if depth != 0 {
        return Err(unbalanced());
    }
    pattern.push_str(&regex::escape(&literal));
    pattern.push('$');
    some(compiled(scope, &pattern)?.is_match(whole))
}

fn delimiter(value: &Value, position: usize, which: &str) -> Result<char, BuiltinError> {
    let text = string(value, position)?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) if one.is_ascii() => Ok(one),
        _ => Err(BuiltinError::failed(format!(
            "{which} delimiter has to be exactly one character long but is {} long",
            text.len()
        ))),
    }
}

fn globs_match(a: &Value, b: &Value) -> Outcome {
    some(glob_overlap::overlap(string(a, 1)?, string(b, 2)?)?)
}
