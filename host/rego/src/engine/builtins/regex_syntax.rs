//! [`compile`]: Go's regular expressions on the `regex` crate. Both are of RE2's kind; [`translate`] bridges what differs.

use regex::{Regex, RegexBuilder};

use super::errors::BuiltinError;
use super::limits;

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

/// Rewrites Go's syntax: classes like `\d` are ASCII there, `[` and `&&` within a class are characters, `{` may stand for
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
