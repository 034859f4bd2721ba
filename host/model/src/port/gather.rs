//! [`Gather`]: evidence about images, from a registry or a bundle.

use crate::{
    digest::Digest,
    evidence::Evidence,
    failure::NoAnswer,
    image::{ImageRef, PinnedImage},
};

/// An image that was found: its digest, and its parts when it is an index.
#[derive(Clone, Debug)]
pub struct Located {
    /// The image by digest. A tag is resolved here, once.
    pub image: PinnedImage,
    /// The manifests of an index in its order; none for a plain image.
    pub index: Option<Vec<IndexEntry>>,
}

/// One manifest of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The manifest's digest.
    pub digest: Digest,
    /// `platform.architecture`, where the index says.
    pub architecture: Option<String>,
}

/// Finds images and gathers what is known about them. Blocks while bytes are on their way.
pub trait Gather: Send + Sync {
    /// Finds the image and pins it.
    fn locate(&self, image: &ImageRef) -> Result<Located, NoAnswer>;

    /// Fetches and verifies. A missing or wrong signature is a failed check inside the evidence; only the lack of an
    /// answer is an error.
    fn gather(&self, image: &PinnedImage) -> Result<Evidence, NoAnswer>;
}
