//! [`Abort`]: why the host ended a call.

use assay_model::error::EvaluationError;

use crate::limits;

/// Why the host ended a call, as the end of a sentence that begins with the plugin.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Abort {
    #[error("requested more than {} MiB of memory", .0 >> 20)]
    Memory(usize),
    #[error("requested a table of more than {} elements", limits::TABLE_ELEMENTS)]
    Table,
    #[error("called the host more than {} times", limits::HOST_CALLS)]
    HostCalls,
    #[error("moved more than {} MiB between itself and the host", limits::HOST_BYTES >> 20)]
    HostBytes,
    #[error("used up its computing budget of {0} instructions with work of the host on its behalf")]
    HostWork(u64),
    #[error("logged more than {} times its quota", limits::LOG_FLOOD)]
    LogFlood,
    #[error("requested {0} random bytes at once, more than the {max} allowed", max = limits::RANDOM_BYTES)]
    Random(u64),
    /// An error that the plugin did not cause.
    #[error("{0}")]
    Evaluation(#[from] EvaluationError),
}
