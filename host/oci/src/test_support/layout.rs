//! [`Layout`]: an OCI image layout that a test builds in a temporary folder.

use std::path::{Path, PathBuf};

use assay_model::{
    digest::Digest,
    image::{ImageRef, PinnedImage},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::store::ContentStore;

/// The media type of an image manifest.
pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An OCI image layout under construction.
pub struct Layout {
    dir: TempDir,
    entries: Vec<Value>,
}

impl Default for Layout {
    fn default() -> Self {
        Self::new()
    }
}

impl Layout {
    /// A layout without content.
    #[must_use]
    pub fn new() -> Self {
        let layout = Self { dir: TempDir::new().unwrap(), entries: Vec::new() };
        fs_err::create_dir_all(layout.path().join("blobs/sha256")).unwrap();
        fs_err::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        layout
    }

    /// Another layout with the same content.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self { entries: self.entries.clone(), ..Self::new() };
        for file in fs_err::read_dir(self.path().join("blobs/sha256")).unwrap() {
            let file = file.unwrap();
            fs_err::copy(file.path(), copy.path().join("blobs/sha256").join(file.file_name())).unwrap();
        }
        copy.save();
        copy
    }

    /// Takes a name out of the index.
    pub fn forget(&mut self, name: &str) {
        self.entries.retain(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] != name);
        self.save();
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("layout")
    }

    /// The file of a blob.
    #[must_use]
    pub fn file(&self, digest: &Digest) -> PathBuf {
        self.path().join("blobs/sha256").join(digest.hex())
    }

    /// Stores a blob, and returns its descriptor.
    pub fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        fs_err::write(self.file(&digest), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Adds an entry with these annotations to the index, and writes it.
    pub fn annotate(&mut self, descriptor: &Value, annotations: &Value) {
        let mut entry = descriptor.clone();
        entry["annotations"] = annotations.clone();
        self.entries.push(entry);
        self.save();
    }

    /// Adds an entry to the index.
    pub fn name(&mut self, name: &str, descriptor: &Value) {
        let mut entry = descriptor.clone();
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        self.entries.push(entry);
    }

    /// Stores a manifest, names it by digest and by tag, and writes the index.
    pub fn manifest(&mut self, repository: &str, tag: Option<&str>, document: &Value) -> Digest {
        let media_type = document["mediaType"].as_str().unwrap_or(IMAGE).to_owned();
        let descriptor = self.blob(&media_type, document.to_string().as_bytes());
        let digest: Digest = descriptor["digest"].as_str().unwrap().parse().unwrap();
        self.name(&format!("{repository}@{digest}"), &descriptor);
        if let Some(tag) = tag {
            self.name(&format!("{repository}:{tag}"), &descriptor);
        }
        self.save();
        digest
    }

    /// Writes the index.
    pub fn save(&self) {
        let index = json!({"schemaVersion": 2, "manifests": self.entries});
        fs_err::write(self.path().join("index.json"), index.to_string()).unwrap();
    }

    /// An image with a config that no other has.
    pub fn image(&mut self, repository: &str, tag: &str) -> Digest {
        self.image_with(repository, tag, &json!({}))
    }

    /// The same with annotations.
    pub fn image_with(&mut self, repository: &str, tag: &str, annotations: &Value) -> Digest {
        let config = json!({"architecture": "amd64", "config": {"Labels": {"name": format!("{repository}:{tag}")}}});
        let config = self.blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar+gzip", b"layer");
        let document = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [layer], "annotations": annotations,
        });
        self.manifest(repository, Some(tag), &document)
    }

    /// The layers under an image's tag of this kind (`sig` or `att`).
    pub fn evidence(&mut self, repository: &str, image: &Digest, kind: &str, layers: &[Value]) {
        let config = self.blob("application/vnd.oci.image.config.v1+json", b"{}");
        let document = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers});
        self.manifest(repository, Some(&format!("sha256-{}.{kind}", image.hex())), &document);
    }

    /// Opens it.
    #[must_use]
    pub fn store(&self) -> ContentStore {
        ContentStore::open_layout(&self.path()).unwrap()
    }

    /// The layout as one tar file, its names beginning with `prefix`.
    #[must_use]
    pub fn tar(&self, prefix: &str) -> PathBuf {
        let to = self.dir.path().join("layout.tar");
        let mut tar = tar::Builder::new(fs_err::File::create(&to).unwrap().into_parts().0);
        tar.append_dir_all(if prefix.is_empty() { "." } else { prefix }, self.path()).unwrap();
        tar.finish().unwrap();
        to
    }
}

/// An image of a registry that is never contacted.
#[must_use]
pub fn pinned(repository: &str, digest: &Digest) -> PinnedImage {
    PinnedImage::parse(&format!("{repository}@{digest}")).unwrap()
}

/// An image reference.
#[must_use]
pub fn reference(text: &str) -> ImageRef {
    text.parse().unwrap()
}

/// A file's bytes.
#[must_use]
pub fn content(path: &Path) -> Vec<u8> {
    fs_err::read(path).unwrap()
}
