//! What the commands for plugins do: build a project, describe and run a component, and run the cases of a project.

mod adapter_run;
mod cassette_client;
mod describe;
mod host;
mod project;
mod run;
mod test_cases;

pub use assay_wasm::{CachedCode, CodeCache, LogSink, Plugin, Sinks, Usage};
pub use describe::{PluginDescription, describe_changes};
pub(crate) use host::load;
pub use host::load_plugin;
pub use project::{BuiltPlugin, build_plugin};
pub use run::{PluginRun, RunPluginRequest, run_plugin};
pub use test_cases::{CaseResult, TestPluginRequest, test_plugin};
