//! [`GlobPattern`]: a glob without alternatives, matched as it stands. To compile a regular expression for it would
//! take longer than most matches.

use std::iter::Peekable;
use std::str::Chars;

/// Parts of a pattern behind its literal front: each is a bit of the set of places that a match has come to.
const PARTS: usize = 127;

/// One part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Character(char),
    /// `?`: any character but a delimiter.
    One,
    /// `*`: any number of characters but delimiters.
    Some,
    /// `**`: any number of characters.
    All,
    /// `[a-z]`, `[!abc]`: the ranges that it has among those of the pattern.
    Class {
        negated: bool,
        from: usize,
        to: usize,
    },
}

/// A parsed pattern.
#[derive(Debug)]
pub(crate) struct GlobPattern<'a> {
    parts: Vec<Part>,
    /// The ranges of all classes.
    ranges: Vec<(char, char)>,
    delimiters: &'a [char],
}

/// Ranges of the classes of a pattern together.
const RANGES: usize = 255;

impl<'a> GlobPattern<'a> {
    /// Parses a pattern; none for one with alternatives, with too many parts, or with a class that has a mistake or quotes.
    pub(crate) fn parse(pattern: &str, delimiters: &'a [char]) -> Option<Self> {
        let (mut parts, mut ranges) = (Vec::new(), Vec::new());
        let mut characters = pattern.chars().peekable();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '*' if characters.next_if_eq(&'*').is_some() => {
                    while characters.next_if_eq(&'*').is_some() {}
                    Part::All
                }
                '*' => Part::Some,
                '?' => Part::One,
                '[' => class(&mut characters, &mut ranges)?,
                '{' => return None,
                '\\' => match characters.next() {
                    Some(quoted) => Part::Character(quoted),
                    None => continue,
                },
                other => Part::Character(other),
            });
            if parts.len() > PARTS || ranges.len() > RANGES {
                return None;
            }
        }
        Some(Self { parts, ranges, delimiters })
    }

    /// Whether the whole text matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let front = self.parts.iter().take_while(|part| matches!(part, Part::Character(_))).count();
        for part in self.parts.iter().take(front) {
            if rest.next().map(Part::Character) != Some(*part) {
                return false;
            }
        }
        let parts = self.parts.get(front..).unwrap_or(&[]);
        match parts {
            [] => rest.next().is_none(),
            [Part::All] => true,
            [Part::Some] => !rest.any(|character| self.is_delimiter(character)),
            _ => self.walk(parts, rest),
        }
    }

    /// Goes through the text with the set of all places in the pattern that fit so far.
    fn walk(&self, parts: &[Part], text: Chars<'_>) -> bool {
        let mut places = skipped(parts, 1);
        for character in text {
            let free = !self.is_delimiter(character);
            let mut next = 0_u128;
            let mut left = places;
            while left != 0 {
                let at = left.trailing_zeros();
                left &= left - 1;
                next |= match parts.get(at as usize) {
                    Some(Part::Character(wanted)) if *wanted == character => 1 << (at + 1),
                    Some(Part::One) if free => 1 << (at + 1),
                    Some(Part::Some) if free => 1 << at,
                    Some(Part::All) => 1 << at,
                    Some(Part::Class { negated, from, to }) => {
                        let ranges = self.ranges.get(*from..*to).unwrap_or_default();
                        let is_in = ranges.iter().any(|(first, last)| (*first..=*last).contains(&character));
                        if is_in == *negated { 0 } else { 1 << (at + 1) }
                    }
                    _ => 0,
                };
            }
            places = skipped(parts, next);
            if places == 0 {
                return false;
            }
        }
        places >> parts.len() & 1 == 1
    }

    fn is_delimiter(&self, character: char) -> bool {
        self.delimiters.contains(&character)
    }
}

/// One range, or a list of characters.
fn class(characters: &mut Peekable<Chars<'_>>, ranges: &mut Vec<(char, char)>) -> Option<Part> {
    let (negated, from) = (characters.next_if_eq(&'!').is_some(), ranges.len());
    let first = characters.next()?;
    if first == '\\' || first == ']' {
        return None;
    }
    if characters.next_if_eq(&'-').is_some() {
        let last = characters.next().filter(|last| *last >= first)?;
        ranges.push((first, last));
        characters.next_if_eq(&']')?;
        return Some(Part::Class { negated, from, to: ranges.len() });
    }
    ranges.push((first, first));
    loop {
        match characters.next()? {
            ']' => return Some(Part::Class { negated, from, to: ranges.len() }),
            '\\' => return None,
            other if ranges.len() <= RANGES => ranges.push((other, other)),
            _ => return None,
        }
    }
}

/// The places with those behind `*` and `**`, which may be nothing.
fn skipped(parts: &[Part], places: u128) -> u128 {
    let mut all = places;
    for (at, part) in parts.iter().enumerate() {
        if matches!(part, Part::Some | Part::All) && all >> at & 1 == 1 {
            all |= 1 << (at + 1);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text_and_stars_stop_at_delimiters() {
        for (pattern, text, want) in [
            ("", "", true),
            ("", "a", false),
            ("a*", "a", true),
            ("a*", "ab", true),
            ("a*", "a.b", false),
            ("a**", "a.b", true),
            ("*.b", "a.b", true),
            ("*.b", ".b", true),
            ("*.b", "a.b.b", false),
            ("**.b", "a.b.b", true),
            ("a?c", "abc", true),
            ("a?c", "a.c", false),
            ("?", "é", true),
            ("a***b", "a..b", true),
            ("*a*b*", "xaybz", true),
            ("*a*b*", "xbyaz", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a", true),
            ("k[0-9]*", "k7x", true),
            ("k[0-9]*", "kx", false),
            ("[!a-c]?", "d.", false),
            ("[!a-c]?", "dx", true),
            ("[!a-c]", ".", true),
            ("[abc-]", "-", true),
            ("[abc]", "d", false),
            ("**[x]", "a.bx", true),
        ] {
            let glob = GlobPattern::parse(pattern, &['.']).unwrap();
            assert_eq!(glob.is_match(text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn alternatives_odd_classes_and_long_patterns_are_for_regular_expressions() {
        let many = format!("[{}]", "a".repeat(RANGES + 1));
        for pattern in ["[z-a]", "[\\a]", "[]", "[a-zx]", "[a", "{a,b}", &many, &"a".repeat(PARTS + 1)] {
            assert!(GlobPattern::parse(pattern, &[]).is_none());
        }
        assert!(GlobPattern::parse(&"?".repeat(PARTS), &[]).unwrap().is_match(&"a".repeat(PARTS)));
    }
}
