//! [`Fetcher`]: fetches policy and data sources, each once, and returns what exactly was fetched.
//!
//! In reading order: what a string names ([`SourceRef`]), the limits of a fetch (`limits`) and the directory that is
//! filled with it (`tree`, `shape`, `beneath`), one file for each kind of place (`git` with `settings` and `process`,
//! `oci`, `archive`), what stays on disk between runs ([`Cache`]), and the [`Fetcher`] that puts them together.
//!
//! Invariant: nothing that was fetched is run or assumed to be small; nothing is read by name that can be read by
//! digest or commit. Content that is named by a digest or a commit is checked against it, from the cache as well.

mod archive;
mod beneath;
mod cache;
mod error;
mod fetcher;
mod git;
mod limits;
mod oci;
mod process;
mod settings;
mod shape;
mod source_ref;
mod tree;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use archive::fuzz_unpack;
pub use archive::unpack_archive;
pub use cache::Cache;
pub use error::{FetchError, FetchErrorKind};
pub use fetcher::{FetchOptions, Fetched, Fetcher};
pub use limits::FetchLimits;
pub use source_ref::{SourceRef, folder_name};
