//! `regex.globs_match`: whether two patterns of a simple kind (characters, `.`, classes, `*`, `+`, escapes) match a
//! string in common.

use std::collections::BTreeSet;

use super::errors::BuiltinError;
use super::limits;

/// One element of a pattern: ranges of characters, and how often it may repeat.
struct Token {
    characters: Vec<(char, char)>,
    optional: bool,
    repeated: bool,
}

fn parse(pattern: &str) -> Result<Vec<Token>, BuiltinError> {
    let bad = |what: &str| BuiltinError::failed(format!("input:{pattern}, pos: {what}"));
    let mut tokens: Vec<Token> = Vec::new();
    let mut characters = pattern.chars();
    let one = |character: char| Token { characters: vec![(character, character)], optional: false, repeated: false };
    while let Some(character) = characters.next() {
        match character {
            '.' => tokens.push(Token { characters: vec![('\0', char::MAX)], optional: false, repeated: false }),
            '[' => tokens.push(Token {
                characters: class(&mut characters).ok_or_else(|| bad("bad set"))?,
                optional: false,
                repeated: false,
            }),
            '*' | '+' => {
                let last = tokens.last_mut().ok_or_else(|| bad("flag without a character"))?;
                if last.repeated {
                    return Err(bad("flag after a flag"));
                }
                last.repeated = true;
                last.optional = character == '*';
            }
            '\\' => tokens.push(one(characters.next().ok_or_else(|| bad("nothing to escape"))?)),
            ']' => return Err(bad("set closed that was not open")),
            other => tokens.push(one(other)),
        }
    }
    Ok(tokens)
}

fn class(characters: &mut std::str::Chars<'_>) -> Option<Vec<(char, char)>> {
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut open = false;
    loop {
        let character = match characters.next()? {
            ']' => return (!ranges.is_empty() && !open).then_some(ranges),
            '-' if !open && !ranges.is_empty() => {
                open = true;
                continue;
            }
            '\\' => characters.next()?,
            other => other,
        };
        if open {
            let last = ranges.last_mut()?;
            last.1 = character;
            open = false;
            if last.1 < last.0 {
                return None;
            }
        } else {
            ranges.push((character, character));
        }
    }
}

fn common(a: &Token, b: &Token) -> bool {
    a.characters.iter().any(|(from, to)| b.characters.iter().any(|(low, high)| from <= high && low <= to))
}

/// Whether some text matches both patterns.
pub(super) fn overlap(a: &str, b: &str) -> Result<bool, BuiltinError> {
    let (a, b) = (parse(a)?, parse(b)?);
    if a.len().saturating_mul(b.len()) > limits::GLOB_STATES {
        return Err(BuiltinError::limit("the globs are too long to be compared"));
    }
    // Pairs of places that some common text leads to. A repeated token may be stayed at, an optional one left out.
    let mut open = vec![(0_usize, 0_usize)];
    let mut seen = BTreeSet::from([(0, 0)]);
    while let Some((at_a, at_b)) = open.pop() {
        if at_a == a.len() && at_b == b.len() {
            return Ok(true);
        }
        let mut to = Vec::new();
        let (left, right) = (a.get(at_a), b.get(at_b));
        if left.is_some_and(|token| token.optional) {
            to.push((at_a + 1, at_b));
        }
        if right.is_some_and(|token| token.optional) {
            to.push((at_a, at_b + 1));
        }
        if let (Some(left), Some(right)) = (left, right)
            && common(left, right)
        {
            to.push((at_a + 1, at_b + 1));
            if left.repeated {
                to.push((at_a, at_b + 1));
            }
            if right.repeated {
                to.push((at_a + 1, at_b));
            }
        }
        for pair in to {
            if seen.insert(pair) {
                open.push(pair);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_globs_overlap_when_a_text_matches_both() {
        for (a, b, both) in [
            ("a.a.[0-9]+z", ".b.b2359825792*594823z", true),
            ("[a-z]+", "[0-9]*", false),
            ("b.*", "baz", true),
            ("a+", "aaa", true),
            ("a*", "", true),
            ("a+", "", false),
            (r"[a-z]+\[[0-9]+\]", r"foo\[1\]", true),
        ] {
            assert_eq!(overlap(a, b).unwrap(), both, "{a} and {b}");
        }
        for pattern in ["*", "[", "a]", "a**", "\\"] {
            assert!(overlap(pattern, "a").is_err(), "{pattern}");
        }
    }
}
