//! [`LayoutWriter`]: an OCI image layout as one tar file, written as its content comes.
//!
//! The same content in the same order is the same file: no owner, no time.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{PinnedImage, Repository},
    limits,
};
use serde_json::{Value, json};

use super::{
    ContentStore,
    image_layout::{INDEX_FILE, LAYOUT_FILE, REF_NAME},
    manifest::Manifest,
};

/// The version of image layouts.
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// The tags by which cosign finds what belongs to an image, after `sha256-HEX`.
const COSIGN_TAGS: [&str; 3] = [".sig", ".att", ""];

/// Writes a layout.
pub struct LayoutWriter<W: Write> {
    tar: tar::Builder<W>,
    blobs: BTreeSet<Digest>,
    names: BTreeSet<String>,
    entries: Vec<Value>,
}

/// Why a layout was not written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The content could not be had.
    #[error(transparent)]
    Content(#[from] EvaluationError),
    /// The file could not be written.
    #[error("the layout cannot be written: {0}")]
    Write(#[from] io::Error),
}

impl<W: Write> LayoutWriter<W> {
    /// A layout without content.
    #[must_use]
    pub fn new(to: W) -> Self {
        Self { tar: tar::Builder::new(to), blobs: BTreeSet::new(), names: BTreeSet::new(), entries: Vec::new() }
    }

    /// Adds an image with its config and layers, each of which has at most `limit` bytes, and everything that refers to it:
    /// referrers, and what cosign keeps under tags. An image that is there already stays as it is.
    ///
    /// # Errors
    /// Content is absent, too large or not what it should be, or the file cannot be written.
    pub fn add(&mut self, store: &ContentStore, image: &PinnedImage, limit: u64) -> Result<(), SaveError> {
        let manifest = store.manifest(image)?;
        if manifest.index().is_some() {
            let message = format!("{image} is an index, and only images are saved");
            return Err(EvaluationError::new(ErrorCode::Malformed, message).hint("name one of its images").into());
        }
        self.image(store, &image.repository, &manifest, limit)?;
        for referrer in store.referrers(image)?.iter() {
            let found = store.manifest(&image.repository.at(referrer.descriptor.digest.clone()))?;
            self.image(store, &image.repository, &found, limits::ENVELOPE_BYTES)?;
        }
        for end in COSIGN_TAGS {
            let tag = format!("sha256-{}{end}", image.digest.hex());
            if let Some(found) = store.tagged(&image.repository, &tag)? {
                self.image(store, &image.repository, &found, limits::ENVELOPE_BYTES)?;
                self.name(&format!("{}:{tag}", image.repository), &found);
            }
        }
        Ok(())
    }

    /// Gives an image that was added a tag, too.
    pub fn tag(&mut self, repository: &Repository, tag: &str, manifest: &Manifest) {
        self.name(&format!("{repository}:{tag}"), manifest);
    }

    /// Writes the index and the end of the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        let index = json!({"schemaVersion": 2, "manifests": self.entries}).to_string();
        self.file(INDEX_FILE, index.as_bytes())?;
        self.file(LAYOUT_FILE, LAYOUT)?;
        self.tar.into_inner()
    }

    fn image(
        &mut self,
        store: &ContentStore,
        repository: &Repository,
        manifest: &Manifest,
        limit: u64,
    ) -> Result<(), SaveError> {
        for descriptor in manifest.config().into_iter().chain(manifest.layers()) {
            if !self.blobs.contains(&descriptor.digest) {
                let bytes = store.blob_within(repository, &descriptor.digest, Some(descriptor.size), limit)?;
                self.blob(&descriptor.digest, &bytes)?;
            }
        }
        self.blob(manifest.digest(), manifest.bytes())?;
        self.name(&format!("{repository}@{}", manifest.digest()), manifest);
        Ok(())
    }

    fn name(&mut self, name: &str, manifest: &Manifest) {
        if self.names.insert(name.to_owned()) {
            self.entries.push(json!({
                "mediaType": manifest.media_type(),
                "digest": manifest.digest(),
                "size": manifest.bytes().len(),
                "annotations": {REF_NAME: name},
            }));
        }
    }

    fn blob(&mut self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        if self.blobs.insert(digest.clone()) {
            self.file(&format!("blobs/sha256/{}", digest.hex()), bytes)?;
        }
        Ok(())
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        self.tar.append_data(&mut header, name, bytes)
    }
}
