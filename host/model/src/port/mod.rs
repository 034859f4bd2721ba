//! The ports: traits with more than one implementation, or whose implementation is in a sibling crate.

mod blob_store;
mod blobs;
mod clock;
mod cluster;
mod derived_cache;
mod evaluator;
mod evidence_provider;
mod executor;
mod http_client;
mod pipeline_source;
mod queue;
mod report;
mod run_record;
mod snapshot_record;

pub use blob_store::BlobStore;
pub use blobs::Blobs;
pub use clock::{Clock, VirtualClock, Wakeup};
pub use cluster::Cluster;
pub use derived_cache::DerivedCache;
pub use evaluator::{EvaluationContext, Evaluator};
pub use evidence_provider::{EvidenceProvider, IndexEntry, ResolvedImage};
pub use executor::{CallResult, Executor, ExecutorCall, ExecutorContext, TaskVerdict};
pub use http_client::{HttpClient, HttpError, HttpRequest, HttpResponse, NetworkReach};
pub use pipeline_source::{PipelineRef, PipelineSource, PipelineText};
pub use queue::{Disposition, Lease, LeaseToken, Offer, Queue, QueueDepth, Settled, StoreError, TakeRequest};
pub use report::{Report, ReportError};
pub use run_record::{Created, LogPart, RecordChange, RunRecord, TaskProgress};
pub use snapshot_record::{Moved, Pointer, PointerKey, PointerKind, PointerMove, SnapshotRecord, StoredSnapshot};
