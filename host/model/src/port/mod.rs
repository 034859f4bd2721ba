//! The ports: traits with more than one implementation, or whose implementation is in a sibling crate.

mod blobs;
mod cluster;
mod evaluator;
mod evidence_provider;
mod http_client;
mod report;

pub use blobs::Blobs;
pub use cluster::Cluster;
pub use evaluator::{EvaluationContext, Evaluator};
pub use evidence_provider::{EvidenceProvider, IndexEntry, ResolvedImage};
pub use http_client::{HttpClient, HttpError, HttpRequest, HttpResponse, NetworkReach};
pub use report::{Report, ReportError};
