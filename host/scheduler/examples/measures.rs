//! Measures the record and the scheduler: `measures WHAT FOLDER` prints one JSON line. WHAT is `compose`, `list`, `gc`, `waiting`,
//! `log` or `fair`.
//!
//! `cargo xtask bench runs` builds it with optimizations and calls each.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Write as _,
    io::Write as _,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use assay_konflux::{
    compose::{ComposeRequest, Event, Mode, Set, compose, select_owner},
    import::{Source, import},
    plan::{OnError, PLAN_VERSION, PlannedSnapshot, RunPlan, ScenarioPlan, Section, TaskPlan, Timeouts, Work},
};
use assay_model::{
    digest::Digest,
    outcome::Verdict,
    port::{
        CallResult, Clock, Executor, ExecutorCall, ExecutorContext, PointerKey, PointerKind, PointerMove, RecordChange,
        RunRecord as _, SnapshotRecord as _, TaskVerdict,
    },
    run::{Change, PluginRef, RunState, StateRecord, TaskId, Usage, Verb, WaitingState},
};
use assay_scheduler::{RunRequest, Scheduler, Settings, Stop};
use assay_store::{RetentionPolicy, Store, StoreMode, StoreOptions, SystemClock};
use camino::Utf8Path;
use serde_json::{Value, json};

type Outcome = Result<Value, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: measures compose|list|gc|waiting|log|fair FOLDER";
    let (what, folder) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let clock = Arc::new(SystemClock::new());
    let options = StoreOptions { clock: Arc::clone(&clock) as _, ..StoreOptions::new(StoreMode::Coordinator) };
    let store = Store::open(Utf8Path::new(&folder), options)?;
    let measured = match what.as_str() {
        "compose" => measure_compose(&store),
        "list" => measure_list(&store),
        "gc" => measure_gc(&store),
        "waiting" => measure_waiting(&store, &clock),
        "log" => measure_log(&store, &clock),
        "fair" => measure_fair(&store, &clock),
        _ => return Err(usage.into()),
    }?;
    writeln!(std::io::stdout(), "{}", json!({"what": what, "measured": measured}))?;
    Ok(())
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// The value that so many of a hundred do not exceed.
fn percentile(mut values: Vec<Duration>, percent: usize) -> Duration {
    values.sort_unstable();
    values.get((values.len() * percent / 100).min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn pointer(group: &str, component: &str, number: i64) -> PointerMove {
    let digest = Digest::of(format!("{component} {number}").as_bytes());
    PointerMove {
        key: PointerKey { group: group.to_owned(), component: component.to_owned(), version: String::new() },
        kind: PointerKind::Latest,
        image: format!("r.example/{component}@{digest}"),
        source: json!({"git": {"url": format!("https://git.example/{component}"), "revision": "c"}}),
        build_start: number,
        override_start: None,
    }
}

/// Carries out work for each number on many threads, whose writes share transactions.
fn on_threads(count: usize, work: &(dyn Fn(usize) -> Result<(), String> + Sync)) -> Result<(), Box<dyn Error>> {
    const THREADS: usize = 32;
    let failure = Mutex::new(None);
    thread::scope(|scope| {
        for first in 0..THREADS {
            let failure = &failure;
            scope.spawn(move || {
                for number in (first..count).step_by(THREADS) {
                    if let Err(error) = work(number) {
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        return;
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn save_snapshots(store: &Store, count: usize) -> Result<(), Box<dyn Error>> {
    let components: Vec<_> =
        (0..20).map(|n| json!({"name": format!("c{n}"), "containerImage": "r.example/c"})).collect();
    on_threads(count, &|number| {
        let document = json!({"number": number, "components": components}).to_string();
        store.save_snapshot("shop", &format!("shop-{number}"), &document).map(drop).map_err(|error| error.to_string())
    })
}

/// A Snapshot of 200 components in a store with 10,000 Snapshots, from reading the candidates to the record of it.
fn measure_compose(store: &Store) -> Outcome {
    const COMPONENTS: usize = 200;
    let mut text =
        "apiVersion: appstudio.redhat.com/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec: {}\n".to_owned();
    for number in 0..COMPONENTS {
        write!(
            text,
            "---\napiVersion: appstudio.redhat.com/v1alpha1\nkind: Component\nmetadata: {{name: c{number}}}\nspec: {{componentName: c{number}, application: shop, source: {{git: {{url: 'https://git.example/c{number}', revision: main}}}}}}\n"
        )?;
    }
    let resources = import([Source { file: "shop.yaml", text: &text, is_named: true }]).resources;
    store.move_pointers((0..COMPONENTS).map(|number| pointer("shop", &format!("c{number}"), 1)).collect())?;
    save_snapshots(store, 10_000)?;
    let (mut composing, mut all) = (Vec::new(), Vec::new());
    for number in 0..50_i64 {
        let digest = Digest::of(&number.to_le_bytes());
        let set = format!("c7=r.example/c7@{digest},url=https://git.example/c7,revision=c{number}");
        let request = ComposeRequest {
            mode: Mode::Component,
            event: Event::Push,
            sets: vec![Set::parse(&set)?],
            build_start: Some(1_000 + number),
            is_good_base: false,
        };
        let started = Instant::now();
        let owner = select_owner(&resources, &request, None).map_err(|error| error.fact)?;
        let pointers = store.pointers("shop", PointerKind::Latest)?;
        let composed = compose(&resources, &owner, &request, &pointers).map_err(|error| error.fact)?;
        composing.push(started.elapsed());
        store.save_snapshot("shop", &composed.name, &composed.document)?;
        store.move_pointers(vec![pointer("shop", "c7", 1_000 + number)])?;
        all.push(started.elapsed());
        if composed.components.len() != COMPONENTS {
            return Err("a component is missing".into());
        }
    }
    Ok(json!({
        "components": COMPONENTS,
        "snapshots": 10_000,
        "compose_p99_ms": millis(percentile(composing, 99)),
        "compose_and_record_p99_ms": millis(percentile(all, 99)),
    }))
}

fn plan(name: &str, tasks: usize, is_adapter: bool) -> RunRequest {
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
    let snapshot = PlannedSnapshot { name: name.to_owned(), id: "sha256:0".to_owned(), param: "{}".to_owned() };
    let plan = RunPlan { version: PLAN_VERSION, snapshot, scenarios: vec![scenario], skipped: Vec::new() };
    let plugin = PluginRef { name: "noop".to_owned(), digest: Digest::of(b"noop"), is_adapter };
    let mut request = RunRequest::new(plan, BTreeMap::from([("noop".to_owned(), plugin)]));
    name.clone_into(&mut request.tenant);
    request
}

/// Pages of 50 of 100,000 runs that have ended.
fn measure_list(store: &Store) -> Outcome {
    const RUNS: usize = 100_000;
    on_threads(RUNS, &|number| {
        let text = |error: &dyn Error| error.to_string();
        let request = plan(&format!("shop-{number}"), 1, false);
        let outline = request.outline().map_err(|error| text(&error))?;
        let id = request.run_id().map_err(|error| text(&error))?;
        store.create(&id, &outline).map_err(|error| text(&error))?;
        let state = StateRecord::new(RunState::Passed, jiff::Timestamp::now());
        let ended = RecordChange::Run { run: id, state, verdict: Some(Verdict::Allowed) };
        store.apply(vec![ended]).map_err(|error| text(&error))
    })?;
    let (mut times, mut after, mut seen) = (Vec::new(), None::<String>, 0);
    loop {
        let started = Instant::now();
        let page = store.list(after.as_deref(), 50)?;
        times.push(started.elapsed());
        seen += page.runs.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if seen != RUNS {
        return Err(format!("{seen} runs were listed").into());
    }
    let first = times.first().copied().unwrap_or_default();
    Ok(json!({
        "runs": RUNS,
        "first_page_ms": millis(first),
        "page_p99_ms": millis(percentile(times.clone(), 99)),
        "page_max_ms": millis(percentile(times, 100)),
    }))
}

/// How long one writer waits while 5,000 Snapshots are collected, and while nothing is.
fn measure_gc(store: &Store) -> Outcome {
    save_snapshots(store, 5_000)?;
    let write = |number: i64| -> Result<Duration, String> {
        let started = Instant::now();
        store.move_pointers(vec![pointer("shop", "cart", number)]).map_err(|error| error.to_string())?;
        Ok(started.elapsed())
    };
    let alone: Vec<Duration> = (0..500).map(write).collect::<Result<_, _>>()?;
    let is_done = AtomicBool::new(false);
    let (collected, beside) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut times, mut number) = (Vec::new(), 1_000);
            while !is_done.load(Ordering::Relaxed) {
                times.push(write(number)?);
                number += 1;
            }
            Ok::<_, String>(times)
        });
        let started = Instant::now();
        let policy = RetentionPolicy { max_age: None, max_count: Some(0) };
        let collected = store.collect_garbage(&policy, false);
        let took = started.elapsed();
        is_done.store(true, Ordering::Relaxed);
        (collected.map(|collected| (collected, took)), writer.join())
    });
    let (collected, took) = collected?;
    let beside = beside.map_err(|_| "the writer panicked")??;
    let worst = |times: &[Duration]| times.iter().max().copied().unwrap_or_default();
    let delay = worst(&beside).saturating_sub(percentile(alone.clone(), 50));
    Ok(json!({
        "snapshots": collected.snapshots.len(),
        "took_ms": millis(took),
        "writes_beside": beside.len(),
        "write_alone_p50_ms": millis(percentile(alone.clone(), 50)),
        "write_alone_max_ms": millis(worst(&alone)),
        "write_beside_p50_ms": millis(percentile(beside.clone(), 50)),
        "write_beside_max_ms": millis(worst(&beside)),
        "worst_delay_ms": millis(delay),
    }))
}

fn passed() -> CallResult {
    CallResult::Done(TaskVerdict {
        state: RunState::Passed,
        cause: None,
        results: BTreeMap::new(),
        artifacts: Vec::new(),
        usage: Usage::default(),
    })
}

fn scheduler<'a>(store: &'a Store, clock: &'a SystemClock, executor: &'a dyn Executor) -> Scheduler<'a> {
    let workers = NonZeroUsize::MIN.saturating_add(1);
    Scheduler {
        queue: store,
        record: store,
        blobs: store,
        executor,
        clock,
        settings: Settings::new(workers),
        observer: Arc::new(|_| {}),
    }
}

/// Memory of this process in KiB, and its computing time.
fn usage() -> Result<(u64, Duration), Box<dyn Error>> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib = line.split_whitespace().next().unwrap_or_default().parse()?;
    let stat = fs_err::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    // utime and stime, in hundredths of a second.
    Ok((kib, Duration::from_millis((ticks(11) + ticks(12)) * 10)))
}

/// An adapter whose third party needs a while.
struct Waiting<'a> {
    clock: &'a SystemClock,
    due: Mutex<BTreeMap<TaskId, Duration>>,
    late: Mutex<Vec<Duration>>,
}

/// How long the third party needs.
const NEEDED: Duration = Duration::from_secs(20);

impl Executor for Waiting<'_> {
    fn execute(&self, call: &ExecutorCall<'_>, _: &dyn ExecutorContext) -> CallResult {
        let now = self.clock.elapsed();
        if call.verb == Verb::Submit {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            due.insert(call.job.task.clone(), now + NEEDED);
            return CallResult::Waiting { state: WaitingState::new(Verb::Poll, vec![0; 256]), after: NEEDED };
        }
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner).remove(&call.job.task);
        let late = now.saturating_sub(due.unwrap_or_default());
        self.late.lock().unwrap_or_else(PoisonError::into_inner).push(late);
        passed()
    }
}

/// 1,000 jobs that wait for a third party: memory and computing time meanwhile, and how late each is taken up.
fn measure_waiting(store: &Store, clock: &SystemClock) -> Outcome {
    const JOBS: usize = 1_000;
    // A run before, so that what the first one needs is there.
    let warm = Waiting { clock, due: Mutex::default(), late: Mutex::default() };
    let ready = Warm;
    scheduler(store, clock, &ready).run(vec![plan("warm", JOBS, false)], &Stop::default(), &mut |_| {})?;
    let (before, _) = usage()?;
    let stop = AtomicBool::new(false);
    let (ends, meanwhile) = thread::scope(|scope| {
        let watcher = scope.spawn(|| -> Result<_, String> {
            while warm.due.lock().unwrap_or_else(PoisonError::into_inner).len() < JOBS {
                if stop.load(Ordering::Relaxed) {
                    return Err("the jobs did not wait".to_owned());
                }
                thread::park_timeout(Duration::from_millis(10));
            }
            thread::park_timeout(Duration::from_secs(1));
            let text = |error: Box<dyn Error>| error.to_string();
            let (first, from) = (usage().map_err(text)?, Instant::now());
            thread::park_timeout(Duration::from_secs(10));
            let text = |error: Box<dyn Error>| error.to_string();
            let (second, took) = (usage().map_err(text)?, from.elapsed());
            let share = (second.1.saturating_sub(first.1)).as_secs_f64() / took.as_secs_f64();
            Ok((second.0, share))
        });
        let ends = scheduler(store, clock, &warm).run(vec![plan("waiting", JOBS, true)], &Stop::default(), &mut |_| {});
        stop.store(true, Ordering::Relaxed);
        (ends, watcher.join())
    });
    let verdict = ends?.first().and_then(|end| end.verdict);
    let (kib, share) = meanwhile.map_err(|_| "the watcher panicked")??;
    let late = warm.late.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(json!({
        "jobs": JOBS,
        "passed": verdict == Some(Verdict::Allowed),
        "memory_more_kib": kib.saturating_sub(before),
        "core_percent": (share * 10_000.0).round() / 100.0,
        "late_p50_ms": millis(percentile(late.clone(), 50)),
        "late_max_ms": millis(percentile(late, 100)),
    }))
}

struct Warm;

impl Executor for Warm {
    fn execute(&self, _: &ExecutorCall<'_>, _: &dyn ExecutorContext) -> CallResult {
        passed()
    }
}

/// Writes a log of 100 MB.
struct Chatty;

const LINE: &[u8] =
    b"0123456789 the quick brown fox jumps over the lazy dog, again and again, until the log is full..\n";
const LOG_BYTES: usize = 100_000_000;

impl Executor for Chatty {
    fn execute(&self, _: &ExecutorCall<'_>, context: &dyn ExecutorContext) -> CallResult {
        let part = LINE.repeat(640);
        for _ in 0..LOG_BYTES.div_ceil(part.len()) {
            if context.log(&part).is_err() {
                break;
            }
        }
        passed()
    }
}

/// A log of 100 MB, read from a hundred offsets and as a whole.
fn measure_log(store: &Store, clock: &SystemClock) -> Outcome {
    let started = Instant::now();
    let ends = scheduler(store, clock, &Chatty).run(vec![plan("log", 1, false)], &Stop::default(), &mut |_| {})?;
    let written = started.elapsed();
    let id = ends.first().ok_or("there was no run")?.id.clone();
    let task = TaskId::new("s", "t0");
    let (mut times, mut right) = (Vec::new(), true);
    for number in 0..100_u64 {
        let offset = number * 1_000_003;
        let started = Instant::now();
        let part = store.read_log(&id, &task, offset, 64 << 10)?;
        times.push(started.elapsed());
        let at = usize::try_from(offset)? % LINE.len();
        right &= part.bytes.first() == LINE.get(at);
    }
    let (mut offset, started) = (0, Instant::now());
    loop {
        let part = store.read_log(&id, &task, offset, 64 << 10)?;
        offset = part.next;
        if part.bytes.is_empty() {
            break;
        }
    }
    Ok(json!({
        "bytes": offset,
        "is_right": right,
        "written_ms": millis(written),
        "read_whole_ms": millis(started.elapsed()),
        "read_at_offset_p99_ms": millis(percentile(times, 99)),
    }))
}

/// Two tenants, one with 1,000 tasks and one with 10: how many of the large one's have ended when the small one's have.
fn measure_fair(store: &Store, clock: &SystemClock) -> Outcome {
    let small = plan("small", 10, false);
    let id = small.run_id()?;
    let (mut large_ended, mut at_end) = (0_u32, None);
    scheduler(store, clock, &Warm).run(vec![plan("large", 1_000, false), small], &Stop::default(), &mut |event| {
        match &event.change {
            Change::State { state, .. } if state.is_final() && event.task.is_some() && event.run != id => {
                large_ended += 1;
            }
            Change::Ended { .. } if event.run == id => at_end = Some(large_ended),
            _ => {}
        }
    })?;
    Ok(json!({"large": 1_000, "small": 10, "large_ended_when_small_had": at_end}))
}
