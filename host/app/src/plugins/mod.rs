//! What the commands for plugins do: build a project, describe and run a component, and run the cases of a project.

mod adapter_run;
mod cassette_client;
mod describe;
mod host;
mod job_folder;
mod local_job;
mod project;
mod recording_client;
mod run;
mod run_case;
mod run_grants;
mod run_report;
mod test_cases;

pub use assay_wasm::{CachedCode, CodeCache, LogSink, Plugin, Sinks, Usage};
pub use describe::{PluginDescription, describe_changes};
pub(crate) use host::load;
pub use host::load_plugin;
pub use local_job::{JobEnd, Waited};
pub use project::{BuiltPlugin, build_plugin};
pub use run::{RunInputs, RunPluginRequest, RunVerb, run_plugin};
pub use run_grants::{GrantRequest, parse_secret};
pub use run_report::{RunArtifact, RunError, RunReport};
pub use test_cases::{CaseResult, TestPluginRequest, test_plugin};
