//! [`InputHead`]: the input document that policies see, the shape of `ec`'s (`policy-input`).
//!
//! What is the same for all components (the Snapshot, the policy) is written once for a run; statements stand in the
//! document as they were signed, but for white space. Objects that `ec` reads into types of its own (the Snapshot, a
//! config) have their fields in those types' order; what the types do not know follows, where `ec` drops it.

use std::borrow::Cow;

use serde::{Serialize, ser::Error as _};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    evidence::{Evidence, Signature},
    image_config,
    policy::PolicySpec,
    snapshot::{Component, Snapshot, TEXTS},
};
use assay_gocompat::json;

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
    statement: Cow<'a, RawValue>,
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
    parent: Option<BaseImageDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Value>,
    source: &'a Value,
}

#[derive(Serialize)]
struct BaseImageDocument<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    config: Value,
}

/// Takes the fields that are there, in this order.
fn in_order(fields: &mut Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| fields.shift_remove_entry(*name)).collect()
}

impl InputHead {
    /// The head for a Snapshot whose indexes are expanded into `components`, and a policy as reported.
    pub fn new(snapshot: &Snapshot, components: &[Component], policy: &PolicySpec) -> Result<Self, serde_json::Error> {
        let mut components: Vec<_> = components.iter().collect();
        components.sort_by(|a, b| (&a.container_image, &a.name).cmp(&(&b.container_image, &b.name)));
        let mut given = snapshot.fields.clone();
        given.entry("application").or_insert_with(|| Value::String(String::new()));
        let artifacts = given.shift_remove("artifacts").unwrap_or_else(|| Value::Object(Map::new()));
        let mut fields = in_order(&mut given, &TEXTS);
        fields.extend(given);
        fields.insert("components".to_owned(), components.into_iter().map(Component::to_json).collect());
        fields.insert("artifacts".to_owned(), artifacts);
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
            let statement = match json::compact(statement.get()) {
                Cow::Borrowed(_) => Cow::Borrowed(statement),
                Cow::Owned(compact) => Cow::Owned(RawValue::from_string(compact)?),
            };
            attestations.push(AttestationDocument { statement, signatures: &attestation.signatures });
        }
        let files = (!evidence.files.is_empty())
            .then(|| evidence.files.iter().map(|(name, file)| (name.clone(), json::sorted(file))).collect());
        // What cannot be read must not look like what is not there.
        let runtime = |blob: &[u8]| image_config::runtime(blob).map_err(serde_json::Error::custom);
        let parent = evidence.base_image.as_ref().map(|parent| {
            runtime(&parent.config).map(|config| BaseImageDocument { reference: &parent.reference, config })
        });
        json::to_string(&Document {
            attestations: (!attestations.is_empty()).then_some(attestations),
            image: ImageDocument {
                reference: evidence.image.to_string(),
                signatures: &evidence.signatures,
                config: evidence.config.as_deref().map(runtime).transpose()?,
                parent: parent.transpose()?,
                files,
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
        evidence::{Attestation, BaseImage},
        image::PinnedImage,
    };

    fn evidence() -> Evidence {
        let statement: &[u8] = br#"{"_type": "t", "big":1e400,"n":1.0,"z":1, "a":2}"#;
        Evidence {
            image: PinnedImage::parse(&format!("r.example/cart@{}", Digest::of(b""))).unwrap(),
            media_type: "m".to_owned(),
            manifest: (*b"{}").into(),
            config: Some(
                (*br#"{"os":"linux","config":{"User":"","Labels":{"z":"","a":"<b>"},"Odd":1,"Env":["A=b"]}}"#).into(),
            ),
            base_image: Some(BaseImage { reference: "r.example/base:1@sha256:0".to_owned(), config: (*b"{}").into() }),
            files: [("m/a.yaml".to_owned(), serde_json::json!({"z": 1, "a": []}))].into(),
            signatures: vec![],
            attestations: vec![Attestation {
                statement: statement.into(),
                digest: Digest::of(statement),
                statement_type: "t".to_owned(),
                predicate_type: "p".to_owned(),
                build_type: None,
                signatures: vec![],
            }],
            notices: vec![],
            checks: vec![],
        }
    }

    #[test]
    fn the_document_has_the_shape_and_order_of_ec() {
        let snapshot =
            r#"{"components":[{"name":"cart","containerImage":"r.example/cart:1"}],"new":1,"displayName":"D"}"#;
        let snapshot = Snapshot::parse(snapshot).unwrap();
        let policy = PolicySpec { public_key: "k".to_owned(), ..PolicySpec::default() };
        let head = InputHead::new(&snapshot, &snapshot.components, &policy).unwrap();
        let text = head.document(snapshot.components.first().unwrap(), &evidence()).unwrap();
        let want = r#"{"attestations":[{"statement":{"_type":"t","big":1e400,"n":1.0,"z":1,"a":2}}],"image":{"ref":"r.example/cart@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","config":{"Env":["A=b"],"Labels":{"a":"\u003cb\u003e","z":""},"Odd":1},"parent":{"ref":"r.example/base:1@sha256:0","config":{}},"files":{"m/a.yaml":{"a":[],"z":1}},"source":{}},"snapshot":{"application":"","displayName":"D","new":1,"components":[{"name":"cart","containerImage":"r.example/cart:1","source":{}}],"artifacts":{}},"component_name":"cart","policy_spec":{"publicKey":"k"}}"#;
        assert_eq!(text, want);
    }

    #[test]
    fn a_config_that_cannot_be_read_is_an_error_and_not_absent() {
        let snapshot = Snapshot::of_image("r.example/cart:1");
        let head = InputHead::new(&snapshot, &snapshot.components, &PolicySpec::default()).unwrap();
        let document = |evidence| head.document(snapshot.components.first().unwrap(), &evidence);
        let broken = Some((*br#"{"config":{"labels":{}}}"#).into());
        assert!(document(Evidence { config: broken, ..evidence() }).is_err());
        let parent = BaseImage { reference: "r.example/base:1@sha256:0".to_owned(), config: (*b"{").into() };
        assert!(document(Evidence { base_image: Some(parent), ..evidence() }).is_err());
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
