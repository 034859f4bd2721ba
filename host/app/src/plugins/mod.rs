//! What the commands for plugins do: build a project, describe and run a component, and run the cases of a project.

mod adapter_run;
mod bench;
mod cassette_client;
mod describe;
mod events_file;
mod host;
mod job_folder;
mod local_job;
mod project;
mod recording_client;
mod run;
mod run_artifacts;
mod run_case;
mod run_check;
mod run_evidence;
mod run_grants;
mod run_inputs;
mod run_report;
mod run_request;
mod test_cases;

pub(crate) use adapter_run::Notes;
pub use assay_wasm::{CachedCode, CodeCache, ComponentFacts, LogSink, Plugin, Sinks, Usage};
pub use bench::{PluginBench, bench_plugin};
pub use describe::{PermissionDescription, PluginDescription, describe_changes};
pub use host::load_plugin;
pub(crate) use host::{engine, load, plugin_error};
pub use local_job::{JobEnd, Waited};
pub use project::{BuiltPlugin, build_plugin};
pub use run::run_plugin;
pub use run_grants::{GrantRequest, SecretPlaces, parse_secret};
pub use run_inputs::RunInputs;
pub use run_report::{RunArtifact, RunError, RunReport};
pub use run_request::{RunPluginRequest, RunVerb};
pub use test_cases::{CaseResult, TestPluginRequest, test_plugin};
