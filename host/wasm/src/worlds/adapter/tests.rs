//! An adapter as a state machine: each call in an instance of its own, with a state between them.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

use assay_model::error::ErrorCode;

use super::*;
use crate::{Artifact, CallTime, CaseCounts, CheckpointStore, Effects, FaultKind, Outcome, Plugin, test_support::load};

static HOSTILE: LazyLock<Plugin> = LazyLock::new(|| load("tests/guests/hostile-adapter"));

#[derive(Default)]
struct Notes(Mutex<BTreeMap<String, Vec<u8>>>);

impl CheckpointStore for Notes {
    fn all(&self) -> Result<Vec<(String, Vec<u8>)>, EvaluationError> {
        Ok(self.0.lock().unwrap().clone().into_iter().collect())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), EvaluationError> {
        self.0.lock().unwrap().insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}

fn adapter(what: &str, notes: Option<Arc<Notes>>) -> Adapter {
    let params = [("do".to_owned(), what.to_owned())];
    let checkpoint = notes.map(|notes| notes as Arc<dyn CheckpointStore>);
    Adapter::new(&HOSTILE, JobOptions { params: &params, checkpoint, ..JobOptions::default() }).unwrap()
}

fn now() -> CallTime {
    CallTime::first("2026-11-24T12:00:00Z".parse().unwrap())
}

/// Makes the effects of a call real, as a store does.
fn commit(before: &Before, effects: Effects) -> Before {
    let mut artifacts: Vec<Artifact> = before.artifacts.to_vec();
    for staged in effects.artifacts {
        let found = artifacts.iter_mut().find(|artifact| artifact.name == staged.name);
        match found {
            Some(artifact) => artifact.bytes = [&*artifact.bytes, &staged.bytes].concat().into(),
            None => artifacts.push(Artifact {
                name: staged.name,
                media_type: staged.media_type,
                bytes: staged.bytes.into(),
            }),
        }
    }
    let mut cases: CaseCounts = before.cases;
    effects.cases.iter().for_each(|case| cases.add(case.outcome));
    Before { artifacts: artifacts.into(), cases }
}

#[test]
fn a_remote_job_is_submitted_polled_and_collected_by_instances_that_know_its_state_alone() {
    let adapter = adapter("", Some(Arc::default()));
    let mut before = Before::default();
    let (status, _) = adapter.submit(now(), &before).result.unwrap();
    let Status::Waiting(mut waiting) = status else { panic!("it has ended") };
    assert_eq!(waiting.after, Duration::from_secs(1), "not sooner, whatever the plugin wants");
    assert_eq!((waiting.native.as_str(), waiting.url.as_deref()), ("QUEUED\\u{1b}[31m", None));
    let mut state = loop {
        match adapter.poll(now(), &before, &waiting.state).result.unwrap().0 {
            Status::Waiting(next) => waiting = next,
            Status::Ended(state) => break state,
        }
    };
    let verdict = loop {
        let (collected, effects) = adapter.collect(now(), &before, &state).result.unwrap();
        before = commit(&before, effects);
        match collected {
            Collected::More(next) => state = next,
            Collected::Done(verdict) => break verdict,
        }
    };
    assert_eq!((verdict.outcome, verdict.successes, verdict.failures), (Outcome::Failure, 2, 1), "of all calls");
    assert_eq!(verdict.note, "part 0\\npart 1\\npart 2\\n");
    assert_eq!(before.artifacts.first().unwrap().bytes.as_ref(), b"part 0\npart 1\npart 2\n");
}

#[test]
fn a_note_outlives_the_call_that_trapped_after_it() {
    let notes = Arc::new(Notes::default());
    let adapter = adapter("trap-after-note", Some(Arc::clone(&notes)));
    let error = adapter.submit(now(), &Before::default()).result.unwrap_err().error;
    assert_eq!(error.code, ErrorCode::PluginTrap);
    assert_eq!(notes.0.lock().unwrap().len(), 1);
    // The next attempt finds the job and submits nothing.
    assert!(matches!(adapter.submit(now(), &Before::default()).result.unwrap().0, Status::Waiting(_)));
}

#[test]
fn a_state_is_bounded_and_the_message_names_the_limit() {
    for what in ["large", "medium"] {
        let error = adapter(what, Some(Arc::default())).submit(now(), &Before::default()).result.unwrap_err().error;
        let is_refused = matches!(error.code, ErrorCode::PluginQuota | ErrorCode::PluginTrap);
        assert!(is_refused, "{error:?}");
        if what == "medium" {
            assert!(error.hint.unwrap().contains("`state-kib`"));
        }
    }
    let Status::Waiting(waiting) = adapter("never", None).submit(now(), &Before::default()).result.unwrap().0 else {
        panic!("it has ended")
    };
    assert_eq!(waiting.after, Duration::from_secs(900), "not later than a quarter of an hour");
}

#[test]
fn notes_are_bounded_and_need_a_place() {
    let error = adapter("keys", Some(Arc::default())).submit(now(), &Before::default()).result.unwrap_err().error;
    assert!(error.message.contains("32 keys"), "{error}");
    let error = adapter("", None).submit(now(), &Before::default()).result.unwrap_err().error;
    assert_eq!(error.code, ErrorCode::PluginDenied);
    assert!(error.hint.unwrap().contains("`checkpoint`"));
}

#[test]
fn a_job_is_canceled_with_or_without_a_state() {
    let adapter = adapter("", None);
    let cancel = |state: Option<&[u8]>| adapter.cancel(now(), &Before::default(), state, "why").result.unwrap().0;
    assert_eq!(cancel(None), Cancellation::Canceled);
    assert_eq!(cancel(Some(b"")), Cancellation::Refused("why".to_owned()));
    assert!(matches!(cancel(Some(b"x")), Cancellation::Pending(Waiting { after, .. }) if after.as_secs() == 5));
}

#[test]
fn a_lost_job_is_an_error_of_that_kind() {
    let failed = adapter("lost", None).poll(now(), &Before::default(), &[1]).result.unwrap_err();
    assert_eq!(failed.fault, Some(FaultKind::Lost));
    assert!(failed.error.message.contains("lost its remote job: the queue has no such item"), "{failed}");
}
