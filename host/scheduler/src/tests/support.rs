//! Plans and plugins of the tests.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc, time::Duration};

use assay_konflux::plan::{
    ListItem, Matrix, OnError, PLAN_VERSION, ParamPlan, Piece, PlannedSnapshot, ResultPart, ResultRef, RunPlan,
    ScenarioPlan, Section, TaskPlan, Template, Timeouts, When, Work,
};
use assay_model::{
    digest::Digest,
    port::{CallResult, Executor, ExecutorCall, ExecutorContext, TaskVerdict},
    run::{Cause, ErrorClass, ParamValue, PluginRef, RunState, Usage},
};
use assay_store::{Store, StoreMode, StoreOptions, SystemClock};
use camino::Utf8PathBuf;

use crate::{RunRequest, Scheduler, Settings};

pub(super) fn task(name: &str, after: &[&str]) -> TaskPlan {
    TaskPlan {
        name: name.to_owned(),
        pipeline_task: name.to_owned(),
        cell: None,
        section: Section::Tasks,
        after: after.iter().map(|name| (*name).to_owned()).collect(),
        when: Vec::new(),
        params: Vec::new(),
        matrix: None,
        retries: 0,
        timeout: None,
        on_error: OnError::StopAndFail,
        work: Work::Plugin { name: "noop".to_owned() },
    }
}

pub(super) fn finally_task(name: &str) -> TaskPlan {
    TaskPlan { section: Section::Finally, ..task(name, &[]) }
}

pub(super) fn result_of(task: &str, part: ResultPart) -> ResultRef {
    ResultRef { task: task.to_owned(), result: "r".to_owned(), part }
}

pub(super) fn taking(name: &str, from: &str) -> TaskPlan {
    let template = Template { pieces: vec![Piece::Result(Box::new(result_of(from, ResultPart::Whole)))] };
    TaskPlan { params: vec![("p".to_owned(), ParamPlan::Text(template))], ..task(name, &[from]) }
}

pub(super) fn when_status(name: &str, of: &str, status: &str) -> TaskPlan {
    let input = Template { pieces: vec![Piece::Status { task: of.to_owned() }] };
    let when = When { input, is_in: true, values: vec![ListItem::One(Template::of(status))] };
    TaskPlan { when: vec![when], ..task(name, &[]) }
}

pub(super) fn when_text(name: &str, holds: bool, after: &[&str]) -> TaskPlan {
    let when = When { input: Template::of("a"), is_in: holds, values: vec![ListItem::One(Template::of("a"))] };
    TaskPlan { when: vec![when], ..task(name, after) }
}

pub(super) fn matrix_of(name: &str, from: &str) -> TaskPlan {
    let items = vec![ListItem::Spread(Box::new(result_of(from, ResultPart::All)))];
    let matrix = Matrix { params: vec![("p".to_owned(), items)], include: Vec::new() };
    TaskPlan { matrix: Some(Box::new(matrix)), ..task(name, &[from]) }
}

pub(super) fn scenario(name: &str, tasks: Vec<TaskPlan>) -> ScenarioPlan {
    ScenarioPlan {
        name: name.to_owned(),
        optional: false,
        after: Vec::new(),
        timeouts: Timeouts::default(),
        tasks,
        results: Vec::new(),
        components: Vec::new(),
    }
}

pub(super) fn plugin() -> PluginRef {
    PluginRef { name: "noop".to_owned(), digest: Digest::of(b"noop"), is_adapter: false }
}

pub(super) fn request(scenarios: Vec<ScenarioPlan>) -> RunRequest {
    let snapshot = PlannedSnapshot { name: "snapshot".to_owned(), id: "sha256:0".to_owned(), param: "{}".to_owned() };
    let plan = RunPlan { version: PLAN_VERSION, snapshot, scenarios, skipped: Vec::new() };
    RunRequest::new(plan, BTreeMap::from([("noop".to_owned(), plugin())]))
}

pub(super) fn verdict(state: RunState) -> CallResult {
    let cause = (state != RunState::Passed).then(|| Cause::new("test", "as the test says"));
    let results = BTreeMap::from([("r".to_owned(), ParamValue::from("value"))]);
    CallResult::Done(TaskVerdict { state, cause, results, artifacts: Vec::new(), usage: Usage::default() })
}

pub(super) fn error(class: ErrorClass) -> CallResult {
    CallResult::Error { class, cause: Cause::new(class.as_str(), "as the test says"), after: None }
}

type Call = dyn Fn(&ExecutorCall<'_>, &dyn ExecutorContext) -> CallResult + Send + Sync;

/// A plugin that is a closure.
pub(super) struct Plugin(pub(super) Box<Call>);

impl Plugin {
    pub(super) fn new(
        call: impl Fn(&ExecutorCall<'_>, &dyn ExecutorContext) -> CallResult + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(call))
    }
}

impl Executor for Plugin {
    fn execute(&self, call: &ExecutorCall<'_>, context: &dyn ExecutorContext) -> CallResult {
        (self.0)(call, context)
    }
}

/// A store in a temporary folder.
pub(super) struct Folder {
    _temporary: tempfile::TempDir,
    pub(super) path: Utf8PathBuf,
    pub(super) clock: Arc<SystemClock>,
}

impl Folder {
    pub(super) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(temporary.path().join("store")).unwrap();
        Self { _temporary: temporary, path, clock: Arc::new(SystemClock::new()) }
    }

    pub(super) fn open(&self) -> Store {
        let clock = Arc::clone(&self.clock) as _;
        Store::open(&self.path, StoreOptions { clock, ..StoreOptions::new(StoreMode::Coordinator) }).unwrap()
    }

    pub(super) fn scheduler<'a>(&'a self, store: &'a Store, executor: &'a dyn Executor) -> Scheduler<'a> {
        let settings = Settings {
            backoff: 0.001,
            shortest_wait: Duration::from_millis(1),
            ..Settings::new(NonZeroUsize::new(4).unwrap())
        };
        let clock = self.clock.as_ref();
        Scheduler { queue: store, record: store, blobs: store, executor, clock, settings, observer: Arc::new(|_| {}) }
    }
}
