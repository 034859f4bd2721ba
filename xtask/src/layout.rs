//! [`Layout`]: an OCI image layout in memory, with cosign's signatures and attestations, to be written as a folder, as
//! a tar file, or pushed to a registry by a test.
//!
//! Images are named in `index.json` by `org.opencontainers.image.ref.name` = `repository@digest`, and `repository:tag`
//! where they have a tag. The repository is written as the caller spells it, with or without its registry. Formats:
//! image-spec `image-layout.md`, `manifest.md`, `image-index.md`. Bytes are the same whenever the same calls are made.

use std::collections::BTreeMap;

use anyhow::Context as _;
use assay_model::digest::Digest;
use camino::Utf8Path;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    layer::Layer,
    sign::{Envelope, Key, SignedPayload},
};

/// The media type of an image's manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of an image's config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The media type of the layers of a `.sig` manifest.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The media type of the layers of an `.att` manifest.
pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The annotation with a signature, on the layer that it signs.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// A layout under construction.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    blobs: BTreeMap<Digest, Vec<u8>>,
    names: BTreeMap<String, Descriptor>,
}

/// What content is and how large (image-spec `descriptor.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: usize,
    /// What machine it is for, in an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Notes on it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A machine that an image is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Platform {
    /// The processor, in Go's words: `amd64`, `arm64`.
    pub architecture: String,
    /// The operating system.
    pub os: String,
}

impl Platform {
    /// Linux on that processor.
    #[must_use]
    pub fn linux(architecture: &str) -> Self {
        Self { architecture: architecture.to_owned(), os: "linux".to_owned() }
    }
}

/// What an image is made of.
#[derive(Clone, Debug)]
pub struct ImageSpec {
    /// The machine it is for.
    pub platform: Platform,
    /// Its layers, the lowest first.
    pub layers: Vec<Layer>,
    /// Labels, in its config.
    pub labels: BTreeMap<String, String>,
    /// Annotations, in its manifest.
    pub annotations: BTreeMap<String, String>,
}

impl Default for ImageSpec {
    /// An image for Linux on amd64 with nothing in it.
    fn default() -> Self {
        Self {
            platform: Platform::linux("amd64"),
            layers: Vec::new(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }
}

impl Layout {
    /// An empty layout.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores bytes under their digest.
    pub fn blob(&mut self, bytes: impl Into<Vec<u8>>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        self.blobs.insert(digest.clone(), bytes);
        digest
    }

    /// Stores bytes and describes them.
    pub fn describe(&mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Descriptor {
        let bytes = bytes.into();
        let size = bytes.len();
        let digest = self.blob(bytes);
        Descriptor { media_type: media_type.to_owned(), digest, size, platform: None, annotations: BTreeMap::new() }
    }

    /// Stores a manifest, whatever its bytes, and names it by digest and, if it has one, by tag. An image that had the
    /// tag before loses it.
    pub fn manifest(
        &mut self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Digest {
        let descriptor = self.describe(media_type, bytes);
        let digest = descriptor.digest.clone();
        if let Some(tag) = tag {
            self.names.insert(format!("{repository}:{tag}"), descriptor.clone());
        }
        self.names.insert(format!("{repository}@{digest}"), descriptor);
        digest
    }

    /// Stores an image with its config and layers.
    pub fn image(&mut self, repository: &str, tag: Option<&str>, spec: &ImageSpec) -> Digest {
        let config = json!({
            "architecture": spec.platform.architecture,
            "os": spec.platform.os,
            "config": {"Labels": spec.labels},
            "rootfs": {"type": "layers", "diff_ids": spec.layers.iter().map(|layer| &layer.diff_id).collect::<Vec<_>>()},
        });
        let config = self.describe(CONFIG, config.to_string());
        let layers: Vec<_> =
            spec.layers.iter().map(|layer| self.describe(&layer.media_type, layer.bytes.clone())).collect();
        let mut manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        if !spec.annotations.is_empty() {
            manifest["annotations"] = json!(spec.annotations);
        }
        self.manifest(repository, tag, MANIFEST, manifest.to_string())
    }

    /// Stores an index of images that are in the layout.
    ///
    /// # Errors
    /// An image is not in the layout.
    pub fn index(
        &mut self,
        repository: &str,
        tag: Option<&str>,
        images: &[(Platform, Digest)],
    ) -> anyhow::Result<Digest> {
        let mut manifests = Vec::new();
        for (platform, digest) in images {
            let size = self.get(digest).with_context(|| format!("the layout holds no {digest} for the index"))?.len();
            manifests.push(Descriptor {
                media_type: MANIFEST.to_owned(),
                digest: digest.clone(),
                size,
                platform: Some(platform.clone()),
                annotations: BTreeMap::new(),
            });
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        Ok(self.manifest(repository, tag, INDEX, index.to_string()))
    }

    /// Signs an image as cosign does. `repository` becomes the signed `docker-reference`.
    ///
    /// # Errors
    /// As [`Key::sign`].
    pub fn sign(&mut self, key: &Key, repository: &str, image: &Digest) -> anyhow::Result<()> {
        let signed = SignedPayload::of(key, repository, image)?;
        self.attach_signatures(repository, image, &[signed]);
        Ok(())
    }

    /// Signs these statements and attaches them to an image, in place of what was attached before.
    ///
    /// # Errors
    /// As [`Key::sign`].
    pub fn attest(
        &mut self,
        key: &Key,
        repository: &str,
        image: &Digest,
        statements: &[Vec<u8>],
    ) -> anyhow::Result<()> {
        let envelopes = statements.iter().map(|statement| Envelope::of(key, statement));
        let envelopes = envelopes.collect::<anyhow::Result<Vec<_>>>()?;
        self.attach_envelopes(repository, image, &envelopes);
        Ok(())
    }

    /// Attaches signatures, right or wrong, to an image: the manifest of the tag `sha256-HEX.sig`.
    pub fn attach_signatures(&mut self, repository: &str, image: &Digest, signatures: &[SignedPayload]) -> Digest {
        let layers = signatures.iter().map(|signed| {
            let mut layer = self.describe(SIMPLE_SIGNING, signed.payload.clone());
            layer.annotations.insert(SIGNATURE.to_owned(), signed.signature.clone());
            layer
        });
        let layers: Vec<_> = layers.collect();
        self.attach(repository, &evidence_tag(image, "sig"), &layers)
    }

    /// Attaches envelopes, right or wrong, to an image: the manifest of the tag `sha256-HEX.att`.
    pub fn attach_envelopes(&mut self, repository: &str, image: &Digest, envelopes: &[Envelope]) -> Digest {
        let layers = envelopes.iter().map(|envelope| {
            let mut layer = self.describe(ENVELOPE, envelope.bytes.clone());
            layer.annotations.insert(SIGNATURE.to_owned(), String::new());
            layer.annotations.insert("predicateType".to_owned(), envelope.predicate_type.clone());
            layer
        });
        let layers: Vec<_> = layers.collect();
        self.attach(repository, &evidence_tag(image, "att"), &layers)
    }

    /// Attaches any layers under a tag.
    pub fn attach(&mut self, repository: &str, tag: &str, layers: &[Descriptor]) -> Digest {
        let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.digest).collect();
        let config = json!({
            "architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = self.describe(CONFIG, config.to_string());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.manifest(repository, Some(tag), MANIFEST, manifest.to_string())
    }

    /// Takes a name (`repository:tag` or `repository@digest`) out of the index. False when it was not there.
    pub fn forget(&mut self, name: &str) -> bool {
        self.names.remove(name).is_some()
    }

    /// Takes a blob away, though its name stays. False when it was not there.
    pub fn lose(&mut self, digest: &Digest) -> bool {
        self.blobs.remove(digest).is_some()
    }

    /// Stores other bytes under a digest, which then does not match.
    pub fn forge(&mut self, digest: &Digest, bytes: impl Into<Vec<u8>>) {
        self.blobs.insert(digest.clone(), bytes.into());
    }

    /// The bytes stored under a digest.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<&[u8]> {
        self.blobs.get(digest).map(Vec::as_slice)
    }

    /// All blobs, manifests among them, by digest.
    pub fn blobs(&self) -> impl Iterator<Item = (&Digest, &[u8])> {
        self.blobs.iter().map(|(digest, bytes)| (digest, bytes.as_slice()))
    }

    /// All names with what they name, sorted.
    pub fn names(&self) -> impl Iterator<Item = (&str, &Descriptor)> {
        self.names.iter().map(|(name, descriptor)| (name.as_str(), descriptor))
    }

    /// Everything as files: path below the layout's folder, and bytes. Sorted by path.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries: Vec<Value> = self.names.iter().map(|(name, descriptor)| named(name, descriptor)).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        let blobs = self.blobs.iter().map(|(digest, bytes)| (format!("blobs/sha256/{}", digest.hex()), bytes.clone()));
        let mut files: BTreeMap<_, _> = blobs.collect();
        files.insert("index.json".to_owned(), format!("{index:#}\n").into_bytes());
        files.insert("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        files
    }

    /// Writes the layout into a folder, which is made if need be. Files of an older layout there stay if they have other
    /// names.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Utf8Path) -> anyhow::Result<()> {
        fs_err::create_dir_all(folder.join("blobs/sha256"))?;
        for (path, bytes) in self.files() {
            fs_err::write(folder.join(path), bytes)?;
        }
        Ok(())
    }

    /// Writes the layout as a tar file without compression.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_tar(&self, file: &Utf8Path) -> anyhow::Result<()> {
        let mut tar = tar::Builder::new(fs_err::File::create(file)?);
        for (path, bytes) in self.files() {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, bytes.as_slice())?;
        }
        tar.into_inner()?;
        Ok(())
    }
}

/// The tag under which cosign keeps an image's signatures (`sig`) or attestations (`att`).
#[must_use]
pub fn evidence_tag(image: &Digest, kind: &str) -> String {
    format!("sha256-{}.{kind}", image.hex())
}

/// A descriptor as an entry of `index.json`.
fn named(name: &str, descriptor: &Descriptor) -> Value {
    let mut entry = json!(descriptor);
    entry["annotations"]["org.opencontainers.image.ref.name"] = json!(name);
    entry
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use camino::Utf8PathBuf;

    use super::*;

    const CART: &str = "registry.example/shop/cart";

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        (folder, path)
    }

    fn json(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    /// A signed index of two images.
    fn sample(key: &Key) -> (Layout, Digest) {
        let mut layout = Layout::new();
        let images = ["amd64", "arm64"].map(|architecture| {
            let spec = ImageSpec {
                platform: Platform::linux(architecture),
                layers: vec![Layer::of(&[("etc/arch", architecture)]).unwrap()],
                annotations: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
                ..ImageSpec::default()
            };
            (Platform::linux(architecture), layout.image(CART, None, &spec))
        });
        let index = layout.index(CART, Some("1"), &images).unwrap();
        layout.sign(key, CART, &index).unwrap();
        layout.attest(key, CART, &index, &[br#"{"predicateType":"p"}"#.to_vec(), b"{}".to_vec()]).unwrap();
        (layout, index)
    }

    #[test]
    fn what_is_written_is_found_by_name_and_by_digest() {
        let (_keep, path) = folder();
        let (layout, index) = sample(&Key::generate().unwrap());
        layout.write(&path).unwrap();
        let listed = json(&fs_err::read(path.join("index.json")).unwrap());
        let names: BTreeMap<_, _> = listed["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                let digest: Digest = entry["digest"].as_str().unwrap().parse().unwrap();
                let bytes = fs_err::read(path.join("blobs/sha256").join(digest.hex())).unwrap();
                assert_eq!(entry["size"], bytes.len());
                assert_eq!(entry["mediaType"], json(&bytes)["mediaType"]);
                (entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap().to_owned(), digest)
            })
            .collect();
        // Three images by digest, two of evidence by digest, and three tags.
        assert_eq!(names.len(), 8);
        assert_eq!(names.get("registry.example/shop/cart:1"), Some(&index));
        assert_eq!(names.get(&format!("{CART}@{index}")), Some(&index));
        for kind in ["sig", "att"] {
            assert!(names.contains_key(&format!("{CART}:sha256-{}.{kind}", index.hex())));
        }
    }

    #[test]
    fn every_blob_has_its_digest_and_every_descriptor_its_blob() {
        fn descriptors(value: &Value, found: &mut Vec<(Digest, u64)>) {
            match value {
                Value::Object(fields) => {
                    if let (Some(digest), Some(size)) = (fields.get("digest"), fields.get("size")) {
                        found.push((digest.as_str().unwrap().parse().unwrap(), size.as_u64().unwrap()));
                    }
                    fields.values().for_each(|value| descriptors(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| descriptors(value, found)),
                _ => {}
            }
        }
        let (layout, _) = sample(&Key::generate().unwrap());
        let mut found = Vec::new();
        for (digest, bytes) in layout.blobs() {
            assert_eq!(*digest, Digest::of(bytes));
            if let Ok(value) = serde_json::from_slice(bytes) {
                descriptors(&value, &mut found);
            }
        }
        // Two images of config and layer, an index of two, evidence of a config each and three layers.
        assert_eq!(found.len(), 4 + 2 + 2 + 3);
        for (digest, size) in found {
            assert_eq!(layout.get(&digest).unwrap().len() as u64, size);
        }
    }

    #[test]
    fn images_have_the_same_digest_whenever_they_are_made() {
        let (a, b) = (sample(&Key::generate().unwrap()), sample(&Key::generate().unwrap()));
        assert_eq!(a.1, b.1);
        assert_eq!(json(a.0.get(&a.1).unwrap())["manifests"][1]["platform"]["architecture"], "arm64");
    }

    #[test]
    fn an_index_of_an_unknown_image_is_refused() {
        let error = Layout::new().index(CART, None, &[(Platform::linux("amd64"), Digest::of(b""))]).unwrap_err();
        assert!(error.to_string().contains("holds no sha256:e3b0c442"), "{error}");
    }

    #[test]
    fn a_tar_file_holds_the_same_files_as_the_folder() {
        let (_keep, path) = folder();
        let (layout, _) = sample(&Key::generate().unwrap());
        layout.write_tar(&path.join("oci.tar")).unwrap();
        let mut archive = tar::Archive::new(fs_err::File::open(path.join("oci.tar")).unwrap());
        let files = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        });
        assert_eq!(files.collect::<BTreeMap<_, _>>(), layout.files());
    }

    #[test]
    fn evidence_can_be_forgotten_lost_and_forged() {
        let (mut layout, index) = sample(&Key::generate().unwrap());
        let name = format!("{CART}:{}", evidence_tag(&index, "sig"));
        assert!(layout.forget(&name) && !layout.forget(&name));
        assert!(layout.names().all(|(known, _)| known != name));
        layout.forge(&index, "other");
        assert_eq!(layout.get(&index), Some(b"other".as_slice()));
        assert!(layout.lose(&index) && !layout.lose(&index));
    }

    #[test]
    fn attaching_again_replaces_what_was_attached() {
        let key = Key::generate().unwrap();
        let (mut layout, index) = sample(&key);
        let name = format!("{CART}:{}", evidence_tag(&index, "att"));
        layout.attest(&key, CART, &index, &[b"{}".to_vec()]).unwrap();
        let (_, descriptor) = layout.names().find(|(known, _)| *known == name).unwrap();
        let manifest = json(layout.get(&descriptor.digest).unwrap());
        assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
        assert_eq!(manifest["layers"][0]["annotations"][SIGNATURE], "");
    }
}
