//! [`Terms`]: the allow and deny lists, and the evaluation of an SPDX expression against them.

use std::collections::BTreeSet;

use spdx::{Expression, LicenseItem, LicenseReq, ParseMode};

/// SBOMs of real builds use deprecated identifiers (`GPL-2.0+`); names that only resemble an identifier are unknown.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: false,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// A longer expression is not parsed; the longest real ones (generated for kernels) are under 2 kB.
const EXPRESSION_BYTES: usize = 4096;

/// Which licenses are allowed.
#[derive(Debug, Default)]
pub struct Terms {
    allow: BTreeSet<String>,
    deny: BTreeSet<String>,
}

/// The result for one expression.
#[derive(Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// It can be satisfied by licenses that are allowed and not denied.
    Allowed,
    /// It cannot; the licenses that are not allowed, in the order of the expression.
    Denied(Vec<Denial>),
    /// It is not an SPDX expression.
    Unknown,
}

/// Why one license is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The license in current SPDX spelling, with its exception.
    pub license: String,
    /// The predicate of a sentence: `is denied` or `is not allowed`.
    pub why: &'static str,
}

impl Terms {
    /// Reads both lists. Their items are single SPDX identifiers, with an exception if need be.
    pub fn new(allow: &[String], deny: &[String]) -> Result<Self, String> {
        Ok(Self { allow: list("allow", allow)?, deny: list("deny", deny)? })
    }

    /// Evaluates an expression such as `MIT OR GPL-2.0-only WITH Classpath-exception-2.0`.
    pub fn evaluate(&self, expression: &str) -> Evaluation {
        let Some(expression) = parse(expression) else { return Evaluation::Unknown };
        match expression.evaluate_with_failures(|requirement| self.denial(requirement).is_none()) {
            Ok(()) => Evaluation::Allowed,
            Err(failures) => {
                let mut denials = Vec::new();
                for denial in failures.iter().filter_map(|failure| self.denial(&failure.req)) {
                    if !denials.contains(&denial) {
                        denials.push(denial);
                    }
                }
                Evaluation::Denied(denials)
            }
        }
    }

    /// Why this license is not allowed, if so. A list item without an exception also means the license with any exception.
    fn denial(&self, requirement: &LicenseReq) -> Option<Denial> {
        let (license, with) = names(requirement);
        let on = |list: &BTreeSet<String>| list.contains(&license) || list.contains(&with);
        let why = if on(&self.deny) {
            "is denied"
        } else if !self.allow.is_empty() && !on(&self.allow) {
            "is not allowed"
        } else {
            return None;
        };
        Some(Denial { license: with, why })
    }
}

fn list(name: &str, items: &[String]) -> Result<BTreeSet<String>, String> {
    let read = |item: &String| {
        let single = parse(item).and_then(|expression| {
            let mut requirements = expression.requirements();
            let first = requirements.next().map(|first| names(&first.req).1);
            requirements.next().is_none().then_some(first).flatten()
        });
        single.ok_or_else(|| format!("`{name}` holds `{item}`, which is not the SPDX identifier of one license"))
    };
    items.iter().map(read).collect()
}

fn parse(text: &str) -> Option<Expression> {
    if text.len() > EXPRESSION_BYTES {
        return None;
    }
    Expression::parse_mode(text, MODE).ok()
}

/// The license's name in current SPDX spelling, and the same with its exception.
fn names(requirement: &LicenseReq) -> (String, String) {
    if let LicenseItem::Spdx { id, .. } = &requirement.license
        && let Some((base, _)) = id.name.split_once("-with-")
    {
        // Deprecated: `GPL-2.0-with-classpath-exception`, an identifier with the exception in it.
        return (format!("{base}-only"), id.name.to_owned());
    }
    let license = match &requirement.license {
        LicenseItem::Spdx { id, or_later } if id.is_gnu() => {
            // Deprecated: `GPL-2.0` and `GPL-2.0+`. Current: `GPL-2.0-only` and `GPL-2.0-or-later`.
            let version = id.name.trim_end_matches('+');
            if version.ends_with("-only") || version.ends_with("-or-later") {
                version.to_owned()
            } else if *or_later || id.name.ends_with('+') {
                format!("{version}-or-later")
            } else {
                format!("{version}-only")
            }
        }
        // `Apache-2.0+` includes `Apache-2.0`, so it is evaluated as that.
        LicenseItem::Spdx { id, .. } => id.name.to_owned(),
        other @ LicenseItem::Other(_) => other.to_string(),
    };
    let with = match &requirement.addition {
        Some(exception) => format!("{license} WITH {exception}"),
        None => license.clone(),
    };
    (license, with)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(terms: &Terms, expression: &str) -> String {
        match terms.evaluate(expression) {
            Evaluation::Denied(denials) => {
                let line = |denial: &Denial| format!("{} {}", denial.license, denial.why);
                denials.iter().map(line).collect::<Vec<_>>().join(", ")
            }
            other => format!("{other:?}"),
        }
    }

    fn terms(allow: &[&str], deny: &[&str]) -> Terms {
        let owned = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        Terms::new(&owned(allow), &owned(deny)).unwrap()
    }

    #[test]
    fn an_expression_is_allowed_when_allowed_licenses_can_satisfy_it() {
        let terms = terms(&["MIT", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"], &["GPL-3.0-only"]);
        for allowed in [
            "MIT",
            "Apache-2.0+",
            "MIT AND Apache-2.0",
            "MIT OR GPL-3.0-only",
            "(GPL-3.0-only AND BSD-3-Clause) OR Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-2.0 WITH Classpath-exception-2.0",
        ] {
            assert_eq!(terms.evaluate(allowed), Evaluation::Allowed, "{allowed}");
        }
        for (expression, denials) in [
            ("GPL-3.0-only", "GPL-3.0-only is denied"),
            ("GPL-3.0", "GPL-3.0-only is denied"),
            ("GPL-3.0-or-later", "GPL-3.0-or-later is not allowed"),
            ("MIT AND BSD-3-Clause", "BSD-3-Clause is not allowed"),
            ("ISC OR GPL-3.0-only OR ISC", "ISC is not allowed, GPL-3.0-only is denied"),
            ("GPL-2.0-only", "GPL-2.0-only is not allowed"),
            ("LicenseRef-own", "LicenseRef-own is not allowed"),
        ] {
            assert_eq!(denied(&terms, expression), denials, "{expression}");
        }
    }

    #[test]
    fn without_an_allow_list_every_license_that_is_not_denied_is_allowed() {
        let terms = terms(&[], &["GPL-3.0+"]);
        assert_eq!(terms.evaluate("LicenseRef-own AND BSD-3-Clause"), Evaluation::Allowed);
        let with = "GPL-3.0-or-later WITH GCC-exception-3.1";
        assert_eq!(denied(&terms, with), format!("{with} is denied"));
        let terms = self::terms(&[], &["GPL-2.0"]);
        let old = "GPL-2.0-with-classpath-exception";
        assert_eq!(denied(&terms, old), format!("{old} is denied"));
    }

    #[test]
    fn deny_takes_precedence_over_allow() {
        assert!(matches!(terms(&["MIT"], &["MIT"]).evaluate("MIT"), Evaluation::Denied(_)));
    }

    #[test]
    fn a_string_that_is_not_an_spdx_expression_is_unknown() {
        let terms = terms(&[], &[]);
        for invalid in ["", "BSD", "Apache License 2.0", "MIT OR", "(MIT", "MIT/Apache-2.0", "MIT Apache-2.0"] {
            assert_eq!(terms.evaluate(invalid), Evaluation::Unknown, "{invalid}");
        }
        assert_eq!(terms.evaluate(&"MIT AND ".repeat(10_000)), Evaluation::Unknown);
        assert_eq!(terms.evaluate(&"(".repeat(4_000)), Evaluation::Unknown);
    }

    #[test]
    fn list_items_are_single_identifiers() {
        for bad in ["", "MIT OR Apache-2.0", "Nope-1.0"] {
            let error = Terms::new(&[], &[bad.to_owned()]).unwrap_err();
            assert!(error.contains("`deny`"), "{error}");
        }
    }
}
