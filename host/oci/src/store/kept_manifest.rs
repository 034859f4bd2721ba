//! Manifests by digest that are kept on disk, for what is fetched once and never changes.

use std::sync::Arc;

use assay_model::{error::EvaluationError, image::PinnedImage, limits};

use super::{ContentStore, Manifest};

impl ContentStore {
    /// The manifest of an image by digest. Where this store has a cache, one that was read before is not requested again, so
    /// that what is pinned can be had while its registry cannot be reached.
    ///
    /// # Errors
    /// It is not there, or the registry fails.
    pub fn kept_manifest(&self, image: &PinnedImage) -> Result<Arc<Manifest>, EvaluationError> {
        let kept = self.cached(&image.repository, &image.digest, limits::MANIFEST_BYTES);
        if let Some(manifest) = kept.and_then(|bytes| Manifest::parse(image.digest.clone(), bytes).ok()) {
            return Ok(Arc::new(manifest));
        }
        let manifest = self.manifest(image)?;
        if let Some(cache) = self.cache.as_ref().filter(|_| self.is_remote()) {
            cache.keep_image_blob(&image.repository, &image.digest, manifest.bytes());
        }
        Ok(manifest)
    }
}
