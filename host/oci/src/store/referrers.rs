//! What refers to an image: the lists of registries, the list under an image's tag, and the manifests of a layout.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{PinnedImage, Repository},
    limits,
};

use super::{
    ContentStore, Source,
    fetched::Reference,
    image_layout::ImageLayout,
    manifest::{IndexItem, Manifest, Referrer},
};

/// Referrers by the image that they point at.
pub(super) type ReferrerIndex = BTreeMap<Digest, Vec<Referrer>>;

impl ContentStore {
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
            Source::Archive(archive) => archive.lacks_referrers_api(repository),
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
            Source::ImageLayout(layout) => {
                Ok(self.referrer_index(layout, &image.repository).get(&image.digest).cloned())
            }
            Source::Archive(archive) => archive.referrers(image),
            Source::Registry(registry) => registry
                .referrers(&image.repository, &image.digest, limits::MANIFEST_BYTES)
                .and_then(|listed| listed.map(|pages| self.read_pages(image, pages)).transpose()),
        };
        if let Some(recorder) = &self.recorder {
            recorder.referrers(image, &listed);
        }
        match listed? {
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
pub(super) fn length_of(referrers: &[Referrer]) -> u64 {
    let texts = |referrer: &Referrer| {
        let annotations = referrer.descriptor.annotations.iter();
        annotations.map(|(key, value)| key.len() + value.len()).sum::<usize>() + 512
    };
    u64::try_from(referrers.iter().map(texts).sum::<usize>()).unwrap_or(u64::MAX)
}
