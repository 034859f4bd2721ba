//! Gets evidence: images, signatures and attestations from a registry or a bundle, checked and verified.
//!
//! In reading order: [`ContentStore`], the content store over all sources; [`PublicKey`]; and [`EvidenceCollector`],
//! which turns content into [`Evidence`](assay_model::evidence::Evidence). Bytes are trusted by their digest alone,
//! statements by a signature of the key alone.
//!
//! Invariant: nothing here decides whether an image may ship, and nothing reads the environment or the clock.

mod archive;
mod collector;
mod cosign;
mod files;
pub mod fuzzing;
mod key;
mod source;
mod store;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod test_registry;

pub use archive::is_compressed;
pub use collector::{CollectOptions, EvidenceCollector, OnUnreadable, Relocation, Verification};
pub use cosign::{Trust, verify_attestations, verify_image};
pub use files::{Files, blob_files, image_files};
pub use key::{KeyError, PublicKey};
pub use source::{
    Cache, FetchError, FetchErrorKind, FetchLimits, FetchOptions, Fetched, Fetcher, SourceRef, folder_name,
};
pub use store::{
    Artifact, ArtifactLayer, ContentStore, Descriptor, IndexItem, LayoutError, Manifest, Proxies, REGISTRY_CONNECT,
    REGISTRY_IDLE, REGISTRY_REQUEST, Referrer, RegistryOptions, Resolved, Retry,
};
