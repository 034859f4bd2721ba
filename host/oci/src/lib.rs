//! OCI content and policy sources: the only crate that uses the network.
//!
//! In reading order: [`ContentStore`] reads manifests and blobs from an OCI image layout or from registries and checks them
//! by digest; [`image_files`] and [`blob_files`] read files inside images; [`Fetcher`] fetches the policy and data sources
//! that a [`SourceRef`] names; [`PluginHttp`] sends the requests of plugins.
//!
//! Invariant: nothing here verifies a signature, and nothing reads the environment.

mod archive;
mod files;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod plugin_http;
mod source;
mod store;
#[cfg(any(test, feature = "test-support"))]
pub mod test_support;

pub use archive::is_compressed;
pub use files::{Files, blob_files, image_files, operator_manifests};
pub use plugin_http::PluginHttp;
pub use source::{
    Cache, FetchError, FetchErrorKind, FetchLimits, FetchOptions, Fetched, Fetcher, SourceRef, folder_name,
};
pub use store::{
    Artifact, ArtifactLayer, ContentStore, Descriptor, IndexItem, LayoutError, Manifest, Proxies, PushedBlob,
    PushedImage, REGISTRY_CONNECT, REGISTRY_IDLE, REGISTRY_REQUEST, Referrer, RegistryOptions, Resolved, Retry,
    too_deep,
};
