//! [`ValidateImageRequest`]: everything that a run over the components of a Snapshot needs to know.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use assay_model::{effective_time::EffectiveTime, evidence::CheckKind, policy::PolicySpec, snapshot::Snapshot};
use assay_wasm::Sinks;
use camino::Utf8PathBuf;
use jiff::Timestamp;

use crate::{mode::Mode, plugin_engine::PluginEngine, source_settings::SourceSettings, trust::TrustRequest};

/// A request to validate the images of a Snapshot.
#[derive(Clone, Debug)]
pub struct ValidateImageRequest {
    /// Whose behavior the run has.
    pub mode: Mode,
    /// The folder for temporary files.
    pub temporary: Utf8PathBuf,
    /// When it was requested, from which the duration in reports counts.
    pub requested_at: Timestamp,
    /// The images.
    pub snapshot: Snapshot,
    /// The name of the Snapshot in a cluster, as it was given; empty for one that is not in a cluster.
    pub snapshot_name: String,
    /// The Snapshot as it was given; empty where it was put together.
    pub snapshot_text: String,
    /// The OCI layout, a folder or a tar file, that holds images and evidence; without one, registries do.
    pub evidence: Option<Utf8PathBuf>,
    /// Whose signatures count.
    pub trust: TrustRequest,
    /// The checks that the user disabled.
    pub skipped: Vec<CheckKind>,
    /// As read, `publicKey` replaced by what the user gave, and with the extra rule data.
    pub policy: PolicySpec,
    /// Whether items of `include` and `exclude` that match no rule are an error.
    pub strict_config: bool,
    /// How policy sources are fetched, and where the trust root is.
    pub sources: SourceSettings,
    /// The WebAssembly checks.
    pub plugins: Vec<PluginRequest>,
    /// Where those come from that are not files.
    pub plugin_places: PluginPlaces,
    /// How they are compiled.
    pub plugin_engine: PluginEngine,
    /// Where their logs go.
    pub plugin_sinks: Sinks,
    /// Whether rules for pipelines of another intention are skipped.
    pub by_intention: bool,
    /// The time that rules and exclusions are compared with.
    pub effective_time: EffectiveTime,
    /// The rules whose results are explained, by their codes.
    pub explain: Vec<String>,
    /// How many components are evaluated concurrently.
    pub workers: NonZeroUsize,
    /// The end of the run and the limit it comes from.
    pub deadline: Option<(Instant, Duration)>,
    /// Whether outcomes keep the input documents, each as large as its image's attestations.
    pub keep_inputs: bool,
    /// Whether outcomes keep the statements of attestations.
    pub keep_statements: bool,
}

/// Where plugins come from that are not files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginPlaces {
    /// The list of plugins.
    pub list: Option<Utf8PathBuf>,
    /// The layout that `plugin pull --save` wrote; without one, registries are accessed.
    pub saved: Option<Utf8PathBuf>,
}

/// A WebAssembly check with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginRequest {
    /// The component: a file, a name in the list, or a reference by digest.
    pub file: Utf8PathBuf,
    /// Its parameters by name, in the order given.
    pub params: Vec<(String, String)>,
}
