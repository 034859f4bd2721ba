//! Carries out requests: composes the crates below, and hands out events and typed errors.
//!
//! A command is a request here ([`ValidateImageRequest`], [`ValidateInputRequest`], …) and a function that carries it out.
//! A run over images is begun by [`start`], which gives a [`Run`] that can be read, canceled and joined. What happens
//! meanwhile is an [`Event`]; why a request cannot be carried out is a [`RequestError`]. [`Mode`] holds every difference
//! between the behavior of assay and that of `ec`.
//!
//! Invariant: nothing here prints, reads the environment, or ends the process.

mod archived_cluster;
mod builtins;
mod cached_scenarios;
mod cluster_access;
mod compare_request;
mod compiled_cache;
mod compose;
mod ec_compat;
mod ec_task;
mod error;
mod event;
mod evidence_archive;
mod exclude_filter;
mod explanations;
mod fetch_request;
mod folders;
mod good_pointers;
mod image_evidence;
mod image_request;
mod import_request;
mod initialize_request;
mod input_files;
mod input_request;
mod inspect_request;
mod mode;
mod orphans;
mod plan_request;
pub mod plugin_distribution;
mod plugin_engine;
mod plugin_executor;
mod plugin_grants;
pub mod plugins;
pub mod policy_argument;
mod policy_sources;
pub mod read;
mod recorded_runs;
mod reused_results;
mod run;
mod run_attestation;
mod run_files_request;
mod scenario_request;
mod snapshot_request;
mod source_settings;
mod tekton_bundle;
mod test_request;
mod track_request;
mod trust;
mod trust_root;
mod tuf_store;
mod unmatched;
mod verify_request;
pub mod vsa;
mod wait_request;

pub use assay_cluster::{ClusterOptions, Kubeconfigs};
pub use assay_evidence::{
    Proof, ProofKind, Proofs, Refused, Relocation, Signer, Verified,
    keyless::{CertificateLogPolicy, LogPolicy, PUBLIC_GOOD_DATE, TimeSource},
};
pub use assay_konflux as konflux;
pub use builtins::registry_host;
pub use cached_scenarios::cached_scenarios;
pub use cluster_access::ClusterAccess;
pub use compare_request::{CompareRequest, ComparedImage, compare};
pub use error::{RequestError, RequestErrorKind};
pub use event::{Event, EventSink};
pub use evidence_archive::{CollectedEvidence, collect_evidence};
pub use fetch_request::{FetchPolicyRequest, FetchedSource, fetch_policy};
pub use image_evidence::EvidenceRequest;
pub use image_request::{PluginPlaces, PluginRequest, ValidateImageRequest};
pub use import_request::{import_files, imported_resources};
pub use initialize_request::{InitializeRequest, Initialized, initialize};
pub use input_request::{ValidateInputRequest, validate_input};
pub use inspect_request::{InspectDataRequest, InspectPolicyRequest, inspect_data, inspect_policy};
pub use mode::{Mode, ec_final_message};
pub use orphans::{Orphan, OrphanOutcome, Orphans, OrphansRequest, UnknownTask, find_orphans};
pub use plan_request::{PlanFilesRequest, plan_files};
pub use plugin_engine::{COMPILE_VERB, PluginEngine, run_compiler, start_engine};
pub use plugin_grants::GrantedPermission;
pub use policy_argument::parse_policy;
pub use policy_sources::{fetch_configuration, fetch_extra_data};
pub use recorded_runs::{
    CanceledRun, RecordedRuns, Retention, RunExplanation, RunReason, cancel_run, collect_runs, pin_run,
};
pub use run::{Canceler, Run, RunResult, start};
pub use run_files_request::{FinishedRun, Interrupt, RunFilesRequest, rerun, run_files};
pub use scenario_request::match_scenarios;
pub use snapshot_request::{ComposeSnapshotRequest, compose_snapshot, read_build};
pub use source_settings::{CacheDir, SourceSettings, add_registries_conf, open_evidence};
pub use test_request::{TestRequest, test_files};
pub use track_request::{TrackRequest, TrackedTasks, track};
pub use trust::{KeyText, SignerRequest, TrustRequest};
pub use trust_root::{SigstoreFiles, TrustRootSettings};
pub use tuf_store::StoredTrustRoot;
pub use verify_request::{ImagePlace, VerifyRequest, VerifyResult, VerifySubject, verify};
pub use wait_request::{WaitComponent, WaitPart, WaitReport, WaitRequest, WaitState, wait_for_signatures};

/// The name and version of this program, as reports have it.
#[must_use]
pub fn version() -> String {
    format!("assay-{}", env!("CARGO_PKG_VERSION"))
}
