//! A process that carries out a run is killed, and the next one goes on: nothing is lost, and nothing counts twice.
//!
//! The process is this test program itself, which an argument makes run `carries_out_a_run` alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, Write as _},
    num::NonZeroUsize,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use assay_konflux::plan::{
    OnError, PLAN_VERSION, PlannedSnapshot, RunPlan, ScenarioPlan, Section, TaskPlan, Timeouts, Work,
};
use assay_model::{
    digest::Digest,
    port::{BlobStore as _, CallResult, Executor, ExecutorCall, ExecutorContext, RunRecord as _, TaskVerdict},
    run::{Artifact, ParamValue, PluginRef, RunDocument, RunState, TaskId, Usage},
};
use assay_scheduler::{RunRequest, Scheduler, Settings, Stop, check_history};
use assay_store::{CRASH_POINTS, Store, StoreMode, StoreOptions, SystemClock};
use camino::Utf8Path;

/// Where the child finds its store, and at which point for the how many-th time it is to end.
const STORE: &str = "ASSAY_TEST_STORE";
const CRASH: &str = "ASSAY_TEST_CRASH_AT";

const TASKS: usize = 60;

/// The points of the scheduler, beside those of the store.
const SCHEDULER_POINTS: [&str; 6] =
    ["after-offer", "after-take", "before-call", "after-call", "after-settle", "after-record"];

fn request() -> RunRequest {
    let task = |number: usize| TaskPlan {
        name: format!("t{number}"),
        pipeline_task: format!("t{number}"),
        cell: None,
        section: if number % 20 == 19 { Section::Finally } else { Section::Tasks },
        after: if number % 20 < 19 && !number.is_multiple_of(4) {
            vec![format!("t{}", number - 1)]
        } else {
            Vec::new()
        },
        when: Vec::new(),
        params: Vec::new(),
        matrix: None,
        retries: 0,
        timeout: None,
        on_error: OnError::Continue,
        work: Work::Plugin { name: "noop".to_owned() },
    };
    let scenario = |number: usize| ScenarioPlan {
        components: Vec::new(),
        name: format!("s{number}"),
        optional: number == 1,
        after: Vec::new(),
        timeouts: Timeouts::default(),
        tasks: (0..TASKS / 3).map(task).collect(),
        results: Vec::new(),
    };
    let snapshot = PlannedSnapshot { name: "snapshot".to_owned(), id: "sha256:0".to_owned(), param: "{}".to_owned() };
    let plan =
        RunPlan { version: PLAN_VERSION, snapshot, scenarios: (0..3).map(scenario).collect(), skipped: Vec::new() };
    let plugin = PluginRef { name: "noop".to_owned(), digest: Digest::of(b"noop"), is_adapter: false };
    RunRequest::new(plan, BTreeMap::from([("noop".to_owned(), plugin)]))
}

/// Says something, keeps a file, and fails now and then, the same for the same task.
struct Noop<'a>(&'a Store);

impl Executor for Noop<'_> {
    fn execute(&self, call: &ExecutorCall<'_>, context: &dyn ExecutorContext) -> CallResult {
        let text = format!("log of {}\n", call.job.task);
        context.log(text.as_bytes()).unwrap();
        let digest = self.0.put(call.job.task.to_string().as_bytes()).unwrap();
        let size = u64::try_from(call.job.task.to_string().len()).unwrap();
        let artifact = Artifact { name: "a".to_owned(), media_type: "text/plain".to_owned(), digest, size };
        CallResult::Done(TaskVerdict {
            state: if call.job.task.task.ends_with('7') { RunState::Failed } else { RunState::Passed },
            cause: None,
            results: BTreeMap::from([("r".to_owned(), ParamValue::Text(text))]),
            artifacts: vec![artifact],
            usage: Usage::default(),
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "how the parent says to its child what to do")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
#[ignore = "needs a parent: the other tests start it as a process of its own"]
fn carries_out_a_run() {
    let Some(folder) = variable(STORE) else { return };
    let crash = variable(CRASH).and_then(|text| {
        let (point, count) = text.split_once('#')?;
        Some((point.to_owned(), count.parse::<u32>().ok()?))
    });
    let passed = AtomicU32::new(0);
    let observer = Arc::new(move |point: &'static str| {
        if let Some((wanted, count)) = &crash
            && wanted == point
            && passed.fetch_add(1, Ordering::SeqCst) + 1 == *count
        {
            std::process::abort();
        }
    });
    let clock = Arc::new(SystemClock::new());
    let options = StoreOptions {
        clock: Arc::clone(&clock) as _,
        observer: Arc::clone(&observer) as _,
        ..StoreOptions::new(StoreMode::Coordinator)
    };
    let store = Store::open(Utf8Path::new(&folder), options).unwrap();
    let scheduler = Scheduler {
        queue: &store,
        record: &store,
        blobs: &store,
        executor: &Noop(&store),
        clock: clock.as_ref(),
        settings: Settings { backoff: 0.001, ..Settings::new(NonZeroUsize::new(3).unwrap()) },
        observer,
    };
    scheduler.run(vec![request()], &Stop::default(), &mut |_| {}).unwrap();
}

fn child(folder: &Utf8Path, crash: Option<&str>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "carries_out_a_run", "--nocapture"])
        .env(STORE, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match crash {
        Some(crash) => command.env(CRASH, crash),
        None => command.env_remove(CRASH),
    };
    command
}

/// What must be the same however often the process was killed: everything but times and attempts.
fn compared(folder: &Utf8Path) -> String {
    let store = Store::open(folder, StoreOptions::new(StoreMode::ReadOnly)).unwrap();
    let id = request().run_id().unwrap();
    check_history(&store, &id).unwrap();
    let mut document: RunDocument = store.document(&id).unwrap();
    let nought = jiff::Timestamp::UNIX_EPOCH;
    (document.started, document.ended) = (nought, None);
    for scenario in &mut document.scenarios {
        (scenario.since, scenario.ended) = (nought, None);
        for task in &mut scenario.tasks {
            assert!(!task.attempts.is_empty(), "{task:?}");
            task.attempts.clear();
            (task.since, task.usage) = (None, None);
            let id = TaskId::new(scenario.name.as_str(), task.name.as_str());
            let log = store.read_log(&document.id, &id, 0, 1 << 20).unwrap();
            let text = String::from_utf8(log.bytes).unwrap();
            // Each attempt says it once; one that was killed before it could say anything has not.
            assert!(text.lines().count() >= 1 && text.lines().all(|line| line == format!("log of {id}")), "{text:?}");
            for artifact in &task.artifacts {
                store.get(&artifact.digest, 1 << 10).unwrap();
            }
        }
    }
    serde_json::to_string_pretty(&document).unwrap()
}

fn uncrashed() -> String {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    assert!(child(folder, None).status().unwrap().success());
    compared(folder)
}

fn wait_at_most(mut process: std::process::Child, limit: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() >= until {
            process.kill().unwrap();
            process.wait().unwrap();
            return None;
        }
        // A deadline, not a guess: the process is looked at again and again until then.
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn a_run_that_ends_at_any_crash_point_ends_as_one_that_does_not() {
    let whole = uncrashed();
    let crash = |point: &str| {
        for count in [1, 7] {
            let folder = tempfile::tempdir().unwrap();
            let folder = Utf8Path::from_path(folder.path()).unwrap();
            let crashed = child(folder, Some(&format!("{point}#{count}"))).status().unwrap();
            let is_rare = point == "after-record" || point == "after-offer";
            assert!(is_rare || !crashed.success(), "it did not pass {point} {count} times");
            assert!(child(folder, None).status().unwrap().success(), "{point}#{count}");
            assert_eq!(compared(folder), whole, "{point}#{count}");
        }
    };
    let points: Vec<&str> = CRASH_POINTS.iter().chain(&SCHEDULER_POINTS).copied().collect();
    std::thread::scope(|scope| {
        for points in points.chunks(points.len().div_ceil(AT_A_TIME)) {
            scope.spawn(|| points.iter().for_each(|point| crash(point)));
        }
    });
}

/// Processes that tests begin and end at the same time: they mostly wait for the disk.
const AT_A_TIME: usize = 4;

/// So often the process of one run is killed: one more, and a task that happens to run each time counts as what ends it.
const KILLS_OF_A_RUN: usize = 3;

/// Kills the process at so many times, which a seed decides, and checks the record after each restart that ended.
fn kill_at_random_times(times: u32, seed: u64) {
    let whole = uncrashed();
    let mut random = seed;
    let mut killed = 0;
    while killed < times {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let mut history = Vec::new();
        loop {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let wait = Duration::from_micros((random >> 33) % 90_000);
            history.push(wait);
            let limit = if killed < times && history.len() <= KILLS_OF_A_RUN { wait } else { Duration::from_secs(120) };
            match wait_at_most(child(folder, None).spawn().unwrap(), limit) {
                Some(status) => {
                    assert!(status.success(), "seed {seed}: {history:?}");
                    break;
                }
                None => killed += 1,
            }
        }
        assert_eq!(compared(folder), whole, "seed {seed}: {history:?}");
    }
}

#[test]
fn a_run_that_is_killed_at_random_times_ends_as_one_that_is_not() {
    kill_at_random_times(16, 1);
}

#[test]
#[ignore = "needs some minutes: the same with two hundred times"]
fn a_run_that_is_killed_at_two_hundred_times_ends_as_one_that_is_not() {
    std::thread::scope(|scope| {
        for seed in 0..4 {
            scope.spawn(move || kill_at_random_times(50, 2 + seed));
        }
    });
}

/// Writes a log without an end, and says of each line when it was taken.
struct Endless;

/// What a line that the child prints about its log begins with.
const SAID: &str = "logged ";

fn log_line(number: u64) -> String {
    format!("line {number:09}\n")
}

impl Executor for Endless {
    fn execute(&self, call: &ExecutorCall<'_>, context: &dyn ExecutorContext) -> CallResult {
        let (mut number, mut out) = (0, std::io::stdout());
        loop {
            context.log(log_line(number).as_bytes()).unwrap();
            writeln!(out, "{SAID}{} {number}", call.job.task).unwrap();
            number += 1;
        }
    }
}

#[test]
#[ignore = "needs a parent, which kills it"]
fn writes_a_log_without_an_end() {
    let Some(folder) = variable(STORE) else { return };
    let clock = Arc::new(SystemClock::new());
    let options = StoreOptions { clock: Arc::clone(&clock) as _, ..StoreOptions::new(StoreMode::Coordinator) };
    let store = Store::open(Utf8Path::new(&folder), options).unwrap();
    let scheduler = Scheduler {
        queue: &store,
        record: &store,
        blobs: &store,
        executor: &Endless,
        clock: clock.as_ref(),
        settings: Settings::new(NonZeroUsize::MIN),
        observer: Arc::new(|_| {}),
    };
    scheduler.run(vec![request()], &Stop::default(), &mut |_| {}).unwrap();
}

#[test]
fn a_log_is_whole_up_to_the_last_line_when_its_process_is_killed_and_is_followed_from_any_offset() {
    const LINES: u64 = 5_000;
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "writes_a_log_without_an_end", "--nocapture"])
        .env(STORE, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (id, open) =
        (request().run_id().unwrap(), || Store::open(folder, StoreOptions::new(StoreMode::ReadOnly)).unwrap());
    let (mut followed, mut task, mut last) = (None, None, 0);
    // What the pipe still holds after the end is read as well.
    for line in std::io::BufReader::new(process.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
        let Some((name, number)) = line.strip_prefix(SAID).and_then(|said| said.rsplit_once(' ')) else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        last = number;
        let task = task.get_or_insert_with(|| {
            let (scenario, task) = name.split_once('/').unwrap();
            TaskId::new(scenario, task)
        });
        if number == LINES / 2 {
            followed = Some(open().read_log(&id, task, 0, 1_001).unwrap());
        } else if number == LINES {
            process.kill().unwrap();
        }
    }
    process.wait().unwrap();
    assert!(last >= LINES, "{last}");
    let (store, task) = (open(), task.unwrap());
    // Followed on from where it was while the process was there.
    let mut part = followed.unwrap();
    let mut text = part.bytes.clone();
    while !part.bytes.is_empty() {
        part = store.read_log(&id, &task, part.next, 10_007).unwrap();
        assert!(!part.is_complete, "the task has not ended");
        text.extend(&part.bytes);
    }
    let whole = String::from_utf8(text).unwrap();
    let lines = u64::try_from(whole.lines().count()).unwrap();
    assert!(lines > last, "{lines} of {last} lines");
    assert_eq!(whole, (0..lines).map(log_line).collect::<String>());
    for offset in [0, 1, 7_777, whole.len() - 1, whole.len()] {
        let part = store.read_log(&id, &task, u64::try_from(offset).unwrap(), 100).unwrap();
        assert_eq!(part.bytes, whole.as_bytes().iter().skip(offset).take(100).copied().collect::<Vec<_>>(), "{offset}");
    }
}
