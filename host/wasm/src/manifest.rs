//! [`Manifest`]: the validated description of a plugin.

use std::collections::BTreeSet;

use crate::{
    limits::{self, Budget},
    params::Schema,
    permissions::Permissions,
    text,
    values::{RawManifest, Rule},
    world::World,
};

/// The description of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Lower-case letters, digits and `-`; the first part of all its codes.
    pub name: String,
    /// A version as in Semantic Versioning 2.0.0.
    pub version: String,
    /// One sentence that describes it.
    pub summary: String,
    /// Its license, an SPDX expression.
    pub license: String,
    /// The URL of its source.
    pub source: String,
    /// The URL of its documentation.
    pub documentation: String,
    /// Every code its findings may carry.
    pub rules: Vec<Rule>,
}

/// A manifest, and what follows from it for calls.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) manifest: Manifest,
    pub(crate) schema: Schema,
    pub(crate) budget: Budget,
    pub(crate) permissions: Permissions,
}

/// Validates a manifest against a world. The error is the end of a sentence that begins with the plugin.
pub(crate) fn accept(described: RawManifest, world: &World) -> Result<Accepted, String> {
    let RawManifest { name, version, summary, license, source, documentation, params, permissions, limits, rules } =
        described;
    if !is_name(&name) {
        return Err(format!(
            "has the invalid name `{}`; a name is 1 to 64 lower-case letters, digits and `-`, and begins with a letter",
            text::one_line(&name, 100)
        ));
    }
    if !is_version(&version) {
        return Err(format!("has the invalid version `{}`; a version is like 1.2.3", text::one_line(&version, 100)));
    }
    for (what, text) in
        [("summary", &summary), ("license", &license), ("source", &source), ("documentation", &documentation)]
    {
        if text.len() > limits::TEXT_BYTES {
            return Err(format!("has a {what} of {} bytes, more than the {} allowed", text.len(), limits::TEXT_BYTES));
        }
    }
    check_rules(&name, &rules)?;
    let permissions = Permissions::grant(world.name, world.grantable, &permissions)?;
    let schema = Schema::parse(&params)?;
    let budget = accept_limits(&limits, world)?;
    let manifest = Manifest { name, version, summary, license, source, documentation, rules };
    Ok(Accepted { manifest, schema, budget, permissions })
}

fn check_rules(name: &str, rules: &[Rule]) -> Result<(), String> {
    if rules.is_empty() {
        return Err("declares no rule".to_owned());
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
                "declares the invalid rule `{code}`; its rules are `{name}.` and lower-case letters, digits and `_-`"
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

/// A manifest may request less than its world allows. Unknown names are for other hosts.
fn accept_limits(requested: &[(String, u64)], world: &World) -> Result<Budget, String> {
    let mut budget = world.budget;
    for (name, value) in requested {
        let (max, limited) = match name.as_str() {
            "memory-mib" => (world.budget.memory_mib(), budget.with_memory_mib(*value)),
            "cpu-ms" => (world.budget.cpu_ms(), budget.with_cpu_ms(*value)),
            _ => continue,
        };
        if *value == 0 || *value > max {
            let world = world.name;
            return Err(format!("requests a {name} of {value}; the world `{world}` allows 1 to {max}"));
        }
        budget = limited;
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
    use crate::{
        permissions::Permission,
        values::{RawPermission, Severity},
        worlds::check::world::WORLD,
    };

    fn accept(described: RawManifest) -> Result<Accepted, String> {
        super::accept(described, &WORLD)
    }

    fn described() -> RawManifest {
        RawManifest {
            name: "gate-2".to_owned(),
            version: "1.0.0-rc.1+5".to_owned(),
            summary: "A test.".to_owned(),
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
        assert!(!accepted.permissions.contains(Permission::Evidence));
    }

    #[test]
    fn an_invalid_manifest_is_refused_with_the_reason() {
        let permission = |kind: &str| vec![RawPermission { kind: kind.to_owned(), reason: "why\n".to_owned() }];
        let long = "x".repeat(limits::TEXT_BYTES + 1);
        for (bad, says) in [
            (RawManifest { name: "Gate".to_owned(), ..described() }, "the invalid name `Gate`"),
            (RawManifest { name: String::new(), ..described() }, "the invalid name ``"),
            (RawManifest { name: "2nd".to_owned(), ..described() }, "begins with a letter"),
            (RawManifest { version: "1.0".to_owned(), ..described() }, "the invalid version `1.0`"),
            (RawManifest { version: "1.02.0".to_owned(), ..described() }, "the invalid version `1.02.0`"),
            (RawManifest { version: "+1.2.3".to_owned(), ..described() }, "the invalid version `+1.2.3`"),
            (RawManifest { version: "1.2.3-".to_owned(), ..described() }, "the invalid version `1.2.3-`"),
            (RawManifest { summary: long.clone(), ..described() }, "a summary of 8193 bytes"),
            (RawManifest { rules: vec![], ..described() }, "declares no rule"),
            (RawManifest { rules: vec![rule("a")], ..described() }, "the invalid rule `a`"),
            (RawManifest { rules: vec![rule("gate-2.")], ..described() }, "the invalid rule `gate-2.`"),
            (RawManifest { rules: vec![rule("cve.a")], ..described() }, "the invalid rule `cve.a`"),
            (RawManifest { rules: vec![rule("gate-2.a"), rule("gate-2.a")], ..described() }, "`gate-2.a` twice"),
            (RawManifest { rules: vec![rule("gate-2.a"); limits::RULES + 1], ..described() }, "declares 1001 rules"),
            (
                RawManifest { rules: vec![Rule { title: long, ..rule("gate-2.a") }], ..described() },
                "a title of 8193 bytes",
            ),
            (RawManifest { permissions: permission("http"), ..described() }, "the permission `http` (why\\n)"),
            (
                RawManifest { limits: vec![("memory-mib".to_owned(), 65)], ..described() },
                "memory-mib of 65; the world `check` allows 1 to 64",
            ),
            (RawManifest { limits: vec![("cpu-ms".to_owned(), 0)], ..described() }, "cpu-ms of 0"),
            (RawManifest { params: "[]".to_owned(), ..described() }, "parameter schema"),
        ] {
            let error = accept(bad).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        let accepted = accept(RawManifest { permissions: permission("evidence"), ..described() }).unwrap();
        assert!(accepted.permissions.contains(Permission::Evidence));
    }
}
