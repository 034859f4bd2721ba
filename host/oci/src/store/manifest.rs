//! [`Manifest`]: an image manifest or index as its bytes say (OCI image-spec 1.1, Docker schema 2).
//!
//! What a manifest is, is read from its content, never from a `Content-Type`: the content has a digest, the header
//! has none, and a document that can be read both ways is refused (CVE-2021-41190). So a layout and a registry
//! cannot disagree about the same bytes. So is one with a key twice, or with a known key in another case, as container
//! runtimes read manifests with Go's `encoding/json`, which takes `Layers` for `layers`.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    digest::Digest,
    limits,
    memory::Memory,
    strict::{self, Shape},
};
use serde::Deserialize;

/// OCI image manifest.
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker image manifest, schema 2.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list, schema 2.
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The `Accept` header of manifest requests.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

/// A manifest or index whose bytes have its digest.
#[derive(Debug)]
pub struct Manifest {
    digest: Digest,
    media_type: String,
    bytes: Arc<[u8]>,
    config: Option<Descriptor>,
    layers: Vec<Descriptor>,
    index: Option<Vec<IndexItem>>,
    annotations: BTreeMap<String, String>,
    artifact_type: Option<String>,
    subject: Option<Digest>,
}

/// A manifest that points at an image, as a registry lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The manifest.
    pub descriptor: Descriptor,
    /// What it is; empty if it does not say.
    pub artifact_type: String,
}

/// Content as a manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Descriptor {
    /// What the content is.
    #[serde(rename = "mediaType", default)]
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Notes about it. Not signed, not checked.
    #[serde(default, deserialize_with = "none_is_default")]
    pub annotations: BTreeMap<String, String>,
}

/// One manifest of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexItem {
    /// The manifest.
    pub descriptor: Descriptor,
    /// Whether the index says for which platform it is.
    pub has_platform: bool,
    /// `platform.os`, where the index says.
    pub os: Option<String>,
    /// `platform.architecture`, where the index says.
    pub architecture: Option<String>,
    /// `artifactType`, where the index says.
    pub artifact_type: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "schemaVersion")]
    schema_version: Option<u64>,
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Item>>,
    #[serde(default, deserialize_with = "none_is_default")]
    annotations: BTreeMap<String, String>,
    #[serde(rename = "artifactType")]
    artifact_type: Option<String>,
    subject: Option<Subject>,
}

/// The keys of a manifest or an index (image-spec `manifest.md`, `image-index.md`).
pub(super) const MANIFEST: Shape = Shape::Object(&[
    ("schemaVersion", Shape::Any),
    ("mediaType", Shape::Any),
    ("artifactType", Shape::Any),
    ("config", DESCRIPTOR),
    ("layers", Shape::List(&DESCRIPTOR)),
    ("manifests", Shape::List(&DESCRIPTOR)),
    ("subject", DESCRIPTOR),
    ("annotations", Shape::Map(&Shape::Any)),
]);

/// The keys of a descriptor (image-spec `descriptor.md`).
const DESCRIPTOR: Shape = Shape::Object(&[
    ("mediaType", Shape::Any),
    ("digest", Shape::Any),
    ("size", Shape::Any),
    ("urls", Shape::Any),
    ("annotations", Shape::Map(&Shape::Any)),
    ("data", Shape::Any),
    ("artifactType", Shape::Any),
    ("platform", PLATFORM),
]);

const PLATFORM: Shape = Shape::Object(&[
    ("architecture", Shape::Any),
    ("os", Shape::Any),
    ("os.version", Shape::Any),
    ("os.features", Shape::Any),
    ("variant", Shape::Any),
    ("features", Shape::Any),
]);

#[derive(Deserialize)]
struct Subject {
    digest: Digest,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "mediaType", default)]
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default, deserialize_with = "none_is_default")]
    annotations: BTreeMap<String, String>,
    platform: Option<Platform>,
    #[serde(rename = "artifactType")]
    artifact_type: Option<String>,
}

#[derive(Deserialize)]
struct Platform {
    os: Option<String>,
    architecture: Option<String>,
}

fn none_is_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

impl Manifest {
    /// Reads bytes that have been checked to have this digest. The error is what is wrong with them.
    pub(crate) fn parse(digest: Digest, bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err("it is not a JSON object".to_owned());
        }
        let text = strict::check(&bytes, &MANIFEST, &Memory::of(limits::MANIFEST_MEMORY))?;
        let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if document.schema_version != Some(2) {
            return Err("its schemaVersion is not 2".to_owned());
        }
        let is_index = match document.media_type.as_deref() {
            Some(OCI_INDEX | DOCKER_INDEX) => true,
            Some(OCI_MANIFEST | DOCKER_MANIFEST) => false,
            Some(other) => {
                return Err(format!("its media type `{other}` is neither that of an image nor that of an index"));
            }
            None => document.manifests.is_some(),
        };
        let is_also_image = document.config.is_some() || document.layers.is_some();
        let (config, index) = match (is_index, document.config, document.manifests) {
            (true, _, Some(_)) if is_also_image => {
                return Err("it has the fields of an index and of an image".to_owned());
            }
            (true, _, Some(items)) => (None, Some(items.into_iter().map(IndexItem::from).collect())),
            (true, _, None) => return Err("it is an index without `manifests`".to_owned()),
            (false, _, Some(_)) => return Err("it has the fields of an index and of an image".to_owned()),
            (false, Some(config), None) => (Some(config), None),
            (false, None, None) => return Err("it is an image without `config`".to_owned()),
        };
        let media_type =
            document.media_type.unwrap_or_else(|| (if is_index { OCI_INDEX } else { OCI_MANIFEST }).to_owned());
        Ok(Self {
            digest,
            media_type,
            bytes: bytes.into(),
            config,
            layers: document.layers.unwrap_or_default(),
            index,
            annotations: document.annotations,
            artifact_type: document.artifact_type,
            subject: document.subject.map(|subject| subject.digest),
        })
    }

    /// The image that it points at (image-spec `manifest.md`, `subject`).
    #[must_use]
    pub const fn subject(&self) -> Option<&Digest> {
        self.subject.as_ref()
    }

    /// What it says that it is; none if it does not say.
    #[must_use]
    pub fn artifact_type(&self) -> Option<&str> {
        self.artifact_type.as_deref()
    }

    /// As a referrer of its subject: its type is its own, or its config's (distribution-spec, "Listing Referrers").
    pub(super) fn referrer(&self) -> Referrer {
        let config = || self.config.as_ref().map(|config| config.media_type.clone());
        let artifact_type = self.artifact_type.clone().or_else(config).unwrap_or_default();
        Referrer {
            descriptor: Descriptor { annotations: self.annotations.clone(), ..self.descriptor() },
            artifact_type,
        }
    }

    /// Its digest, that of the image.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its media type: as it says itself, or the OCI one of its shape.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Media type, digest and size, as in a registry's response to `HEAD`.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest.clone(),
            size: u64::try_from(self.bytes.len()).unwrap_or(u64::MAX),
            annotations: BTreeMap::new(),
        }
    }

    /// The image's config blob; none for an index.
    #[must_use]
    pub const fn config(&self) -> Option<&Descriptor> {
        self.config.as_ref()
    }

    /// The image's layers; empty for an index.
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        &self.layers
    }

    /// The manifests of an index; none for an image.
    #[must_use]
    pub fn index(&self) -> Option<&[IndexItem]> {
        self.index.as_deref()
    }

    /// One of its own annotations.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }
}

impl IndexItem {
    /// Whether it is an image for linux/amd64, which is what registries' clients take it for where the index does not
    /// say.
    pub(super) fn is_default_platform(&self) -> bool {
        let is_reported = || self.os.as_deref() == Some("linux") && self.architecture.as_deref() == Some("amd64");
        !self.has_platform || is_reported()
    }

    /// Whether it may be an index: by its media type, or because that does not say.
    #[must_use]
    pub fn may_be_index(&self) -> bool {
        !matches!(self.descriptor.media_type.as_str(), OCI_MANIFEST | DOCKER_MANIFEST)
    }
}

impl From<Item> for IndexItem {
    fn from(item: Item) -> Self {
        let has_platform = item.platform.is_some();
        let (os, architecture) = item.platform.map_or((None, None), |platform| (platform.os, platform.architecture));
        let Item { media_type, digest, size, annotations, artifact_type, .. } = item;
        let descriptor = Descriptor { media_type, digest, size, annotations };
        Self { descriptor, has_platform, os, architecture, artifact_type }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(document: &Value) -> Result<Manifest, String> {
        let bytes = document.to_string().into_bytes();
        Manifest::parse(Digest::of(&bytes), bytes)
    }

    fn descriptor() -> Value {
        json!({"mediaType": "a/b", "digest": Digest::of(b"x"), "size": 1})
    }

    #[test]
    fn an_image_and_an_index_are_distinguished_by_their_content() {
        let image = parse(&json!({"schemaVersion": 2, "config": descriptor(), "layers": [descriptor()]})).unwrap();
        assert_eq!((image.media_type(), image.layers().len(), image.index()), (OCI_MANIFEST, 1, None));
        assert_eq!(image.config().unwrap().digest, Digest::of(b"x"));

        let mut item = descriptor();
        item["platform"] = json!({"os": "linux", "architecture": "arm64"});
        let index = parse(&json!({"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": [item, descriptor()]}));
        let index = index.unwrap();
        assert_eq!((index.media_type(), index.config()), (DOCKER_INDEX, None));
        let items = index.index().unwrap();
        assert_eq!(items[0].architecture.as_deref(), Some("arm64"));
        assert_eq!(items[1].architecture, None);
        assert_eq!(index.descriptor().size, index.bytes().len() as u64);
    }

    #[test]
    fn what_can_be_read_two_ways_or_not_at_all_is_refused() {
        let both = json!({"schemaVersion": 2, "config": descriptor(), "layers": [], "manifests": []});
        let mut typed = both.clone();
        typed["mediaType"] = json!(OCI_MANIFEST);
        for (document, message) in [
            (both, "of an index and of an image"),
            (typed, "of an index and of an image"),
            (json!({"schemaVersion": 2, "mediaType": OCI_INDEX}), "without `manifests`"),
            (json!({"schemaVersion": 2, "layers": []}), "without `config`"),
            (json!({"schemaVersion": 1, "config": descriptor()}), "schemaVersion"),
            (json!({"schemaVersion": 2, "mediaType": "text/html", "config": descriptor()}), "text/html"),
            (json!([2]), "not a JSON object"),
            (json!({"schemaVersion": 2, "config": {"digest": "md5:0", "size": 1}}), "md5:0"),
            (json!({"schemaVersion": 2, "config": {"digest": Digest::of(b""), "size": -1}}), "-1"),
            (json!({"schemaVersion": 2, "config": {"digest": Digest::of(b"")}}), "size"),
        ] {
            let error = parse(&document).unwrap_err();
            assert!(error.contains(message), "{error} lacks {message}");
        }
        let config = descriptor();
        for (document, message) in [
            (r#"{"schemaVersion":2,"config":null,"config":null}"#.to_owned(), "`config` is duplicated"),
            (r#"{"schemaVersion":2,"unknown":{"a":1,"a":2}}"#.to_owned(), "`a` is duplicated"),
            (format!(r#"{{"schemaVersion":2,"config":{config},"Layers":[]}}"#), "instead of `layers`"),
            (format!(r#"{{"schemaVersion":2,"config":{config},"Manifests":[]}}"#), "instead of `manifests`"),
            (format!(r#"{{"schemaVersion":2,"config":{config},"layer\u017f":[]}}"#), "instead of `layers`"),
            (r#"{"schemaVersion":2,"config":{"Digest":"x"}}"#.to_owned(), "instead of `digest`"),
            (r#"{"schemaVersion":2,"manifests":[{"platform":{"OS":"x"}}]}"#.to_owned(), "instead of `os`"),
            (r#"{"schemaVersion":2,"annotations":{"a":"1","a":"2"}}"#.to_owned(), "`a` is duplicated"),
            (format!(r#"{{"schemaVersion":2,"config":["a/b","{}",1]}}"#, Digest::of(b"x")), "an array"),
            (format!(r#"{{"schemaVersion":2,"config":{config}}} x"#), "trailing"),
            (format!(r#"{{"schemaVersion":2,"config":{config},"x":[{}1]}}"#, "1,".repeat(1 << 20)), "bytes of memory"),
        ] {
            let bytes = document.into_bytes();
            let error = Manifest::parse(Digest::of(&bytes), bytes).unwrap_err();
            assert!(error.contains(message), "{error} lacks {message}");
        }
    }
}
