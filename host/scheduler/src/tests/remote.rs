//! Jobs of third parties: canceled however their task ends, retried by failures in a row, and counted by tokens.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use assay_model::{
    port::{CallResult, RunRecord as _},
    run::{ErrorClass, PluginRef, RunDocument, RunState, Verb, WaitingState},
};

use super::support::{Folder, Plugin, error, plugin, request, scenario, task, verdict};
use crate::{RunRequest, ServiceLimit, Stop};

fn remote(count: usize) -> RunRequest {
    let tasks = (0..count).map(|number| task(&format!("t{number}"), &[])).collect();
    let mut plan = request(vec![scenario("s", tasks)]);
    plan.plugins = BTreeMap::from([("noop".to_owned(), PluginRef { is_adapter: true, ..plugin() })]);
    plan
}

fn waiting(verb: Verb, state: &str) -> CallResult {
    let state = WaitingState {
        native: "BUILDING".to_owned(),
        remote_id: Some("17".to_owned()),
        ..WaitingState::new(verb, state.as_bytes().to_vec())
    };
    CallResult::Waiting { state, after: Duration::from_millis(1) }
}

fn run(plan: RunRequest, executor: &Plugin) -> RunDocument {
    let folder = Folder::new();
    let store = folder.open();
    let id = plan.run_id().unwrap();
    folder.scheduler(&store, executor).run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    store.document(&id).unwrap()
}

#[test]
fn a_job_whose_task_ends_with_an_error_is_canceled_until_the_third_party_says_so() {
    let cancels = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&cancels);
    let executor = Plugin::new(move |call, _| match call.verb {
        Verb::Submit => waiting(Verb::Poll, "1"),
        Verb::Cancel => {
            assert_eq!(call.waiting.unwrap().state, b"1");
            match seen.fetch_add(1, Ordering::SeqCst) {
                0 => error(ErrorClass::Infrastructure),
                1 | 2 => waiting(Verb::Cancel, "1"),
                _ => CallResult::Canceled { refused: None },
            }
        }
        _ => error(ErrorClass::Auth),
    });
    let document = run(remote(1), &executor);
    let task = &document.scenarios[0].tasks[0];
    assert_eq!((task.state, cancels.load(Ordering::SeqCst)), (RunState::Error, 4));
    assert_eq!(task.cause.as_ref().unwrap().code, "auth");
    let remote = task.remote.as_ref().unwrap();
    assert_eq!((remote.service.as_str(), remote.id.as_deref()), ("noop", Some("17")));
}

#[test]
fn what_a_third_party_says_about_canceling_is_in_the_cause() {
    for (answer, says) in [
        (CallResult::Canceled { refused: Some("it has ended".to_owned()) }, "refused to cancel its job: it has ended"),
        (error(ErrorClass::Auth), "its job may still run"),
    ] {
        let executor = Plugin::new(move |call, _| match call.verb {
            Verb::Submit => waiting(Verb::Poll, ""),
            Verb::Cancel => answer.clone(),
            _ => error(ErrorClass::Invalid),
        });
        let document = run(remote(1), &executor);
        let cause = document.scenarios[0].tasks[0].cause.clone().unwrap();
        assert!(cause.message.contains(says), "{cause:?}");
    }
}

#[test]
fn a_job_that_was_refused_at_the_first_attempt_is_not_canceled_and_one_that_may_exist_is() {
    for (class, cancels) in
        [(ErrorClass::Invalid, 0), (ErrorClass::Auth, 0), (ErrorClass::Lost, 1), (ErrorClass::Infrastructure, 1)]
    {
        let seen = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&seen);
        let executor = Plugin::new(move |call, _| match call.verb {
            Verb::Cancel => {
                assert_eq!(call.waiting, None);
                count.fetch_add(1, Ordering::SeqCst);
                CallResult::Canceled { refused: None }
            }
            _ => error(class),
        });
        assert_eq!(run(remote(1), &executor).scenarios[0].tasks[0].state, RunState::Error);
        assert_eq!(seen.load(Ordering::SeqCst), cancels, "{class:?}");
    }
}

#[test]
fn of_a_long_job_failures_in_a_row_count() {
    let calls = AtomicU32::new(0);
    let executor = Plugin::new(move |call, _| match call.verb {
        Verb::Submit => waiting(Verb::Poll, ""),
        Verb::Cancel => CallResult::Canceled { refused: None },
        _ => match calls.fetch_add(1, Ordering::SeqCst) {
            60.. => verdict(RunState::Passed),
            call if call % 2 == 0 => error(ErrorClass::Infrastructure),
            _ => waiting(Verb::Poll, ""),
        },
    });
    assert_eq!(run(remote(1), &executor).scenarios[0].tasks[0].state, RunState::Passed);
}

#[test]
fn no_more_jobs_are_with_a_service_than_it_has_tokens_and_all_of_them_end() {
    let open: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let most = Arc::new(AtomicU32::new(0));
    let (now, peak) = (Arc::clone(&open), Arc::clone(&most));
    let executor = Plugin::new(move |call, _| match call.verb {
        Verb::Submit => {
            let mut now = now.lock().unwrap();
            now.insert(call.job.task.to_string());
            peak.fetch_max(u32::try_from(now.len()).unwrap(), Ordering::SeqCst);
            waiting(Verb::Poll, "")
        }
        _ => {
            now.lock().unwrap().remove(&call.job.task.to_string());
            verdict(RunState::Passed)
        }
    });
    let folder = Folder::new();
    let store = folder.open();
    let plan = remote(20);
    let id = plan.run_id().unwrap();
    let mut scheduler = folder.scheduler(&store, &executor);
    scheduler.settings.services =
        BTreeMap::from([("noop".to_owned(), ServiceLimit { group: "farm".to_owned(), max: 3 })]);
    scheduler.run(vec![plan], &Stop::default(), &mut |_| {}).unwrap();
    let document = store.document(&id).unwrap();
    assert!(document.scenarios[0].tasks.iter().all(|task| task.state == RunState::Passed), "{document:?}");
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)), "{most:?}");
}
