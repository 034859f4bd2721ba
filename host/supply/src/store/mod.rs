//! [`Store`]: the one door for content, whichever the source.
//!
//! Behind it stands a bundle or registries. Content is fetched once for each digest however many threads ask
//! (`flight`), and every byte is checked here, against the digest it was asked by, the size its descriptor announced
//! and a limit, before anyone sees it. A blob announced larger than its limit is refused before it is asked for.
//!
//! Calls block while bytes are on their way; each wait has a time limit. Nothing is ever written.

mod bundle;
mod flight;
mod manifest;
mod registry;
mod tar;
mod token;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use assay_model::{
    digest::Digest,
    failure::{ErrorCode, NoAnswer},
    image::{ImageRef, PinnedImage, Repository},
    limits,
    port::Blobs,
};

use self::{bundle::Bundle, flight::Flight, registry::Registry};
pub use self::{
    bundle::BundleError,
    manifest::{Descriptor, IndexItem, Manifest},
    registry::{REGISTRY_CONNECT, REGISTRY_IDLE, REGISTRY_REQUEST, RegistryOptions},
};

/// Manifests kept in memory: some thousands, which is a large Snapshot with its signatures.
const KEPT_MANIFEST_BYTES: u64 = 64 << 20;

/// Blobs kept in memory. Provenance and SBOMs of the components under way, asked for by several judges.
const KEPT_BLOB_BYTES: u64 = 256 << 20;

/// A door to images, manifests and blobs.
pub struct Store {
    source: Source,
    manifests: Flight<(Repository, Name), (), Option<Arc<Manifest>>>,
    blobs: Flight<(Repository, Digest), BlobTerms, Arc<[u8]>>,
}

/// An image that was found.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The image by digest.
    pub image: PinnedImage,
    /// Its manifest or index.
    pub manifest: Arc<Manifest>,
}

enum Source {
    Bundle(Bundle),
    Registry(Registry),
}

/// By what a manifest is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Tag(String),
    Digest(Digest),
}

/// What a source answers. None of it is checked yet.
enum Fetched {
    Found(Body),
    /// More bytes than the limit; nothing is kept of them.
    Longer,
    Absent,
}

/// Content, unchecked.
struct Body {
    bytes: Vec<u8>,
    /// The digest that the source itself gives for it, if any.
    named: Option<Digest>,
}

/// How a blob was asked for: a failure may be due to it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct BlobTerms {
    size: Option<u64>,
    limit: u64,
}

impl Store {
    /// Opens an OCI image layout, a folder or one uncompressed tar file.
    pub fn bundle(path: &Path) -> Result<Self, BundleError> {
        Ok(Self::over(Source::Bundle(Bundle::open(path)?)))
    }

    /// Prepares to ask registries; connects to none yet.
    pub fn registry(options: RegistryOptions) -> Result<Self, NoAnswer> {
        Ok(Self::over(Source::Registry(Registry::new(options)?)))
    }

    fn over(source: Source) -> Self {
        Self {
            source,
            manifests: Flight::new(KEPT_MANIFEST_BYTES, |manifest| {
                // Read as structures it takes about as much again.
                manifest.as_ref().map_or(0, |manifest| 2 * length(manifest.bytes()))
            }),
            blobs: Flight::new(KEPT_BLOB_BYTES, |blob| length(blob)),
        }
    }

    /// Whether asking takes a network's time, so that asking for several things at once pays.
    pub(crate) const fn is_remote(&self) -> bool {
        matches!(self.source, Source::Registry(_))
    }

    /// Finds an image. A tag is asked for once in the life of the store and stands for that digest from then on.
    pub fn resolve(&self, image: &ImageRef) -> Result<Resolved, NoAnswer> {
        let repository = image.repository();
        let manifest = match image.pinned() {
            Some(pinned) => self.manifest(&pinned)?,
            None => {
                let tag = image.tag_or_latest();
                self.tagged(repository, tag)?.ok_or_else(|| self.no_image(&format!("{repository}:{tag}")))?
            }
        };
        Ok(Resolved { image: repository.at(manifest.digest().clone()), manifest })
    }

    /// The manifest or index of an image.
    pub fn manifest(&self, image: &PinnedImage) -> Result<Arc<Manifest>, NoAnswer> {
        self.named(&image.repository, Name::Digest(image.digest.clone()))?
            .ok_or_else(|| self.no_image(&image.to_string()))
    }

    /// The manifest that a tag stands for; none if there is no such tag. Either stays so in the life of the store.
    pub fn tagged(&self, repository: &Repository, tag: &str) -> Result<Option<Arc<Manifest>>, NoAnswer> {
        let found = self.named(repository, Name::Tag(tag.to_owned()))?;
        if let Some(manifest) = &found {
            let by_digest = (repository.clone(), Name::Digest(manifest.digest().clone()));
            self.manifests.put(&by_digest, &found);
        }
        Ok(found)
    }

    /// A blob of at most `limit` bytes, and of exactly `size` where its descriptor says one.
    pub fn blob_within(
        &self,
        repository: &Repository,
        digest: &Digest,
        size: Option<u64>,
        limit: u64,
    ) -> Result<Arc<[u8]>, NoAnswer> {
        if let Some(size) = size.filter(|size| *size > limit) {
            let what = format_args!("the blob {digest} of {repository} is announced as {size} bytes");
            return Err(too_large(what, limit));
        }
        let terms = BlobTerms { size, limit };
        let key = (repository.clone(), digest.clone());
        let blob = self.blobs.get(&key, &terms, || self.fetch_blob(repository, digest, terms))?;
        // Kept content may have been asked for on other terms.
        match size {
            Some(size) if length(&blob) != size => Err(wrong_size(repository, digest, Some(length(&blob)), size)),
            _ if length(&blob) > limit => Err(larger_blob(repository, digest, limit)),
            _ => Ok(blob),
        }
    }

    fn named(&self, repository: &Repository, name: Name) -> Result<Option<Arc<Manifest>>, NoAnswer> {
        let key = (repository.clone(), name);
        self.manifests.get(&key, &(), || self.fetch_manifest(repository, &key.1))
    }

    fn fetch_manifest(&self, repository: &Repository, name: &Name) -> Result<Option<Arc<Manifest>>, NoAnswer> {
        let limit = limits::MANIFEST_BYTES;
        let shown = match name {
            Name::Tag(tag) => format!("{repository}:{tag}"),
            Name::Digest(digest) => format!("{repository}@{digest}"),
        };
        let fetched = match &self.source {
            Source::Bundle(bundle) => bundle.manifest(repository, name, limit)?,
            Source::Registry(registry) => registry.manifest(repository, name, limit)?,
        };
        let body = match fetched {
            Fetched::Absent => return Ok(None),
            Fetched::Longer => return Err(too_large(format_args!("the manifest of {shown} is longer"), limit)),
            Fetched::Found(body) => body,
        };
        let expected = match name {
            Name::Digest(digest) => Some(digest),
            Name::Tag(_) => body.named.as_ref(),
        };
        let actual = Digest::of(&body.bytes);
        if let Some(expected) = expected.filter(|expected| **expected != actual) {
            let message = format!("the manifest of {shown} has the digest {actual}, not {expected}");
            return Err(NoAnswer::new(ErrorCode::DigestMismatch, message).hint(CHANGED));
        }
        let manifest = Manifest::parse(actual, body.bytes).map_err(|why| {
            NoAnswer::new(ErrorCode::Malformed, format!("the manifest of {shown} does not read as one: {why}"))
                .hint("push the image again with a tool that follows the OCI image specification")
        })?;
        Ok(Some(Arc::new(manifest)))
    }

    fn fetch_blob(&self, repository: &Repository, digest: &Digest, terms: BlobTerms) -> Result<Arc<[u8]>, NoAnswer> {
        let most = terms.size.unwrap_or(terms.limit);
        let fetched = match &self.source {
            Source::Bundle(bundle) => bundle.blob(repository, digest, most)?,
            Source::Registry(registry) => registry.blob(repository, digest, most)?,
        };
        let body = match (fetched, terms.size) {
            (Fetched::Absent, _) => {
                let message = format!("{} does not hold the blob {digest} of {repository}", self.place(repository));
                return Err(NoAnswer::new(ErrorCode::BlobNotFound, message)
                    .hint("it was not copied whole: push the image or make the bundle again"));
            }
            (Fetched::Longer, Some(size)) => return Err(wrong_size(repository, digest, None, size)),
            (Fetched::Longer, None) => return Err(larger_blob(repository, digest, terms.limit)),
            (Fetched::Found(body), Some(size)) if body.len() != size => {
                return Err(wrong_size(repository, digest, Some(body.len()), size));
            }
            (Fetched::Found(body), _) => body,
        };
        digest.check(&body.bytes).map_err(|mismatch| {
            let message = format!("the blob {digest} of {repository} has the digest {}", mismatch.actual);
            NoAnswer::new(ErrorCode::DigestMismatch, message).hint(CHANGED)
        })?;
        Ok(body.bytes.into())
    }

    fn place(&self, repository: &Repository) -> String {
        match &self.source {
            Source::Bundle(bundle) => bundle.place(),
            Source::Registry(_) => format!("the registry `{}`", repository.registry()),
        }
    }

    fn no_image(&self, image: &str) -> NoAnswer {
        let (place, hint) = match &self.source {
            Source::Bundle(bundle) => {
                (bundle.place(), "add the image to the bundle, or ask a registry by leaving --bundle out")
            }
            Source::Registry(_) => ("the registry".to_owned(), "check the image's name, and that it was pushed"),
        };
        NoAnswer::new(ErrorCode::ImageNotFound, format!("{place} does not hold the image {image}")).hint(hint)
    }
}

impl Blobs for Store {
    fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Arc<[u8]>, NoAnswer> {
        self.blob_within(repository, digest, None, limits::BLOB_BYTES)
    }
}

impl Body {
    fn len(&self) -> u64 {
        length(&self.bytes)
    }
}

const CHANGED: &str =
    "the content was changed or cut short after it was named; push the image or make the bundle again";

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn wrong_size(repository: &Repository, digest: &Digest, actual: Option<u64>, size: u64) -> NoAnswer {
    let actual = actual.map_or_else(|| "longer".to_owned(), |actual| format!("{actual} bytes long"));
    let message = format!("the blob {digest} of {repository} is {actual}, not the announced {size} bytes");
    NoAnswer::new(ErrorCode::DigestMismatch, message).hint(CHANGED)
}

fn larger_blob(repository: &Repository, digest: &Digest, limit: u64) -> NoAnswer {
    too_large(format_args!("the blob {digest} of {repository} is longer"), limit)
}

fn too_large(what: std::fmt::Arguments<'_>, limit: u64) -> NoAnswer {
    NoAnswer::new(ErrorCode::TooLarge, format!("{what}, over the limit of {limit} bytes"))
        .hint("content of this kind is never that large; check who made the image")
}
