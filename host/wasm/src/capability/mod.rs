//! What a guest can reach: a module for each interface, independent of the version of the contract.

pub(crate) mod artifacts;
pub(crate) mod checkpoint;
pub(crate) mod events;
pub(crate) mod evidence;
pub(crate) mod http;
mod ingest;
pub(crate) mod logging;
pub(crate) mod output;
pub(crate) mod redact;
pub(crate) mod secrets;
pub(crate) mod snapshot;
pub(crate) mod test_cases;
pub(crate) mod wasi;

use crate::values::TestCase;

/// What a call did besides its result. The caller makes it real, in one step with the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// What was added to artifacts, in the order of their names.
    pub artifacts: Vec<artifacts::StagedArtifact>,
    /// Test cases, in the order reported.
    pub cases: Vec<TestCase>,
}
