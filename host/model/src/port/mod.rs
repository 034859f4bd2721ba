//! The doors between workshops: traits with more than one implementation, or whose implementation a neighbour owns.

mod blobs;
mod evaluator;
mod evidence_provider;
mod report;

pub use blobs::Blobs;
pub use evaluator::{EvaluationContext, Evaluator};
pub use evidence_provider::{EvidenceProvider, IndexEntry, ResolvedImage};
pub use report::{Report, ReportError};
