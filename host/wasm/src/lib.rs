//! Runs plugins, which are WebAssembly components, each call in a fresh and limited instance.
//!
//! In reading order: [`engine`] (runs components), [`compiler`] and [`code_cache`] (native code, made in a child process and
//! kept), [`plugin`] (a compiled component with its manifest), `world` and [`worlds`] (what a component exports and may
//! import; a folder for each world of the contract), [`manifest`], [`params`], [`permissions`] and [`grants`] (what a plugin
//! requests, and gets), `inspect` (limits that are checked before compilation), [`job`] (the calls of one job), `call`,
//! `call_context` and `store_state` (one call), [`usage`](Usage) and [`verdict`](Verdict) (what it used, and found),
//! `capability` (what a guest can reach), [`limits`] and [`call_limits`], [`values`] (what crosses the boundary), and `wit`
//! (the versions of the contract).
//!
//! # How a plugin is called
//!
//! An [`Engine`] is made once for a process. [`Plugin::load`] gives a plugin of one world, see [`Plugin::world`]:
//!
//! | world | type | calls |
//! | --- | --- | --- |
//! | `check` | [`Check`] | [`Check::call`] for one image; it is an evaluator, too |
//! | `task-offline`, `task` | [`Task`] | [`Task::run`] |
//! | `adapter` | [`Adapter`] | [`Adapter::submit`], [`Adapter::poll`], [`Adapter::collect`], [`Adapter::cancel`] |
//! | `reporter` | [`Reporter`] | [`Reporter::render`] |
//!
//! All but [`Check`] are made with [`JobOptions`]. Each call gives a [`CallOutcome`]: a value with the artifacts and test
//! cases that the call staged, or an error; and in both cases its [`Usage`]. See [`job`] for the whole protocol.
//!
//! Invariant: a guest reaches only what its call is given. It has no clock, no randomness of its own, no files, and no
//! network but requests that the host makes. Nothing of wasmtime leaves this crate.

mod abort;
mod bench;
mod call;
mod call_context;
pub mod call_limits;
mod capability;
pub mod code_cache;
pub mod compiler;
mod denial;
mod development;
pub mod engine;
mod engine_config;
mod findings;
pub mod fuzzing;
pub mod grants;
mod inspect;
pub mod job;
mod key;
pub mod limits;
pub mod manifest;
mod names;
pub mod params;
pub mod permissions;
pub mod plugin;
mod store_state;
#[cfg(test)]
mod test_support;
mod text;
mod usage;
pub mod values;
mod verdict;
mod wit;
mod world;
pub mod worlds;

pub use bench::Measurement;
pub use call_context::RunContext;
pub use call_limits::CallLimits;
pub use capability::{
    Effects,
    artifacts::{Artifact, StagedArtifact},
    checkpoint::CheckpointStore,
    events::{EventLog, StoredEvent},
    logging::{LogSink, Progress, ProgressSink, RemoteOutputSink, Sinks},
    snapshot::SnapshotInput,
};
pub use code_cache::{CachedCode, CodeCache};
pub use compiler::{Compiler, run_compiler};
pub use development::Requested;
pub use engine::{Engine, EngineError, EngineOptions};
pub use grants::{Grants, HostPattern, HttpGrant, SecretGrant, SecretScheme, SecretValue};
pub use inspect::facts::ComponentFacts;
pub use job::{Before, CallError, CallOutcome, CallTime, JobError, JobKey, JobOptions};
pub use manifest::Manifest;
pub use params::ParamError;
pub use permissions::{Permission, Permissions};
pub use plugin::{LoadError, Plugin, RequestedPermission};
pub use usage::Usage;
pub use values::{CaseCounts, FaultKind, Outcome, PluginFinding, Rule, Severity, TestCase};
pub use verdict::{TestOutput, Verdict};
pub use worlds::{
    adapter::{Adapter, Cancellation, Collected, Status, Waiting},
    check::{Check, CheckError, CheckOptions},
    reporter::Reporter,
    task::Task,
};
