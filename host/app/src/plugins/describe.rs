//! [`PluginDescription`]: what `plugin inspect` shows of a component, and what differs between two.

use std::collections::BTreeMap;

use assay_wasm::{Plugin, Rule};
use serde::Serialize;
use serde_json::Value;

/// A component, described.
#[derive(Clone, Debug, Serialize)]
pub struct PluginDescription {
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its world.
    pub world: String,
    /// The version of the contract.
    pub wit: &'static str,
    /// The digest of the component.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// One sentence about it.
    pub summary: String,
    /// Its license.
    pub license: String,
    /// The URL of its source.
    pub source: String,
    /// What it requests.
    pub permissions: Vec<PermissionDescription>,
    /// Its limits by name.
    pub limits: BTreeMap<String, u64>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// The JSON Schema of its parameters.
    pub params: Value,
}

/// A permission that a manifest requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PermissionDescription {
    /// The kind, such as `http`.
    pub kind: String,
    /// The name, such as a host.
    pub name: String,
    /// Options by name.
    pub options: Vec<(String, String)>,
    /// Why it is requested.
    pub reason: String,
}

/// The version of the contract that this host has.
const WIT: &str = "0.1.0";

impl PluginDescription {
    /// Describes a loaded component of so many bytes.
    #[must_use]
    pub fn of(plugin: &Plugin, size: usize) -> Self {
        let manifest = plugin.manifest();
        let permission = |requested: assay_wasm::RequestedPermission<'_>| PermissionDescription {
            kind: requested.kind.to_owned(),
            name: requested.name.to_owned(),
            options: requested.options.to_vec(),
            reason: requested.reason.to_owned(),
        };
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            world: plugin.world().to_owned(),
            wit: WIT,
            digest: plugin.digest().to_string(),
            size: u64::try_from(size).unwrap_or(u64::MAX),
            summary: manifest.summary.clone(),
            license: manifest.license.clone(),
            source: manifest.source.clone(),
            permissions: plugin.requested().map(permission).collect(),
            limits: plugin.limits().iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            rules: manifest.rules.clone(),
            params: serde_json::from_str(&manifest.params).unwrap_or_default(),
        }
    }

    /// The manifest that is stored in the component: what can be read without running it.
    #[must_use]
    pub fn manifest(&self) -> Value {
        let mut manifest = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = manifest.as_object_mut() {
            // Both follow from the bytes, which the section is part of.
            fields.remove("digest");
            fields.remove("size");
        }
        manifest
    }
}

/// What the second plugin requests, may use or declares differently from the first, a line each. Empty if nothing does.
#[must_use]
pub fn describe_changes(before: &PluginDescription, after: &PluginDescription) -> Vec<String> {
    let mut changes = Vec::new();
    for (what, old, new) in [
        ("version", &before.version, &after.version),
        ("world", &before.world, &after.world),
        ("license", &before.license, &after.license),
    ] {
        if old != new {
            changes.push(format!("~ {what} {old} → {new}"));
        }
    }
    let text = |permission: &PermissionDescription| {
        let options: Vec<_> = permission.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("permission {} {} {}", permission.kind, permission.name, options.join(" ")).trim_end().to_owned()
    };
    let names = |description: &PluginDescription| -> Vec<String> {
        let rules = description.rules.iter().map(|rule| format!("rule {}", rule.code));
        let limits = description.limits.iter().map(|(name, value)| format!("limit {name} {value}"));
        description.permissions.iter().map(text).chain(rules).chain(limits).collect()
    };
    let (old, new) = (names(before), names(after));
    changes.extend(new.iter().filter(|one| !old.contains(one)).map(|one| format!("+ {one}")));
    changes.extend(old.iter().filter(|one| !new.contains(one)).map(|one| format!("- {one}")));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> PluginDescription {
        PluginDescription {
            name: "gate".to_owned(),
            version: "1.0.0".to_owned(),
            world: "task".to_owned(),
            wit: WIT,
            digest: "sha256:0".to_owned(),
            size: 1,
            summary: String::new(),
            license: "MIT".to_owned(),
            source: String::new(),
            permissions: vec![],
            limits: BTreeMap::from([("memory-mib".to_owned(), 64)]),
            rules: vec![],
            params: Value::Null,
        }
    }

    #[test]
    fn a_new_host_and_a_higher_limit_are_changes() {
        let host = PermissionDescription {
            kind: "http".to_owned(),
            name: "stats.example".to_owned(),
            options: vec![("methods".to_owned(), "POST".to_owned())],
            reason: "why".to_owned(),
        };
        let after = PluginDescription {
            permissions: vec![host],
            limits: BTreeMap::from([("memory-mib".to_owned(), 128)]),
            ..description()
        };
        let changes = describe_changes(&description(), &after);
        assert_eq!(
            changes,
            ["+ permission http stats.example methods=POST", "+ limit memory-mib 128", "- limit memory-mib 64"]
        );
        assert!(describe_changes(&after, &after).is_empty());
    }

    #[test]
    fn the_stored_manifest_has_nothing_that_depends_on_the_bytes() {
        let manifest = description().manifest();
        assert_eq!((manifest.get("digest"), manifest.get("size")), (None, None));
        assert_eq!(manifest["name"], "gate");
    }
}
