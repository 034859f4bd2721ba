//! [`Artifact`] and [`Usage`]: what a task kept, and what it used.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// A file that a task kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its digest, by which it is in the blob store.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// What a task used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Wall-clock time in milliseconds.
    #[serde(default)]
    pub wall_ms: u64,
    /// Computing time in milliseconds, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// The most memory in bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}
