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
mod content_request;
mod cosign_save;
mod credentials;
mod download;
mod endpoints;
mod errors;
mod fetched;
mod hashed;
mod image_layout;
mod layout_file;
mod layout_index;
mod layout_writer;
mod manifest;
mod push;
mod push_image;
mod referrers;
mod registries_conf;
mod registry;
mod registry_client;
mod registry_options;
mod request;
mod retry;
mod single_flight;
mod stream;
mod tags;
mod tar;
mod token;
mod web_file;

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

pub use self::web_file::fetch_file;
pub(crate) use self::{
    download::{DownloadError, download},
    fetched::{Body, Fetched, Reference},
    hashed::finished,
    image_layout::ImageLayout,
    manifest::OCI_MANIFEST,
};
pub use self::{
    errors::too_deep,
    layout_file::LayoutError,
    layout_writer::{LayoutWriter, SaveError},
    manifest::{Descriptor, IndexItem, Manifest, Referrer},
    push::{Artifact, ArtifactLayer},
    push_image::{PushedBlob, PushedImage},
    registries_conf::RegistriesConf,
    registry_options::{Proxies, REGISTRY_CONNECT, REGISTRY_IDLE, REGISTRY_REQUEST, RegistryOptions, RunBudget},
    retry::Retry,
};
use crate::{
    evidence_archive::{EvidenceArchive, EvidenceRecorder},
    source::Cache,
};

use self::{
    errors::{CHANGED, larger_blob, other_content, too_large, wrong_size},
    hashed::hashed,
    referrers::{ReferrerIndex, length_of},
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

/// A blob that is kept on disk: configs, signatures and attestations are smaller, layers are not kept.
const CACHED_BLOB_BYTES: u64 = 16 << 20;

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
    /// Where blobs stay between runs.
    cache: Option<Cache>,
    /// What keeps the answers.
    recorder: Option<Arc<EvidenceRecorder>>,
    /// The end of the run.
    deadline: Option<Instant>,
}

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
    /// What registries answered before.
    Archive(Arc<EvidenceArchive>),
    Registry(Arc<Registry>),
}

/// An image layout or an evidence archive, opened once for all that reads it.
#[derive(Clone, Debug)]
pub struct OpenedLayout {
    layout: Arc<ImageLayout>,
    archive: Option<Arc<EvidenceArchive>>,
}

impl OpenedLayout {
    /// Opens a folder or one uncompressed tar file.
    ///
    /// # Errors
    /// It is no image layout.
    pub fn open(path: &Path) -> Result<Self, LayoutError> {
        let layout = Arc::new(ImageLayout::open(path)?);
        let archive = EvidenceArchive::of(Arc::clone(&layout))?.map(Arc::new);
        Ok(Self { layout, archive })
    }

    /// The evidence archive that it is; none if it has no record.
    #[must_use]
    pub const fn archive(&self) -> Option<&Arc<EvidenceArchive>> {
        self.archive.as_ref()
    }
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
    /// Opens an OCI image layout or an evidence archive, a folder or one uncompressed tar file.
    pub fn open_layout(path: &Path) -> Result<Self, LayoutError> {
        Ok(Self::of_layout(OpenedLayout::open(path)?))
    }

    /// A store of what is in a layout or an archive.
    #[must_use]
    pub fn of_layout(OpenedLayout { layout, archive }: OpenedLayout) -> Self {
        Self::over(archive.map_or(Source::ImageLayout(layout), Source::Archive), None, None)
    }

    /// The evidence archive that content comes from.
    #[must_use]
    pub const fn archive(&self) -> Option<&Arc<EvidenceArchive>> {
        match &self.source {
            Source::Archive(archive) => Some(archive),
            Source::ImageLayout(_) | Source::Registry(_) => None,
        }
    }

    /// Creates a store for registries, or for what stands in for them; connects to none yet.
    pub fn registry(options: RegistryOptions) -> Result<Self, EvaluationError> {
        let (deadline, recorder) = (options.deadline, options.recorder.clone());
        if let Some(layout) = options.layout {
            return Ok(Self::of_layout(layout).until(deadline));
        }
        let cache = options.cache.clone();
        Ok(Self { cache, ..Self::over(Source::Registry(Registry::new(options)?.into()), deadline, recorder) })
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
            local @ (Source::ImageLayout(_) | Source::Archive(_)) => local.clone(),
        };
        // Nothing from disk, which may have been read with credentials.
        Self::over(source, self.deadline, self.recorder.clone())
    }

    /// Whether the user allows access to a registry wherever it is named. A layout needs none.
    #[must_use]
    pub fn is_allowed(&self, registry: &str) -> bool {
        match &self.source {
            Source::ImageLayout(_) | Source::Archive(_) => true,
            Source::Registry(registries) => registries.is_allowed(registry),
        }
    }

    fn over(source: Source, deadline: Option<Instant>, recorder: Option<Arc<EvidenceRecorder>>) -> Self {
        Self {
            source,
            manifests: SingleFlightCache::new(KEPT_MANIFEST_BYTES, |manifest| {
                // Read as structures it takes about as much again.
                manifest.as_ref().map_or(0, |manifest| 2 * length(manifest.bytes()))
            }),
            blobs: SingleFlightCache::new(KEPT_BLOB_BYTES, |blob| length(blob)),
            referrers: SingleFlightCache::new(KEPT_REFERRER_BYTES, |referrers| length_of(referrers)),
            referrer_index: Mutex::default(),
            cache: None,
            recorder,
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
        let Some(recorder) = &self.recorder else { return self.stream_unrecorded(repository, digest, limit, read) };
        let outcome = self.stream_unrecorded(repository, digest, limit, |from| {
            let mut tee = recorder.tee(from);
            (read(&mut tee), tee.finish())
        });
        match outcome {
            Ok((value, spool)) => {
                recorder.keep_stream(repository, digest, spool);
                Ok(value)
            }
            Err(error) => {
                recorder.lost_blob(repository, digest, &error);
                Err(error)
            }
        }
    }

    fn stream_unrecorded<T>(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit: u64,
        read: impl FnOnce(&mut dyn io::Read) -> T,
    ) -> Result<T, EvaluationError> {
        let absent = || self.no_blob(repository, digest);
        let local = |file: Box<dyn io::Read>, place: String, read| {
            let broken = |error: &io::Error, _: &mut _| {
                let message = format!("the blob {digest} of {place} cannot be read: {error}");
                EvaluationError::new(ErrorCode::Malformed, message).hint("create the layout again")
            };
            hashed((repository, digest), (limit, self.deadline), file, read, broken)
        };
        match &self.source {
            Source::ImageLayout(layout) => {
                local(layout.stream(repository, digest)?.ok_or_else(absent)?, layout.place(), read)
            }
            Source::Archive(archive) => {
                local(archive.stream(repository, digest)?.ok_or_else(absent)?, archive.place(), read)
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
            Source::ImageLayout(_) | Source::Archive(_) => {
                Err(EvaluationError::new(ErrorCode::Internal, "nothing is pushed to an image layout"))
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
        let outcome = self.fetch_manifest_unrecorded(repository, name);
        if let Some(recorder) = &self.recorder {
            recorder.manifest(repository, name, &outcome);
        }
        outcome
    }

    fn fetch_manifest_unrecorded(
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
            Source::Archive(archive) => archive.manifest(repository, name, limit)?,
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
        let outcome = self.fetch_blob_unrecorded(repository, digest, blob_limits);
        if let Some(recorder) = &self.recorder {
            recorder.blob(repository, digest, &outcome);
        }
        outcome
    }

    fn fetch_blob_unrecorded(
        &self,
        repository: &Repository,
        digest: &Digest,
        blob_limits: BlobLimits,
    ) -> Result<Arc<[u8]>, EvaluationError> {
        let most = blob_limits.size.unwrap_or(blob_limits.limit);
        let fetched = match &self.source {
            Source::ImageLayout(layout) => layout.blob(repository, digest, most)?,
            Source::Archive(archive) => archive.blob(repository, digest, most)?,
            Source::Registry(registry) => match self.cached(repository, digest, most) {
                Some(bytes) => Fetched::Found(Body { bytes, named: None }),
                None => registry.blob(repository, digest, most)?,
            },
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
        if let Some(cache) = &self.cache
            && self.is_remote()
            && body.len() <= CACHED_BLOB_BYTES
        {
            cache.keep_image_blob(repository, digest, &body.bytes);
        }
        Ok(body.bytes.into())
    }

    /// A blob that was read in an earlier run.
    fn cached(&self, repository: &Repository, digest: &Digest, limit: u64) -> Option<Vec<u8>> {
        self.cache.as_ref()?.image_blob(repository, digest, limit)
    }

    fn place(&self, repository: &Repository) -> String {
        match &self.source {
            Source::ImageLayout(layout) => layout.place(),
            // What an archive says of absence is what the registry said.
            Source::Registry(_) | Source::Archive(_) => format!("the registry `{}`", repository.registry()),
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
            Source::Registry(_) | Source::Archive(_) => {
                ("the registry".to_owned(), "check the image's name, and that it was pushed")
            }
        };
        EvaluationError::new(ErrorCode::ImageNotFound, format!("{place} does not hold the image {image}")).hint(hint)
    }
}

impl Blobs for ContentStore {
    fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Arc<[u8]>, EvaluationError> {
        self.blob_within(repository, digest, None, limits::BLOB_BYTES)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
