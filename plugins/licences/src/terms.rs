//! [`Terms`]: the allow and deny lists, and what they say about an SPDX expression.

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

/// Which licences are fine.
#[derive(Debug, Default)]
pub struct Terms {
    allow: BTreeSet<String>,
    deny: BTreeSet<String>,
}

/// What the terms say about one expression.
#[derive(Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It can be satisfied by licences that are allowed and not denied.
    Fine,
    /// It cannot; the licences in the way, in the order of the expression.
    Denied(Vec<Objection>),
    /// It is not an SPDX expression.
    Unknown,
}

/// Why one licence is not fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// The licence in today's spelling, with its exception.
    pub licence: String,
    /// The end of a sentence: `is denied` or `is not allowed`.
    pub why: &'static str,
}

impl Terms {
    /// Reads both lists. Their items are single SPDX identifiers, with an exception if need be.
    pub fn new(allow: &[String], deny: &[String]) -> Result<Self, String> {
        Ok(Self { allow: list("allow", allow)?, deny: list("deny", deny)? })
    }

    /// Rules on an expression such as `MIT OR GPL-2.0-only WITH Classpath-exception-2.0`.
    pub fn rule(&self, expression: &str) -> Ruling {
        let Some(expression) = parse(expression) else { return Ruling::Unknown };
        match expression.evaluate_with_failures(|requirement| self.objection(requirement).is_none()) {
            Ok(()) => Ruling::Fine,
            Err(failures) => {
                let mut objections = Vec::new();
                for objection in failures.iter().filter_map(|failure| self.objection(&failure.req)) {
                    if !objections.contains(&objection) {
                        objections.push(objection);
                    }
                }
                Ruling::Denied(objections)
            }
        }
    }

    /// Why this one licence is not fine. A list item without an exception also means the licence with any exception.
    fn objection(&self, requirement: &LicenseReq) -> Option<Objection> {
        let (licence, with) = names(requirement);
        let on = |list: &BTreeSet<String>| list.contains(&licence) || list.contains(&with);
        let why = if on(&self.deny) {
            "is denied"
        } else if !self.allow.is_empty() && !on(&self.allow) {
            "is not allowed"
        } else {
            return None;
        };
        Some(Objection { licence: with, why })
    }
}

fn list(name: &str, items: &[String]) -> Result<BTreeSet<String>, String> {
    let read = |item: &String| {
        let single = parse(item).and_then(|expression| {
            let mut requirements = expression.requirements();
            let first = requirements.next().map(|first| names(&first.req).1);
            requirements.next().is_none().then_some(first).flatten()
        });
        single.ok_or_else(|| format!("`{name}` holds `{item}`, which is not the SPDX identifier of one licence"))
    };
    items.iter().map(read).collect()
}

fn parse(text: &str) -> Option<Expression> {
    if text.len() > EXPRESSION_BYTES {
        return None;
    }
    Expression::parse_mode(text, MODE).ok()
}

/// The licence's name in today's spelling, and the same with its exception.
fn names(requirement: &LicenseReq) -> (String, String) {
    if let LicenseItem::Spdx { id, .. } = &requirement.license
        && let Some((base, _)) = id.name.split_once("-with-")
    {
        // Deprecated: `GPL-2.0-with-classpath-exception`, an identifier with the exception in it.
        return (format!("{base}-only"), id.name.to_owned());
    }
    let licence = match &requirement.license {
        LicenseItem::Spdx { id, or_later } if id.is_gnu() => {
            // Deprecated: `GPL-2.0` and `GPL-2.0+`. Today: `GPL-2.0-only` and `GPL-2.0-or-later`.
            let version = id.name.trim_end_matches('+');
            if version.ends_with("-only") || version.ends_with("-or-later") {
                version.to_owned()
            } else if *or_later || id.name.ends_with('+') {
                format!("{version}-or-later")
            } else {
                format!("{version}-only")
            }
        }
        // `Apache-2.0+` can be taken as `Apache-2.0`, so it is as good as that.
        LicenseItem::Spdx { id, .. } => id.name.to_owned(),
        other @ LicenseItem::Other(_) => other.to_string(),
    };
    let with = match &requirement.addition {
        Some(exception) => format!("{licence} WITH {exception}"),
        None => licence.clone(),
    };
    (licence, with)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(terms: &Terms, expression: &str) -> String {
        match terms.rule(expression) {
            Ruling::Denied(objections) => {
                let line = |objection: &Objection| format!("{} {}", objection.licence, objection.why);
                objections.iter().map(line).collect::<Vec<_>>().join(", ")
            }
            other => format!("{other:?}"),
        }
    }

    fn terms(allow: &[&str], deny: &[&str]) -> Terms {
        let owned = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        Terms::new(&owned(allow), &owned(deny)).unwrap()
    }

    #[test]
    fn an_expression_is_fine_when_allowed_licences_can_satisfy_it() {
        let terms = terms(&["MIT", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"], &["GPL-3.0-only"]);
        for fine in [
            "MIT",
            "Apache-2.0+",
            "MIT AND Apache-2.0",
            "MIT OR GPL-3.0-only",
            "(GPL-3.0-only AND BSD-3-Clause) OR Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-2.0 WITH Classpath-exception-2.0",
        ] {
            assert_eq!(terms.rule(fine), Ruling::Fine, "{fine}");
        }
        for (expression, objections) in [
            ("GPL-3.0-only", "GPL-3.0-only is denied"),
            ("GPL-3.0", "GPL-3.0-only is denied"),
            ("GPL-3.0-or-later", "GPL-3.0-or-later is not allowed"),
            ("MIT AND BSD-3-Clause", "BSD-3-Clause is not allowed"),
            ("ISC OR GPL-3.0-only OR ISC", "ISC is not allowed, GPL-3.0-only is denied"),
            ("GPL-2.0-only", "GPL-2.0-only is not allowed"),
            ("LicenseRef-own", "LicenseRef-own is not allowed"),
        ] {
            assert_eq!(denied(&terms, expression), objections, "{expression}");
        }
    }

    #[test]
    fn without_an_allow_list_all_that_is_not_denied_is_fine() {
        let terms = terms(&[], &["GPL-3.0+"]);
        assert_eq!(terms.rule("LicenseRef-own AND BSD-3-Clause"), Ruling::Fine);
        let with = "GPL-3.0-or-later WITH GCC-exception-3.1";
        assert_eq!(denied(&terms, with), format!("{with} is denied"));
        let terms = self::terms(&[], &["GPL-2.0"]);
        let old = "GPL-2.0-with-classpath-exception";
        assert_eq!(denied(&terms, old), format!("{old} is denied"));
    }

    #[test]
    fn deny_wins_over_allow() {
        assert!(matches!(terms(&["MIT"], &["MIT"]).rule("MIT"), Ruling::Denied(_)));
    }

    #[test]
    fn what_is_no_spdx_expression_is_unknown() {
        let terms = terms(&[], &[]);
        for odd in ["", "BSD", "Apache License 2.0", "MIT OR", "(MIT", "MIT/Apache-2.0", "MIT Apache-2.0"] {
            assert_eq!(terms.rule(odd), Ruling::Unknown, "{odd}");
        }
        assert_eq!(terms.rule(&"MIT AND ".repeat(10_000)), Ruling::Unknown);
        assert_eq!(terms.rule(&"(".repeat(4_000)), Ruling::Unknown);
    }

    #[test]
    fn lists_hold_single_identifiers() {
        for bad in ["", "MIT OR Apache-2.0", "Nope-1.0"] {
            let error = Terms::new(&[], &[bad.to_owned()]).unwrap_err();
            assert!(error.contains("`deny`"), "{error}");
        }
    }
}
