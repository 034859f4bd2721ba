//! The record of runs on one machine: what was planned, what is queued, what came of it.
//!
//! [`Store`] is a folder: one SQLite file (`schema`), blobs by digest beside it (`blobs`), a file for the log of each attempt
//! (`logs`), and a lock that one coordinator holds (`lock`). It implements the ports `Queue`, `RunRecord`, `BlobStore` and
//! `SnapshotRecord` of `assay-model`. All changes go through one thread that commits what many callers request in one
//! transaction (`writer`); another waits for the disk and answers who needs to know that (`syncer`); readers have a connection
//! of their own, and what was committed is moved from SQLite's log into the file by a third thread (`checkpoint`).
//!
//! What the folder contains is hostile: a file with other tables, triggers or views than those of this version is refused,
//! every document is read strictly, and every blob is checked against its digest.

mod blobs;
mod checkpoint;
mod clock;
mod coding;
mod documents;
mod error;
mod lock;
mod logs;
mod notes;
mod observer;
mod queue;
mod record;
mod retention;
mod schema;
mod snapshots;
mod store;
mod syncer;
#[cfg(test)]
mod tests;
mod writer;

pub use clock::SystemClock;
pub use observer::{CRASH_POINTS, Observer};
pub use retention::{Collected, RetentionPolicy};
pub use store::{Store, StoreMode, StoreOptions};
