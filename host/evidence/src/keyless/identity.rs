//! [`Identity`]: who may sign, by what a certificate says: the signer and who vouches for it.

use std::fmt;

use regex::Regex;

use crate::error::{VerificationError, shown};

/// The size of a compiled expression: more is a mistake or an attack on memory.
const EXPRESSION_BYTES: usize = 1 << 20;

/// A signer and its issuer. Both are needed: anyone can have any identity from an issuer of their own.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The signer: a URI, an e-mail address or another name in the certificate.
    pub subject: Matcher,
    /// The OpenID Connect issuer that knows the signer.
    pub issuer: Matcher,
}

/// How a text is compared.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// Texts that are accepted. All of them must hold.
    exact: Option<String>,
    expression: Option<Expression>,
}

#[derive(Clone, Debug)]
struct Expression {
    text: String,
    regex: Regex,
}

/// The identity cannot be used. Its text says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// An expression is not one.
    #[error("the expression `{expression}` is invalid: {why}")]
    Expression {
        /// The expression.
        expression: String,
        /// What is wrong with it.
        why: String,
    },
    /// Neither a text nor an expression.
    #[error("neither a text nor a regular expression is given")]
    Empty,
}

impl Matcher {
    /// A text, an expression, or both, which must then both match; an empty one counts as absent.
    ///
    /// Expressions match anywhere in a text unless they are anchored, and their classes `\d`, `\s`, `\w` and `\b` are of
    /// ASCII, both as in Go.
    ///
    /// # Errors
    /// There is neither, or the expression is invalid.
    pub fn new(exact: &str, expression: &str) -> Result<Self, IdentityError> {
        if exact.is_empty() && expression.is_empty() {
            return Err(IdentityError::Empty);
        }
        let compile = |text: &str| match compile(text) {
            Ok(regex) => Ok(Expression { text: text.to_owned(), regex }),
            Err(why) => Err(IdentityError::Expression { expression: text.to_owned(), why }),
        };
        Ok(Self {
            exact: (!exact.is_empty()).then(|| exact.to_owned()),
            expression: (!expression.is_empty()).then(|| compile(expression)).transpose()?,
        })
    }

    /// Whether a text is accepted.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.exact.as_ref().is_none_or(|exact| exact == text)
            && self.expression.as_ref().is_none_or(|expression| expression.regex.is_match(text))
    }

    /// The expression, if it would also match texts that only contain what is meant.
    #[must_use]
    pub fn unanchored(&self) -> Option<&str> {
        let expression = self.expression.as_ref()?.text.as_str();
        let is_anchored = ["^", "\\A"].iter().any(|begin| expression.starts_with(begin))
            && ["$", "\\z"].iter().any(|end| expression.ends_with(end))
            && !expression.ends_with("\\$")
            && !expression.contains('|');
        (!is_anchored && self.exact.is_none()).then_some(expression)
    }
}

/// Refuses flags that Go does not have.
fn check_flags(group: &str) -> Result<(), String> {
    let Some(flags) = group.strip_prefix('?').filter(|flags| !flags.starts_with(['P', '<', ':'])) else {
        return Ok(());
    };
    let flags = flags.split([':', ')']).next().unwrap_or_default();
    match flags.chars().find(|flag| !"imsU-".contains(*flag)) {
        Some(flag) => Err(format!("the flag `{flag}` is not known")),
        None => Ok(()),
    }
}

/// Compiles an expression of Go's syntax: Unicode is on, for characters beyond ASCII, and off in the classes.
fn compile(expression: &str) -> Result<Regex, String> {
    let mut text = String::with_capacity(expression.len());
    let mut characters = expression.chars();
    let mut depth = 0_usize;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let next = characters.next();
                match (next, depth > 0) {
                    (Some('d'), _) => text.push_str("[0-9]"),
                    (Some('D'), _) => text.push_str("[^0-9]"),
                    (Some('s'), _) => text.push_str("[\\t\\n\\f\\r ]"),
                    (Some('S'), _) => text.push_str("[^\\t\\n\\f\\r ]"),
                    (Some('w'), _) => text.push_str("[0-9A-Za-z_]"),
                    (Some('W'), _) => text.push_str("[^0-9A-Za-z_]"),
                    (Some('b'), false) => text.push_str("(?-u:\\b)"),
                    (Some('B'), false) => return Err("`\\B` is not supported".to_owned()),
                    // What is quoted in Go; without an end, it ends with the expression.
                    (Some('Q'), false) => {
                        let rest = characters.as_str();
                        let (quoted, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
                        text.push_str(&regex::escape(quoted));
                        characters = rest.chars();
                    }
                    // In `regex`, the begin and the end of a word.
                    (Some(next @ ('<' | '>')), _) => text.push(next),
                    (Some(next), _) => {
                        text.push('\\');
                        text.push(next);
                    }
                    (None, _) => text.push('\\'),
                }
                continue;
            }
            '[' if depth == 0 => {
                depth = 1;
                text.push('[');
                // In Go, a bracket at the beginning of a class is a character of it.
                let mut rest = characters.clone();
                if rest.next() == Some('^') {
                    text.push('^');
                    characters.next();
                    rest = characters.clone();
                } else {
                    rest = characters.clone();
                }
                if rest.next() == Some(']') {
                    text.push_str("\\]");
                    characters.next();
                }
                continue;
            }
            '[' if characters.as_str().starts_with(':') => {
                // A class such as `[:alpha:]`.
                let Some((name, rest)) = characters.as_str().split_once(":]") else {
                    return Err("a class in brackets has no end".to_owned());
                };
                text.push_str(&format!("[{name}:]"));
                characters = rest.chars();
                continue;
            }
            // In Go, these are characters of a class; in `regex`, all but the first are operators when doubled.
            '[' | '&' | '~' if depth > 0 => text.push('\\'),
            '-' if depth > 0 && characters.as_str().starts_with('-') => {
                text.push_str("-\\-");
                characters.next();
                continue;
            }
            '(' if depth == 0 => check_flags(characters.as_str())?,
            ']' if depth > 0 => depth = 0,
            _ => {}
        }
        text.push(character);
    }
    let built = regex::RegexBuilder::new(&text).size_limit(EXPRESSION_BYTES).build();
    built.map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
}

impl fmt::Display for Matcher {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.exact, &self.expression) {
            (Some(exact), None) => write!(to, "`{exact}`"),
            (None, Some(expression)) => write!(to, "a match of `{}`", expression.text),
            (Some(exact), Some(expression)) => write!(to, "`{exact}` and a match of `{}`", expression.text),
            (None, None) => to.write_str("nothing"),
        }
    }
}

/// Whether a certificate with these names and this issuer is of one of the identities; any of its names counts. Gives the
/// name that does.
pub(super) fn check(
    identities: &[Identity],
    names: &[String],
    issuer: Option<&str>,
) -> Result<String, VerificationError> {
    let Some(first) = identities.first() else {
        return Err(VerificationError::Identity("no identity may sign".to_owned()));
    };
    // Where there is none, it is compared as an empty text, as in cosign: an exact one never matches that.
    let of_issuer: Vec<&Identity> =
        identities.iter().filter(|identity| identity.issuer.matches(issuer.unwrap_or_default())).collect();
    if of_issuer.is_empty() {
        let has = issuer.map_or_else(|| "no issuer".to_owned(), |issuer| format!("the issuer `{}`", shown(issuer)));
        return Err(VerificationError::Issuer(format!(
            "the issuer must be {}, but the certificate has {has}",
            first.issuer
        )));
    }
    let is_wanted = |name: &&String| of_issuer.iter().any(|identity| identity.subject.matches(name));
    if let Some(name) = names.iter().find(is_wanted) {
        return Ok(name.clone());
    }
    let wanted: Vec<String> = of_issuer.iter().map(|identity| identity.subject.to_string()).collect();
    let has = if names.is_empty() { "no name".to_owned() } else { format!("`{}`", shown(&names.join("`, `"))) };
    Err(VerificationError::Identity(format!(
        "the identity must be {}, but the certificate has {has}",
        wanted.join(" or ")
    )))
}
