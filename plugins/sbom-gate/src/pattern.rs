//! [`Pattern`]: a package URL with `*`, and a range of versions: `pkg:npm/left-pad`, `pkg:maven/*/log4j-core@<2.17.1`.

use std::{cmp::Ordering, fmt, str::FromStr};

use assay_sbom::Package;

/// Which packages are forbidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// Type, namespace and name, without version.
    name: String,
    range: Option<(Comparison, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Is,
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = |why: &str| format!("`forbidden` has `{text}`, which {why}: write `pkg:npm/left-pad@<1.3.0`");
        // A namespace may begin with `@`, written `%40`, so the last one begins the version.
        let (name, version) = match text.rsplit_once('@') {
            Some((name, version)) if !version.contains('/') => (name, Some(version)),
            _ => (text, None),
        };
        if !name.starts_with("pkg:") || !name.contains('/') {
            return Err(refused("is not a package URL"));
        }
        let range = match version {
            None => None,
            Some(version) => {
                let (comparison, version) = [
                    ("<=", Comparison::AtMost),
                    (">=", Comparison::AtLeast),
                    ("<", Comparison::Below),
                    (">", Comparison::Above),
                    ("=", Comparison::Is),
                ]
                .into_iter()
                .find_map(|(sign, comparison)| version.strip_prefix(sign).map(|rest| (comparison, rest)))
                .unwrap_or((Comparison::Is, version));
                if version.is_empty() {
                    return Err(refused("has no version after `@`"));
                }
                Some((comparison, version.to_owned()))
            }
        };
        Ok(Self { text: text.to_owned(), name: name.to_owned(), range })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

impl Pattern {
    /// Whether a package is forbidden. One without version is in every range: absence is never a pass.
    #[must_use]
    pub fn matches(&self, package: &Package) -> bool {
        let purl = package.purl.split(['?', '#']).next().unwrap_or_default();
        let (name, version) = match purl.rsplit_once('@') {
            Some((name, version)) if !version.contains('/') => (name, version),
            _ => (purl, package.version.as_str()),
        };
        if !glob(self.name.as_bytes(), name.as_bytes()) {
            return false;
        }
        match &self.range {
            None => true,
            Some(_) if version.is_empty() => true,
            Some((Comparison::Is, wanted)) => wanted == version,
            Some((comparison, wanted)) => {
                let order = compare(version, wanted);
                match comparison {
                    Comparison::Below => order == Ordering::Less,
                    Comparison::AtMost => order != Ordering::Greater,
                    Comparison::Above => order == Ordering::Greater,
                    Comparison::AtLeast | Comparison::Is => order != Ordering::Less,
                }
            }
        }
    }
}

/// Whether `text` is what the pattern says, where `*` stands for any characters. Linear in both but for the last `*`.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                last = Some((at, in_text));
                at += 1;
            }
            Some(wanted) if Some(wanted) == text.get(in_text) => {
                at += 1;
                in_text += 1;
            }
            _ => match last {
                Some((star, from)) => {
                    last = Some((star, from + 1));
                    (at, in_text) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == b'*')
}

/// Compares versions part by part: numbers as numbers, words as words, and a version with a word after its numbers is older
/// than without (`1.0.0-rc1` < `1.0.0`), as in Semantic Versioning.
fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (parts(one), parts(other));
    for at in 0..one.len().max(other.len()) {
        let order = match (one.get(at), other.get(at)) {
            (Some(Part::Number(one)), Some(Part::Number(other))) => {
                one.len().cmp(&other.len()).then_with(|| one.cmp(other))
            }
            (Some(Part::Word(one)), Some(Part::Word(other))) => one.cmp(other),
            (Some(Part::Number(_)), Some(Part::Word(_))) => Ordering::Greater,
            (Some(Part::Word(_)), Some(Part::Number(_))) => Ordering::Less,
            (Some(Part::Number(rest)), None) => {
                if rest.is_empty() {
                    Ordering::Equal
                } else {
                    Ordering::Greater
                }
            }
            (None, Some(Part::Number(rest))) => {
                if rest.is_empty() {
                    Ordering::Equal
                } else {
                    Ordering::Less
                }
            }
            (Some(Part::Word(_)), None) => Ordering::Less,
            (None, Some(Part::Word(_))) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

enum Part {
    /// Digits without leading zeros; zero is empty.
    Number(String),
    Word(String),
}

fn parts(version: &str) -> Vec<Part> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let version = version.split('+').next().unwrap_or_default();
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        if !first.is_alphanumeric() {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let is_digit = first.is_ascii_digit();
        let end =
            rest.find(|next: char| next.is_ascii_digit() != is_digit || !next.is_alphanumeric()).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(if is_digit {
            Part::Number(part.trim_start_matches('0').to_owned())
        } else {
            Part::Word(part.to_owned())
        });
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, purl: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(&Package { purl: purl.to_owned(), ..Package::default() })
    }

    #[test]
    fn a_pattern_is_a_package_url_with_stars_and_a_range() {
        for (pattern, purl, is_forbidden) in [
            ("pkg:npm/left-pad", "pkg:npm/left-pad@1.3.0", true),
            ("pkg:npm/left-pad", "pkg:npm/left-pads@1.3.0", false),
            ("pkg:npm/%40acme/x@1.0.0", "pkg:npm/%40acme/x@1.0.0?arch=x", true),
            ("pkg:maven/*/log4j-core@<2.17.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.9.1", true),
            ("pkg:maven/*/log4j-core@<2.17.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1", false),
            ("pkg:maven/*/log4j-core@<2.17.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1-rc1", true),
            ("pkg:pypi/requests@<=2.31", "pkg:pypi/requests@2.31.0", true),
            ("pkg:pypi/requests@>=2.31.0", "pkg:pypi/requests@2.4", false),
            ("pkg:pypi/requests@>1", "pkg:pypi/requests@v1.0.1", true),
            ("pkg:golang/*", "pkg:golang/github.com/a/b@v0.0.0-20200101", true),
            ("pkg:npm/a@<1", "pkg:npm/a", true),
        ] {
            assert_eq!(matches(pattern, purl), is_forbidden, "{pattern} {purl}");
        }
    }

    #[test]
    fn what_is_no_package_url_is_refused_with_an_example() {
        for bad in ["left-pad", "pkg:npm", "pkg:npm/a@", "pkg:npm/a@<"] {
            assert!(bad.parse::<Pattern>().unwrap_err().contains("write `pkg:npm/left-pad@<1.3.0`"), "{bad}");
        }
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        assert!(!glob("*a".repeat(200).as_bytes(), "b".repeat(20_000).as_bytes()));
    }
}
