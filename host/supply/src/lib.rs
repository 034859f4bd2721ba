//! Gets evidence: images, signatures and attestations from a registry or a bundle, checked and verified.
//!
//! In reading order: [`Store`], the one door for content, whichever the source; [`PublicKey`]; and [`Gatherer`],
//! which turns content into [`Evidence`](assay_model::evidence::Evidence). Bytes are trusted by their digest alone,
//! statements by a signature of the key alone.
//!
//! Invariant: nothing here decides whether an image may ship, and nothing reads the environment or the clock.

mod archive;
mod cosign;
mod files;
mod gather;
mod key;
mod source;
mod store;
pub mod trial;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod served;

pub use archive::is_compressed;
pub use cosign::{Trust, verify_attestations, verify_image};
pub use files::{Files, blob_files, image_files};
pub use gather::{Checking, GatherOptions, Gatherer, Relocation, Unread};
pub use key::{KeyError, PublicKey};
pub use source::{Bounds, Cache, FetchError, FetchOptions, Fetched, Fetcher, Place, Why, folder_name};
pub use store::{
    Artifact, ArtifactLayer, BundleError, Descriptor, IndexItem, Manifest, Proxies, REGISTRY_CONNECT, REGISTRY_IDLE,
    REGISTRY_REQUEST, Referrer, RegistryOptions, Resolved, Retry, Store,
};
