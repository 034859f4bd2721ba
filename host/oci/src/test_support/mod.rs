//! Test doubles: image layouts, a registry on a loopback port, and archives. For the tests of this crate and, behind the
//! feature `test-support`, of others.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its input must fail")]

mod archives;
mod layout;
mod test_registry;

pub use archives::{gzip, tar, zstd};
pub use layout::{IMAGE, INDEX, Layout, content, pinned, reference};
pub use test_registry::{Reply, TestRegistry};
