//! Which scenarios need not be run, since all that their result depends on is that of an earlier run.

use std::collections::BTreeMap;

use assay_model::{digest::Digest, port::RunRecord as _, run::RunState};
use assay_scheduler::{Reused, RunRequest};
use assay_store::Store;

use crate::error::RequestError;

/// The newest runs whose results may be reused.
const REUSED_RUNS: usize = 100;

/// The scenarios of a run whose result in one of the newest runs counts, since all that they depend on is the same.
///
/// # Errors
/// The store fails.
pub(crate) fn reusable(store: &Store, run: &RunRequest) -> Result<BTreeMap<String, Reused>, RequestError> {
    let mut wanted: BTreeMap<Digest, String> = BTreeMap::new();
    for scenario in &run.plan.scenarios {
        wanted.extend(run.content_of(&scenario.name).map(|content| (content, scenario.name.clone())));
    }
    let own = run.run_id().ok();
    let mut found = BTreeMap::new();
    for summary in store.list(None, REUSED_RUNS)?.runs {
        if wanted.is_empty() {
            break;
        }
        if own.as_ref() == Some(&summary.id) || !summary.state.is_final() {
            continue;
        }
        // One of another version of assay has nothing to reuse.
        let Ok(other) = RunRequest::of_outline(&store.outline(&summary.id)?) else { continue };
        let document = store.document(&summary.id)?;
        for scenario in document.scenarios.iter().filter(|scenario| scenario.state == RunState::Passed) {
            // The run that had the result counts, not one that reused it.
            if scenario.cause.as_ref().is_some_and(|cause| cause.code == "cached") {
                continue;
            }
            if let Some(name) = other.content_of(&scenario.name).and_then(|content| wanted.remove(&content)) {
                found.insert(name, Reused { run: summary.id.clone(), state: scenario.state });
            }
        }
    }
    Ok(found)
}
