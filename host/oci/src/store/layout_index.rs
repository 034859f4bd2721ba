//! [`Index`]: the `index.json` of an OCI image layout, as far as it is read.

use std::collections::BTreeMap;

use assay_model::digest::Digest;
use serde::Deserialize;

/// A descriptor of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

#[derive(Deserialize)]
pub(super) struct Index {
    pub(super) manifests: Vec<IndexEntry>,
}

#[derive(Deserialize)]
pub(super) struct IndexEntry {
    // Read as text: the entry's name should be in the sentence that refuses it.
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(default)]
    pub(super) annotations: Option<BTreeMap<String, String>>,
    #[serde(rename = "artifactType")]
    pub(super) artifact_type: Option<String>,
}
