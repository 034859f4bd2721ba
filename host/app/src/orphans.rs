//! [`find_orphans`]: jobs of third parties that nobody waits for any more, found by their keys, listed or canceled.
//!
//! The key of a job follows from the run's plan, so it is known again after the store is lost. An adapter has no call that only
//! looks, but its `submit` looks for the job first when it is not the first attempt: it is called with a client that lets
//! nothing through but reading ([`reading`]). If it finds the job, it says so; if it would make one after it looked, there is
//! none.

mod reading;

use std::{sync::Arc, time::Duration};

use assay_model::{
    port::{HttpClient, RunRecord, StoreError, Wakeup},
    run::{Job, RunId, RunState, TaskId},
    snapshot::Snapshot,
};
use assay_oci::PluginHttp;
use assay_scheduler::{RunRequest, TaskJob, jobs_of_run};
use assay_store::{Store, StoreMode, StoreOptions};
use assay_wasm::{
    Adapter, Before, CallError, CallTime, Cancellation, CheckpointStore, FaultKind, JobKey, JobOptions, RunContext,
    SnapshotInput, Status, Waiting,
};
use jiff::Timestamp;
use serde::Serialize;

use self::reading::{ReadingClient, Sent, has_looked};
use crate::{
    error::{RequestError, RequestErrorKind},
    event::EventSink,
    plugin_engine::start_engine,
    plugin_executor::{GrantedPlugin, params_of},
    plugins::Notes,
    run_files_request::{PlannedRun, RunFilesRequest, load_plugin, open_sources, prepare_run},
};

/// Runs on a page.
const PAGE: usize = 100;

/// Attempts at a search that fails for a while.
const SEARCHES: u32 = 3;

/// The time between two attempts, if the service does not say.
const AGAIN: Duration = Duration::from_secs(2);

/// The shortest and the longest time between two requests.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a service is requested to cancel a job.
const CANCELING: jiff::SignedDuration = jiff::SignedDuration::from_secs(5 * 60);

/// What is looked for.
#[derive(Clone, Debug)]
pub struct OrphansRequest {
    /// Where the runs are: the files of one, or else the store. And the plugins.
    pub run: RunFilesRequest,
    /// The adapter, by its name in the list of plugins.
    pub plugin: String,
    /// Whether what is found is canceled.
    pub is_canceled: bool,
    /// Reruns of the files' run that are looked for as well.
    pub reruns: u32,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphans {
    /// The adapter.
    pub plugin: String,
    /// How many jobs were looked for.
    pub looked_for: usize,
    /// Jobs that went on when they were found.
    pub orphans: Vec<Orphan>,
    /// Tasks of which nobody knows.
    pub unknown: Vec<UnknownTask>,
}

/// A job that nobody waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// The run that it was made for.
    pub run: RunId,
    /// The task.
    #[serde(flatten)]
    pub task: TaskId,
    /// What the third party knows it by.
    pub key: String,
    /// The third party's ID, where the adapter says so.
    pub id: Option<String>,
    /// The third party's word for its state.
    pub native: String,
    /// Where a person can look.
    pub url: Option<String>,
    /// What became of it.
    pub outcome: OrphanOutcome,
    /// Why it could not be canceled.
    pub message: Option<String>,
}

/// What became of a job that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrphanOutcome {
    /// It goes on: canceling was not requested.
    Running,
    /// It was canceled.
    Canceled,
    /// It may go on: the third party refused, or did not do it in time.
    NotCanceled,
}

/// A task whose job could not be looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownTask {
    /// The run.
    pub run: RunId,
    /// The task.
    #[serde(flatten)]
    pub task: TaskId,
    /// Why.
    pub message: String,
}

/// Looks for the jobs of an adapter that were made for runs which no process carries out, and cancels them if that is wanted.
///
/// # Errors
/// There is no such adapter; another process coordinates the store; the files cannot be planned, or the store cannot be read.
pub fn find_orphans(request: &OrphansRequest, notes: &dyn EventSink) -> Result<Orphans, RequestError> {
    // The process that holds the store takes care of its jobs itself.
    let store = open_store(request)?;
    let mut found = Orphans { plugin: request.plugin.clone(), looked_for: 0, orphans: Vec::new(), unknown: Vec::new() };
    if !request.run.plan.paths.is_empty() {
        look_for_planned_runs(request, store.as_ref(), notes, &mut found)?;
        return Ok(found);
    }
    let Some(store) = &store else {
        let fact = format!("there is no store in `{}`", request.run.store);
        return Err(RequestError::of(RequestErrorKind::Store, fact)
            .hint("name the files of the run, from which the keys of its jobs follow, or the folder with --store"));
    };
    let granted = load(request)?;
    let mut after = None;
    loop {
        let page = store.list(after.as_deref(), PAGE)?;
        for summary in page.runs {
            let run = RunRequest::of_outline(&store.outline(&summary.id)?)?;
            look_for_run(request, (summary.id, run, Some(store)), &granted, &mut found)?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// A run whose jobs are looked for, and where something of it may be recorded.
type SearchedRun<'s> = (RunId, RunRequest, Option<&'s Store>);

fn open_store(request: &OrphansRequest) -> Result<Option<Store>, RequestError> {
    let folder = &request.run.store;
    match Store::open(folder, StoreOptions::new(StoreMode::ReadOnly)) {
        Ok(_) => Ok(Some(Store::open(folder, StoreOptions::new(StoreMode::Coordinator))?)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn look_for_planned_runs(
    request: &OrphansRequest,
    store: Option<&Store>,
    notes: &dyn EventSink,
    found: &mut Orphans,
) -> Result<(), RequestError> {
    let PlannedRun { run, mut loaded, .. } = prepare_run(&request.run, notes)?;
    let plugins = std::mem::take(&mut loaded.plugins).into_iter();
    let granted = plugins.filter(|((_, name), _)| *name == request.plugin).map(|(_, granted)| granted).next();
    let Some(granted) = granted else {
        let fact = format!("no task of the run calls the plugin `{}`", request.plugin);
        return Err(RequestError::of(RequestErrorKind::Plugin, fact).hint("name a plugin of its pipelines"));
    };
    check_world(request, &granted)?;
    for round in 0..=request.reruns {
        let run = RunRequest { round, ..run.clone() };
        let id = run.run_id()?;
        look_for_run(request, (id, run, store), &granted, found)?;
    }
    Ok(())
}

fn check_world(request: &OrphansRequest, granted: &GrantedPlugin) -> Result<(), RequestError> {
    let world = granted.plugin.world();
    if world == "adapter" {
        return Ok(());
    }
    let fact =
        format!("the plugin `{}` is a `{world}`, and only an `adapter` has jobs of third parties", request.plugin);
    Err(RequestError::of(RequestErrorKind::Plugin, fact))
}

/// The third party said how these jobs ended.
const fn is_settled(state: RunState) -> bool {
    matches!(state, RunState::Passed | RunState::Warned | RunState::Failed | RunState::Skipped)
}

fn load(request: &OrphansRequest) -> Result<GrantedPlugin, RequestError> {
    let sources = open_sources(&request.run)?;
    let engine = start_engine(&request.run.engine, 1)
        .map_err(|error| RequestError::from_error(&error).with_kind(RequestErrorKind::Plugin))?;
    let Some(sourced) = sources.find(&request.plugin)? else {
        let fact = format!("the plugin `{}` is not listed", request.plugin);
        return Err(RequestError::of(RequestErrorKind::Plugin, fact)
            .hint("add it to plugins.toml, or name another file with --plugins"));
    };
    let granted = load_plugin(&request.run, &sources, &engine, &sourced)?;
    check_world(request, &granted)?;
    Ok(granted)
}

fn look_for_run(
    request: &OrphansRequest,
    (id, run, store): SearchedRun<'_>,
    granted: &GrantedPlugin,
    found: &mut Orphans,
) -> Result<(), RequestError> {
    let param = run.plan.snapshot.param.clone();
    let record = store.map(|store| store as &dyn RunRecord);
    for TaskJob { task, plugin, ended, job } in jobs_of_run(id.clone(), run, record)? {
        if plugin != request.plugin || ended.is_some_and(is_settled) {
            continue;
        }
        let unknown = |message: String| UnknownTask { run: id.clone(), task: task.clone(), message };
        let Some(job) = job else {
            found.unknown.push(unknown(
                "its parameters are results of other tasks, which are not recorded, so its key is not known".to_owned(),
            ));
            continue;
        };
        found.looked_for += 1;
        let snapshot = Snapshot::parse(&param).map_err(|error| RequestError::from_error(&error))?;
        let search = Search { granted, job: &job, snapshot: &snapshot, param: &param };
        match search.find() {
            Ok(None) => {}
            Ok(Some(waiting)) => {
                let mut orphan = Orphan {
                    run: id.clone(),
                    task: task.clone(),
                    key: job.key.0.hex(),
                    id: waiting.id,
                    native: waiting.native,
                    url: waiting.url,
                    outcome: OrphanOutcome::Running,
                    message: None,
                };
                if request.is_canceled {
                    orphan.message = search.cancel(waiting.state)?;
                    orphan.outcome = match orphan.message {
                        None => OrphanOutcome::Canceled,
                        Some(_) => OrphanOutcome::NotCanceled,
                    };
                }
                found.orphans.push(orphan);
            }
            Err(message) => found.unknown.push(unknown(message)),
        }
    }
    Ok(())
}

/// A job that was found.
struct FoundJob {
    id: Option<String>,
    native: String,
    url: Option<String>,
    state: Vec<u8>,
}

/// What came of a call that submits with a client that only reads.
enum Submitted {
    /// It returned; the notes are those that it made.
    Called(Status, Arc<Notes>),
    /// It sent something else.
    Refused(Sent),
}

/// One job that is looked for.
struct Search<'a> {
    granted: &'a GrantedPlugin,
    job: &'a Job,
    snapshot: &'a Snapshot,
    param: &'a str,
}

impl Search<'_> {
    fn adapter(&self, http: Arc<dyn HttpClient>, notes: Arc<Notes>) -> Result<Adapter, String> {
        let params = params_of(self.job, self.param);
        let TaskId { scenario, .. } = &self.job.task;
        let options = JobOptions {
            run: RunContext { run: self.job.run.to_string(), scenario: scenario.clone(), attempt: ATTEMPT },
            key: JobKey(*self.job.key.0.as_bytes()),
            params: &params,
            snapshot: Some(SnapshotInput { snapshot: self.snapshot, text: self.param.into() }),
            http: Some(http),
            checkpoint: Some(notes),
            grants: self.granted.grants.clone(),
            ..JobOptions::default()
        };
        Adapter::new(&self.granted.plugin, options).map_err(|error| error.to_string())
    }

    /// The job, if there is one that goes on. An error says why nobody knows.
    fn find(&self) -> Result<Option<FoundJob>, String> {
        let now = Timestamp::now();
        let (submitted, notes) = match self.submit(CallTime { now, attempt: ATTEMPT })? {
            Submitted::Called(status, notes) => (status, notes),
            Submitted::Refused(sent) => {
                // The first attempt looks for nothing, so what it is refused is what makes a job.
                let first = match self.submit(CallTime { now, attempt: 1 })? {
                    Submitted::Refused(first) => first,
                    Submitted::Called(..) => Sent::default(),
                };
                return match has_looked(&sent, &first) {
                    Ok(()) => Ok(None),
                    Err(why) => Err(format!("{why}; look at the service for the key {}", self.job.key.0.hex())),
                };
            }
        };
        let Status::Waiting(before) = submitted else { return Ok(None) };
        let http: Arc<dyn HttpClient> = Arc::new(ReadingClient::new(PluginHttp::new(&[])));
        let adapter = self.adapter(http, Arc::clone(&notes))?;
        let looked = again(|| adapter.poll(time(), &Before::default(), &before.state).result.map(|(status, _)| status));
        let waiting = match looked {
            Ok(Status::Ended(_)) => return Ok(None),
            Ok(Status::Waiting(waiting)) => waiting,
            // It was found all the same.
            Err(_) => before,
        };
        let Waiting { state, native, url, .. } = waiting;
        Ok(Some(FoundJob { id: noted_id(&notes), native, url, state }))
    }

    /// Has the adapter submit the job with a client that only reads.
    fn submit(&self, time: CallTime) -> Result<Submitted, String> {
        let http = Arc::new(ReadingClient::new(PluginHttp::new(&[])));
        let notes = Arc::new(Notes::default());
        let adapter = self.adapter(Arc::clone(&http) as _, Arc::clone(&notes))?;
        again(|| {
            let result = adapter.submit(time, &Before::default()).result;
            let sent = http.take_sent();
            if sent.is_refused() {
                return Ok(Submitted::Refused(sent));
            }
            result.map(|(status, _)| Submitted::Called(status, Arc::clone(&notes)))
        })
    }

    /// Cancels the job. Text says why it may go on.
    fn cancel(&self, state: Vec<u8>) -> Result<Option<String>, RequestError> {
        let adapter = self.adapter(Arc::new(PluginHttp::new(&[])), Arc::new(Notes::default()));
        let adapter = adapter.map_err(RequestError::new)?;
        let (mut state, since) = (state, Timestamp::now());
        loop {
            let reason = "nobody waits for the job any more";
            let after = match adapter.cancel(time(), &Before::default(), Some(&state), reason).result {
                Ok((Cancellation::Canceled, _)) => return Ok(None),
                Ok((Cancellation::Refused(why), _)) => return Ok(Some(format!("the third party refused: {why}"))),
                Ok((Cancellation::Pending(waiting), _)) => {
                    state = waiting.state;
                    waiting.after
                }
                Err(CallError { fault: Some(FaultKind::Lost), .. }) => return Ok(None),
                Err(error) => match pause(&error) {
                    Some(after) => after,
                    None => return Ok(Some(error.error.message)),
                },
            };
            if Timestamp::now().duration_since(since) >= CANCELING {
                return Ok(Some(format!("it was requested to stop for {} minutes", CANCELING.as_mins())));
            }
            wait(after);
        }
    }
}

/// Not the first, so that the adapter looks for the job before it makes one.
const ATTEMPT: u32 = 2;

fn time() -> CallTime {
    CallTime { now: Timestamp::now(), attempt: ATTEMPT }
}

/// Waits for as long as a plugin or a service says, within limits: neither may hold up the command for hours, nor get requests
/// without a pause.
fn wait(time: Duration) {
    Wakeup::default().wait_at_most(0, within_limits(time));
}

fn within_limits(time: Duration) -> Duration {
    time.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// How long to wait after an error that may pass.
fn pause(error: &CallError) -> Option<Duration> {
    match error.fault {
        Some(FaultKind::Transient { after_ms }) => Some(after_ms.map_or(AGAIN, |ms| Duration::from_millis(ms.into()))),
        _ => None,
    }
}

fn again<T>(mut call: impl FnMut() -> Result<T, CallError>) -> Result<T, String> {
    let mut attempt = 1;
    loop {
        match call() {
            Ok(value) => return Ok(value),
            Err(error) => match pause(&error).filter(|_| attempt < SEARCHES) {
                Some(after) => wait(after),
                None => return Err(error.error.message),
            },
        }
        attempt += 1;
    }
}

/// The ID that adapters note for people.
fn noted_id(notes: &Notes) -> Option<String> {
    let notes = notes.all().ok()?;
    let (_, id) = notes.into_iter().find(|(name, _)| name == crate::plugin_executor::JOB_NOTE)?;
    String::from_utf8(id).ok().filter(|id| !id.is_empty() && !id.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_plugin_and_no_service_says_how_long_the_command_waits() {
        for (said, waited) in [(0, 1), (5, 5), (86_400, 60)] {
            assert_eq!(within_limits(Duration::from_secs(said)), Duration::from_secs(waited));
        }
    }
}
