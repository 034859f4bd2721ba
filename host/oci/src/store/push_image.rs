//! [`PushedImage`]: an OCI image manifest of any content, pushed under a tag or as a referrer of another image.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{ImageRef, PinnedImage, Repository},
    limits,
};
use serde_json::{Map, Value, json};

use super::{
    ContentStore, Source,
    fetched::Reference,
    manifest::{Manifest, OCI_INDEX, OCI_MANIFEST},
    push::ManifestPush,
    registry::Registry,
};

/// A blob of an image.
#[derive(Clone, Debug)]
pub struct PushedBlob {
    /// What it is.
    pub media_type: String,
    /// What the manifest says about it, such as its name.
    pub annotations: BTreeMap<String, String>,
    /// Its content.
    pub bytes: Arc<[u8]>,
}

/// An image that is pushed as it is described here (image-spec, "Image Manifest").
#[derive(Clone, Debug)]
pub struct PushedImage {
    /// What the image is, where its config does not say it.
    pub artifact_type: Option<String>,
    /// The config.
    pub config: PushedBlob,
    /// The layers.
    pub layers: Vec<PushedBlob>,
    /// What the manifest says about the image.
    pub annotations: BTreeMap<String, String>,
}

/// How often the list of referrers under a tag is written again after somebody else wrote it at the same time.
const LIST_TRIES: u32 = 3;

impl PushedImage {
    /// The bytes of the manifest. The same content is the same manifest.
    #[must_use]
    pub fn manifest(&self, subject: Option<&Manifest>) -> Vec<u8> {
        let mut manifest = Map::new();
        manifest.insert("schemaVersion".to_owned(), json!(2));
        manifest.insert("mediaType".to_owned(), json!(OCI_MANIFEST));
        if let Some(kind) = &self.artifact_type {
            manifest.insert("artifactType".to_owned(), json!(kind));
        }
        manifest.insert("config".to_owned(), descriptor(&self.config));
        manifest.insert("layers".to_owned(), self.layers.iter().map(descriptor).collect());
        if let Some(subject) = subject {
            let subject = json!({
                "mediaType": subject.media_type(),
                "digest": subject.digest().to_string(),
                "size": subject.bytes().len(),
            });
            manifest.insert("subject".to_owned(), subject);
        }
        if !self.annotations.is_empty() {
            manifest.insert("annotations".to_owned(), json!(self.annotations));
        }
        Value::Object(manifest).to_string().into_bytes()
    }

    fn push(&self, subject: Option<&Manifest>, name: Option<&str>) -> (Digest, ManifestPush) {
        let manifest = self.manifest(subject);
        let digest = Digest::of(&manifest);
        let push = ManifestPush {
            name: name.map_or_else(|| digest.to_string(), str::to_owned),
            media_type: OCI_MANIFEST,
            blobs: std::iter::once(&self.config).chain(&self.layers).map(|blob| Arc::clone(&blob.bytes)).collect(),
            has_subject: subject.is_some(),
            manifest,
        };
        (digest, push)
    }
}

fn descriptor(blob: &PushedBlob) -> Value {
    let mut found = Map::new();
    found.insert("mediaType".to_owned(), json!(blob.media_type));
    found.insert("digest".to_owned(), json!(Digest::of(&blob.bytes).to_string()));
    found.insert("size".to_owned(), json!(blob.bytes.len()));
    if !blob.annotations.is_empty() {
        found.insert("annotations".to_owned(), json!(blob.annotations));
    }
    Value::Object(found)
}

impl ContentStore {
    /// Pushes an image under its tag and gives it by digest.
    ///
    /// # Errors
    /// [`EvaluationError`] for a reference by digest, and when the registry does not take the content.
    pub fn push_image(&self, image: &ImageRef, content: &PushedImage) -> Result<PinnedImage, EvaluationError> {
        if let Some(named) = image.digest() {
            let message = format!("{named} cannot be pushed by digest: the digest follows from the content");
            return Err(EvaluationError::new(ErrorCode::ImageReference, message).hint("use a tag"));
        }
        let (digest, push) = content.push(None, Some(image.tag_or_latest()));
        self.push_target()?.push_manifest(image.repository(), push)?;
        Ok(image.repository().at(digest))
    }

    /// Pushes an image by digest that refers to another one. Where the registry keeps no list of referrers, the list under
    /// the subject's tag is written (distribution-spec, "Referrers Tag Schema").
    ///
    /// # Errors
    /// [`EvaluationError`] when the registry does not take the content, or others keep writing the same list.
    pub fn push_referrer(&self, subject: &PinnedImage, content: &PushedImage) -> Result<PinnedImage, EvaluationError> {
        let registry = self.push_target()?;
        let of = self.manifest(subject)?;
        let (digest, push) = content.push(Some(&of), None);
        let size = push.manifest.len();
        if !registry.push_manifest(&subject.repository, push)? {
            let mut entry = json!({"mediaType": OCI_MANIFEST, "digest": digest.to_string(), "size": size});
            if let Some(entry) = entry.as_object_mut() {
                let kind = content.artifact_type.as_ref().unwrap_or(&content.config.media_type);
                entry.insert("artifactType".to_owned(), json!(kind));
                if !content.annotations.is_empty() {
                    entry.insert("annotations".to_owned(), json!(content.annotations));
                }
            }
            self.add_to_list(registry, subject, &entry)?;
        }
        Ok(subject.repository.at(digest))
    }

    fn push_target(&self) -> Result<&Registry, EvaluationError> {
        match &self.source {
            Source::Registry(registry) => Ok(registry),
            Source::ImageLayout(_) | Source::Archive(_) => {
                Err(EvaluationError::new(ErrorCode::Internal, "nothing is pushed to a layout or an evidence archive"))
            }
        }
    }

    /// Adds an entry to the list under the subject's tag. The protocol has no way to do that at once, so the list is read again
    /// until the entry is there.
    fn add_to_list(&self, registry: &Registry, subject: &PinnedImage, entry: &Value) -> Result<(), EvaluationError> {
        let repository = &subject.repository;
        let tag = format!("sha256-{}", subject.digest.hex());
        for _ in 0..=LIST_TRIES {
            let list = self.fetch_manifest(repository, &Reference::Tag(tag.clone()))?;
            let mut entries = list.map_or_else(|| Ok(Vec::new()), |list| entries_of(&list, repository, &tag))?;
            if entries.iter().any(|known| known["digest"] == entry["digest"]) {
                return Ok(());
            }
            entries.push(entry.clone());
            if entries.len() > limits::INDEX_MANIFESTS {
                let message = format!("{subject} has more referrers than the {} allowed", limits::INDEX_MANIFESTS);
                return Err(EvaluationError::new(ErrorCode::TooLarge, message).hint("remove those that are not needed"));
            }
            let list = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
            let push = ManifestPush {
                name: tag.clone(),
                media_type: OCI_INDEX,
                manifest: list.to_string().into_bytes(),
                blobs: Vec::new(),
                has_subject: false,
            };
            registry.push_manifest(repository, push)?;
        }
        let message = format!("the list of referrers of {subject} keeps being written by others");
        Err(EvaluationError::new(ErrorCode::RegistryError, message).hint("try again"))
    }
}

/// The entries of a list as they are written.
fn entries_of(list: &Manifest, repository: &Repository, tag: &str) -> Result<Vec<Value>, EvaluationError> {
    let parsed: Option<Value> = serde_json::from_slice(list.bytes()).ok();
    match parsed.as_ref().map(|index| &index["manifests"]) {
        Some(Value::Array(entries)) => Ok(entries.clone()),
        _ => {
            let message = format!("{repository}:{tag} is not a list of referrers");
            Err(EvaluationError::new(ErrorCode::Malformed, message).hint("remove the tag"))
        }
    }
}
