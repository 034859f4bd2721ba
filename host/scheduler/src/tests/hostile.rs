//! What the machine or a plugin may do to a run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use assay_konflux::plan::Timeouts;
use assay_model::{
    outcome::Verdict,
    port::{CallResult, Clock, RunRecord as _, TaskVerdict, Wakeup},
    run::{ErrorClass, ParamValue, RunState},
};
use assay_store::{Store, StoreMode, StoreOptions, SystemClock};
use jiff::{SignedDuration, Timestamp};

use super::support::{Folder, Plugin, error, finally_task, matrix_of, request, scenario, task, verdict};
use crate::{Scheduler, Stop, check_history};

/// A clock whose wall clock someone sets.
struct Jumping {
    clock: SystemClock,
    seconds: AtomicI64,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        self.clock.now() + SignedDuration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn origin(&self) -> &str {
        self.clock.origin()
    }

    fn wait(&self, wakeup: &Wakeup, seen: u64, until: Duration) {
        self.clock.wait(wakeup, seen, until);
    }
}

#[test]
fn a_wall_clock_that_jumps_by_a_day_uses_up_no_budget_and_loses_nothing() {
    const DAY: i64 = 24 * 3600;
    let folder = Folder::new();
    let clock = Arc::new(Jumping { clock: SystemClock::new(), seconds: AtomicI64::new(0) });
    let options = StoreOptions { clock: Arc::clone(&clock) as _, ..StoreOptions::new(StoreMode::Coordinator) };
    let store = Store::open(&folder.path, options).unwrap();
    let calls = Arc::new(AtomicU32::new(0));
    let plugin = {
        let (clock, calls) = (Arc::clone(&clock), Arc::clone(&calls));
        Plugin::new(move |call, _| {
            let number = calls.fetch_add(1, Ordering::Relaxed);
            clock.seconds.fetch_add(if number % 2 == 0 { DAY } else { -2 * DAY }, Ordering::Relaxed);
            if call.attempt == 1 && call.job.task.task == "b" {
                error(ErrorClass::Infrastructure)
            } else {
                verdict(RunState::Passed)
            }
        })
    };
    let mut plan =
        request(vec![scenario("s", vec![task("a", &[]), task("b", &["a"]), task("c", &["b"]), finally_task("f")])]);
    let limit = Some(600_000);
    plan.plan.scenarios[0].timeouts = Timeouts { pipeline: limit, tasks: limit, finally_tasks: limit };
    let plain = folder.scheduler(&store, &plugin);
    let scheduler = Scheduler { clock: clock.as_ref(), ..plain };
    let ends = scheduler.run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!((ends[0].state, ends[0].verdict), (RunState::Passed, Some(Verdict::Allowed)));
    assert_eq!(calls.load(Ordering::Relaxed), 5);
    check_history(&store, &ends[0].id).unwrap();
}

/// A matrix of a result has the limit of one that is written down.
#[test]
fn a_matrix_of_a_result_with_a_million_items_is_one_error() {
    let folder = Folder::new();
    let store = folder.open();
    let plugin = Plugin::new(|call, _| {
        assert_eq!(call.job.task.task, "list", "no cell is started");
        let items = ParamValue::Items(vec!["x".to_owned(); 1_000_000]);
        CallResult::Done(TaskVerdict {
            state: RunState::Passed,
            cause: None,
            results: [("r".to_owned(), items)].into(),
            artifacts: Vec::new(),
            usage: assay_model::run::Usage::default(),
        })
    });
    let plan = request(vec![scenario("s", vec![task("list", &[]), matrix_of("cells", "list")])]);
    let ends = folder.scheduler(&store, &plugin).run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!(ends[0].verdict, Some(Verdict::Error));
    check_history(&store, &ends[0].id).unwrap();
    let document = store.document(&ends[0].id).unwrap();
    let causes: Vec<_> = document.scenarios[0].tasks.iter().filter_map(|task| task.cause.clone()).collect();
    assert!(causes.iter().any(|cause| cause.message.contains("256") || cause.message.contains("limit")), "{causes:?}");
}

#[test]
fn a_parameter_of_eight_megabytes_is_one_error() {
    let folder = Folder::new();
    let store = folder.open();
    let plugin = Plugin::new(|_, _| verdict(RunState::Passed));
    let mut large = task("large", &[]);
    let text = assay_konflux::plan::Template::of("x".repeat(8 << 20));
    large.params = vec![("p".to_owned(), assay_konflux::plan::ParamPlan::Text(text))];
    let plan = request(vec![scenario("s", vec![large, task("other", &[])])]);
    let ends = folder.scheduler(&store, &plugin).run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!(ends[0].verdict, Some(Verdict::Error));
    let document = store.document(&ends[0].id).unwrap();
    let cause = document.scenarios[0].tasks[0].cause.clone().unwrap();
    assert!(cause.message.contains("8388609 bytes; the limit is"), "{cause:?}");
    check_history(&store, &ends[0].id).unwrap();
}
