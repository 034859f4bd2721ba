//! The laws of the ports on a real file, and what happens when the file or its folder is not as it should be.

mod due;
mod pointers;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use assay_model::{
    digest::Digest,
    port::{
        BlobStore as _, Clock as _, Created, Disposition, PointerKey, PointerKind, PointerMove, Queue, RecordChange,
        RunRecord as _, SnapshotRecord as _, StoreError, TakeRequest, TaskProgress, VirtualClock,
    },
    queue_laws,
    run::{
        Artifact, Cause, Job, ParamValue, PluginCall, PluginRef, Priority, RunId, RunOutline, RunState,
        ScenarioOutline, StateRecord, TaskId, TaskOutline, TaskResult, Usage,
    },
};
use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;

use crate::{RetentionPolicy, Store, StoreMode, StoreOptions};

struct Folder {
    _temporary: tempfile::TempDir,
    path: Utf8PathBuf,
    clock: Arc<VirtualClock>,
}

impl Folder {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(temporary.path().join("store")).unwrap();
        let clock = Arc::new(VirtualClock::new("2026-01-31T12:00:00Z".parse().unwrap()));
        Self { _temporary: temporary, path, clock }
    }

    fn options(&self, mode: StoreMode) -> StoreOptions {
        StoreOptions { clock: Arc::clone(&self.clock) as _, ..StoreOptions::new(mode) }
    }

    fn open(&self) -> Store {
        Store::open(&self.path, self.options(StoreMode::Coordinator)).unwrap()
    }

    fn file(&self) -> Utf8PathBuf {
        self.path.join("assay.db")
    }
}

fn plugin() -> PluginRef {
    PluginRef { name: "noop".to_owned(), digest: Digest::of(b"noop"), is_adapter: false }
}

fn outline(tasks: &[&str]) -> RunOutline {
    let plan = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
    let task = |name: &&str| TaskOutline { name: (*name).to_owned(), plugin: plugin() };
    let scenario = ScenarioOutline { name: "s".to_owned(), optional: false, tasks: tasks.iter().map(task).collect() };
    RunOutline { scenarios: vec![scenario], ..RunOutline::new("snapshot", plan) }
}

fn run(name: &str) -> RunId {
    name.parse().unwrap()
}

fn job(run: &RunId, task: &str) -> Job {
    let call = PluginCall {
        plugin: plugin(),
        params: std::collections::BTreeMap::new(),
        snapshot_params: Vec::new(),
        snapshot_digest: None,
        timeout_ms: None,
        retries: 0,
    };
    Job::new(run.clone(), TaskId::new("s", task), Priority::Normal, String::new(), call).unwrap()
}

fn passed(store: &Store) -> TaskResult {
    TaskResult::new(RunState::Passed, store.clock.now())
}

fn take(store: &Store) -> Vec<assay_model::port::Lease> {
    let request = TakeRequest { worker: "w".to_owned(), max: 10, lease: Duration::from_secs(30), runs: Vec::new() };
    store.take(&request, store.clock.elapsed()).unwrap()
}

fn finish_run(store: &Store, id: &RunId) {
    let state = StateRecord::new(RunState::Passed, store.clock.now());
    store.apply(vec![RecordChange::Run { run: id.clone(), state, verdict: None }]).unwrap();
}

#[test]
fn the_queue_keeps_the_laws() {
    let mut folders = Vec::new();
    let mut open = |clock: Arc<VirtualClock>| {
        let folder = Folder { clock, ..Folder::new() };
        let store = folder.open();
        for id in ["run-0", "run-1"] {
            store.create(&run(id), &outline(&[]))?;
        }
        folders.push(folder);
        Ok(Box::new(store) as Box<dyn Queue>)
    };
    queue_laws::check_all(&mut open, 0..40).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_queue_keeps_the_laws_whatever_is_done(seed in any::<u64>(), count in 1_usize..120) {
        let folder = Folder::new();
        let store = folder.open();
        for id in ["run-0", "run-1"] {
            store.create(&run(id), &outline(&[])).unwrap();
        }
        let steps = queue_laws::random_steps(seed, count);
        queue_laws::check("whatever is done", &store, &folder.clock, &steps).unwrap();
    }

    #[test]
    fn pointers_end_where_the_last_build_is_whatever_the_order(starts in proptest::collection::vec((0_i64..6, 0_u8..3), 1..8)) {
        let wish = |(start, image): &(i64, u8)| PointerMove {
            key: PointerKey { group: "g".to_owned(), component: "c".to_owned(), version: String::new() },
            kind: PointerKind::Latest,
            image: format!("r.example/c@{image}"),
            source: serde_json::json!({"git": {"revision": image}}),
            build_start: *start,
            override_start: None,
        };
        let folder = Folder::new();
        let store = folder.open();
        let mut fence = i64::MIN;
        for start in &starts {
            store.move_pointers(vec![wish(start)]).unwrap();
            let now = store.pointers("g", PointerKind::Latest).unwrap();
            prop_assert!(now[0].fence >= fence, "a pointer went back");
            fence = now[0].fence;
        }
        let first = store.pointers("g", PointerKind::Latest).unwrap();
        let (last, image) = starts.iter().max().unwrap();
        prop_assert_eq!((first[0].build_start, first[0].image.clone()), (*last, format!("r.example/c@{image}")));
        prop_assert!(store.pointers("g", PointerKind::Good).unwrap().is_empty());
    }
}

#[test]
fn many_workers_get_each_job_once() {
    let folder = Folder::new();
    let store = Arc::new(folder.open());
    let id = run("run-a");
    store.create(&id, &outline(&[])).unwrap();
    let jobs: Vec<_> = (0..200).map(|number| job(&id, &format!("t{number}"))).collect();
    store.offer(jobs.clone()).unwrap();
    let done = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (store, done) = (Arc::clone(&store), Arc::clone(&done));
            std::thread::spawn(move || {
                loop {
                    let leases = take(&store);
                    if leases.is_empty() {
                        break;
                    }
                    for lease in leases {
                        assert_eq!(lease.attempt, 1);
                        let settled = store.settle(vec![(lease.token, Disposition::Finish(passed(&store)))]).unwrap();
                        assert_eq!(settled, [assay_model::port::Settled::Stored]);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(done.load(Ordering::Relaxed), 200);
    let mut results = 0;
    store
        .visit_tasks(&id, &mut |_, progress| results += usize::from(matches!(progress, TaskProgress::Done(..))))
        .unwrap();
    assert_eq!(results, 200);
}

#[test]
fn a_coordinator_that_ended_leaves_its_jobs_to_the_next_one_and_a_waiting_job_its_state() {
    let folder = Folder::new();
    let id = run("run-a");
    {
        let store = folder.open();
        assert_eq!(store.create(&id, &outline(&["a", "b"])).unwrap(), Created::New);
        store.offer(vec![job(&id, "a"), job(&id, "b")]).unwrap();
        let leases = take(&store);
        let state = assay_model::run::WaitingState::new(assay_model::run::Verb::Poll, vec![0, 255]);
        let wait = Disposition::Wait { after: Duration::from_secs(50), state };
        store.settle(vec![(leases[1].token.clone(), wait)]).unwrap();
    }
    folder.clock.advance(Duration::from_secs(30));
    // The next machine's clock begins at nought.
    let folder = Folder { clock: Arc::new(VirtualClock::new(folder.clock.now())), ..folder };
    let store = folder.open();
    assert_eq!(store.create(&id, &outline(&["a", "b"])).unwrap(), Created::Existing(RunState::Pending));
    let lease = take(&store).remove(0);
    assert_eq!((lease.job.task.task.as_str(), lease.attempt, lease.unsettled), ("a", 2, 2));
    assert!(take(&store).is_empty());
    folder.clock.advance(Duration::from_secs(20));
    let lease = take(&store).remove(0);
    assert_eq!((lease.job.task.task.as_str(), lease.attempt), ("b", 1));
    assert_eq!(lease.waiting.unwrap().state, [0, 255]);
}

#[test]
fn one_coordinator_has_a_folder_and_others_read_and_request() {
    let folder = Folder::new();
    let open = |mode| Store::open(&folder.path, folder.options(mode));
    assert!(matches!(open(StoreMode::ReadOnly), Err(StoreError::NotFound(_))));
    let store = folder.open();
    let second = open(StoreMode::Coordinator);
    let Err(StoreError::InUse(text)) = second else { panic!("{second:?}") };
    assert!(text.contains("in use by another process"), "{text}");
    let id = run("run-a");
    store.create(&id, &outline(&["a"])).unwrap();
    let client = open(StoreMode::Client).unwrap();
    client.request_cancel(&id, "superseded").unwrap();
    assert!(matches!(client.request_cancel(&run("run-b"), "x"), Err(StoreError::NotFound(_))));
    assert_eq!(store.cancellations().unwrap(), [(id.clone(), "superseded".to_owned())]);
    let reader = open(StoreMode::ReadOnly).unwrap();
    assert_eq!(reader.list(None, 10).unwrap().runs.len(), 1);
    assert!(matches!(reader.request_cancel(&id, "x"), Err(StoreError::Invalid(_))));
    drop(store);
    open(StoreMode::Coordinator).unwrap();
}

#[test]
fn a_file_of_a_newer_version_of_another_program_or_with_other_tables_is_refused() {
    let refused = |change: &str| {
        let folder = Folder::new();
        drop(folder.open());
        let connection = rusqlite::Connection::open(folder.file()).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        [StoreMode::Coordinator, StoreMode::Client, StoreMode::ReadOnly]
            .map(|mode| Store::open(&folder.path, folder.options(mode)).unwrap_err())
    };
    for error in refused("PRAGMA user_version = 2") {
        let StoreError::NewerVersion(text) = error else { panic!("{error:?}") };
        assert!(text.contains("has version 2, and this program reads version 1"), "{text}");
    }
    for change in [
        "PRAGMA application_id = 7",
        "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE event",
        "CREATE TABLE extra (a)",
    ] {
        for error in refused(change) {
            assert!(matches!(error, StoreError::Damaged(_)), "{change}: {error:?}");
        }
    }
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let folder = Folder::new();
    {
        let store = folder.open();
        for number in 0..50 {
            let id = run(&format!("run-{number}"));
            store.create(&id, &outline(&["a"])).unwrap();
            store.offer(vec![job(&id, "a")]).unwrap();
        }
    }
    let whole = fs_err::read(folder.file()).unwrap();
    let mut errors = 0;
    for place in (0..whole.len()).step_by(whole.len() / 150) {
        let mut bytes = whole.clone();
        for byte in bytes.iter_mut().skip(place).take(64) {
            *byte ^= 0x5a;
        }
        fs_err::write(folder.file(), &bytes).unwrap();
        let tried = Store::open(&folder.path, folder.options(StoreMode::Coordinator)).and_then(|store| {
            store.list(None, 100)?;
            for number in 0..50 {
                store.document(&run(&format!("run-{number}")))?;
                store.outline(&run(&format!("run-{number}")))?;
                store.visit_tasks(&run(&format!("run-{number}")), &mut |_, _| {})?;
            }
            let request =
                TakeRequest { worker: "w".to_owned(), max: 100, lease: Duration::from_secs(30), runs: Vec::new() };
            store.take(&request, Duration::ZERO)
        });
        errors += usize::from(tried.is_err());
    }
    assert!(errors > 25, "only {errors} of 150 damages were noticed");
    fs_err::write(folder.file(), b"not a database, but long enough to be read as one, perhaps".repeat(20)).unwrap();
    let error = Store::open(&folder.path, folder.options(StoreMode::Coordinator)).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
}

#[test]
fn blobs_are_checked_and_a_changed_one_is_an_error() {
    let folder = Folder::new();
    let store = folder.open();
    let digest = store.put(b"content").unwrap();
    assert_eq!(store.put(b"content").unwrap(), digest);
    assert_eq!(store.get(&digest, 7).unwrap(), b"content");
    assert!(matches!(store.get(&digest, 6), Err(StoreError::Invalid(_))));
    assert!(matches!(store.get(&Digest::of(b"other"), 6), Err(StoreError::NotFound(_))));
    fs_err::write(store.blob_path(&digest), b"changed").unwrap();
    assert!(matches!(store.get(&digest, 100), Err(StoreError::Damaged(_))));
}

#[test]
fn a_log_can_be_read_from_any_offset_over_all_attempts() {
    let folder = Folder::new();
    let id = run("run-a");
    let task = TaskId::new("s", "a");
    let store = folder.open();
    store.create(&id, &outline(&["a"])).unwrap();
    assert!(matches!(store.read_log(&id, &task, 0, 10), Err(StoreError::NotFound(_))));
    let job = job(&id, "a");
    store.offer(vec![job.clone()]).unwrap();
    let lease = take(&store).remove(0);
    store.append_log(&job, 1, b"first\n").unwrap();
    let retry = Disposition::Retry { after: Duration::ZERO, class: assay_model::run::ErrorClass::Infrastructure };
    store.settle(vec![(lease.token, retry)]).unwrap();
    let lease = take(&store).remove(0);
    store.append_log(&job, 2, b"second\n").unwrap();
    let part = store.read_log(&id, &task, 0, 100).unwrap();
    assert_eq!((part.bytes.as_slice(), part.next, part.is_complete), (&b"first\nsecond\n"[..], 13, false));
    store.settle(vec![(lease.token, Disposition::Finish(passed(&store)))]).unwrap();
    let whole = b"first\nsecond\n";
    for offset in 0..=13_usize {
        let mut read = Vec::new();
        let mut at = offset as u64;
        loop {
            let part = store.read_log(&id, &task, at, 4).unwrap();
            read.extend(part.bytes);
            at = part.next;
            if part.is_complete {
                break;
            }
        }
        assert_eq!(read, whole[offset..], "{offset}");
    }
    let attempts = store.document(&id).unwrap().scenarios[0].tasks[0].attempts.clone();
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(attempts[0].class, Some(assay_model::run::ErrorClass::Infrastructure));
}

#[test]
fn a_document_says_of_each_task_what_it_is_doing_and_what_is_next() {
    let folder = Folder::new();
    let id = run("run-a");
    let store = folder.open();
    store.create(&id, &outline(&["ready", "running", "waiting", "done", "pending", "skipped"])).unwrap();
    store.offer(["running", "waiting", "done"].map(|task| job(&id, task)).to_vec()).unwrap();
    let leases = take(&store);
    store.offer(vec![job(&id, "ready")]).unwrap();
    let mut state = assay_model::run::WaitingState::new(assay_model::run::Verb::Poll, Vec::new());
    state.native = "BUILDING\u{1b}[2J".to_owned();
    let result = TaskResult {
        results: [("r".to_owned(), ParamValue::Items(vec!["x".to_owned()]))].into(),
        usage: Usage { wall_ms: 7, ..Usage::default() },
        ..passed(&store)
    };
    store
        .settle(vec![
            (leases[1].token.clone(), Disposition::Wait { after: Duration::from_secs(5), state }),
            (leases[2].token.clone(), Disposition::Finish(result.clone())),
        ])
        .unwrap();
    let skipped =
        StateRecord::new(RunState::Skipped, store.clock.now()).because(Cause::new("when", "it was not needed"));
    let task = TaskId::new("s", "skipped");
    store.apply(vec![RecordChange::Task { run: id.clone(), task, state: skipped }]).unwrap();
    let document = store.document(&id).unwrap();
    let tasks = &document.scenarios[0].tasks;
    let states: Vec<_> = tasks.iter().map(|task| (task.name.as_str(), task.state)).collect();
    assert_eq!(
        states,
        [
            ("ready", RunState::Queued),
            ("running", RunState::Running),
            ("waiting", RunState::Waiting),
            ("done", RunState::Passed),
            ("pending", RunState::Pending),
            ("skipped", RunState::Skipped)
        ]
    );
    for task in tasks {
        assert_eq!(task.next.is_none(), task.state.is_final(), "{task:?}");
    }
    assert!(!serde_json::to_string(&document).unwrap().contains('\u{1b}'));
    assert_eq!(tasks[3].results, result.results);
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<assay_model::run::RunDocument>(&text).unwrap(), document);
}

#[test]
fn a_final_state_is_never_replaced() {
    let folder = Folder::new();
    let id = run("run-a");
    let store = folder.open();
    store.create(&id, &outline(&["a"])).unwrap();
    let changes = |state| {
        let record = StateRecord::new(state, store.clock.now());
        vec![
            RecordChange::Run { run: id.clone(), state: record.clone(), verdict: None },
            RecordChange::Scenario { run: id.clone(), scenario: "s".to_owned(), state: record.clone() },
            RecordChange::Task { run: id.clone(), task: TaskId::new("s", "a"), state: record },
        ]
    };
    for state in [RunState::Running, RunState::Canceled, RunState::Running, RunState::Passed] {
        store.apply(changes(state)).unwrap();
    }
    let document = store.document(&id).unwrap();
    let scenario = &document.scenarios[0];
    assert_eq!([document.state, scenario.state, scenario.tasks[0].state], [RunState::Canceled; 3]);
    let unknown = RecordChange::Run {
        run: run("x"),
        state: StateRecord::new(RunState::Passed, store.clock.now()),
        verdict: None,
    };
    assert!(matches!(store.apply(vec![unknown]), Err(StoreError::NotFound(_))));
}

#[test]
fn pages_go_through_all_runs_from_the_newest_on() {
    let folder = Folder::new();
    let store = folder.open();
    let names: Vec<_> = (0..23).map(|number| format!("run-{number}")).collect();
    for name in &names {
        store.create(&run(name), &outline(&[])).unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(after.as_deref(), 5).unwrap();
        assert!(page.runs.len() <= 5);
        seen.extend(page.runs.into_iter().map(|run| run.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, names.iter().rev().cloned().collect::<Vec<_>>());
    assert!(matches!(store.list(Some("x"), 5), Err(StoreError::Invalid(_))));
}

#[test]
fn garbage_is_collected_by_age_and_count_and_pins_and_open_runs_stay() {
    let folder = Folder::new();
    let store = folder.open();
    let shared = store.put(b"shared").unwrap();
    let mut own = Vec::new();
    for number in 0..6_u32 {
        let id = run(&format!("run-{number}"));
        store.create(&id, &outline(&["a"])).unwrap();
        store.offer(vec![job(&id, "a")]).unwrap();
        let lease = take(&store).remove(0);
        store.append_log(&lease.job, 1, b"log").unwrap();
        own.push(store.put(format!("own {number}").as_bytes()).unwrap());
        let artifact = |digest: &Digest| Artifact {
            name: "f".to_owned(),
            media_type: "text/plain".to_owned(),
            digest: digest.clone(),
            size: 3,
        };
        let artifacts = vec![artifact(&shared), artifact(own.last().unwrap())];
        let result = TaskResult { artifacts, ..passed(&store) };
        store.settle(vec![(lease.token, Disposition::Finish(result))]).unwrap();
        if number != 1 {
            finish_run(&store, &id);
        }
        store.save_snapshot("g", "n", &format!("{{\"n\":{number}}}")).unwrap();
        folder.clock.advance(Duration::from_secs(3_600));
    }
    store.pin_run(&run("run-0"), true).unwrap();
    store.pin_snapshot(&Digest::of(b"{\"n\":0}"), true).unwrap();
    let policy = RetentionPolicy { max_age: None, max_count: Some(2) };
    let planned = store.collect_garbage(&policy, true).unwrap();
    assert_eq!(planned.runs, ["run-2", "run-3"]);
    assert_eq!(store.list(None, 10).unwrap().runs.len(), 6, "a dry run removes nothing");
    let collected = store.collect_garbage(&policy, false).unwrap();
    assert_eq!((&collected.runs, &collected.snapshots), (&planned.runs, &planned.snapshots));
    assert_eq!((collected.snapshots.len(), collected.blobs), (3, 2));
    let left: Vec<_> = store.list(None, 10).unwrap().runs.into_iter().map(|run| run.id.to_string()).collect();
    assert_eq!(left, ["run-5", "run-4", "run-1", "run-0"]);
    let there: Vec<_> = own.iter().map(|digest| store.contains(digest).unwrap()).collect();
    assert_eq!(there, [true, true, false, false, true, true]);
    assert!(store.contains(&shared).unwrap());
    assert!(!store.log_folder(&run("run-2")).exists() && store.log_folder(&run("run-4")).exists());
    let policy = RetentionPolicy { max_age: Some(Duration::from_secs(5_400)), max_count: None };
    assert_eq!(store.collect_garbage(&policy, false).unwrap().runs, ["run-4"]);
}

#[test]
fn a_second_result_that_says_something_else_is_kept_beside_the_first() {
    let folder = Folder::new();
    let id = run("run-a");
    let store = folder.open();
    store.create(&id, &outline(&["a"])).unwrap();
    store.offer(vec![job(&id, "a")]).unwrap();
    let lease = take(&store).remove(0);
    let failed = TaskResult { state: RunState::Failed, ..passed(&store) };
    for result in [passed(&store), failed] {
        store.settle(vec![(lease.token.clone(), Disposition::Finish(result))]).unwrap();
    }
    let kept: i64 = store
        .read(|connection| connection.query_row("SELECT count(*) FROM other_result", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(kept, 1);
    assert_eq!(store.result(&lease.token.key).unwrap().unwrap().state, RunState::Passed);
}

#[test]
fn a_request_that_fails_leaves_the_others_of_its_transaction_alone() {
    let folder = Folder::new();
    let id = run("run-a");
    let store = Arc::new(folder.open());
    store.create(&id, &outline(&["a"])).unwrap();
    let huge = TaskResult {
        results: [("r".to_owned(), ParamValue::Text("x".repeat(assay_model::run::RESULT_BYTES)))].into(),
        ..passed(&store)
    };
    store.offer(vec![job(&id, "a"), job(&id, "b")]).unwrap();
    let leases = take(&store);
    let settle = |lease: &assay_model::port::Lease, result: TaskResult| {
        let (store, token) = (Arc::clone(&store), lease.token.clone());
        std::thread::spawn(move || store.settle(vec![(token, Disposition::Finish(result))]))
    };
    let (bad, good) = (settle(&leases[0], huge), settle(&leases[1], passed(&store)));
    assert!(matches!(bad.join().unwrap(), Err(StoreError::Invalid(_))));
    assert!(good.join().unwrap().is_ok());
    assert_eq!(store.depth().unwrap().leased, 1);
}

#[test]
fn queries_of_the_queue_use_their_indexes() {
    let folder = Folder::new();
    let store = folder.open();
    for sql in [
        "SELECT key FROM job WHERE state = 0 ORDER BY class DESC, seq LIMIT 5",
        "SELECT 1 FROM job WHERE state = 0 LIMIT 1",
        "SELECT min(due) AS at FROM job WHERE state = 1",
        "SELECT min(lease_until) FROM job WHERE state = 2",
        crate::queue::WAKE_DUE,
        crate::queue::WAKE_LOST,
        "SELECT id FROM run WHERE ended IS NULL AND supersedes = 'x' ORDER BY seq LIMIT 10",
        "SELECT id, cancel FROM run WHERE cancel IS NOT NULL AND ended IS NULL ORDER BY seq LIMIT 10",
    ] {
        let plan: Vec<String> = store
            .read(|connection| {
                let sql = sql.replace("?1", "5").replace("?2", "5");
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                statement.query_map([], |row| row.get(3))?.collect()
            })
            .unwrap();
        let text = plan.join("; ");
        assert!(text.contains("INDEX") && !text.contains("TEMP B-TREE"), "{sql}: {text}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_with_a_hint() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let inside = Utf8Path::from_path(file.path()).unwrap().join("store");
    let error = Store::open(&inside, StoreOptions::new(StoreMode::Coordinator)).unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[test]
fn only_jobs_of_the_runs_that_are_requested_are_taken() {
    let folder = Folder::new();
    let store = folder.open();
    let ids = ["run-a", "run-b"].map(run);
    for id in &ids {
        store.create(id, &outline(&["a"])).unwrap();
        store.offer(vec![job(id, "a")]).unwrap();
    }
    let take = |runs: Vec<RunId>| {
        let request = TakeRequest { worker: "w".to_owned(), max: 10, lease: Duration::from_secs(30), runs };
        store.take(&request, Duration::ZERO).unwrap().into_iter().map(|lease| lease.job.run).collect::<Vec<_>>()
    };
    assert_eq!(take(vec![ids[1].clone()]), [ids[1].clone()]);
    assert!(take(vec![ids[1].clone(), run("run-c")]).is_empty());
    assert_eq!(take(ids.to_vec()), [ids[0].clone()]);
}
