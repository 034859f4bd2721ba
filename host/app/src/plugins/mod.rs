//! What the commands for plugins do: build a project, describe and run a component, and run the cases of a project.

mod adapter_run;
mod cassette_client;
mod describe;
mod host;
mod project;
mod run;
mod test_cases;

pub use assay_wasm::{CachedCode, CodeCache, LogSink, Plugin, Sinks, Usage};
pub use describe::{PermissionDescription, PluginDescription, describe_changes};
pub use host::load_plugin;
pub(crate) use host::{engine, load, plugin_error};
pub use project::{BuiltPlugin, build_plugin};
pub use run::{PluginRun, RunPluginRequest, run_plugin};
pub use test_cases::{CaseResult, TestPluginRequest, test_plugin};
