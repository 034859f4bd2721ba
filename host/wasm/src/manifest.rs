//! [`Manifest`]: what a plugin says of itself, once it has been checked.

use std::collections::BTreeSet;

use crate::{
    call::Budget,
    limits,
    params::Schema,
    text,
    wit::{Permission, RawManifest},
};

/// What a plugin is and what it may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Lower-case letters, digits and `-`; the first part of all its codes.
    pub name: String,
    /// A version as in Semantic Versioning 2.0.0.
    pub version: String,
    /// One sentence on what it does.
    pub summary: String,
    /// Its license, an SPDX expression.
    pub license: String,
    /// Where its source is.
    pub source: String,
    /// Where its documentation is.
    pub documentation: String,
    /// Every code its findings may carry.
    pub rules: Vec<Rule>,
}

/// One rule of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `NAME.rule`, with the plugin's name.
    pub code: String,
    /// What holds when nothing is found.
    pub title: String,
    /// How bad it is when it does not.
    pub severity: Severity,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Can wait.
    Low,
    /// Should be looked at.
    Medium,
    /// Must be looked at.
    High,
    /// Must be looked at now.
    Critical,
}

impl Severity {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A manifest with what follows from it for calls.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) manifest: Manifest,
    pub(crate) schema: Schema,
    pub(crate) budget: Budget,
    /// Whether it asks for evidence, without which it gets none.
    pub(crate) evidence: bool,
}

/// Checks what a plugin answered to `describe`. The error is the end of a sentence that begins with the plugin.
pub(crate) fn accept(described: RawManifest) -> Result<Accepted, String> {
    let RawManifest { name, version, summary, license, source, documentation, params, permissions, limits, rules } =
        described;
    if !is_name(&name) {
        return Err(format!(
            "calls itself `{}`; a name is 1 to 64 lower-case letters, digits and `-`, and begins with a letter",
            text::one_line(&name, 100)
        ));
    }
    if !is_version(&version) {
        return Err(format!("has the version `{}`, which is not of the form 1.2.3", text::one_line(&version, 100)));
    }
    for (what, text) in
        [("summary", &summary), ("license", &license), ("source", &source), ("documentation", &documentation)]
    {
        if text.len() > limits::TEXT_BYTES {
            return Err(format!("has a {what} of {} bytes, more than the {} allowed", text.len(), limits::TEXT_BYTES));
        }
    }
    check_rules(&name, &rules)?;
    let evidence = accept_permissions(&permissions)?;
    let schema = Schema::parse(&params)?;
    let budget = accept_limits(&limits)?;
    let manifest = Manifest { name, version, summary, license, source, documentation, rules };
    Ok(Accepted { manifest, schema, budget, evidence })
}

fn check_rules(name: &str, rules: &[Rule]) -> Result<(), String> {
    if rules.is_empty() {
        return Err("declares no rule, so it could never say anything".to_owned());
    }
    if rules.len() > limits::RULES {
        return Err(format!("declares {} rules, more than the {} allowed", rules.len(), limits::RULES));
    }
    let mut seen = BTreeSet::new();
    for Rule { code, title, .. } in rules {
        let own = code.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).is_some_and(is_rule);
        if !own {
            let code = text::one_line(code, 100);
            return Err(format!(
                "declares the rule `{code}`; its rules are `{name}.` and lower-case letters, digits and `_-`"
            ));
        }
        if title.is_empty() || title.len() > limits::TEXT_BYTES {
            return Err(format!("declares the rule `{code}` with a title of {} bytes", title.len()));
        }
        if !seen.insert(code) {
            return Err(format!("declares the rule `{code}` twice"));
        }
    }
    Ok(())
}

/// True when evidence is among the permissions. Others cannot be granted to a check.
fn accept_permissions(permissions: &[Permission]) -> Result<bool, String> {
    match permissions.iter().find(|permission| permission.kind != "evidence") {
        Some(Permission { kind, reason }) => Err(format!(
            "asks for `{}` ({}), which a check cannot have; it may ask for `evidence`",
            text::one_line(kind, 100),
            text::one_line(reason, 200)
        )),
        None => Ok(!permissions.is_empty()),
    }
}

/// A manifest may ask for less than the limits. Names unknown here are wishes of plugins for other hosts.
fn accept_limits(asked: &[(String, u64)]) -> Result<Budget, String> {
    let mut budget = Budget::FULL;
    for (name, value) in asked {
        let most = match name.as_str() {
            "memory-mib" => limits::MEMORY_BYTES as u64 >> 20,
            "cpu-ms" => limits::CPU_MS,
            _ => continue,
        };
        if *value == 0 || *value > most {
            return Err(format!("asks for a {name} of {value}; a check gets 1 to {most}"));
        }
        match name.as_str() {
            "memory-mib" => budget.memory = usize::try_from(value << 20).unwrap_or(limits::MEMORY_BYTES),
            _ => budget.fuel = limits::FUEL / limits::CPU_MS * value,
        }
    }
    Ok(budget)
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_rule(rule: &str) -> bool {
    (1..=100).contains(&rule.len())
        && rule.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}

/// `1.2.3`, with `-pre.1` and `+build` after it.
fn is_version(version: &str) -> bool {
    let (rest, build) = version.split_once('+').map_or((version, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let number = |part: &str| {
        part.parse::<u64>().is_ok()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let words = |text: &str| {
        text.split('.')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    };
    version.len() <= 100
        && core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(words)
        && build.is_none_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> RawManifest {
        RawManifest {
            name: "gate-2".to_owned(),
            version: "1.0.0-rc.1+5".to_owned(),
            summary: "Looks.".to_owned(),
            license: "Apache-2.0".to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: r#"{"type": "object"}"#.to_owned(),
            permissions: Vec::new(),
            limits: Vec::new(),
            rules: vec![rule("gate-2.a")],
        }
    }

    fn rule(code: &str) -> Rule {
        Rule { code: code.to_owned(), title: "Fine".to_owned(), severity: Severity::Low }
    }

    #[test]
    fn a_manifest_may_request_less_than_the_limits() {
        let limits = vec![("memory-mib".to_owned(), 8), ("cpu-ms".to_owned(), 100), ("state-kib".to_owned(), 999)];
        let accepted = accept(RawManifest { limits, ..described() }).unwrap();
        assert_eq!(accepted.budget, Budget { memory: 8 << 20, fuel: limits::FUEL / 2 });
        assert!(!accepted.evidence);
    }

    #[test]
    fn what_a_plugin_may_not_say_of_itself_is_refused_with_the_reason() {
        let permission = |kind: &str| vec![Permission { kind: kind.to_owned(), reason: "why\n".to_owned() }];
        let long = "x".repeat(limits::TEXT_BYTES + 1);
        for (bad, says) in [
            (RawManifest { name: "Gate".to_owned(), ..described() }, "calls itself `Gate`"),
            (RawManifest { name: String::new(), ..described() }, "calls itself ``"),
            (RawManifest { name: "2nd".to_owned(), ..described() }, "begins with a letter"),
            (RawManifest { version: "1.0".to_owned(), ..described() }, "the version `1.0`"),
            (RawManifest { version: "1.02.0".to_owned(), ..described() }, "the version `1.02.0`"),
            (RawManifest { version: "+1.2.3".to_owned(), ..described() }, "the version `+1.2.3`"),
            (RawManifest { version: "1.2.3-".to_owned(), ..described() }, "the version `1.2.3-`"),
            (RawManifest { summary: long.clone(), ..described() }, "a summary of 8193 bytes"),
            (RawManifest { rules: vec![], ..described() }, "declares no rule"),
            (RawManifest { rules: vec![rule("a")], ..described() }, "declares the rule `a`"),
            (RawManifest { rules: vec![rule("gate-2.")], ..described() }, "declares the rule `gate-2.`"),
            (RawManifest { rules: vec![rule("cve.a")], ..described() }, "declares the rule `cve.a`"),
            (RawManifest { rules: vec![rule("gate-2.a"), rule("gate-2.a")], ..described() }, "`gate-2.a` twice"),
            (RawManifest { rules: vec![rule("gate-2.a"); limits::RULES + 1], ..described() }, "declares 1001 rules"),
            (
                RawManifest { rules: vec![Rule { title: long, ..rule("gate-2.a") }], ..described() },
                "a title of 8193 bytes",
            ),
            (RawManifest { permissions: permission("http"), ..described() }, "asks for `http` (why\\n)"),
            (
                RawManifest { limits: vec![("memory-mib".to_owned(), 65)], ..described() },
                "memory-mib of 65; a check gets 1 to 64",
            ),
            (RawManifest { limits: vec![("cpu-ms".to_owned(), 0)], ..described() }, "cpu-ms of 0"),
            (RawManifest { params: "[]".to_owned(), ..described() }, "parameter schema"),
        ] {
            let error = accept(bad).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(accept(RawManifest { permissions: permission("evidence"), ..described() }).unwrap().evidence);
    }
}
