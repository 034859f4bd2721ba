//! [`SnapshotRecord`]: the Snapshots that were composed, and the images that the next ones are composed of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::queue::StoreError;
use crate::digest::Digest;

/// Which of the two images of a component that the record keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PointerKind {
    /// That of the last build.
    Latest,
    /// The last one whose own required scenarios passed.
    Good,
}

impl PointerKind {
    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Good => "good",
        }
    }
}

/// What a pointer belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PointerKey {
    /// The application or component group.
    pub group: String,
    /// The component.
    pub component: String,
    /// Its version; empty where components have none.
    #[serde(default)]
    pub version: String,
}

/// Where a pointer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// What it belongs to.
    pub key: PointerKey,
    /// Which one it is.
    pub kind: PointerKind,
    /// The image by digest.
    pub image: String,
    /// The source, whole, as JSON.
    pub source: serde_json::Value,
    /// When the build of the image started, in milliseconds since 1970.
    pub build_start: i64,
    /// Builds that started before this are too old to move the pointer.
    pub fence: i64,
}

/// A wish to move a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointerMove {
    /// What it belongs to.
    pub key: PointerKey,
    /// Which one.
    pub kind: PointerKind,
    /// The image by digest.
    pub image: String,
    /// The source, whole, as JSON.
    pub source: serde_json::Value,
    /// When the build started, in milliseconds since 1970.
    pub build_start: i64,
    /// When the override started that replaces the image, in milliseconds since 1970. No build that started before it
    /// moves the pointer back afterwards.
    pub override_start: Option<i64>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It stands there now.
    Moved,
    /// It stood there before.
    Unchanged,
    /// Another build or an override that started later holds it.
    Stale {
        /// When that started.
        fence: i64,
    },
}

/// A Snapshot as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSnapshot {
    /// The digest of the canonical document.
    pub id: Digest,
    /// Its name.
    pub name: String,
    /// The application or component group.
    pub group: String,
    /// The canonical document, JSON.
    pub document: String,
    /// When it was kept first.
    pub created: Timestamp,
    /// Whether it is never collected.
    pub is_pinned: bool,
}

/// The record of Snapshots.
pub trait SnapshotRecord: Send + Sync {
    /// The pointers of one kind in a group, by component and version.
    ///
    /// # Errors
    /// The store is damaged.
    fn pointers(&self, group: &str, kind: PointerKind) -> Result<Vec<Pointer>, StoreError>;

    /// Moves pointers in one transaction, each only forward by the start of its build. The order of calls does not matter.
    ///
    /// # Errors
    /// The store cannot take them.
    fn move_pointers(&self, moves: Vec<PointerMove>) -> Result<Vec<Moved>, StoreError>;

    /// Keeps a Snapshot. To keep it again changes nothing. Returns whether it is new.
    ///
    /// # Errors
    /// The store cannot take it.
    fn save_snapshot(&self, group: &str, name: &str, document: &str) -> Result<bool, StoreError>;

    /// A Snapshot by its ID.
    ///
    /// # Errors
    /// There is none, or the store is damaged.
    fn snapshot(&self, id: &Digest) -> Result<StoredSnapshot, StoreError>;

    /// Pins a Snapshot, so that it is never collected, or does away with the pin.
    ///
    /// # Errors
    /// There is none.
    fn pin_snapshot(&self, id: &Digest, pin: bool) -> Result<(), StoreError>;
}
