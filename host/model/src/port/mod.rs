//! The doors between workshops: traits with more than one implementation, or whose implementation a neighbour owns.

mod blobs;
mod gather;
mod judge;
mod report;

pub use blobs::Blobs;
pub use gather::{Gather, IndexEntry, Located};
pub use judge::{Case, Judge};
pub use report::{Report, ReportError};
