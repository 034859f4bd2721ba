//! [`RunFilesRequest`]: plans a run of files and carries it out on a store.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use assay_konflux::{
    import::Resources,
    matching::SnapshotFacts,
    plan::{RunPlan, Work},
    run_labels::{self, RunLabels},
};
use assay_model::{
    digest::Digest,
    port::{Pointer, PointerKind, RunRecord as _, SnapshotRecord as _, StoreError, Wakeup},
    run::{PluginRef, ProgressEvent, RunDocument, RunId},
    snapshot::Snapshot,
};
use assay_oci::PluginHttp;
use assay_scheduler::{InvalidRequest, Reused, RunRequest, Scheduler, SchedulerError, ServiceLimit, Settings, Stop};
use assay_store::{Store, StoreMode, StoreOptions, SystemClock};
use assay_wasm::Engine;
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    ec_task::{self, EcTask},
    error::{RequestError, RequestErrorKind},
    event::EventSink,
    good_pointers::{self, PlannedScenario},
    image_evidence::{EvidenceRequest, ImageEvidence, reads_evidence},
    plan_request::{PlanFilesRequest, PlannedFiles, plan},
    plugin_distribution::{PluginSources, SourcedPlugin},
    plugin_engine::{PluginEngine, start_engine},
    plugin_executor::{GrantedPlugin, PluginExecutor},
    reused_results::reusable,
};

/// How often it is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(100);

/// What is run, where and how.
#[derive(Clone, Debug)]
pub struct RunFilesRequest {
    /// What is planned.
    pub plan: PlanFilesRequest,
    /// The folder of the store.
    pub store: Utf8PathBuf,
    /// The list of plugins.
    pub plugins: Option<Utf8PathBuf>,
    /// The layout that `plugin pull --save` wrote; without one, registries are accessed.
    pub saved_plugins: Option<Utf8PathBuf>,
    /// Whether plugins may be files.
    pub is_dev: bool,
    /// The evidence of the images, for plugins that read it.
    pub evidence: EvidenceRequest,
    /// Plugins that are called at a time.
    pub workers: NonZeroUsize,
    /// How components are compiled.
    pub engine: PluginEngine,
    /// The folder for temporary files.
    pub temporary: Utf8PathBuf,
    /// Whether a run without any scenario passes, as in Konflux.
    pub allow_empty: bool,
    /// Whether results of earlier runs count where all that a scenario depends on is the same.
    pub reuse: bool,
    /// Whether what tasks gave is in the document of the run that ended: results, files and what they used.
    pub with_results: bool,
    /// Cancels the run.
    pub interrupt: Interrupt,
    /// Gives the value of an environment variable, for secrets that are in one.
    pub variable: fn(&str) -> Option<String>,
    /// Gives memory that is free back to the system: what is read for planning has many times the size of the plan.
    pub release_memory: fn(),
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

/// A wish to cancel what goes on, from a signal.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Requests that the run be canceled in order: what runs is let go of, third parties learn of it, finally tasks run.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Carries out a run to its end. One that was interrupted goes on; one that has ended is not run again.
///
/// # Errors
/// It cannot be planned, no scenario would run, a plugin is not there or cannot be loaded, or the store fails.
pub fn run_files(
    request: &RunFilesRequest,
    notes: &dyn EventSink,
    events: &mut dyn FnMut(&ProgressEvent),
) -> Result<FinishedRun, RequestError> {
    let PlannedRun { mut run, loaded, snapshot, quota } = prepare_run(request, notes)?;
    if let Some(fact) = loaded.missing_evidence() {
        notes.warn(format!("{fact}; {EVIDENCE_HINT}"));
    }
    if let Some(layout) = request.evidence.layout.as_ref().filter(|_| loaded.evidence_reader.is_none()) {
        notes.warn(format!("`{layout}` (--evidence) is not used: no plugin of the run reads evidence of images"));
    }
    // Whatever is wrong with it is found before a store is made.
    run.run_id()?;
    let store = open_store(request)?;
    if request.reuse {
        run.reused = reusable(&store.0, &run)?;
    }
    let scenarios: Vec<_> = run.plan.scenarios.iter().map(PlannedScenario::of).collect();
    let document = carry_out(request, run, loaded, quota, &store, events)?;
    if request.plan.scenarios.is_empty() {
        good_pointers::move_good(&store.0, &snapshot, &scenarios, &document)?;
    }
    Ok(FinishedRun { document })
}

/// A run with the plugins that it calls.
pub(crate) struct PlannedRun {
    pub(crate) run: RunRequest,
    pub(crate) loaded: Loaded,
    pub(crate) snapshot: Snapshot,
    quota: Option<u32>,
}

/// Plans a run of files, and loads its plugins.
pub(crate) fn prepare_run(request: &RunFilesRequest, notes: &dyn EventSink) -> Result<PlannedRun, RequestError> {
    let pointers_of = |group: &str| pointers_of(&request.store, group, &request.plan.pointers);
    let PlannedFiles { mut plan, snapshot, mut resources } = plan(&request.plan, &pointers_of, notes)?;
    // They are in the plan.
    resources.pipelines = Vec::new();
    (request.release_memory)();
    if plan.scenarios.is_empty() && !request.allow_empty {
        return Err(nothing_runs(&plan));
    }
    let loaded = load_plugins(request, &plan)?;
    loaded.notes.iter().for_each(|note| notes.warn(note.clone()));
    if loaded.has_ec {
        ec_task::settle(&mut plan, &snapshot, &request.plan.changed, &resources)?;
    }
    let labels = RunLabels::of(&snapshot).map_err(RequestError::new)?;
    let mut run = RunRequest::new(plan, loaded.references.clone());
    run.evidence = loaded.evidence.as_ref().and_then(|_| request.evidence.form());
    (run.tenant, run.priority, run.supersedes) = (labels.tenant, labels.priority, labels.supersedes);
    run.concurrency = run_labels::concurrency(&resources.scenarios).map_err(RequestError::new)?;
    let planned: BTreeSet<_> = run.plan.scenarios.iter().map(|scenario| scenario.name.clone()).collect();
    run.concurrency.retain(|name, _| planned.contains(name));
    let facts = SnapshotFacts::of(&snapshot);
    let quota = quota_of(&resources, &facts)?;
    Ok(PlannedRun { run, loaded, snapshot, quota })
}

/// Runs a recorded run again, as another run with the same plan; with `only_failed` the scenarios that passed count as they
/// are. The paths of the request are not read; the plugins are those of its list now.
///
/// # Errors
/// There is no such run or it has not ended, nothing of it failed, a plugin is not there, or the store fails.
pub fn rerun(
    request: &RunFilesRequest,
    id: &RunId,
    only_failed: bool,
    events: &mut dyn FnMut(&ProgressEvent),
) -> Result<FinishedRun, RequestError> {
    let of_store = |fact: String| RequestError::of(RequestErrorKind::Store, fact);
    let (document, outline) = {
        let store = Store::open(&request.store, StoreOptions::new(StoreMode::ReadOnly))?;
        (store.document(id)?, store.outline(id)?)
    };
    if !document.state.is_final() {
        return Err(of_store(format!("the run `{id}` is `{}`, so it cannot be run again", document.state.as_str()))
            .hint("the same `assay run` command goes on with it"));
    }
    let mut run = RunRequest::of_outline(&outline)?;
    run.reused = BTreeMap::new();
    if only_failed {
        let passed = document.scenarios.iter().filter(|scenario| scenario.state.is_passed());
        run.reused =
            passed.map(|scenario| (scenario.name.clone(), Reused { run: id.clone(), state: scenario.state })).collect();
        if run.reused.len() == document.scenarios.len() {
            return Err(of_store(format!("every scenario of the run `{id}` passed, so there is nothing to run again"))
                .hint("leave out --failed to run all of it again"));
        }
    }
    let loaded = load_plugins(request, &run.plan)?;
    run.plugins.clone_from(&loaded.references);
    if run.evidence.is_some()
        && let Some(fact) = loaded.missing_evidence()
    {
        return Err(RequestError::new(format!("{fact}; in the run `{id}`, somebody's did")).hint(EVIDENCE_HINT));
    }
    run.evidence = loaded.evidence.as_ref().and_then(|_| request.evidence.form());
    let store = open_store(request)?;
    // The next number that is free, or whose run has not ended.
    loop {
        run.round = run.round.checked_add(1).ok_or_else(|| of_store("the run was run again too often".to_owned()))?;
        match store.0.document(&run.run_id()?) {
            Ok(existing) if existing.state.is_final() => {}
            Ok(_) | Err(StoreError::NotFound(_)) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let document = carry_out(request, run, loaded, None, &store, events)?;
    Ok(FinishedRun { document })
}

/// A run without a scenario passes in Konflux, and a person takes it for a test.
fn nothing_runs(plan: &RunPlan) -> RequestError {
    const SHOWN: usize = 5;
    let reasons: Vec<_> =
        plan.skipped.iter().take(SHOWN).map(|skipped| format!("`{}`: {}", skipped.name, skipped.reason)).collect();
    let more = match plan.skipped.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let fact = match plan.skipped.len() {
        0 => "nothing would be tested: no scenario was imported".to_owned(),
        count => format!("nothing would be tested: none of {count} scenarios runs ({}{more})", reasons.join("; ")),
    };
    let hint = "name another Snapshot with --images, or a scenario with --scenario; --allow-empty makes such a run pass, as in Konflux";
    RequestError::new(fact).hint(hint)
}

/// The candidates of a group in the store, if there is one; else those of the request.
pub(crate) fn pointers_of(folder: &Utf8Path, group: &str, given: &[Pointer]) -> Result<Vec<Pointer>, RequestError> {
    if !given.is_empty() || !folder.exists() {
        return Ok(given.to_vec());
    }
    match Store::open(folder, StoreOptions::new(StoreMode::ReadOnly)) {
        Ok(store) => Ok(store.pointers(group, PointerKind::Latest)?),
        Err(StoreError::NotFound(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// How many tasks of a tenant run at a time, as the application or group of the Snapshot says.
fn quota_of(resources: &Resources, facts: &SnapshotFacts) -> Result<Option<u32>, RequestError> {
    let groups = resources.groups.iter().map(|group| &group.metadata);
    let owner = groups
        .filter(|metadata| metadata.name == facts.component_group)
        .chain(resources.applications.iter().map(|one| &one.metadata).filter(|one| one.name == facts.application))
        .find(|metadata| !metadata.name.is_empty());
    owner.map_or(Ok(None), run_labels::max_tasks).map_err(RequestError::new)
}

/// Plugins of a run.
pub(crate) struct Loaded {
    references: BTreeMap<String, PluginRef>,
    pub(crate) plugins: BTreeMap<(Digest, String), GrantedPlugin>,
    services: BTreeMap<String, ServiceLimit>,
    has_ec: bool,
    /// One of them that reads evidence of images, by its name.
    evidence_reader: Option<String>,
    /// What collects it, if somebody's signatures count.
    evidence: Option<ImageEvidence>,
    /// What people should know.
    notes: Vec<String>,
}

impl Loaded {
    /// That a plugin reads evidence which nobody collects, if one does.
    fn missing_evidence(&self) -> Option<String> {
        let name = self.evidence_reader.as_ref().filter(|_| self.evidence.is_none())?;
        Some(format!("the plugin `{name}` reads evidence of images, and there is none: nobody's signature counts"))
    }
}

/// Where the plugins of a request come from.
pub(crate) fn open_sources(request: &RunFilesRequest) -> Result<PluginSources, RequestError> {
    let settings = request.plan.settings.clone();
    PluginSources::new(request.plugins.as_deref(), request.saved_plugins.as_deref(), request.is_dev, settings)
}

fn load_plugins(request: &RunFilesRequest, plan: &RunPlan) -> Result<Loaded, RequestError> {
    let sources = open_sources(request)?;
    let slots = u32::try_from(request.workers.get()).unwrap_or(u32::MAX);
    let engine = start_engine(&request.engine, slots)
        .map_err(|error| RequestError::from_error(&error).with_kind(RequestErrorKind::Plugin))?;
    let mut loaded = Loaded {
        references: BTreeMap::new(),
        plugins: BTreeMap::new(),
        services: BTreeMap::new(),
        has_ec: false,
        evidence_reader: None,
        evidence: None,
        notes: vec![],
    };
    for task in plan.scenarios.iter().flat_map(|scenario| &scenario.tasks) {
        let Work::Plugin { name } = &task.work else { continue };
        if loaded.references.contains_key(name) {
            continue;
        }
        let Some(sourced) = sources.find(name)? else { continue };
        loaded.notes.extend(sourced.notes.iter().cloned());
        let granted = load_plugin(request, &sources, &engine, &sourced)?;
        let digest = granted.plugin.digest().clone();
        let is_adapter = granted.plugin.world() == "adapter";
        if reads_evidence(&granted.plugin) && loaded.evidence_reader.is_none() {
            loaded.evidence_reader = Some(name.clone());
            if let Some(trust) = &request.evidence.trust {
                let (layout, sources) = (request.evidence.layout.as_ref(), &request.plan.settings);
                loaded.evidence = Some(ImageEvidence::new(trust, layout, sources)?);
            }
        }
        loaded.references.insert(name.clone(), PluginRef { name: name.clone(), digest: digest.clone(), is_adapter });
        loaded.plugins.insert((digest, name.clone()), granted);
        if let Some(limit) = sources.service_limit(name)? {
            loaded.services.insert(name.clone(), limit);
        }
    }
    if ec_task::is_planned(plan) && !loaded.references.contains_key(ec_task::NAME) {
        loaded.references.insert(ec_task::NAME.to_owned(), ec_task::reference());
        loaded.has_ec = true;
    }
    Ok(loaded)
}

/// Compiles one plugin, with what it is granted.
pub(crate) fn load_plugin(
    request: &RunFilesRequest,
    sources: &PluginSources,
    engine: &Engine,
    sourced: &SourcedPlugin,
) -> Result<GrantedPlugin, RequestError> {
    let plugin = crate::plugins::load(engine, &sourced.place, &sourced.bytes)?;
    sourced.check_locked(&plugin)?;
    let grants = sources.grants(sourced, &request.variable)?;
    Ok(GrantedPlugin { plugin, grants })
}

/// What gives plugins evidence.
const EVIDENCE_HINT: &str = "pass `--public-key FILE`, or `--certificate-identity` and `--certificate-oidc-issuer`";

type OpenedStore = (Arc<Store>, Arc<SystemClock>);

fn open_store(request: &RunFilesRequest) -> Result<OpenedStore, RequestError> {
    let clock = Arc::new(SystemClock::new());
    let options = StoreOptions { clock: Arc::clone(&clock) as _, ..StoreOptions::new(StoreMode::Coordinator) };
    Ok((Arc::new(Store::open(&request.store, options)?), clock))
}

fn carry_out(
    request: &RunFilesRequest,
    run: RunRequest,
    loaded: Loaded,
    quota: Option<u32>,
    (store, clock): &OpenedStore,
    events: &mut dyn FnMut(&ProgressEvent),
) -> Result<RunDocument, RequestError> {
    let id = run.run_id()?;
    let param = run.plan.snapshot.param.clone();
    // A run without tasks may be without components.
    let has_tasks = run.plan.scenarios.iter().any(|scenario| !scenario.tasks.is_empty());
    let snapshot = match Snapshot::parse(&param) {
        Ok(snapshot) => snapshot,
        Err(error) if has_tasks => return Err(RequestError::from_error(&error)),
        Err(_) => Snapshot::parse(r#"{"components":[{"name":"none","containerImage":"none.invalid/none"}]}"#)
            .map_err(|error| RequestError::from_error(&error))?,
    };
    let ec = EcTask {
        snapshot: snapshot.clone(),
        sources: request.plan.settings.clone(),
        engine: request.engine.clone(),
        temporary: request.temporary.clone(),
        store: Arc::clone(store),
        clock: Arc::clone(clock) as _,
    };
    let scenarios = run.plan.scenarios.iter();
    let looked_at = scenarios.map(|scenario| (scenario.name.clone(), scenario.components.clone())).collect();
    let executor = PluginExecutor {
        plugins: loaded.plugins,
        evidence: loaded.evidence,
        looked_at,
        http: Arc::new(PluginHttp::new(&[])),
        ec: loaded.has_ec.then_some(ec),
        snapshot,
        snapshot_text: param.as_str().into(),
        store: Arc::clone(store),
        clock: Arc::clone(clock) as _,
    };
    let mut settings = Settings::new(request.workers);
    settings.services.extend(loaded.services);
    settings.quotas.extend(quota.map(|quota| (run.tenant.clone(), quota)));
    let scheduler = Scheduler {
        queue: store.as_ref(),
        record: store.as_ref(),
        blobs: store.as_ref(),
        executor: &executor,
        clock: clock.as_ref(),
        settings,
        observer: Arc::new(|_| {}),
    };
    let ended = Wakeup::default();
    let result = thread::scope(|scope| {
        scope.spawn(|| cancel_when_interrupted(&request.interrupt, store, &id, &ended));
        let result = scheduler.run(vec![run], &Stop::default(), events);
        ended.raise();
        result
    });
    result?;
    Ok(if request.with_results { store.document(&id)? } else { store.brief_document(&id)? })
}

fn cancel_when_interrupted(interrupt: &Interrupt, store: &Store, id: &RunId, ended: &Wakeup) {
    while ended.generation() == 0 {
        if interrupt.is_requested() {
            // The run may not be recorded yet; then it is tried again.
            if store.request_cancel(id, "canceled by a signal").is_ok() {
                return;
            }
        }
        ended.wait_at_most(0, LOOK);
    }
}
