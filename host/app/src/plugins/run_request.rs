//! [`RunPluginRequest`]: which plugin is run, on what, and with whom this process talks meanwhile.

use std::time::Duration;

use assay_wasm::LogSink;
use camino::Utf8PathBuf;

use super::{local_job::Waited, run_grants::SecretPlaces, run_inputs::RunInputs};
use crate::{image_evidence::EvidenceRequest, plugin_engine::PluginEngine, source_settings::SourceSettings};

/// What is done.
#[derive(Clone, Debug)]
pub enum RunVerb {
    /// A plugin is run.
    Run {
        /// The plugin: a file, a name in the list, or a reference by digest.
        plugin: String,
        /// What it is called with.
        inputs: Box<RunInputs>,
    },
    /// A job goes on that was interrupted.
    Resume(String),
    /// A job is canceled that was interrupted.
    Cancel(String),
}

/// A request to run a plugin.
pub struct RunPluginRequest<'a> {
    /// What is done.
    pub verb: RunVerb,
    /// How registries are accessed, for plugins and for images.
    pub sources: SourceSettings,
    /// The layout that `plugin pull --save` wrote; then no plugin is fetched.
    pub saved: Option<Utf8PathBuf>,
    /// Where the images under test and their evidence are, and whose signatures count for it.
    pub evidence: EvidenceRequest,
    /// The events that a reporter reads: a file with a line of JSON for each.
    pub events: Option<Utf8PathBuf>,
    /// The folder that the plugin's files are written to when it has ended.
    pub artifacts: Option<Utf8PathBuf>,
    /// The folder in which jobs of adapters are kept.
    pub store: Utf8PathBuf,
    /// How components are compiled.
    pub engine: PluginEngine,
    /// Where the values of secrets may be.
    pub secrets: SecretPlaces<'a>,
    /// Receives the log; nothing does without it.
    pub log: Option<LogSink>,
    /// Waits, and says whether the process is to end.
    pub wait: &'a dyn Fn(Duration) -> Waited,
    /// Receives lines for people: which job it is, and how each step ended.
    pub note: &'a dyn Fn(&str),
}
