//! [`ContentStore`]: the content store, whatever the source.
//!
//! Its source is an image layout or registries. Content is fetched once for each digest however many threads request it
//! (`single_flight`), and every byte is checked here, against the requested digest, the size its descriptor announced
//! and a limit, before anyone sees it. A blob announced larger than its limit is rejected before it is requested.
//!
//! Calls block while bytes are on their way; each wait has a time limit. Nothing is ever written but what
//! [`push`](ContentStore::push) is given.

mod address;
mod client;
mod credentials;
mod download;
mod errors;
mod fetched;
mod hashed;
mod image_layout;
mod layout_file;
mod manifest;
mod push;
mod push_image;
mod registry;
mod registry_options;
mod request;
mod retry;
mod single_flight;
mod stream;
mod tar;
mod token;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{ImageRef, PinnedImage, Repository},
    limits,
    port::Blobs,
};

pub(crate) use self::download::{DownloadError, download};
pub use self::{
    errors::too_deep,
    layout_file::LayoutError,
    manifest::{Descriptor, IndexItem, Manifest, Referrer},
    push::{Artifact, ArtifactLayer},
    push_image::{PushedBlob, PushedImage},
    registry_options::{Proxies, REGISTRY_CONNECT, REGISTRY_IDLE, REGISTRY_REQUEST, RegistryOptions},
    retry::Retry,
};
use self::{
    errors::{CHANGED, larger_blob, other_content, too_large, wrong_size},
    fetched::{Fetched, Reference},
    hashed::hashed,
    image_layout::ImageLayout,
    registry::Registry,
    single_flight::SingleFlightCache,
};

/// Manifests kept in memory: some thousands, which is a large Snapshot with its signatures.
const KEPT_MANIFEST_BYTES: u64 = 4 << 20;

/// Blobs kept in memory: those of the components in progress, which several evaluators request, and small ones that many
/// images share.
const KEPT_BLOB_BYTES: u64 = 8 << 20;

/// Lists of referrers kept in memory; one entry has some hundred bytes.
const KEPT_REFERRER_BYTES: u64 = 1 << 20;

/// Manifests that one caller requests concurrently.
const FETCHES: usize = 16;

/// A client for images, manifests and blobs.
pub struct ContentStore {
    source: Source,
    manifests: SingleFlightCache<(Repository, Reference), (), Option<Arc<Manifest>>>,
    blobs: SingleFlightCache<(Repository, Digest), BlobLimits, Arc<[u8]>>,
    referrers: SingleFlightCache<(Repository, Digest), (), Arc<[Referrer]>>,
    /// What points at what in the repositories of a layout, which has no lists of its own.
    referrer_index: Mutex<BTreeMap<Repository, Arc<ReferrerIndex>>>,
    /// The end of the run.
    deadline: Option<Instant>,
}

/// Referrers by the image that they point at.
type ReferrerIndex = BTreeMap<Digest, Vec<Referrer>>;

/// An image that was found.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The image by digest.
    pub image: PinnedImage,
    /// Its manifest or index.
    pub manifest: Arc<Manifest>,
}

#[derive(Clone)]
enum Source {
    ImageLayout(Arc<ImageLayout>),
    Registry(Arc<Registry>),
}

/// How a blob was requested: a failure may be due to it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct BlobLimits {
    size: Option<u64>,
    limit: u64,
}

/// Whether the header of a 401 is understood; for [`fuzzing`](crate::fuzzing).
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn fuzz_challenge(header: &str) -> bool {
    token::Challenge::read(header).is_some()
}

impl ContentStore {
    /// Opens an OCI image layout, a folder or one uncompressed tar file.
    pub fn open_layout(path: &Path) -> Result<Self, LayoutError> {
        Ok(Self::over(Source::ImageLayout(ImageLayout::open(path)?.into()), None))
    }

    /// Creates a store for registries; connects to none yet.
    pub fn registry(options: RegistryOptions) -> Result<Self, EvaluationError> {
        let deadline = options.deadline;
        Ok(Self::over(Source::Registry(Registry::new(options)?.into()), deadline))
    }

    /// The same for a run that ends then; a registry's options have it.
    #[must_use]
    pub const fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// The end of the run, after which nothing is read any more.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The same content for what only an image names, such as its base: registries are then accessed without credentials,
    /// and not in private networks.
    #[must_use]
    pub fn named_by_images(&self) -> Self {
        let source = match &self.source {
            Source::Registry(registry) => Source::Registry(registry.named_by_images().into()),
            layout @ Source::ImageLayout(_) => layout.clone(),
        };
        Self::over(source, self.deadline)
    }

    /// Whether the user allows access to a registry wherever it is named. A layout needs none.
    #[must_use]
    pub fn is_allowed(&self, registry: &str) -> bool {
        match &self.source {
            Source::ImageLayout(_) => true,
            Source::Registry(registries) => registries.is_allowed(registry),
        }
    }

    fn over(source: Source, deadline: Option<Instant>) -> Self {
        Self {
            source,
            manifests: SingleFlightCache::new(KEPT_MANIFEST_BYTES, |manifest| {
                // Read as structures it takes about as much again.
                manifest.as_ref().map_or(0, |manifest| 2 * length(manifest.bytes()))
            }),
            blobs: SingleFlightCache::new(KEPT_BLOB_BYTES, |blob| length(blob)),
            referrers: SingleFlightCache::new(KEPT_REFERRER_BYTES, |referrers| length_of(referrers)),
            referrer_index: Mutex::default(),
            deadline,
        }
    }

    /// Whether requests use a network, so that concurrent requests pay off.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        matches!(self.source, Source::Registry(_))
    }

    /// Resolves an image. A tag is resolved once in the life of the store and keeps that digest from then on.
    pub fn resolve(&self, image: &ImageRef) -> Result<Resolved, EvaluationError> {
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
    pub fn manifest(&self, image: &PinnedImage) -> Result<Arc<Manifest>, EvaluationError> {
        self.named(&image.repository, Reference::Digest(image.digest.clone()))?
            .ok_or_else(|| self.no_image(&image.to_string()))
    }

    /// The manifest of a tag; none if there is no such tag. Either stays so in the life of the store.
    pub fn tagged(&self, repository: &Repository, tag: &str) -> Result<Option<Arc<Manifest>>, EvaluationError> {
        let found = self.named(repository, Reference::Tag(tag.to_owned()))?;
        if let Some(manifest) = &found {
            let by_digest = (repository.clone(), Reference::Digest(manifest.digest().clone()));
            self.manifests.put(&by_digest, &found);
        }
        Ok(found)
    }

    /// What points at an image: what the registry lists, or else what the list under the image's tag says
    /// (distribution-spec, "Listing Referrers"). Nobody signed the list.
    pub fn referrers(&self, image: &PinnedImage) -> Result<Arc<[Referrer]>, EvaluationError> {
        let key = (image.repository.clone(), image.digest.clone());
        self.referrers.get(&key, &(), || self.fetch_referrers(image))
    }

    /// Whether [`referrers`](Self::referrers) is what the list under the image's tag says, as far as is known.
    #[must_use]
    pub fn lacks_referrers_api(&self, repository: &Repository) -> bool {
        match &self.source {
            Source::Registry(registry) => registry.lacks_referrers_api(repository),
            Source::ImageLayout(_) => false,
        }
    }

    /// What the list under the image's tag says that points at it; nothing if there is no such list.
    ///
    /// # Errors
    /// [`EvaluationError`] when the list cannot be read.
    pub fn tagged_referrers(&self, image: &PinnedImage) -> Result<Arc<[Referrer]>, EvaluationError> {
        let tag = format!("sha256-{}", image.digest.hex());
        let index = self.tagged(&image.repository, &tag)?;
        within_limit(image, index.and_then(|index| index.index().map(referrers_of)).unwrap_or_default())
    }

    fn fetch_referrers(&self, image: &PinnedImage) -> Result<Arc<[Referrer]>, EvaluationError> {
        let listed = match &self.source {
            Source::ImageLayout(layout) => self.referrer_index(layout, &image.repository).get(&image.digest).cloned(),
            Source::Registry(registry) => {
                let listed = registry.referrers(&image.repository, &image.digest, limits::MANIFEST_BYTES)?;
                listed.map(|pages| self.read_pages(image, pages)).transpose()?
            }
        };
        match listed {
            Some(listed) => within_limit(image, listed),
            None => self.tagged_referrers(image),
        }
    }

    /// Reads every manifest that a layout names in a repository, once.
    fn referrer_index(&self, layout: &ImageLayout, repository: &Repository) -> Arc<ReferrerIndex> {
        // Held while they are read, so that nobody else reads them.
        let mut referrer_index = self.referrer_index.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || {
            let mut found = ReferrerIndex::new();
            for digest in layout.digests(repository) {
                // What is not a manifest has no subject.
                let Ok(Some(manifest)) = self.fetch_manifest(repository, &Reference::Digest(digest)) else { continue };
                if let Some(subject) = manifest.subject() {
                    found.entry(subject.clone()).or_default().push(manifest.referrer());
                }
            }
            Arc::new(found)
        };
        Arc::clone(referrer_index.entry(repository.clone()).or_insert_with(read))
    }

    fn read_pages(&self, image: &PinnedImage, pages: Vec<Vec<u8>>) -> Result<Vec<Referrer>, EvaluationError> {
        let mut listed = Vec::new();
        for page in pages {
            let index = Manifest::parse(Digest::of(&page), page).ok();
            let items = index.as_ref().and_then(Manifest::index).ok_or_else(|| {
                let message = format!("{} lists no index of the referrers of {image}", self.place(&image.repository));
                EvaluationError::new(ErrorCode::RegistryError, message).hint("contact the operator of the registry")
            })?;
            listed.extend(referrers_of(items));
        }
        Ok(listed)
    }

    /// A blob of at most `limit` bytes, and of exactly `size` where its descriptor says one.
    pub fn blob_within(
        &self,
        repository: &Repository,
        digest: &Digest,
        size: Option<u64>,
        limit: u64,
    ) -> Result<Arc<[u8]>, EvaluationError> {
        if let Some(size) = size.filter(|size| *size > limit) {
            let what = format_args!("the blob {digest} of {repository} is announced as {size} bytes");
            return Err(too_large(what, limit));
        }
        let blob_limits = BlobLimits { size, limit };
        let key = (repository.clone(), digest.clone());
        let blob = self.blobs.get(&key, &blob_limits, || self.fetch_blob(repository, digest, blob_limits))?;
        // Cached content may have been requested with other limits.
        match size {
            Some(size) if length(&blob) != size => Err(wrong_size(repository, digest, Some(length(&blob)), size)),
            _ if length(&blob) > limit => Err(larger_blob(repository, digest, limit)),
            _ => Ok(blob),
        }
    }

    /// A blob of at most `limit` bytes as it comes, of which nothing is kept. What `read` makes of it counts only if the
    /// whole content has its digest; what it leaves unread is read here.
    pub(crate) fn stream<T>(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit: u64,
        read: impl FnOnce(&mut dyn io::Read) -> T,
    ) -> Result<T, EvaluationError> {
        let absent = || self.no_blob(repository, digest);
        match &self.source {
            Source::ImageLayout(layout) => {
                let file = layout.stream(repository, digest)?.ok_or_else(absent)?;
                let broken = |error: &io::Error, _: &mut _| {
                    let message = format!("the blob {digest} of {} cannot be read: {error}", layout.place());
                    EvaluationError::new(ErrorCode::Malformed, message).hint("create the layout again")
                };
                hashed((repository, digest), (limit, self.deadline), file, read, broken)
            }
            Source::Registry(registry) => {
                let stream = registry.stream(repository, digest)?.ok_or_else(absent)?;
                let broken = |error: &io::Error, stream: &mut stream::Stream| {
                    stream
                        .failure()
                        .unwrap_or_else(|| EvaluationError::new(ErrorCode::RegistryError, error.to_string()))
                };
                hashed((repository, digest), (limit, self.deadline), stream, read, broken)
            }
        }
    }

    /// The image that a reference names: of an index, and of a nested index, the one for the default platform, as
    /// registries' clients take it. None where an index has no such image.
    pub fn default_platform_manifest(&self, resolved: &Resolved) -> Result<Option<Arc<Manifest>>, EvaluationError> {
        let mut manifest = Arc::clone(&resolved.manifest);
        for _ in 0..=limits::INDEX_DEPTH {
            let Some(items) = manifest.index() else { return Ok(Some(manifest)) };
            let Some(item) = items.iter().find(|item| item.is_default_platform()) else { return Ok(None) };
            manifest = self.manifest(&resolved.image.repository.at(item.descriptor.digest.clone()))?;
        }
        if manifest.index().is_none() { Ok(Some(manifest)) } else { Err(too_deep(&resolved.image)) }
    }

    /// Pushes files as an image, and gives its digest. The name must have a tag, which then stands for it in the
    /// registry; what this store has found out about the tag stays as it was.
    ///
    /// # Errors
    /// [`EvaluationError`] when the registry does not take it, or where there is none.
    pub fn push(&self, image: &ImageRef, artifact: &Artifact) -> Result<Digest, EvaluationError> {
        match &self.source {
            Source::Registry(registry) => registry.push(image, artifact),
            Source::ImageLayout(layout) => {
                Err(EvaluationError::new(ErrorCode::Internal, format!("nothing is pushed to {}", layout.place())))
            }
        }
    }

    /// Resolves several images, those that need requests concurrently.
    pub fn resolve_all(&self, images: &[ImageRef]) -> Vec<Result<Resolved, EvaluationError>> {
        // What is kept already costs no thread.
        let missing = images.iter().filter(|image| !self.is_kept(image)).count();
        self.each(images, missing, |image| self.resolve(image))
    }

    /// The manifests of several images, requested concurrently.
    pub fn manifests(&self, images: &[PinnedImage]) -> Vec<Result<Arc<Manifest>, EvaluationError>> {
        let key = |image: &PinnedImage| (image.repository.clone(), Reference::Digest(image.digest.clone()));
        let missing = images.iter().filter(|image| !self.manifests.is_kept(&key(image))).count();
        self.each(images, missing, |image| self.manifest(image))
    }

    /// Requests each item, so many at a time.
    fn each<I: Sync, T: Send>(&self, items: &[I], at_a_time: usize, request: impl Fn(&I) -> T + Sync) -> Vec<T> {
        if !self.is_remote() || items.len() < 2 {
            return items.iter().map(request).collect();
        }
        let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || {
            while let Some((number, item)) = {
                let number = next.fetch_add(1, Ordering::Relaxed);
                items.get(number).map(|item| (number, item))
            } {
                let result = request(item);
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(number, result);
            }
        };
        thread::scope(|scope| {
            for _ in 1..at_a_time.min(FETCHES) {
                scope.spawn(work);
            }
            work();
        });
        found.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    fn is_kept(&self, image: &ImageRef) -> bool {
        let name = match image.digest() {
            Some(digest) => Reference::Digest(digest.clone()),
            None => Reference::Tag(image.tag_or_latest().to_owned()),
        };
        self.manifests.is_kept(&(image.repository().clone(), name))
    }

    fn named(&self, repository: &Repository, name: Reference) -> Result<Option<Arc<Manifest>>, EvaluationError> {
        let key = (repository.clone(), name);
        self.manifests.get(&key, &(), || self.fetch_manifest(repository, &key.1))
    }

    fn fetch_manifest(
        &self,
        repository: &Repository,
        name: &Reference,
    ) -> Result<Option<Arc<Manifest>>, EvaluationError> {
        let limit = limits::MANIFEST_BYTES;
        let shown = match name {
            Reference::Tag(tag) => format!("{repository}:{tag}"),
            Reference::Digest(digest) => format!("{repository}@{digest}"),
        };
        let fetched = match &self.source {
            Source::ImageLayout(layout) => layout.manifest(repository, name, limit)?,
            Source::Registry(registry) => registry.manifest(repository, name, limit)?,
        };
        let body = match fetched {
            Fetched::Absent => return Ok(None),
            Fetched::TooLarge => return Err(too_large(format_args!("the manifest of {shown} is longer"), limit)),
            Fetched::Found(body) => body,
        };
        let expected = match name {
            Reference::Digest(digest) => Some(digest),
            Reference::Tag(_) => body.named.as_ref(),
        };
        let actual = Digest::of(&body.bytes);
        if let Some(expected) = expected.filter(|expected| **expected != actual) {
            let message = format!("the manifest of {shown} has the digest {actual}, not {expected}");
            return Err(EvaluationError::new(ErrorCode::DigestMismatch, message).hint(CHANGED));
        }
        let manifest = Manifest::parse(actual, body.bytes).map_err(|why| {
            EvaluationError::new(ErrorCode::Malformed, format!("the manifest of {shown} is invalid: {why}"))
                .hint("push the image again with a tool that follows the OCI image specification")
        })?;
        Ok(Some(Arc::new(manifest)))
    }

    fn fetch_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        blob_limits: BlobLimits,
    ) -> Result<Arc<[u8]>, EvaluationError> {
        let most = blob_limits.size.unwrap_or(blob_limits.limit);
        let fetched = match &self.source {
            Source::ImageLayout(layout) => layout.blob(repository, digest, most)?,
            Source::Registry(registry) => registry.blob(repository, digest, most)?,
        };
        let body = match (fetched, blob_limits.size) {
            (Fetched::Absent, _) => return Err(self.no_blob(repository, digest)),
            (Fetched::TooLarge, Some(size)) => return Err(wrong_size(repository, digest, None, size)),
            (Fetched::TooLarge, None) => return Err(larger_blob(repository, digest, blob_limits.limit)),
            (Fetched::Found(body), Some(size)) if body.len() != size => {
                return Err(wrong_size(repository, digest, Some(body.len()), size));
            }
            (Fetched::Found(body), _) => body,
        };
        digest.check(&body.bytes).map_err(|mismatch| other_content(repository, digest, &mismatch.actual))?;
        Ok(body.bytes.into())
    }

    fn place(&self, repository: &Repository) -> String {
        match &self.source {
            Source::ImageLayout(layout) => layout.place(),
            Source::Registry(_) => format!("the registry `{}`", repository.registry()),
        }
    }

    fn no_blob(&self, repository: &Repository, digest: &Digest) -> EvaluationError {
        let message = format!("{} does not hold the blob {digest} of {repository}", self.place(repository));
        EvaluationError::new(ErrorCode::BlobNotFound, message)
            .hint("it was not copied whole: push the image or create the layout again")
    }

    fn no_image(&self, image: &str) -> EvaluationError {
        let (place, hint) = match &self.source {
            Source::ImageLayout(layout) => {
                (layout.place(), "add the image to the layout, or use a registry by removing --evidence")
            }
            Source::Registry(_) => ("the registry".to_owned(), "check the image's name, and that it was pushed"),
        };
        EvaluationError::new(ErrorCode::ImageNotFound, format!("{place} does not hold the image {image}")).hint(hint)
    }
}

impl Blobs for ContentStore {
    fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Arc<[u8]>, EvaluationError> {
        self.blob_within(repository, digest, None, limits::BLOB_BYTES)
    }
}

fn within_limit(image: &PinnedImage, listed: Vec<Referrer>) -> Result<Arc<[Referrer]>, EvaluationError> {
    if listed.len() > limits::INDEX_MANIFESTS {
        let message = format!("{image} has {} referrers, over the limit of {}", listed.len(), limits::INDEX_MANIFESTS);
        return Err(EvaluationError::new(ErrorCode::TooLarge, message)
            .hint("check who can push to the repository, and remove unexpected content"));
    }
    Ok(listed.into())
}

fn referrers_of(items: &[IndexItem]) -> Vec<Referrer> {
    let referrer = |item: &IndexItem| Referrer {
        descriptor: item.descriptor.clone(),
        artifact_type: item.artifact_type.clone().unwrap_or_default(),
    };
    items.iter().map(referrer).collect()
}

/// What a list of referrers weighs.
fn length_of(referrers: &[Referrer]) -> u64 {
    let texts = |referrer: &Referrer| {
        let annotations = referrer.descriptor.annotations.iter();
        annotations.map(|(key, value)| key.len() + value.len()).sum::<usize>() + 512
    };
    u64::try_from(referrers.iter().map(texts).sum::<usize>()).unwrap_or(u64::MAX)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
