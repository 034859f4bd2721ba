//! `regex.*`: Go's regular expressions on the `regex` crate. Both are of RE2's kind; [`translate`] bridges what differs.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use regorus::Value;

use super::errors::BuiltinError;
use super::glob_overlap;
use super::operands::{int, list, some, string, text, too_long, too_many};
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

/// Compiles a pattern in Go's syntax; one that would need too much memory halts.
pub(super) fn compile(pattern: &str) -> Result<Regex, BuiltinError> {
    let bad = |what: &str| BuiltinError::failed(format!("error parsing regexp: {what}: `{pattern}`"));
    let translated = translate(pattern).map_err(bad)?;
    build(&translated).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => BuiltinError::limit("the regular expression is too large"),
        _ => bad("invalid syntax"),
    })
}

pub(super) fn build(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(limits::REGEX_BYTES).dfa_size_limit(limits::REGEX_BYTES).build()
}

/// Rewrites Go's syntax: classes like `\d` are ASCII there, `[` and `&&` within a class are literals, `{` may stand for
/// itself, `\Q…\E` quotes, `\123` is octal; and what only the crate knows (`(?x)`, `\<`, `\u`) is refused or literal.
fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut repeatable = Repeat::None;
    let mut repeats = Repeats::default();
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        let mut next = Repeat::Item;
        match character {
            '\\' => {
                if let Some(quoted) = after.strip_prefix('Q') {
                    let (inside, behind) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                    out.push_str(&regex::escape(inside));
                    repeats.item();
                    rest = behind;
                    repeatable = if inside.is_empty() { repeatable } else { Repeat::Item };
                    continue;
                }
                rest = escape(after, &mut out, false)?;
            }
            '[' => rest = class(after, &mut out)?,
            '(' => {
                next = Repeat::None;
                rest = group(after, &mut out)?;
                // `(?i)` opens nothing.
                if !out.ends_with(')') {
                    repeats.open();
                }
            }
            ')' => {
                repeats.close();
                out.push(')');
                rest = after;
            }
            '|' => {
                next = Repeat::None;
                repeats.item();
                out.push('|');
                rest = after;
            }
            '*' | '+' | '?' => {
                next = repeatable.again(character)?;
                out.push(character);
                rest = after;
            }
            '{' => match count(after)? {
                Some((written, times, behind)) => {
                    next = repeatable.again('{')?;
                    repeats.repeat(times)?;
                    out.push_str(&written);
                    rest = behind;
                }
                None => {
                    out.push_str("\\{");
                    rest = after;
                }
            },
            '}' | ']' => {
                out.push('\\');
                out.push(character);
                rest = after;
            }
            other => {
                out.push(other);
                rest = after;
            }
        }
        if next == Repeat::Item && character != ')' {
            repeats.item();
        }
        repeatable = next;
    }
    Ok(out)
}

/// How often the innermost part of a pattern may be repeated by the counts around it: beyond 1,000 times Go refuses the
/// pattern.
#[derive(Default)]
struct Repeats {
    /// Of what was read last.
    last: u32,
    /// The most in the group that is open.
    most: u32,
    /// The same of the groups around it.
    around: Vec<u32>,
}

impl Repeats {
    fn item(&mut self) {
        self.last = 1;
    }

    fn open(&mut self) {
        self.around.push(self.most);
        (self.last, self.most) = (1, 1);
    }

    fn close(&mut self) {
        self.last = self.most;
        self.most = self.around.pop().unwrap_or_default().max(self.last);
    }

    fn repeat(&mut self, Times { least, most }: Times) -> Result<(), &'static str> {
        let times = most.unwrap_or(least);
        // What is never there is not looked at.
        self.last = if most == Some(0) { 1 } else { self.last.max(1).saturating_mul(times.max(1)) };
        if (least >= 2 || times >= 2) && self.last > REPEATS {
            return Err("invalid repeat count");
        }
        self.most = self.most.max(self.last);
        Ok(())
    }
}

/// A count as it is written, what it says, and what stands behind it.
type Counted<'p> = (String, Times, &'p str);

/// `{least,most}`
#[derive(Clone, Copy)]
struct Times {
    least: u32,
    /// None without a limit.
    most: Option<u32>,
}

/// Repetitions that Go allows.
const REPEATS: u32 = 1_000;

/// What stands in front of a repetition.
#[derive(Clone, Copy, PartialEq)]
enum Repeat {
    None,
    Item,
    Repeated,
    Lazy,
}

impl Repeat {
    /// `a**` is an error in Go, `a*?` is lazy.
    fn again(self, operator: char) -> Result<Self, &'static str> {
        match self {
            Self::None => Err("missing argument to repetition operator"),
            Self::Item => Ok(Self::Repeated),
            Self::Repeated if operator == '?' => Ok(Self::Lazy),
            Self::Repeated | Self::Lazy => Err("invalid nested repetition operator"),
        }
    }
}

/// `{2}`, `{2,}`, `{2,5}`; anything else is a brace.
fn count(after: &str) -> Result<Option<Counted<'_>>, &'static str> {
    let Some((inside, behind)) = after.split_once('}') else { return Ok(None) };
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (least, most) = inside.split_once(',').map_or((inside, None), |(least, most)| (least, Some(most)));
    if !plain(least) || !most.is_none_or(|most| most.is_empty() || plain(most)) {
        return Ok(None);
    }
    let value = |part: &str| part.parse::<u32>().ok().filter(|count| *count <= REPEATS);
    let bad = "invalid repeat count";
    let low = value(least).ok_or(bad)?;
    let most = match most {
        None => Some(low),
        Some("") => None,
        Some(most) => Some(value(most).filter(|most| *most >= low).ok_or(bad)?),
    };
    Ok(Some((format!("{{{inside}}}"), Times { least: low, most }, behind)))
}

fn group<'p>(after: &'p str, out: &mut String) -> Result<&'p str, &'static str> {
    out.push('(');
    let Some(flags) = after.strip_prefix('?') else { return Ok(after) };
    let bad = "invalid or unsupported Perl syntax";
    let end = if flags.starts_with("P<") || flags.starts_with('<') {
        flags.find('>').ok_or("invalid named capture")?
    } else {
        let known = flags.trim_start_matches(['i', 'm', 's', 'U', '-']);
        known.starts_with([':', ')']).then_some(flags.len() - known.len()).ok_or(bad)?
    };
    let (head, rest) = flags.split_at_checked(end + 1).ok_or(bad)?;
    out.push('?');
    out.push_str(head);
    Ok(rest)
}

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = "\\t\\n\\x0C\\r ";

/// Writes the escape that begins behind the backslash and gives what follows it.
fn escape<'p>(after: &'p str, out: &mut String, in_class: bool) -> Result<&'p str, &'static str> {
    let mut characters = after.chars();
    let character = characters.next().ok_or("trailing backslash at end of expression")?;
    let rest = characters.as_str();
    let mut ascii = |class: &str, negated: bool| match (in_class, negated) {
        (true, false) => out.push_str(class),
        (_, negated) => out.push_str(&format!("[{}{class}]", if negated { "^" } else { "" })),
    };
    match character {
        'd' | 'D' => ascii(DIGIT, character == 'D'),
        'w' | 'W' => ascii(WORD, character == 'W'),
        's' | 'S' => ascii(SPACE, character == 'S'),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'B' if !in_class => out.push_str("(?-u:\\B)"),
        'A' | 'z' if !in_class => {
            out.push('\\');
            out.push(character);
        }
        'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'x' | 'p' | 'P' => {
            out.push('\\');
            out.push(character);
        }
        '0'..='7' => {
            let digits: String = after.chars().take(3).take_while(|digit| ('0'..='7').contains(digit)).collect();
            if character != '0' && digits.len() < 2 {
                return Err("invalid escape sequence");
            }
            out.push_str(&format!("\\x{{{:x}}}", u32::from_str_radix(&digits, 8).unwrap_or(0)));
            return Ok(after.get(digits.len()..).unwrap_or_default());
        }
        character if character.is_ascii_punctuation() => out.push_str(&format!("\\x{{{:x}}}", u32::from(character))),
        _ => return Err("invalid escape sequence"),
    }
    Ok(rest)
}

/// Writes the class that begins behind the bracket and gives what follows it.
fn class<'p>(after: &'p str, out: &mut String) -> Result<&'p str, &'static str> {
    out.push('[');
    let mut rest = after;
    if let Some(behind) = rest.strip_prefix('^') {
        out.push('^');
        rest = behind;
    }
    let mut first = true;
    loop {
        let character = rest.chars().next().ok_or("missing closing ]")?;
        let behind = rest.get(character.len_utf8()..).unwrap_or_default();
        match character {
            ']' if !first => {
                out.push(']');
                return Ok(behind);
            }
            '\\' => rest = escape(behind, out, true)?,
            '[' if behind.starts_with(':') => match rest.split_once(":]") {
                Some((name, end)) => {
                    out.push_str(name);
                    out.push_str(":]");
                    rest = end;
                }
                None => {
                    out.push_str("\\[");
                    rest = behind;
                }
            },
            '[' | ']' | '&' | '~' | '^' => {
                out.push('\\');
                out.push(character);
                rest = behind;
            }
            '-' if first || behind.starts_with([']', '-']) => {
                out.push_str("\\-");
                rest = behind;
            }
            other => {
                out.push(other);
                rest = behind;
            }
        }
        first = false;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_it_means_in_go() {
        for (pattern, whole, found) in [
            (r"^\d+$", "٣", false),
            (r"^\w+$", "é", false),
            (r"^\W+$", "é", true),
            (r"^[\d\s]+$", "1 2", true),
            (r"^[[]$", "[", true),
            (r"^[a&&b]+$", "a&", true),
            (r"^[\w.-]+$", "a.b-c", true),
            (r"^a{,2}$", "a{,2}", true),
            (r"^x{$", "x{", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^\x41\101$", "AA", true),
            (r"\bfoo\b", "a foo b", true),
            (r"^[[:alpha:]]+$", "abc", true),
            (r"^[^\d]$", "x", true),
            (r"^a/b\/c$", "a/b/c", true),
            (r"(?i)^ABC$", "abc", true),
            (r"^\pL+$", "é", true),
            (r"^[]a]+$", "]a", true),
            (r"^sha256:[0-9a-f]{64}$", "sha256:00", false),
        ] {
            let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error:?}"));
            assert_eq!(regex.is_match(whole), found, "{pattern} on {whole}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in ["[", "a**", "*", "(?x)a", r"\u1234", r"\1", "a{1001}", "(", r"\", "(?=a)", "a{2,1}"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_cannot_fill_the_memory() {
        assert!(compile(&"[a-z]{1000}".repeat(900)).unwrap_err().halt);
    }
}
