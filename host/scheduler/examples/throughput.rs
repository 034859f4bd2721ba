//! Measures the scheduler with tasks that do nothing: `throughput FOLDER [TASKS] [WORKERS]` prints one JSON line with tasks for each second,
//! the time from offered to started, and the most memory that the process had.
//!
//! `cargo xtask bench runs` builds it with optimizations and calls it on a disk and in memory.

use std::{
    collections::BTreeMap,
    io::Write as _,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_konflux::plan::{
    OnError, PLAN_VERSION, PlannedSnapshot, RunPlan, ScenarioPlan, Section, TaskPlan, Timeouts, Work,
};
use assay_model::{
    digest::Digest,
    outcome::Verdict,
    port::{CallResult, Clock as _, Executor, ExecutorCall, ExecutorContext, TaskVerdict},
    run::{Change, PluginRef, RunState, Usage},
};
use assay_scheduler::{RunRequest, Scheduler, Settings, Stop, check_history};
use assay_store::{Store, StoreMode, StoreOptions, SystemClock};
use camino::Utf8Path;

struct Noop;

impl Executor for Noop {
    fn execute(&self, _: &ExecutorCall<'_>, _: &dyn ExecutorContext) -> CallResult {
        CallResult::Done(TaskVerdict {
            state: RunState::Passed,
            cause: None,
            results: BTreeMap::new(),
            artifacts: Vec::new(),
            usage: Usage::default(),
        })
    }
}

fn request(tasks: usize) -> RunRequest {
    let task = |number: usize| TaskPlan {
        name: format!("t{number}"),
        pipeline_task: format!("t{number}"),
        cell: None,
        section: Section::Tasks,
        after: Vec::new(),
        when: Vec::new(),
        params: Vec::new(),
        matrix: None,
        retries: 0,
        timeout: None,
        on_error: OnError::StopAndFail,
        work: Work::Plugin { name: "noop".to_owned() },
    };
    let scenario = ScenarioPlan {
        name: "s".to_owned(),
        optional: false,
        after: Vec::new(),
        timeouts: Timeouts::default(),
        tasks: (0..tasks).map(task).collect(),
        results: Vec::new(),
        components: Vec::new(),
    };
    let snapshot = PlannedSnapshot { name: "snapshot".to_owned(), id: "sha256:0".to_owned(), param: "{}".to_owned() };
    let plan = RunPlan { version: PLAN_VERSION, snapshot, scenarios: vec![scenario], skipped: Vec::new() };
    let plugin = PluginRef { name: "noop".to_owned(), digest: Digest::of(b"noop"), is_adapter: false };
    RunRequest::new(plan, BTreeMap::from([("noop".to_owned(), plugin)]))
}

/// `VmHWM` of this process in MiB, where the system has it.
fn peak_mib() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: throughput FOLDER [TASKS] [WORKERS]")?;
    let tasks: usize = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let workers: NonZeroUsize =
        arguments.next().map_or(Ok(NonZeroUsize::MIN.saturating_add(1)), |text| text.parse())?;
    let clock = Arc::new(SystemClock::new());
    let options = StoreOptions { clock: Arc::clone(&clock) as _, ..StoreOptions::new(StoreMode::Coordinator) };
    let store = Store::open(Utf8Path::new(&folder), options)?;
    let scheduler = Scheduler {
        queue: &store,
        record: &store,
        blobs: &store,
        executor: &Noop,
        clock: clock.as_ref(),
        settings: Settings::new(workers),
        observer: Arc::new(|_| {}),
    };
    let started = Instant::now();
    // From offered to started, of the tasks that are in between.
    let (mut offered, mut waits) = (BTreeMap::new(), Vec::with_capacity(tasks));
    let ends = scheduler.run(vec![request(tasks)], &Stop::default(), &mut |event| {
        let (Change::State { state, .. }, Some(task)) = (&event.change, &event.task) else { return };
        match state {
            RunState::Queued => drop(offered.insert(task.clone(), clock.elapsed())),
            RunState::Running => {
                waits.extend(offered.remove(task).map(|since| clock.elapsed().saturating_sub(since)));
            }
            _ => {}
        }
    })?;
    let took = started.elapsed();
    let end = ends.first().ok_or("there was no run")?;
    let peak = peak_mib().map_or_else(|| "null".to_owned(), |peak| peak.to_string());
    check_history(&store, &end.id)?;
    waits.sort_unstable();
    let p99: Duration = waits.get(waits.len() * 99 / 100).copied().unwrap_or_default();
    let is_passed = end.verdict == Some(Verdict::Allowed);
    let rate = u64::try_from(tasks)?.saturating_mul(1_000) / u64::try_from(took.as_millis())?.max(1);
    writeln!(
        std::io::stdout(),
        "{{\"tasks\":{tasks},\"workers\":{workers},\"passed\":{is_passed},\"tasks_per_second\":{rate},\"offered_to_started_p99_ms\":{},\"peak_mib\":{peak}}}",
        p99.as_millis()
    )?;
    Ok(())
}
