//! [`EvidenceProvider`]: evidence about images, from a registry or an OCI image layout.

use crate::{
    digest::Digest,
    error::EvaluationError,
    evidence::Evidence,
    image::{ImageRef, PinnedImage},
};

/// An image that was found: its digest, and its parts when it is an index.
#[derive(Clone, Debug)]
pub struct ResolvedImage {
    /// The image by digest. A tag is resolved here, once.
    pub image: PinnedImage,
    /// The manifests of an index in its order, each index among them followed by its own; none for a plain image.
    pub index: Option<Vec<IndexEntry>>,
}

/// One manifest of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The manifest's digest.
    pub digest: Digest,
    /// Its place in the index that names it, from nought.
    pub position: usize,
    /// `platform.architecture`, where the index says.
    pub architecture: Option<String>,
}

/// Finds images and gathers what is known about them. Blocks while bytes are on their way.
pub trait EvidenceProvider: Send + Sync {
    /// Finds the image and pins it.
    fn resolve(&self, image: &ImageRef) -> Result<ResolvedImage, EvaluationError>;

    /// Whether the image itself, and not only its name, is there. Its evidence may be missing all the same.
    fn check_exists(&self, _image: &PinnedImage) -> Result<(), EvaluationError> {
        Ok(())
    }

    /// Fetches and verifies. A missing or wrong signature is a failed check inside the evidence; only the lack of an
    /// response is an error.
    fn collect(&self, image: &PinnedImage) -> Result<Evidence, EvaluationError>;
}
