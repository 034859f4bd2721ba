//! [`RunFilesRequest`]: plans a run of files and carries it out on a store.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use assay_konflux::plan::Work;
use assay_model::{
    digest::Digest,
    port::RunRecord as _,
    run::{ProgressEvent, RunDocument},
    snapshot::Snapshot,
};
use assay_scheduler::{InvalidRequest, RunRequest, Scheduler, SchedulerError, Settings, Stop};
use assay_store::{Store, StoreMode, StoreOptions, SystemClock};
use camino::Utf8PathBuf;

use crate::{
    error::{RequestError, RequestErrorKind},
    event::EventSink,
    plan_request::{PlanFilesRequest, plan_files},
    plugin_distribution::PluginSources,
    plugin_engine::{PluginEngine, start_engine},
    plugin_executor::PluginExecutor,
};

/// What is run, where and how.
#[derive(Clone, Debug)]
pub struct RunFilesRequest {
    /// What is planned.
    pub plan: PlanFilesRequest,
    /// The folder of the store.
    pub store: Utf8PathBuf,
    /// The list of plugins.
    pub plugins: Option<Utf8PathBuf>,
    /// Whether plugins may be files.
    pub is_dev: bool,
    /// Plugins that are called at a time.
    pub workers: NonZeroUsize,
    /// How components are compiled.
    pub engine: PluginEngine,
}

/// A run that ended.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// All that is recorded of it.
    pub document: RunDocument,
}

impl From<InvalidRequest> for RequestError {
    fn from(error: InvalidRequest) -> Self {
        Self::new(error.to_string())
    }
}

impl From<SchedulerError> for RequestError {
    fn from(error: SchedulerError) -> Self {
        match error {
            SchedulerError::Store(error) => error.into(),
            SchedulerError::Invalid(error) => error.into(),
            SchedulerError::Thread(_) => Self::from_error(&error).with_kind(RequestErrorKind::Internal),
        }
    }
}

/// Carries out a run to its end. One that was interrupted goes on; one that has ended is not run again.
///
/// # Errors
/// It cannot be planned, a plugin is not there or cannot be loaded, or the store fails.
pub fn run_files(
    request: &RunFilesRequest,
    notes: &dyn EventSink,
    events: &mut dyn FnMut(&ProgressEvent),
) -> Result<FinishedRun, RequestError> {
    let plan = plan_files(&request.plan, notes)?;
    let sources = PluginSources::new(request.plugins.as_deref(), None, request.is_dev, request.plan.settings.clone())?;
    let slots = u32::try_from(request.workers.get()).unwrap_or(u32::MAX);
    let engine = start_engine(&request.engine, slots)
        .map_err(|error| RequestError::from_error(&error).with_kind(RequestErrorKind::Plugin))?;
    let (mut references, mut plugins) = (BTreeMap::new(), BTreeMap::new());
    for task in plan.scenarios.iter().flat_map(|scenario| &scenario.tasks) {
        let Work::Plugin { name } = &task.work else { continue };
        if references.contains_key(name) {
            continue;
        }
        let Some(sourced) = sources.find(name)? else { continue };
        sourced.notes.iter().for_each(|note| notes.warn(note.clone()));
        let plugin = crate::plugins::load(&engine, &sourced.place, &sourced.bytes)?;
        sourced.check_locked(&plugin)?;
        let digest = Digest::of(&sourced.bytes);
        let is_adapter = plugin.world() == "adapter";
        references.insert(
            name.clone(),
            assay_model::run::PluginRef { name: name.clone(), digest: digest.clone(), is_adapter },
        );
        plugins.insert(digest, plugin);
    }
    let snapshot = Snapshot::parse(&plan.snapshot.param).map_err(|error| RequestError::from_error(&error))?;
    let run = RunRequest::new(plan, references);
    // Whatever is wrong with it is found before a store is made.
    let id = run.run_id()?;
    let clock = Arc::new(SystemClock::new());
    let options = StoreOptions { clock: Arc::clone(&clock) as _, ..StoreOptions::new(StoreMode::Coordinator) };
    let store = Arc::new(Store::open(&request.store, options)?);
    let executor = PluginExecutor {
        plugins,
        snapshot,
        snapshot_text: run.plan.snapshot.param.as_str().into(),
        store: Arc::clone(&store),
        clock: Arc::clone(&clock) as _,
    };
    let scheduler = Scheduler {
        queue: store.as_ref(),
        record: store.as_ref(),
        blobs: store.as_ref(),
        executor: &executor,
        clock: clock.as_ref(),
        settings: Settings::new(request.workers),
        observer: Arc::new(|_| {}),
    };
    scheduler.run(vec![run], &Stop::default(), events)?;
    Ok(FinishedRun { document: store.document(&id)? })
}
