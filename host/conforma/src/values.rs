//! The shapes in which policies see manifests and files: `ec`'s, where every field is there whether the JSON has it or
//! not.
//!
//! The fields are those of the OCI image specification, `descriptor.md`, `manifest.md` and `image-index.md`. None is
//! given for JSON that is of another kind, or whose fields have other types.

use std::collections::BTreeMap;

use assay_model::{
    error::EvaluationError,
    image_files::{self, Broken},
};
use assay_rego::value::{Object, Value, text_of, with_whole_numbers};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer};

use crate::host::{Described, Files, Referrer};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default, deserialize_with = "null_is_absent")]
    schema_version: i64,
    #[serde(default, deserialize_with = "null_is_absent")]
    media_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default, deserialize_with = "null_is_absent")]
    annotations: BTreeMap<String, String>,
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    #[serde(default, deserialize_with = "null_is_absent")]
    schema_version: i64,
    #[serde(default, deserialize_with = "null_is_absent")]
    media_type: String,
    manifests: Vec<Descriptor>,
    #[serde(default, deserialize_with = "null_is_absent")]
    annotations: BTreeMap<String, String>,
    subject: Option<Descriptor>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Descriptor {
    #[serde(deserialize_with = "null_is_absent")]
    media_type: String,
    #[serde(deserialize_with = "null_is_absent")]
    size: i64,
    #[serde(deserialize_with = "null_is_absent")]
    digest: String,
    #[serde(deserialize_with = "null_is_absent")]
    data: String,
    #[serde(deserialize_with = "null_is_absent")]
    urls: Vec<String>,
    #[serde(deserialize_with = "null_is_absent")]
    annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_is_absent")]
    artifact_type: String,
    platform: Option<Platform>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Platform {
    #[serde(deserialize_with = "null_is_absent")]
    architecture: String,
    #[serde(deserialize_with = "null_is_absent")]
    os: String,
    #[serde(rename = "os.version", deserialize_with = "null_is_absent")]
    os_version: String,
    #[serde(rename = "os.features", deserialize_with = "null_is_absent")]
    os_features: Vec<String>,
    #[serde(deserialize_with = "null_is_absent")]
    variant: String,
    #[serde(deserialize_with = "null_is_absent")]
    features: Vec<String>,
}

/// Null counts as absent, as in Go.
fn null_is_absent<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// `ec.oci.image_manifest`.
pub(crate) fn manifest(json: &[u8]) -> Option<Value> {
    let manifest: Manifest = serde_json::from_slice(json).ok()?;
    let layers: Option<Vec<_>> = manifest.layers.into_iter().map(descriptor).collect();
    let mut shape = fields([
        ("schemaVersion", Value::from(manifest.schema_version)),
        ("mediaType", Value::from(manifest.media_type)),
        ("config", descriptor(manifest.config)?),
        ("layers", Value::from(layers?)),
        ("annotations", texts(manifest.annotations)),
    ]);
    add_subject(&mut shape, manifest.subject)?;
    Some(shape.into_value())
}

/// `ec.oci.image_index`.
pub(crate) fn index(json: &[u8]) -> Option<Value> {
    let index: Index = serde_json::from_slice(json).ok()?;
    let manifests: Option<Vec<_>> = index.manifests.into_iter().map(descriptor).collect();
    let mut shape = fields([
        ("schemaVersion", Value::from(index.schema_version)),
        ("mediaType", Value::from(index.media_type)),
        ("manifests", Value::from(manifests?)),
        ("annotations", texts(index.annotations)),
    ]);
    add_subject(&mut shape, index.subject)?;
    Some(shape.into_value())
}

/// `ec.oci.descriptor`.
pub(crate) fn described(described: Described) -> Value {
    let Described { media_type, size, digest } = described;
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    // Without `data` there is nothing that could not be read.
    descriptor(Descriptor { media_type, size, digest, ..Descriptor::default() }).unwrap_or(Value::Null)
}

/// One of `ec.oci.image_referrers`.
pub(crate) fn referrer(referrer: Referrer) -> Value {
    record([
        ("mediaType", Value::from(referrer.described.media_type)),
        ("size", Value::from(referrer.described.size)),
        ("digest", Value::from(referrer.described.digest)),
        ("artifactType", Value::from(referrer.artifact_type)),
        ("ref", Value::from(referrer.reference)),
        ("annotations", texts(referrer.annotations)),
    ])
}

/// `ec.oci.blob_files`, `ec.oci.image_files`: what reads as YAML or JSON; other files are left out, as in `ec`. One that
/// `ec` accepts and this program rejects is an error.
pub(crate) fn files(reference: &str, files: &Files) -> Result<Value, EvaluationError> {
    let documents = image_files::documents(&format!("`{reference}`"), files, Broken::LeftOut)?;
    let read = |(name, document)| (Value::from(name), Value::from(with_whole_numbers(document)));
    Ok(documents.into_iter().map(read).collect::<Object>().into_value())
}

/// The descriptors within the others. None when its `data` is not base64.
fn descriptor(descriptor: Descriptor) -> Option<Value> {
    // `data` is content in base64; policies see the content.
    let data = BASE64_STANDARD.decode(descriptor.data).ok()?;
    let mut shape = fields([
        ("mediaType", Value::from(descriptor.media_type)),
        ("size", Value::from(descriptor.size)),
        ("digest", Value::from(descriptor.digest)),
        ("data", Value::from(text_of(&data))),
        ("urls", list(descriptor.urls)),
        ("annotations", texts(descriptor.annotations)),
        ("artifactType", Value::from(descriptor.artifact_type)),
    ]);
    if let Some(platform) = descriptor.platform {
        let platform = record([
            ("architecture", Value::from(platform.architecture)),
            ("os", Value::from(platform.os)),
            ("os.version", Value::from(platform.os_version)),
            ("os.features", list(platform.os_features)),
            ("variant", Value::from(platform.variant)),
            ("features", list(platform.features)),
        ]);
        shape.insert(Value::from("platform"), platform);
    }
    Some(shape.into_value())
}

fn add_subject(shape: &mut Object, subject: Option<Descriptor>) -> Option<()> {
    if let Some(subject) = subject {
        shape.insert(Value::from("subject"), descriptor(subject)?);
    }
    Some(())
}

fn list(texts: Vec<String>) -> Value {
    Value::from(texts.into_iter().map(Value::from).collect::<Vec<_>>())
}

/// An object of strings.
pub(crate) fn texts(map: BTreeMap<String, String>) -> Value {
    map.into_iter().map(|(key, value)| (Value::from(key), Value::from(value))).collect::<Object>().into_value()
}

/// An object with text keys.
pub(crate) fn record<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    fields(pairs).into_value()
}

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Object {
    pairs.into_iter().map(|(key, value)| (Value::from(key), value)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn bare(digest: &str) -> Json {
        json!({"mediaType": "", "size": 0, "digest": digest, "data": "", "urls": [], "annotations": {}, "artifactType": ""})
    }

    fn shaped(shape: fn(&[u8]) -> Option<Value>, json: &Json) -> Option<Json> {
        shape(json.to_string().as_bytes()).map(|value| serde_json::to_value(value).unwrap())
    }

    #[test]
    fn every_field_is_there() {
        let got = shaped(
            manifest,
            &json!({"config": {"digest": "sha256:1"}, "layers": [{"digest": "sha256:2"}], "annotations": null}),
        );
        let want = json!({
            "schemaVersion": 0, "mediaType": "", "config": bare("sha256:1"), "layers": [bare("sha256:2")], "annotations": {},
        });
        assert_eq!(got, Some(want.clone()));
        // A shape is its own shape.
        assert_eq!(shaped(manifest, &want), Some(want));
        let json = json!({"schemaVersion": 2, "manifests": [], "subject": {"digest": "sha256:3"}, "other": 1});
        let want = json!({
            "schemaVersion": 2, "mediaType": "", "manifests": [], "annotations": {}, "subject": bare("sha256:3"),
        });
        assert_eq!(shaped(index, &json), Some(want));
    }

    #[test]
    fn a_descriptor_keeps_what_it_says() {
        let layer = json!({
            "mediaType": "m", "size": 9, "digest": "sha256:1", "data": "e30=", "urls": ["u"], "annotations": {"k": "v"},
            "artifactType": "a", "platform": {"os": "linux", "architecture": "amd64", "os.version": "1"},
        });
        let mut want = layer.clone();
        want["data"] = json!("{}");
        want["platform"] = json!({
            "os": "linux", "architecture": "amd64", "os.version": "1", "os.features": [], "variant": "", "features": [],
        });
        let got = shaped(index, &json!({"manifests": [layer]})).unwrap();
        assert_eq!(got["manifests"][0], want);
    }

    #[test]
    fn what_is_of_another_kind_has_no_shape() {
        assert_eq!(shaped(manifest, &json!({"manifests": []})), None);
        assert_eq!(shaped(index, &json!({"config": {}, "layers": []})), None);
        for wrong in [
            json!(1),
            json!("x"),
            json!({"size": "1"}),
            json!({"size": 1.5}),
            json!({"digest": 1}),
            json!({"data": "%"}),
            json!({"urls": [1]}),
            json!({"annotations": {"k": 1}}),
            json!({"platform": 1}),
        ] {
            assert_eq!(shaped(index, &json!({"manifests": [wrong]})), None, "{wrong}");
        }
    }

    #[test]
    fn files_are_read_as_yaml_and_ambiguous_ones_are_errors() {
        let given: Files = [("a.json", &br#"{"a": [1]}"#[..]), ("b.yaml", b"b: yes it is\n"), ("none.yaml", b"[1")]
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.to_vec()))
            .collect();
        let got = serde_json::to_value(files("r.test/app", &given).unwrap()).unwrap();
        assert_eq!(got, json!({"a.json": {"a": [1]}, "b.yaml": {"b": "yes it is"}}));
        for bad in [&b"a: 1\na: 2"[..], br#"{"a":1,"a":2}"#] {
            let given = given.clone().into_iter().chain([("c.yaml".to_owned(), bad.to_vec())]).collect();
            assert!(files("r.test/app", &given).unwrap_err().message.contains("`c.yaml` of `r.test/app`"));
        }
    }
}
