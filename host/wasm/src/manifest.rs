//! [`Manifest`]: the validated description of a plugin.

use std::collections::BTreeSet;

use crate::{
    call_limits::CallLimits,
    grants::HostPattern,
    limits,
    params::Schema,
    permissions::Permissions,
    text,
    values::{RawManifest, RawPermission, Rule},
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
    /// JSON Schema of its parameters.
    pub params: String,
    /// Every code its findings may carry.
    pub rules: Vec<Rule>,
}

/// A manifest, and what follows from it for calls.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) manifest: Manifest,
    pub(crate) schema: Schema,
    /// What one call may use, before the operator's caps.
    pub(crate) limits: CallLimits,
    pub(crate) permissions: Permissions,
    /// All that it requests.
    pub(crate) requested: Vec<RawPermission>,
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
    if rules.is_empty() && world.needs_rules {
        return Err("declares no rule".to_owned());
    }
    check_rules(&name, &rules)?;
    check_permissions(&permissions)?;
    let requested = permissions;
    let permissions = Permissions::grant(world.name, world.grantable, &requested)?;
    let schema = Schema::parse(&params)?;
    let limits = accept_limits(&limits, world)?;
    let manifest = Manifest { name, version, summary, license, source, documentation, params, rules };
    Ok(Accepted { manifest, schema, limits, permissions, requested })
}

/// Permissions are shown to people and compared with what an operator grants.
fn check_permissions(requested: &[RawPermission]) -> Result<(), String> {
    if requested.len() > limits::PERMISSIONS {
        return Err(format!("requests {} permissions, more than the {} allowed", requested.len(), limits::PERMISSIONS));
    }
    for permission in requested {
        let options = permission.options.iter().flat_map(|(name, value)| [name, value]);
        let texts = [&permission.kind, &permission.name, &permission.reason].into_iter().chain(options);
        if let Some(size) = texts.map(String::len).find(|size| *size > limits::TEXT_BYTES) {
            return Err(format!("requests a permission with a text of {size} bytes"));
        }
        let is_param = permission.name.starts_with('{') && permission.name.ends_with('}');
        if permission.kind == "http" && !is_param {
            permission
                .name
                .parse::<HostPattern>()
                .map_err(|error| format!("requests `http` for a host that is none: {error}"))?;
        }
    }
    Ok(())
}

fn check_rules(name: &str, rules: &[Rule]) -> Result<(), String> {
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

/// A manifest may request other limits than the defaults, up to the caps of its world. Unknown names are for other hosts.
fn accept_limits(requested: &[(String, u64)], world: &World) -> Result<CallLimits, String> {
    let mut accepted = world.defaults;
    for (name, value) in requested {
        let Some(max) = world.caps.get(name) else { continue };
        if *value == 0 || *value > max {
            let world = world.name;
            return Err(format!("requests a {name} of {value}; the world `{world}` allows 1 to {max}"));
        }
        accepted = accepted.with(name, *value);
    }
    Ok(accepted)
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
    use crate::{permissions::Permission, values::Severity, worlds::check::world::WORLD};

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
    fn a_manifest_may_request_other_limits_up_to_the_caps() {
        let limits = vec![("memory-mib".to_owned(), 8), ("cpu-ms".to_owned(), 100), ("state-kib".to_owned(), 60)];
        let accepted = accept(RawManifest { limits, ..described() }).unwrap();
        let want = CallLimits { memory_mib: 8, cpu_ms: 100, state_kib: 60, ..CallLimits::CHECK };
        assert_eq!(accepted.limits, want);
        let more = vec![("memory-mib".to_owned(), 512), ("cpu-ms".to_owned(), 10_000), ("unknown".to_owned(), 0)];
        let accepted = accept(RawManifest { limits: more, ..described() }).unwrap();
        assert_eq!(accepted.limits.fuel(), 50_000_000_000);
        assert!(!accepted.permissions.contains(Permission::Evidence));
    }

    #[test]
    fn an_invalid_manifest_is_refused_with_the_reason() {
        let permission = |kind: &str| {
            vec![RawPermission {
                kind: kind.to_owned(),
                name: String::new(),
                options: Vec::new(),
                reason: "why\n".to_owned(),
            }]
        };
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
            (
                RawManifest { permissions: permission("checkpoint"), ..described() },
                "the permission `checkpoint` (why\\n)",
            ),
            (RawManifest { permissions: permission("http"), ..described() }, "`http` for a host that is none"),
            (
                RawManifest { limits: vec![("memory-mib".to_owned(), 513)], ..described() },
                "memory-mib of 513; the world `check` allows 1 to 512",
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
