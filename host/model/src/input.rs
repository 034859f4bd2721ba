//! [`InputHead`]: the input document that policies see, the shape of `ec`'s (`policy-input`).
//!
//! What is the same for all components (the Snapshot, the policy) is written once for a run; statements stand in the
//! document byte for byte as they were signed.

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    evidence::{Evidence, Signature},
    policy::PolicySpec,
    snapshot::{Component, Snapshot},
};

/// The part of the document that all components share.
#[derive(Debug)]
pub struct InputHead {
    snapshot: Box<RawValue>,
    policy_spec: Box<RawValue>,
}

#[derive(Serialize)]
struct Document<'a> {
    attestations: Option<Vec<AttestationDocument<'a>>>,
    image: ImageDocument<'a>,
    snapshot: &'a RawValue,
    #[serde(skip_serializing_if = "str::is_empty")]
    component_name: &'a str,
    policy_spec: &'a RawValue,
}

#[derive(Serialize)]
struct AttestationDocument<'a> {
    statement: &'a RawValue,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signatures: &'a [Signature],
}

#[derive(Serialize)]
struct ImageDocument<'a> {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signatures: &'a [Signature],
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<ParentDocument<'a>>,
    source: &'a Value,
}

#[derive(Serialize)]
struct ParentDocument<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    config: Value,
}

/// The runtime part (`config`) of an image's config blob, image-spec's `config.md`.
fn runtime_config(blob: &[u8]) -> Option<Value> {
    let blob: Value = serde_json::from_slice(blob).ok()?;
    blob.get("config").filter(|config| config.is_object()).cloned()
}

impl InputHead {
    /// The head for a Snapshot whose indexes are expanded into `components`, and a policy as reported.
    pub fn new(snapshot: &Snapshot, components: &[Component], policy: &PolicySpec) -> Result<Self, serde_json::Error> {
        let mut components: Vec<_> = components.iter().collect();
        components.sort_by(|a, b| (&a.container_image, &a.name).cmp(&(&b.container_image, &b.name)));
        let mut fields = Map::new();
        fields.insert("application".to_owned(), Value::String(String::new()));
        fields.extend(snapshot.fields.clone());
        fields.insert("components".to_owned(), components.into_iter().map(Component::to_json).collect());
        fields.entry("artifacts").or_insert_with(|| Value::Object(Map::new()));
        Ok(Self {
            snapshot: serde_json::value::to_raw_value(&fields)?,
            policy_spec: serde_json::value::to_raw_value(policy)?,
        })
    }

    /// The document for one component, compact JSON.
    pub fn document(&self, component: &Component, evidence: &Evidence) -> Result<String, serde_json::Error> {
        let mut attestations = Vec::with_capacity(evidence.attestations.len());
        for attestation in &evidence.attestations {
            let statement = serde_json::from_slice::<&RawValue>(&attestation.statement)?;
            attestations.push(AttestationDocument { statement, signatures: &attestation.signatures });
        }
        let parent = evidence.parent.as_ref().map(|parent| ParentDocument {
            reference: &parent.reference,
            config: runtime_config(&parent.config).unwrap_or_else(|| Value::Object(Map::new())),
        });
        crate::json::to_string(&Document {
            attestations: (!attestations.is_empty()).then_some(attestations),
            image: ImageDocument {
                reference: evidence.image.to_string(),
                signatures: &evidence.signatures,
                config: evidence.config.as_deref().and_then(runtime_config),
                parent,
                source: &component.source,
            },
            snapshot: &self.snapshot,
            component_name: &component.name,
            policy_spec: &self.policy_spec,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        digest::Digest,
        evidence::{Attestation, Parent},
        image::PinnedImage,
    };

    fn evidence() -> Evidence {
        let statement: &[u8] = br#"{"_type":"t","big":1e400,"n":1.0,"z":1,"a":2}"#;
        Evidence {
            image: PinnedImage::parse(&format!("r.example/cart@{}", Digest::of(b""))).unwrap(),
            media_type: "m".to_owned(),
            manifest: (*b"{}").into(),
            config: Some((*br#"{"os":"linux","config":{"Labels":{"a":"b"}}}"#).into()),
            parent: Some(Parent { reference: "r.example/base:1@sha256:0".to_owned(), config: (*b"{}").into() }),
            signatures: vec![],
            attestations: vec![Attestation {
                statement: statement.into(),
                digest: Digest::of(statement),
                statement_type: "t".to_owned(),
                predicate_type: "p".to_owned(),
                build_type: None,
                signatures: vec![],
            }],
            checks: vec![],
        }
    }

    #[test]
    fn the_document_has_the_shape_and_order_of_ec() {
        let snapshot =
            Snapshot::parse(r#"{"components":[{"name":"cart","containerImage":"r.example/cart:1"}],"new":1}"#).unwrap();
        let policy = PolicySpec { public_key: "k".to_owned(), ..PolicySpec::default() };
        let head = InputHead::new(&snapshot, &snapshot.components, &policy).unwrap();
        let text = head.document(snapshot.components.first().unwrap(), &evidence()).unwrap();
        let want = r#"{"attestations":[{"statement":{"_type":"t","big":1e400,"n":1.0,"z":1,"a":2}}],"image":{"ref":"r.example/cart@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","config":{"Labels":{"a":"b"}},"parent":{"ref":"r.example/base:1@sha256:0","config":{}},"source":{}},"snapshot":{"application":"","new":1,"components":[{"name":"cart","containerImage":"r.example/cart:1","source":{}}],"artifacts":{}},"component_name":"cart","policy_spec":{"publicKey":"k"}}"#;
        assert_eq!(text, want);
    }

    #[test]
    fn no_attestation_is_null() {
        let snapshot = Snapshot::of_image("r.example/cart:1");
        let head = InputHead::new(&snapshot, &snapshot.components, &PolicySpec::default()).unwrap();
        let evidence = Evidence { attestations: vec![], ..evidence() };
        let text = head.document(snapshot.components.first().unwrap(), &evidence).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.get("attestations"), Some(&json!(null)));
    }
}
