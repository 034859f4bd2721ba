//! [`cached_scenarios`]: which scenarios of a request would not be run, since an earlier result counts.

use std::collections::BTreeMap;

use assay_konflux::plan::{RunPlan, Work};
use assay_model::{
    digest::Digest,
    port::StoreError,
    run::{PluginRef, RunId},
};
use assay_scheduler::RunRequest;
use assay_store::{Store, StoreMode, StoreOptions};

use crate::{
    ec_task,
    error::RequestError,
    event::EventSink,
    plan_request::{PlannedFiles, plan},
    reused_results::reusable,
    run_files_request::{RunFilesRequest, open_sources},
};

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
