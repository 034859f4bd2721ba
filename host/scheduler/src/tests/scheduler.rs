//! The threads, on a real store.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use assay_konflux::plan::{TaskPlan, Timeouts, Work};
use assay_model::{
    digest::Digest,
    outcome::Verdict,
    port::{CallResult, Clock as _, Queue as _, RunRecord as _},
    run::{Change, ErrorClass, ParamValue, PluginRef, RunState, TaskId, Verb, WaitingState},
};

use super::support::{Folder, Plugin, error, finally_task, plugin, request, scenario, task, verdict};
use crate::{RunRequest, SchedulerError, Stop, check_history};

fn many(name: &str, count: usize) -> RunRequest {
    let mut plan = request(vec![scenario("s", (0..count).map(|number| task(&format!("t{number}"), &[])).collect())]);
    plan.plan.snapshot.name = name.to_owned();
    plan.tenant = name.to_owned();
    plan
}

#[test]
fn a_run_ends_with_a_record_that_holds_together_and_is_not_run_again() {
    let folder = Folder::new();
    let store = folder.open();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let plugin = Plugin::new(move |call, context| {
        counted.fetch_add(1, Ordering::Relaxed);
        context.log(format!("{}\n", call.job.task).as_bytes()).unwrap();
        verdict(RunState::Passed)
    });
    let plan = request(vec![scenario("s", vec![task("a", &[]), task("b", &["a"]), finally_task("f")])]);
    let scheduler = folder.scheduler(&store, &plugin);
    let mut events = Vec::new();
    let ends = scheduler.run(vec![plan.clone()], &Stop::default(), &mut |event| events.push(event.clone())).unwrap();
    assert_eq!((ends.len(), ends[0].state, ends[0].verdict), (1, RunState::Passed, Some(Verdict::Allowed)));
    check_history(&store, &ends[0].id).unwrap();
    let log = store.read_log(&ends[0].id, &TaskId::new("s", "b"), 0, 100).unwrap();
    assert_eq!((log.bytes.as_slice(), log.is_complete), (&b"s/b\n"[..], true));
    let stored: Vec<_> = store.events(&ends[0].id, 0, 1_000).unwrap().into_iter().map(|(_, event)| event).collect();
    assert_eq!(stored, events, "what is reported is what is stored");
    assert!(matches!(events.last().unwrap().change, Change::Ended { verdict: Verdict::Allowed, .. }));
    assert!(events.iter().filter(|event| event.budget.is_some()).count() >= 6, "who used which budget");
    let again = scheduler.run(vec![plan.clone()], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!((again, calls.load(Ordering::Relaxed)), (ends.clone(), 3));
    let rerun = RunRequest { round: 1, ..plan };
    let other = scheduler.run(vec![rerun], &Stop::default(), &mut |_| {}).unwrap();
    assert_ne!(other[0].id, ends[0].id);
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

#[test]
fn infrastructure_is_retried_and_failures_only_if_the_plan_says_so() {
    let folder = Folder::new();
    let store = folder.open();
    let counts: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let counted = Arc::clone(&counts);
    let plugin = Plugin::new(move |call, _| {
        let name = call.job.task.task.clone();
        let count = {
            let mut counts = counted.lock().unwrap();
            let count = counts.entry(name.clone()).or_default();
            *count += 1;
            *count
        };
        assert_eq!(call.attempt, count);
        match name.as_str() {
            "flaky" if count < 3 => error(ErrorClass::Infrastructure),
            "away" => error(ErrorClass::Infrastructure),
            "invalid" => error(ErrorClass::Invalid),
            "fails" | "fails-thrice" => verdict(RunState::Failed),
            _ => verdict(RunState::Passed),
        }
    });
    let lenient = |name: &str| TaskPlan { on_error: assay_konflux::plan::OnError::Continue, ..task(name, &[]) };
    let tasks = vec![
        lenient("flaky"),
        lenient("away"),
        lenient("invalid"),
        lenient("fails"),
        TaskPlan { retries: 2, ..lenient("fails-thrice") },
    ];
    let ends = folder
        .scheduler(&store, &plugin)
        .run(vec![request(vec![scenario("s", tasks)])], &Stop::default(), &mut |_| {})
        .unwrap();
    let want = [("away", 4), ("fails", 1), ("fails-thrice", 3), ("flaky", 3), ("invalid", 1)];
    assert_eq!(*counts.lock().unwrap(), want.map(|(name, count)| (name.to_owned(), count)).into());
    let document = store.document(&ends[0].id).unwrap();
    let states: BTreeMap<_, _> = document.scenarios[0]
        .tasks
        .iter()
        .map(|task| (task.name.as_str(), (task.state, task.attempts.len())))
        .collect();
    assert_eq!(states["flaky"], (RunState::Passed, 3));
    assert_eq!(states["away"], (RunState::Error, 4));
    assert_eq!(states["invalid"], (RunState::Error, 1));
    assert_eq!(states["fails-thrice"], (RunState::Failed, 3));
    check_history(&store, &ends[0].id).unwrap();
}

#[test]
fn an_adapter_is_called_in_steps_with_the_state_of_the_step_before() {
    let folder = Folder::new();
    let store = folder.open();
    let plugin = Plugin::new(|call, _| {
        let next = |verb, text: &str| CallResult::Waiting {
            state: WaitingState { native: "BUILDING".to_owned(), ..WaitingState::new(verb, text.as_bytes().to_vec()) },
            after: Duration::ZERO,
        };
        assert_eq!(call.attempt, 1);
        let before = call.waiting.map(|waiting| String::from_utf8(waiting.state.clone()).unwrap());
        match (&call.verb, before.as_deref()) {
            (Verb::Submit, None) => next(Verb::Poll, "1"),
            (Verb::Poll, Some("1")) => next(Verb::Poll, "2"),
            (Verb::Poll, Some("2")) => next(Verb::Collect, "3"),
            (Verb::Collect, Some("3")) => verdict(RunState::Passed),
            other => panic!("{other:?}"),
        }
    });
    let mut plan = request(vec![scenario("s", vec![task("a", &[])])]);
    plan.plugins = BTreeMap::from([("noop".to_owned(), PluginRef { is_adapter: true, ..self::plugin() })]);
    let mut words = Vec::new();
    let ends = folder
        .scheduler(&store, &plugin)
        .run(vec![plan], &Stop::default(), &mut |event| {
            if let (Change::State { state, .. }, Some(_)) = (&event.change, &event.task) {
                words.push(state.as_str());
            }
        })
        .unwrap();
    assert_eq!(ends[0].verdict, Some(Verdict::Allowed));
    assert_eq!(words.first(), Some(&"queued"));
    assert!(words.contains(&"waiting"));
    assert_eq!(words.last(), Some(&"passed"));
}

#[test]
fn a_panic_or_a_result_that_is_too_large_is_one_task_s_error() {
    let folder = Folder::new();
    let store = folder.open();
    let plugin = Plugin::new(|call, _| match call.job.task.task.as_str() {
        "panics" => panic!("as the test says"),
        "large" => {
            let CallResult::Done(mut done) = verdict(RunState::Passed) else { unreachable!() };
            done.results = [("r".to_owned(), ParamValue::Text("x".repeat(2 << 20)))].into();
            CallResult::Done(done)
        }
        _ => verdict(RunState::Passed),
    });
    let tasks = ["panics", "large", "fine"]
        .map(|name| TaskPlan { on_error: assay_konflux::plan::OnError::Continue, ..task(name, &[]) });
    let ends = folder
        .scheduler(&store, &plugin)
        .run(vec![request(vec![scenario("s", tasks.to_vec())])], &Stop::default(), &mut |_| {})
        .unwrap();
    let document = store.document(&ends[0].id).unwrap();
    let causes: Vec<_> = document.scenarios[0]
        .tasks
        .iter()
        .map(|task| (task.state, task.cause.as_ref().map(|cause| cause.code.as_str())))
        .collect();
    assert_eq!(
        causes,
        [(RunState::Error, Some("internal")), (RunState::Error, Some("too-large")), (RunState::Passed, None)]
    );
    check_history(&store, &ends[0].id).unwrap();
}

#[test]
fn a_small_tenant_ends_before_a_tenth_of_a_large_one_s_tasks_have() {
    let folder = Folder::new();
    let store = folder.open();
    let large = Arc::new(AtomicU32::new(0));
    let small = Arc::new(AtomicU32::new(0));
    let seen = Arc::new(AtomicU32::new(u32::MAX));
    let plugin = {
        let (large, small, seen) = (Arc::clone(&large), Arc::clone(&small), Arc::clone(&seen));
        Plugin::new(move |call, _| {
            if call.job.tenant == "large" {
                large.fetch_add(1, Ordering::SeqCst);
            } else if small.fetch_add(1, Ordering::SeqCst) == 9 {
                seen.store(large.load(Ordering::SeqCst), Ordering::SeqCst);
            }
            verdict(RunState::Passed)
        })
    };
    let requests = vec![many("large", 1_000), many("small", 10)];
    let ends = folder.scheduler(&store, &plugin).run(requests, &Stop::default(), &mut |_| {}).unwrap();
    assert!(ends.iter().all(|end| end.verdict == Some(Verdict::Allowed)));
    assert_eq!((large.load(Ordering::SeqCst), small.load(Ordering::SeqCst)), (1_000, 10));
    assert!(seen.load(Ordering::SeqCst) < 100, "{seen:?}");
}

#[test]
fn a_stopped_run_goes_on_where_it_was() {
    let folder = Folder::new();
    let plan = many("a", 40);
    let calls: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let stop = Arc::new(Stop::default());
    let plugin = {
        let (calls, stop) = (Arc::clone(&calls), Arc::clone(&stop));
        Plugin::new(move |call, _| {
            let mut calls = calls.lock().unwrap();
            *calls.entry(call.job.task.task.clone()).or_default() += 1;
            if calls.len() == 15 {
                stop.request();
            }
            verdict(RunState::Passed)
        })
    };
    {
        let store = folder.open();
        let ends = folder.scheduler(&store, &plugin).run(vec![plan.clone()], &stop, &mut |_| {}).unwrap();
        assert_eq!(ends[0].verdict, None);
    }
    assert!(calls.lock().unwrap().len() < 40);
    let store = folder.open();
    let ends = folder.scheduler(&store, &plugin).run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!(ends[0].verdict, Some(Verdict::Allowed));
    let calls = calls.lock().unwrap();
    assert_eq!((calls.len(), calls.values().max()), (40, Some(&1)), "nothing was done twice");
    check_history(&store, &ends[0].id).unwrap();
}

#[test]
fn a_run_can_be_canceled_and_superseded_and_a_third_party_learns_of_it() {
    let folder = Folder::new();
    let store = folder.open();
    let canceled = Arc::new(AtomicU32::new(0));
    let plugin = {
        let canceled = Arc::clone(&canceled);
        Plugin::new(move |call, _| match call.verb {
            Verb::Cancel => {
                canceled.fetch_add(1, Ordering::Relaxed);
                verdict(RunState::Passed)
            }
            Verb::Submit | Verb::Poll if call.job.tenant == "old" => CallResult::Waiting {
                state: WaitingState::new(Verb::Poll, Vec::new()),
                after: Duration::from_secs(600),
            },
            _ => verdict(RunState::Passed),
        })
    };
    let with = |name: &str| {
        let mut plan = many(name, 1);
        plan.plugins = BTreeMap::from([("noop".to_owned(), PluginRef { is_adapter: true, ..self::plugin() })]);
        plan.supersedes = Some("pull request 7".to_owned());
        plan
    };
    let old = with("old");
    // The old run is interrupted while the third party works on it.
    let stop = Stop::default();
    let id = old.run_id().unwrap();
    folder
        .scheduler(&store, &plugin)
        .run(vec![old], &stop, &mut |event| {
            if matches!(event.change, Change::State { state: RunState::Waiting, .. }) {
                stop.request();
            }
        })
        .unwrap();
    assert_eq!(store.depth().unwrap().delayed, 1);
    let ends = folder.scheduler(&store, &plugin).run(vec![with("new")], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!((ends.len(), ends[0].verdict), (1, Some(Verdict::Allowed)));
    let document = store.document(&id).unwrap();
    assert_eq!((document.state, canceled.load(Ordering::Relaxed)), (RunState::Canceled, 1));
    assert_eq!(document.cause.unwrap().code, "superseded");
    check_history(&store, &id).unwrap();
}

#[test]
fn a_wish_to_cancel_reaches_a_run_that_goes_on() {
    let folder = Folder::new();
    let store = Arc::new(folder.open());
    let plan = many("a", 1);
    let id = plan.run_id().unwrap();
    let plugin = {
        let (store, id, clock) = (Arc::clone(&store), id.clone(), Arc::clone(&folder.clock));
        Plugin::new(move |_, context| {
            store.request_cancel(&id, "by the test").unwrap();
            let until = clock.elapsed() + Duration::from_secs(60);
            let nothing = assay_model::port::Wakeup::default();
            while !context.is_canceled() {
                assert!(clock.elapsed() < until, "nobody came");
                clock.wait(&nothing, 0, clock.elapsed() + Duration::from_millis(5));
            }
            error(ErrorClass::Plugin)
        })
    };
    let ends = folder.scheduler(&store, &plugin).run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!((ends[0].state, ends[0].verdict), (RunState::Canceled, Some(Verdict::Error)));
    check_history(store.as_ref(), &id).unwrap();
}

#[test]
fn a_time_limit_reaches_a_task_that_runs() {
    let folder = Folder::new();
    let store = folder.open();
    let clock = Arc::clone(&folder.clock);
    let plugin = Plugin::new(move |_, context| {
        let nothing = assay_model::port::Wakeup::default();
        while !context.is_canceled() {
            clock.wait(&nothing, 0, clock.elapsed() + Duration::from_millis(2));
        }
        error(ErrorClass::Timeout)
    });
    let mut plan = many("a", 1);
    plan.plan.scenarios[0].timeouts = Timeouts { tasks: Some(20), ..Timeouts::default() };
    let ends = folder.scheduler(&store, &plugin).run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!((ends[0].state, ends[0].verdict), (RunState::TimedOut, Some(Verdict::Error)));
}

#[test]
fn a_job_that_ends_its_process_again_and_again_is_given_up() {
    let folder = Folder::new();
    let plan = many("a", 1);
    let id = plan.run_id().unwrap();
    // Five processes took the job and ended without a word.
    for _ in 0..5 {
        let store = folder.open();
        store.create(&id, &plan.outline().unwrap()).unwrap();
        let call = assay_model::run::PluginCall {
            plugin: plugin(),
            params: BTreeMap::new(),
            snapshot_params: Vec::new(),
            snapshot_digest: Some(Digest::of(b"{}")),
            timeout_ms: None,
            retries: 0,
        };
        let job = assay_model::run::Job::new(id.clone(), TaskId::new("s", "t0"), plan.priority, "a".to_owned(), call)
            .unwrap();
        store.offer(vec![job]).unwrap();
        let request = assay_model::port::TakeRequest {
            worker: "w".to_owned(),
            max: 1,
            lease: Duration::from_secs(30),
            runs: Vec::new(),
        };
        assert_eq!(store.take(&request, Duration::ZERO).unwrap().len(), 1);
    }
    let store = folder.open();
    let plugin = Plugin::new(|_, _| panic!("it is not called again"));
    let ends = folder.scheduler(&store, &plugin).run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!(ends[0].state, RunState::Error);
    let document = store.document(&id).unwrap();
    assert_eq!(document.scenarios[0].tasks[0].cause.as_ref().unwrap().code, "poisoned");
    check_history(&store, &id).unwrap();
}

#[test]
fn a_task_with_container_steps_or_an_unknown_plugin_is_refused_before_anything_starts() {
    let folder = Folder::new();
    let store = folder.open();
    let plugin = Plugin::new(|_, _| panic!("it is not called"));
    for (work, says) in [
        (
            Work::Tekton { what: "the bundle b".to_owned() },
            "the task `b` of the scenario `s` has container steps (the bundle b)",
        ),
        (Work::Plugin { name: "unknown".to_owned() }, "needs the plugin `unknown`, which is not listed"),
    ] {
        let tasks = vec![task("a", &[]), TaskPlan { work, ..task("b", &[]) }];
        let refused = folder.scheduler(&store, &plugin).run(
            vec![request(vec![scenario("s", tasks)])],
            &Stop::default(),
            &mut |_| {},
        );
        let Err(SchedulerError::Invalid(error)) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains(says), "{error}");
    }
    assert!(store.list(None, 10).unwrap().runs.is_empty());
}
