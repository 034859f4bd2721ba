//! `glob.match` and `glob.quote_meta`: `*` stops at a delimiter, `**` does not, `?`, `[a-z]`, `[!ab]`, `{a,b}`, `\`.

use std::sync::Arc;

use regex::Regex;
use regorus::Value;

use super::errors::BuiltinError;
use super::glob_pattern::GlobPattern;
use super::operands::{some, string, text};
use super::regex_syntax;
use super::scope::Scope;
use super::term::kind;
use super::types::{STRINGS, Type};
use super::{Builtin, Outcome, builtin};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("glob.match"(pattern: Type::String, delimiters: Type::Any(&[Type::Null, STRINGS]), whole: Type::String) -> Type::Boolean => scoped matches),
    builtin!("glob.quote_meta"(whole: Type::String) -> Type::String => quote),
];

/// A compiled glob.
type Glob = Regex;

fn matches(scope: &mut Scope<'_>, pattern: &Value, delimiters: &Value, whole: &Value) -> Outcome {
    let pattern = string(pattern, 1)?;
    let delimiters = match delimiters {
        Value::Null => Vec::new(),
        Value::Array(characters) if characters.is_empty() => vec!['.'],
        Value::Array(characters) => {
            characters.iter().map(|element| character(delimiters, element)).collect::<Result<_, _>>()?
        }
        other => return Err(BuiltinError::wrong_type(2, other, &["array", "null"])),
    };
    let whole = string(whole, 3)?;
    if let Some(glob) = GlobPattern::parse(pattern, &delimiters) {
        return some(glob.is_match(whole));
    }
    let key = (pattern.to_owned(), delimiters);
    let glob = match scope.caches.globs.get(&key) {
        Some(glob) => glob,
        None => {
            let glob = Arc::new(compile(pattern, &key.1)?);
            scope.caches.globs.keep(key, glob)
        }
    };
    some(glob.is_match(whole))
}

fn character(all: &Value, element: &Value) -> Result<char, BuiltinError> {
    let Value::String(text) = element else { return Err(BuiltinError::wrong_element(2, all, element, "string")) };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(BuiltinError::operand(
            2,
            format_args!("must be array of runes but got array containing {}", kind(element)),
        )),
    }
}

fn compile(pattern: &str, delimiters: &[char]) -> Result<Glob, BuiltinError> {
    let mut out = String::from("(?s)\\A(?:");
    let mut depth = 0_usize;
    let outside: String = if delimiters.is_empty() {
        ".".to_owned()
    } else {
        format!("[^{}]", delimiters.iter().copied().map(escaped).collect::<String>())
    };
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.next_if_eq(&'*').is_some() => {
                while characters.next_if_eq(&'*').is_some() {}
                out.push_str(".*");
            }
            '*' => {
                out.push_str(&outside);
                out.push('*');
            }
            '?' => out.push_str(&outside),
            '[' => class(&mut characters, &mut out)?,
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            // As in OPA a backslash at the end is nothing, and a brace left open ends there.
            '\\' => out.extend(characters.next().map(escaped)),
            other => out.push_str(&escaped(other)),
        }
    }
    out.push_str(&")".repeat(depth));
    out.push_str(")\\z");
    regex_syntax::build(&out).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => BuiltinError::limit("the glob is too large"),
        other => BuiltinError::failed(other.to_string()),
    })
}

fn escaped(character: char) -> String {
    format!("\\x{{{:x}}}", u32::from(character))
}

fn ended() -> BuiltinError {
    BuiltinError::failed("unexpected end of input")
}

/// One range, or a list of characters: `[a-z]`, `[!a-z]`, `[abc]`.
fn class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Result<(), BuiltinError> {
    out.push('[');
    if characters.next_if_eq(&'!').is_some() {
        out.push('^');
    }
    let first = characters.next().ok_or_else(ended)?;
    if first != '\\' && characters.next_if_eq(&'-').is_some() {
        let last = characters.next().ok_or_else(ended)?;
        if last < first {
            return Err(BuiltinError::failed(format!("hi character '{last}' should be greater than lo '{first}'")));
        }
        out.push_str(&format!("{}-{}]", escaped(first), escaped(last)));
        return match characters.next() {
            Some(']') => Ok(()),
            _ => Err(BuiltinError::failed("expected close range character")),
        };
    }
    let mut next = Some(first);
    let mut empty = true;
    loop {
        match next.ok_or_else(ended)? {
            ']' if empty => return Err(BuiltinError::failed("expected list characters")),
            ']' => break,
            '\\' => out.push_str(&escaped(characters.next().ok_or_else(ended)?)),
            other => out.push_str(&escaped(other)),
        }
        empty = false;
        next = characters.next();
    }
    out.push(']');
    Ok(())
}

fn quote(whole: &Value) -> Outcome {
    let mut quoted = String::new();
    for character in string(whole, 1)?.chars() {
        if matches!(character, '*' | '?' | '\\' | '[' | ']' | '{' | '}') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    text(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stops_at_a_delimiter() {
        for (pattern, delimiters, whole, found) in [
            ("*.github.com", ".", "api.github.com", true),
            ("*.github.com", ".", "a.b.github.com", false),
            ("**.github.com", ".", "a.b.github.com", true),
            ("*", "", "a.b", true),
            ("[!abc]at", ".", "fat", true),
            ("{cat,b[a-c]t}", ".", "bbt", true),
            ("a\\*", ".", "a*", true),
            ("registry.io/*", "/", "registry.io/a", true),
            ("é?", ".", "éx", true),
            ("a\\", ".", "a", true),
            ("a\\", ".", "a\\", false),
            ("{a,b\\", ".", "b", true),
            ("{a,{b", ".", "b", true),
        ] {
            let delimiters: Vec<char> = delimiters.chars().collect();
            assert_eq!(compile(pattern, &delimiters).unwrap().is_match(whole), found, "{pattern} on {whole}");
        }
        for pattern in ["[", "[a-", "[a\\", "[z-a]", "[]"] {
            assert!(compile(pattern, &['.']).is_err(), "{pattern}");
        }
    }
}
