//! [`CallContext`]: the identity of one call, and [`Capabilities`], what it can reach.

use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    capability::{
        artifacts::ArtifactsView, checkpoint::CheckpointView, events::EventsView, evidence::EvidenceView,
        http::HttpView, logging::Sinks, snapshot::SnapshotView, test_cases::TestsView,
    },
    values::Param,
};

/// The run that calls belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunContext {
    /// The run; empty where runs are not recorded.
    pub run: String,
    /// The scenario of the run; empty where there is none.
    pub scenario: String,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// The identity of one call. Everything a guest receives besides the arguments of its world.
#[derive(Clone, Debug)]
pub(crate) struct CallContext {
    /// The plugin's name, for messages.
    pub(crate) plugin: String,
    pub(crate) run: RunContext,
    /// The same for the same call, over every attempt.
    pub(crate) key: [u8; 32],
    /// The only clock of a guest, in milliseconds since 1970.
    pub(crate) now: u64,
    /// Milliseconds since 1970.
    pub(crate) deadline: u64,
    pub(crate) params: Vec<Param>,
    /// More that the host knows of the call, besides its version.
    pub(crate) attributes: Vec<(String, String)>,
}

impl CallContext {
    /// A number for the guest that depends on the key and the attempt.
    pub(crate) fn seed(&self) -> u32 {
        let first = self.key.first_chunk().map_or(0, |first| u32::from_le_bytes(*first));
        first.wrapping_add(self.run.attempt.saturating_sub(1))
    }
}

/// What one call can reach.
pub(crate) struct Capabilities {
    pub(crate) sinks: Sinks,
    pub(crate) snapshot: Arc<SnapshotView>,
    pub(crate) evidence: EvidenceView,
    pub(crate) artifacts: ArtifactsView,
    pub(crate) tests: TestsView,
    pub(crate) http: HttpView,
    pub(crate) checkpoint: CheckpointView,
    pub(crate) events: EventsView,
    /// Ends the call once it is true.
    pub(crate) cancellation: Option<Arc<AtomicBool>>,
}

impl Capabilities {
    /// Nothing, for a plugin that describes itself.
    pub(crate) fn none() -> Self {
        Self {
            sinks: Sinks::default(),
            snapshot: Arc::new(SnapshotView::empty()),
            evidence: EvidenceView::none(),
            artifacts: ArtifactsView::none(),
            tests: TestsView::none(),
            http: HttpView::none(),
            checkpoint: CheckpointView::none(),
            events: EventsView::none(),
            cancellation: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_depends_on_the_key_and_the_attempt() {
        let seed = |key, attempt| {
            let run = RunContext { attempt, ..RunContext::default() };
            CallContext {
                plugin: String::new(),
                run,
                key: [key; 32],
                now: 0,
                deadline: 0,
                params: Vec::new(),
                attributes: Vec::new(),
            }
            .seed()
        };
        assert_eq!((seed(1, 1), seed(1, 2), seed(2, 1)), (0x0101_0101, 0x0101_0102, 0x0202_0202));
    }
}
