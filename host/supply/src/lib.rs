//! Gets evidence: images, signatures and attestations from a registry or a bundle, checked and verified.
//!
//! In reading order: [`Store`], the one door for content, whichever the source; [`PublicKey`]; and [`Gatherer`],
//! which turns content into [`Evidence`](assay_model::evidence::Evidence). Bytes are trusted by their digest alone,
//! statements by a signature of the key alone.
//!
//! Invariant: nothing here decides whether an image may ship, and nothing reads the environment or the clock.

mod cosign;
mod gather;
mod key;
mod source;
mod store;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod served;

pub use gather::{GatherOptions, Gatherer, Relocation};
pub use key::{KeyError, PublicKey};
pub use source::{Bounds, Cache, FetchError, FetchOptions, Fetched, Fetcher, Place, Why, folder_name};
pub use store::{
    BundleError, Descriptor, IndexItem, Manifest, REGISTRY_CONNECT, REGISTRY_IDLE, REGISTRY_REQUEST, RegistryOptions,
    Resolved, Store,
};
