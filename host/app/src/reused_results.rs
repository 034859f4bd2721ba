//! Which scenarios need not be run, since all that their result depends on is that of an earlier run.

use std::collections::BTreeMap;

use assay_konflux::plan::{RunPlan, Work};
use assay_model::{
    digest::Digest,
    port::{RunRecord as _, StoreError},
    run::{PluginRef, RunId, RunState},
};
use assay_scheduler::{Reused, RunRequest};
use assay_store::{Store, StoreMode, StoreOptions};

use crate::{
    ec_task,
    error::RequestError,
    event::EventSink,
    plan_request::{PlannedFiles, plan},
    run_files_request::{RunFilesRequest, open_sources},
};

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
        let Ok(other) = RunRequest::of_outline(&store.load(&summary.id)?.outline) else { continue };
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

/// The scenarios of a request whose result in a recorded run would count, with that run. Nothing is run or written.
///
/// # Errors
/// The scenarios cannot be planned, a plugin cannot be read, or the store fails.
pub fn cached_scenarios(
    request: &RunFilesRequest,
    notes: &dyn EventSink,
) -> Result<BTreeMap<String, RunId>, RequestError> {
    let store = match Store::open(&request.store, StoreOptions::new(StoreMode::ReadOnly)) {
        Ok(store) => store,
        Err(StoreError::NotFound(_)) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    let given = |_: &str| Ok(request.plan.pointers.clone());
    let PlannedFiles { mut plan, snapshot, resources } = plan(&request.plan, &given, notes)?;
    let references = references(request, &plan)?;
    if references.values().any(|reference| *reference == ec_task::reference()) {
        ec_task::settle(&mut plan, &snapshot, &request.plan.changed, &resources)?;
    }
    let reused = reusable(&store, &RunRequest::new(plan, references))?;
    Ok(reused.into_iter().map(|(name, reused)| (name, reused.run)).collect())
}

/// The plugins by their digests, without compiling them.
fn references(request: &RunFilesRequest, plan: &RunPlan) -> Result<BTreeMap<String, PluginRef>, RequestError> {
    let sources = open_sources(request)?;
    let mut references = BTreeMap::new();
    for task in plan.scenarios.iter().flat_map(|scenario| &scenario.tasks) {
        let Work::Plugin { name } = &task.work else { continue };
        if references.contains_key(name) {
            continue;
        }
        if let Some(sourced) = sources.find(name)? {
            let digest = Digest::of(&sourced.bytes);
            references.insert(name.clone(), PluginRef { name: name.clone(), digest, is_adapter: false });
        } else if name == ec_task::NAME {
            references.insert(name.clone(), ec_task::reference());
        }
    }
    Ok(references)
}
