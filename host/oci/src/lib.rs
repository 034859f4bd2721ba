//! OCI content and policy sources: the only crate that uses the network.
//!
//! In reading order: [`ContentStore`] reads manifests and blobs from an OCI image layout or from registries and checks them
//! by digest; [`image_files`] and [`blob_files`] read files inside images; [`Fetcher`] fetches the policy and data sources
//! that a [`SourceRef`] names; [`EvidenceRecorder`] and [`EvidenceArchive`] keep what was read and read it again;
//! [`PluginHttp`] sends the requests of plugins.
//!
//! Invariant: nothing here verifies a signature, and nothing reads the environment.

mod archive;
mod evidence_archive;
mod files;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod plugin_http;
mod source;
mod store;
#[cfg(any(test, feature = "test-support"))]
pub mod test_support;

pub use archive::is_compressed;
pub use evidence_archive::{
    ArchiveError, ArchivedContent, EVIDENCE_TYPE, EvidenceArchive, EvidenceRecord, EvidenceRecorder, GitAnswer,
    RepositoryAnswers, verify_archive, write_archive,
};
pub use files::{Files, blob_files, image_files, layer_file, operator_manifests};
pub use plugin_http::PluginHttp;
pub use source::{
    Cache, FetchError, FetchErrorKind, FetchLimits, FetchOptions, Fetched, Fetcher, SourceRef, folder_name,
    unpack_archive,
};
pub use store::{
    Artifact, ArtifactLayer, ContentStore, Descriptor, IndexItem, LayoutError, LayoutWriter, Manifest, OpenedLayout,
    Proxies, PushedBlob, PushedImage, REGISTRY_CONNECT, REGISTRY_IDLE, REGISTRY_REQUEST, Referrer, RegistriesConf,
    RegistryOptions, Resolved, Retry, RunBudget, SaveError, fetch_file, too_deep,
};
