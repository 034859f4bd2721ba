//! [`PolicySpec`]: an `EnterpriseContractPolicy`, the configuration of an evaluation.
//!
//! The format is the resource `appstudio.redhat.com/v1alpha1 EnterpriseContractPolicy` or its bare `spec`, as JSON or
//! YAML; fields stand in the order of the published type, which is the order of `ec`'s reports. Unknown fields are
//! errors, as a misspelled `exclude` must not be ignored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::{limits, memory::Memory, snapshot::kind, strict::Shape, yaml};
use assay_gocompat::json;

/// A policy configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// The policy's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Groups of rules with their data; each is evaluated by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceGroup>,
    /// Deprecated: what every group falls back to when it says nothing itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<GlobalConfig>,
    /// The transparency log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rekor_url: String,
    /// The public key, as PEM text, the path of a file, or the name of one in a cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub public_key: String,
    /// The signer's identity for keyless signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// One group of policy and data sources.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceGroup {
    /// The group's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where the Rego is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<String>,
    /// Where the data is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
    /// Data given in place, seen by rules as `data.rule_data__configuration__`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_data: Option<Box<RawValue>>,
    /// Which rules count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<SourceConfig>,
    /// Which rules count for a while, or for some images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volatile_config: Option<VolatileConfig>,
}

/// Criteria of one group that hold for a while, or for some images; see [`selection`](crate::selection).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolatileConfig {
    /// What does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<VolatileCriterion>,
    /// What counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<VolatileCriterion>,
}

/// One item with its window and its scope. Fields that are not set are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolatileCriterion {
    /// The item, as in `config`.
    pub value: String,
    /// From when it holds: RFC 3339 or a date.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub effective_on: String,
    /// Until when it holds: RFC 3339 or a date.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub effective_until: String,
    /// Deprecated: the digest of the image it holds for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image_ref: String,
    /// The digest of the image it holds for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image_digest: String,
    /// The repository, without tag, whose images it holds for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image_url: String,
    /// The components it holds for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub component_names: Vec<String>,
    /// Where it is argued for, such as an issue.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
}

/// Criteria of one group that always hold; see [`selection`](crate::selection).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceConfig {
    /// What does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// What counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
}

/// The deprecated criteria for all groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GlobalConfig {
    /// What does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// What counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Collections that count, without their `@`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
}

/// A keyless signer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// The certificate's subject, exactly.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The certificate's subject, as a regular expression.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject_reg_exp: String,
    /// The OIDC issuer, exactly.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub issuer: String,
    /// The OIDC issuer, as a regular expression.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub issuer_reg_exp: String,
}

/// Why a text is not a policy configuration.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Neither JSON nor YAML.
    #[error("the policy configuration is neither JSON nor YAML: {0}")]
    Syntax(yaml::TextError),
    /// Not an object.
    #[error("the policy configuration is {found}, not an object with `sources`")]
    NotAnObject {
        /// What it is instead.
        found: &'static str,
    },
    /// Fields that the format does not have, or with other types.
    #[error("the policy configuration does not follow the EnterpriseContractPolicy format: {0}")]
    Shape(String),
}

impl PolicySpec {
    /// Reads a policy resource or its spec.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let read = assay_gocompat::yaml_reader::unambiguous(text)
            .map_err(Into::into)
            .and_then(|()| yaml::parse_within(text, &Memory::of(limits::POLICY_MEMORY)));
        let document = read.map_err(PolicyError::Syntax)?;
        RESOURCE.check(&document).map_err(PolicyError::Shape)?;
        let Value::Object(mut fields) = document else {
            return Err(PolicyError::NotAnObject { found: kind(&document) });
        };
        // Without `apiVersion`, a `spec` beside other fields of a policy is not known to be the one that is meant.
        let of_resource = |name: &str| matches!(name, "spec" | "kind" | "metadata" | "status");
        let is_resource = fields.contains_key("apiVersion")
            || fields.contains_key("spec") && fields.keys().all(|name| of_resource(name));
        let spec = if is_resource { fields.remove("spec").unwrap_or(Value::Null) } else { Value::Object(fields) };
        if !spec.is_object() {
            return Err(PolicyError::NotAnObject { found: kind(&spec) });
        }
        objects(&spec)?;
        // Through text, since raw values are read only from text.
        let text = spec.to_string();
        let shape = |error: serde_json::Error| {
            let message = error.to_string();
            // The line and column would be those of our own text.
            PolicyError::Shape(message.split(" at line ").next().unwrap_or_default().to_owned())
        };
        let mut spec: Self = serde_json::from_str(&text).map_err(shape)?;
        for group in &mut spec.sources {
            let Some(data) = &group.rule_data else { continue };
            let data: Value = serde_json::from_str(data.get()).map_err(shape)?;
            group.rule_data = Some(raw(&json::as_yaml_numbers(&data)).map_err(shape)?);
        }
        Ok(spec)
    }

    /// Sets strings in the `ruleData` of every source group, overriding existing values.
    ///
    /// Groups are written anew as Go writes a map that it has read from JSON, with numbers as 64-bit floats.
    pub fn add_rule_data(&mut self, extra: &[(String, String)]) -> Result<(), serde_json::Error> {
        if extra.is_empty() {
            return Ok(());
        }
        for group in &mut self.sources {
            let given = group.rule_data.as_ref().map_or("{}", |data| data.get());
            let mut fields: Map<String, Value> = serde_json::from_str(given)?;
            for (key, text) in extra {
                fields.insert(key.clone(), Value::String(text.clone()));
            }
            group.rule_data = Some(raw(&json::as_floats(&Value::Object(fields)))?);
        }
        Ok(())
    }
}

/// The keys of a resource. Those of a spec need none: there, every key that is not known is an error.
const RESOURCE: Shape = Shape::Object(&[
    ("apiVersion", Shape::Any),
    ("kind", Shape::Any),
    ("metadata", Shape::Any),
    ("spec", Shape::Any),
    ("status", Shape::Any),
]);

/// Refuses what stands in place of an object: `null` would be read as nothing, and a list as fields in order.
fn objects(spec: &Value) -> Result<(), PolicyError> {
    let check = |path: &str, value: Option<&Value>| match value {
        None | Some(Value::Object(_)) => Ok(()),
        Some(other) => Err(PolicyError::Shape(format!("`{path}` is {}, not an object", kind(other)))),
    };
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    check("configuration", spec.get("configuration"))?;
    check("identity", spec.get("identity"))?;
    for (at, group) in list(spec.get("sources")).iter().enumerate() {
        let path = format!("sources[{at}]");
        check(&path, Some(group))?;
        for name in ["ruleData", "config", "volatileConfig"] {
            check(&format!("{path}.{name}"), group.get(name))?;
        }
        let items = |name| list(group.get("volatileConfig").and_then(|config| config.get(name)));
        for name in ["exclude", "include"] {
            for (at, item) in items(name).iter().enumerate() {
                check(&format!("{path}.volatileConfig.{name}[{at}]"), Some(item))?;
            }
        }
    }
    Ok(())
}

/// The text of a value with its keys in byte order, as Go writes a map.
fn raw(value: &Value) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(json::to_string(&json::sorted(value))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_neither_null_nor_a_list() {
        for (text, says) in [
            (r#"{"identity": null}"#, "`identity` is null, not an object"),
            (r#"{"configuration": []}"#, "`configuration` is a list, not an object"),
            (r#"{"sources": [{}, []]}"#, "`sources[1]` is a list"),
            (r#"{"sources": [{"config": []}]}"#, "`sources[0].config` is a list"),
            (r#"{"sources": [{"volatileConfig": null}]}"#, "`sources[0].volatileConfig` is null"),
            (r#"{"sources": [{"ruleData": null}]}"#, "`sources[0].ruleData` is null"),
        ] {
            let error = PolicySpec::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_resource_and_its_spec_are_the_same_policy() {
        let spec = r#"{"sources":[{"policy":["./p"],"data":["./d"],"ruleData":{"b":1.0,"a":[]},"config":{"exclude":["x"],"include":["*"]}}],"publicKey":"k.pub"}"#;
        let bare = PolicySpec::parse(spec).unwrap();
        // Rule data is a map, which has no order, and its numbers have been through YAML.
        let spec = spec.replace(r#"{"b":1.0,"a":[]}"#, r#"{"a":[],"b":1}"#);
        let resource = format!(
            r#"{{"apiVersion":"appstudio.redhat.com/v1alpha1","kind":"EnterpriseContractPolicy","spec":{spec}}}"#
        );
        let resource = PolicySpec::parse(&resource).unwrap();
        assert_eq!(serde_json::to_string(&bare).unwrap(), spec);
        assert_eq!(serde_json::to_string(&resource).unwrap(), spec);
        let yaml = "name: 'n'\nsources:\n- policy: [./p]\n  ruleData: {k: 'on'}\n";
        let yaml = PolicySpec::parse(yaml).unwrap();
        assert_eq!(yaml.name, "n");
        assert_eq!(yaml.sources.first().unwrap().rule_data.as_ref().unwrap().get(), r#"{"k":"on"}"#);
    }

    #[test]
    fn volatile_criteria_are_written_in_the_order_of_the_published_type() {
        let spec = r#"{"sources":[{"policy":["p"],"volatileConfig":{"exclude":[{"value":"v","effectiveOn":"2025-01-01T00:00:00Z","effectiveUntil":"2026-01-01T00:00:00Z","imageRef":"sha256:1","imageDigest":"sha256:2","imageUrl":"u","componentNames":["c"],"reference":"r"}],"include":[{"value":"w"}]}}]}"#;
        assert_eq!(serde_json::to_string(&PolicySpec::parse(spec).unwrap()).unwrap(), spec);
    }

    #[test]
    fn extra_rule_data_overwrites_and_is_written_as_go_writes_a_map() {
        let mut policy = PolicySpec::parse(
            r#"{"sources":[{"ruleData":{"z":1.0,"key":{"deep":true},"big":12345678901234567890,"e":1e21,"f":0.10}},{"policy":["p"]}]}"#,
        )
        .unwrap();
        let pair = |key: &str, text: &str| (key.to_owned(), text.to_owned());
        policy.add_rule_data(&[]).unwrap();
        policy.add_rule_data(&[pair("key", "old"), pair("key", "<new>"), pair("a", "")]).unwrap();
        let want = r#"{"sources":[{"ruleData":{"a":"","big":12345678901234567000,"e":1e+21,"f":0.1,"key":"\u003cnew\u003e","z":1}},{"policy":["p"],"ruleData":{"a":"","key":"\u003cnew\u003e"}}]}"#;
        assert_eq!(serde_json::to_string(&policy).unwrap(), want);
    }

    #[test]
    fn what_is_not_a_policy_says_what_is_wrong() {
        for (text, says) in [
            ("[]", "a list, not an object"),
            ("", "null, not an object"),
            ("apiVersion: v1", "null, not an object"),
            ("sources: [{policy: [a], exclude: [b]}]", "unknown field `exclude`"),
            ("sources: {}", "expected a sequence"),
            ("sources: [{policy: [1]}]", "expected a string"),
            ("sources: [", "neither JSON nor YAML"),
            ("sources: null", "expected a sequence"),
            ("sources: [{ruleData: []}]", "`sources[0].ruleData` is a list, not an object"),
            ("sources: [{policy: [a]}, {ruleData: text}]", "`sources[1].ruleData` is a string, not an object"),
            ("sources: [{ruleData: null}]", "`sources[0].ruleData` is null, not an object"),
            ("sources: [[]]", "`sources[0]` is a list, not an object"),
            ("sources: [{config: null}]", "`sources[0].config` is null, not an object"),
            ("sources: [{volatileConfig: []}]", "`sources[0].volatileConfig` is a list, not an object"),
            ("sources: [{volatileConfig: {include: [[x]]}}]", "`sources[0].volatileConfig.include[0]` is a list"),
            ("configuration: []", "`configuration` is a list, not an object"),
            ("identity: null", "`identity` is null, not an object"),
            ("{sources: [], spec: {}}", "unknown field `spec`"),
            ("{apiVersion: v1, spec: {}, Spec: {sources: []}}", "`Spec` is used instead of `spec`"),
            ("{APIVersion: v1, spec: {}}", "instead of `apiVersion`"),
            ("{Sources: []}", "unknown field `Sources`"),
            (r#"{"sources": [], "sources": [{"policy": ["a"]}]}"#, "the key `sources` is duplicated"),
            (r#"{"sources": [{"ruleData": {"a": 1, "a": 2}}]}"#, "the key `a` is duplicated"),
            (r#"{"sources": []} {"sources": []}"#, "neither JSON nor YAML"),
            (r#"{"sources": []} more"#, "neither JSON nor YAML"),
            ("{\"sources\": []}\n---\nsources: []", "neither JSON nor YAML"),
            ("sources: [{config: {collections: [a]}}]", "unknown field `collections`"),
            ("sources: [{volatileConfig: {exclude: [{imageRef: x}]}}]", "missing field `value`"),
            ("sources: [{volatileConfig: {exclude: [{value: x, when: z}]}}]", "unknown field `when`"),
            ("name: n", "`n` at line 1, column 7 is one value in YAML 1.1 and another in 1.2"),
            ("sources: [{ruleData: {mode: 012}}]", "`012` at line 1, column 29 is one value"),
            ("sources: [{volatileConfig: {exclude: [x]}}]", "`sources[0].volatileConfig.exclude[0]` is a string"),
            ("configuration: {other: []}", "unknown field `other`"),
            ("{identity: {subjectRegexp: x}}", "unknown field `subjectRegexp`"),
        ] {
            let error = PolicySpec::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}
