//! The shapes in which policies see manifests: `ec`'s, where every field is there whether the JSON has it or not.
//!
//! The fields are those of the OCI image specification, `descriptor.md`, `manifest.md` and `image-index.md`. None is
//! given for JSON that is of another kind, or whose fields have other types.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

/// `ec.oci.image_manifest`.
pub(super) fn manifest(json: &Value) -> Option<Value> {
    let layers: Option<Vec<_>> = json.get("layers")?.as_array()?.iter().map(descriptor).collect();
    let mut shape = json!({
        "schemaVersion": number(json, "schemaVersion")?,
        "mediaType": text(json, "mediaType")?,
        "config": descriptor(json.get("config")?)?,
        "layers": layers?,
        "annotations": annotations(json)?,
    });
    add_subject(&mut shape, json)?;
    Some(shape)
}

/// `ec.oci.image_index`.
pub(super) fn index(json: &Value) -> Option<Value> {
    let manifests: Option<Vec<_>> = json.get("manifests")?.as_array()?.iter().map(descriptor).collect();
    let mut shape = json!({
        "schemaVersion": number(json, "schemaVersion")?,
        "mediaType": text(json, "mediaType")?,
        "manifests": manifests?,
        "annotations": annotations(json)?,
    });
    add_subject(&mut shape, json)?;
    Some(shape)
}

/// `ec.oci.descriptor`, and the descriptors within the others.
pub(super) fn descriptor(json: &Value) -> Option<Value> {
    // `data` is content in base64; policies see the content.
    let data = BASE64_STANDARD.decode(text(json, "data")?).ok()?;
    let mut shape = json!({
        "mediaType": text(json, "mediaType")?,
        "size": number(json, "size")?,
        "digest": text(json, "digest")?,
        "data": String::from_utf8_lossy(&data),
        "urls": texts(json, "urls")?,
        "annotations": annotations(json)?,
        "artifactType": text(json, "artifactType")?,
    });
    if let (Some(platform), Some(fields)) = (present(json, "platform"), shape.as_object_mut()) {
        let platform = json!({
            "architecture": text(platform, "architecture")?,
            "os": text(platform, "os")?,
            "os.version": text(platform, "os.version")?,
            "os.features": texts(platform, "os.features")?,
            "variant": text(platform, "variant")?,
            "features": texts(platform, "features")?,
        });
        fields.insert("platform".to_owned(), platform);
    }
    Some(shape)
}

fn add_subject(shape: &mut Value, json: &Value) -> Option<()> {
    if let (Some(subject), Some(fields)) = (present(json, "subject"), shape.as_object_mut()) {
        fields.insert("subject".to_owned(), descriptor(subject)?);
    }
    Some(())
}

/// Null counts as absent, as in Go. A value that is no object has no fields at all.
fn present<'a>(json: &'a Value, key: &str) -> Option<&'a Value> {
    json.get(key).filter(|value| !value.is_null())
}

fn text<'a>(json: &'a Value, key: &str) -> Option<&'a str> {
    json.as_object()?;
    present(json, key).map_or(Some(""), Value::as_str)
}

fn number(json: &Value, key: &str) -> Option<i64> {
    json.as_object()?;
    present(json, key).map_or(Some(0), Value::as_i64)
}

fn texts(json: &Value, key: &str) -> Option<Value> {
    let list = present(json, key).cloned().unwrap_or_else(|| json!([]));
    list.as_array()?.iter().all(Value::is_string).then_some(list)
}

fn annotations(json: &Value) -> Option<Value> {
    let map = present(json, "annotations").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    map.as_object()?.values().all(Value::is_string).then_some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(digest: &str) -> Value {
        json!({"mediaType": "", "size": 0, "digest": digest, "data": "", "urls": [], "annotations": {}, "artifactType": ""})
    }

    #[test]
    fn every_field_is_there() {
        let got = manifest(
            &json!({"config": {"digest": "sha256:1"}, "layers": [{"digest": "sha256:2"}], "annotations": null}),
        );
        let want = json!({
            "schemaVersion": 0, "mediaType": "", "config": bare("sha256:1"), "layers": [bare("sha256:2")], "annotations": {},
        });
        assert_eq!(got, Some(want.clone()));
        // A shape is its own shape.
        assert_eq!(manifest(&want), Some(want));
        let got = index(&json!({"schemaVersion": 2, "manifests": [], "subject": {"digest": "sha256:3"}, "other": 1}));
        let want = json!({
            "schemaVersion": 2, "mediaType": "", "manifests": [], "annotations": {}, "subject": bare("sha256:3"),
        });
        assert_eq!(got, Some(want));
    }

    #[test]
    fn a_descriptor_keeps_what_it_says() {
        let got = descriptor(&json!({
            "mediaType": "m", "size": 9, "digest": "sha256:1", "data": "e30=", "urls": ["u"], "annotations": {"k": "v"},
            "artifactType": "a", "platform": {"os": "linux", "architecture": "amd64", "os.version": "1"},
        }));
        let want = json!({
            "mediaType": "m", "size": 9, "digest": "sha256:1", "data": "{}", "urls": ["u"], "annotations": {"k": "v"},
            "artifactType": "a",
            "platform": {
                "os": "linux", "architecture": "amd64", "os.version": "1", "os.features": [], "variant": "", "features": [],
            },
        });
        assert_eq!(got, Some(want));
    }

    #[test]
    fn what_is_of_another_kind_has_no_shape() {
        assert_eq!(manifest(&json!({"manifests": []})), None);
        assert_eq!(index(&json!({"config": {}, "layers": []})), None);
        for wrong in [
            json!([]),
            json!("x"),
            json!({"size": "1"}),
            json!({"size": 1.5}),
            json!({"digest": 1}),
            json!({"data": "%"}),
            json!({"urls": [1]}),
            json!({"annotations": {"k": 1}}),
            json!({"platform": 1}),
        ] {
            assert_eq!(descriptor(&wrong), None, "{wrong}");
        }
    }
}
