//! [`PolicySpec`]: an `EnterpriseContractPolicy`, the configuration of what to judge by.
//!
//! The format is the resource `appstudio.redhat.com/v1alpha1 EnterpriseContractPolicy` or its bare `spec`, as JSON or
//! YAML; fields stand in the order of the published type, which is the order of `ec`'s reports. Unknown fields are
//! errors, as a misspelt `exclude` must not be ignored.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{snapshot::kind, yaml};

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
    /// The public key, as PEM text or the path of a file.
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
    #[serde(default)]
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
    pub volatile_config: Option<Value>,
}

/// Criteria of one group; see [`criteria`](crate::criteria).
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
        let document = yaml::parse(text).map_err(PolicyError::Syntax)?;
        let Value::Object(mut fields) = document else {
            return Err(PolicyError::NotAnObject { found: kind(&document) });
        };
        let is_resource = fields.contains_key("apiVersion") || fields.contains_key("spec");
        let spec = if is_resource { fields.remove("spec").unwrap_or(Value::Null) } else { Value::Object(fields) };
        if !spec.is_object() {
            return Err(PolicyError::NotAnObject { found: kind(&spec) });
        }
        // Through text, since raw values are read only from text.
        let text = spec.to_string();
        serde_json::from_str(&text).map_err(|error| {
            let message = error.to_string();
            // The line and column would be those of our own text.
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            PolicyError::Shape(message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_and_its_spec_are_the_same_policy() {
        let spec = r#"{"sources":[{"policy":["./p"],"data":["./d"],"ruleData":{"b":1.0,"a":[]},"config":{"exclude":["x"],"include":["*"]}}],"publicKey":"k.pub"}"#;
        let bare = PolicySpec::parse(spec).unwrap();
        let resource = format!(
            r#"{{"apiVersion":"appstudio.redhat.com/v1alpha1","kind":"EnterpriseContractPolicy","spec":{spec}}}"#
        );
        let resource = PolicySpec::parse(&resource).unwrap();
        assert_eq!(serde_json::to_string(&bare).unwrap(), spec);
        assert_eq!(serde_json::to_string(&resource).unwrap(), spec);
        let yaml = "name: n\nsources:\n- policy: [./p]\n  ruleData: {k: on}\n";
        let yaml = PolicySpec::parse(yaml).unwrap();
        assert_eq!(yaml.name, "n");
        assert_eq!(yaml.sources.first().unwrap().rule_data.as_ref().unwrap().get(), r#"{"k":"on"}"#);
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
        ] {
            let error = PolicySpec::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}
