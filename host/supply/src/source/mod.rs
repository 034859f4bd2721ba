//! [`Fetcher`]: brings policy and data sources to this machine, each once, and says what exactly was brought.
//!
//! In reading order: what a text names ([`Place`]), the limits of what is brought (`bounds`) and the folder that is filled
//! with it (`tree`, `shape`, `beneath`), one file for each kind of place (`git` with `settings` and `process`, `oci`,
//! `archive`), what stays on disk between runs ([`Cache`]), and the [`Fetcher`]
//! that puts them together.
//!
//! Invariant: nothing that was brought is run or believed to be small; nothing is read by name that can be read by
//! digest or commit. Content that is named by a digest or a commit is checked against it, from the cache as well.

mod archive;
mod beneath;
mod bounds;
mod cache;
mod error;
mod fetcher;
mod git;
mod oci;
mod place;
mod process;
mod settings;
mod shape;
mod tree;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

pub(crate) use archive::trial_unpack;
pub use bounds::Bounds;
pub use cache::Cache;
pub use error::{FetchError, Why};
pub use fetcher::{FetchOptions, Fetched, Fetcher};
pub use place::{Place, folder_name};
