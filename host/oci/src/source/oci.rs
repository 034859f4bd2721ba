//! [`write()`]: the files of an OCI artifact, such as `conftest push` and `oras push` make.
//!
//! Each layer is one file, named by its title. A layer that is marked to be unpacked is a folder, packed as `oras` packs
//! folders. The store checks every byte against its digest; what is cached is checked again when it is read.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Instant,
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{ImageRef, PinnedImage},
    limits,
};

use super::{archive, cache::Cache, error::FetchErrorKind, limits::FetchLimits, tree::Tree};
use crate::store::{ContentStore, Descriptor, Manifest};

/// A layer's file name (image-spec `annotations.md`).
const TITLE: &str = "org.opencontainers.image.title";
/// `true` on a layer that is a packed folder (`oras-go`, package `content/file`).
const UNPACK: &str = "io.deis.oras.content.unpack";

/// Writes the artifact's files to `to` and gives its digest.
pub(super) fn write(
    image: &ImageRef,
    to: &Path,
    store: &Arc<ContentStore>,
    cache: Option<&Cache>,
    limits: &FetchLimits,
) -> Result<Digest, FetchErrorKind> {
    let (pinned, manifest) = manifest(image, store, cache, limits)?;
    if manifest.index().is_some() {
        return Err(FetchErrorKind::SourceRef(
            "it is an index of images, not an artifact with policies or data".to_owned(),
        ));
    }
    if manifest.layers().len() > limits::EVIDENCE_LAYERS {
        return Err(FetchErrorKind::TooMuch(format!("more than {} layers", limits::EVIDENCE_LAYERS)));
    }
    let mut tree = Tree::new(to, limits)?;
    let mut titled = false;
    for layer in manifest.layers() {
        // As for `oras`, a layer without a title is not a file.
        let Some(title) = layer.annotations.get(TITLE) else { continue };
        titled = true;
        tree.announced(title, layer.size)?;
        let bytes = blob(&pinned, layer, store, cache, limits)?;
        if layer.annotations.get(UNPACK).is_some_and(|value| value == "true") {
            archive::unpack_layer(&mut bytes.as_slice(), &mut tree)?;
        } else {
            tree.file(title, &mut bytes.as_slice())?;
        }
    }
    if !titled {
        return Err(FetchErrorKind::SourceRef("none of its layers has a title, so it holds no files".to_owned()));
    }
    tree.finish()?;
    Ok(pinned.digest)
}

/// The manifest, from the cache where it is named by digest.
fn manifest(
    image: &ImageRef,
    store: &Arc<ContentStore>,
    cache: Option<&Cache>,
    limits: &FetchLimits,
) -> Result<(PinnedImage, std::sync::Arc<Manifest>), FetchErrorKind> {
    if let (Some(pinned), Some(cache)) = (image.pinned(), cache)
        && let Some(bytes) = cache.blob(&pinned.digest, limits::MANIFEST_BYTES)
        && let Ok(manifest) = Manifest::parse(pinned.digest.clone(), bytes)
    {
        return Ok((pinned, manifest.into()));
    }
    let (requested, wanted) = (Arc::clone(store), image.clone());
    let resolved = in_time(limits, move || requested.resolve(&wanted))?;
    if let Some(cache) = cache {
        cache.keep_blob(&resolved.image.digest, resolved.manifest.bytes());
    }
    Ok((resolved.image, resolved.manifest))
}

fn blob(
    image: &PinnedImage,
    layer: &Descriptor,
    store: &Arc<ContentStore>,
    cache: Option<&Cache>,
    limits: &FetchLimits,
) -> Result<Vec<u8>, FetchErrorKind> {
    let kept = cache.and_then(|cache| cache.blob(&layer.digest, limits.file_bytes));
    match kept {
        Some(bytes) if bytes.len() as u64 == layer.size => return Ok(bytes),
        Some(bytes) => {
            let message = format!("the layer {} has {} bytes, not {}", layer.digest, bytes.len(), layer.size);
            return Err(FetchErrorKind::Evaluation(EvaluationError::new(ErrorCode::DigestMismatch, message)));
        }
        None => {}
    }
    let (requested, wanted) = (Arc::clone(store), image.repository.clone());
    let (digest, size, limit) = (layer.digest.clone(), layer.size, limits.file_bytes);
    let bytes = in_time(limits, move || requested.blob_within(&wanted, &digest, Some(size), limit))?;
    if let Some(cache) = cache {
        cache.keep_blob(&layer.digest, &bytes);
    }
    Ok(bytes.to_vec())
}

/// Fetches, and waits no longer than the run lasts: a layer that comes byte by byte stays within the limits of each
/// request for a long time. Who is late goes on alone until its own limits end it, and has nothing to write to.
fn in_time<T: Send + 'static>(
    limits: &FetchLimits,
    request: impl FnOnce() -> Result<T, EvaluationError> + Send + 'static,
) -> Result<T, FetchErrorKind> {
    limits.check_deadline()?;
    let Some(deadline) = limits.deadline else { return request().map_err(FetchErrorKind::Evaluation) };
    let (notify, reported) = mpsc::sync_channel(1);
    thread::Builder::new().name("fetch".to_owned()).spawn(move || {
        // Nobody may be listening any more.
        let _sent = notify.send(request());
    })?;
    match reported.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(result) => result.map_err(FetchErrorKind::Evaluation),
        Err(RecvTimeoutError::Timeout) => Err(FetchErrorKind::RunDeadline),
        Err(RecvTimeoutError::Disconnected) => {
            Err(FetchErrorKind::Failed("its fetch ended without a result".to_owned()))
        }
    }
}
