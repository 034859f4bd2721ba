//! A reporter reads the events of a run, and names what it wrote.

use std::{sync::Arc, sync::LazyLock};

use super::*;
use crate::{CallTime, EventLog, Plugin, StoredEvent, test_support::load};

static HOSTILE: LazyLock<Plugin> = LazyLock::new(|| load("tests/guests/hostile-reporter"));

struct Five;

impl EventLog for Five {
    fn after(&self, number: u64, limit: u32) -> Result<Vec<StoredEvent>, EvaluationError> {
        let event = |number| StoredEvent { number, at: 0, document: format!("{{\"n\":{number}}}") };
        Ok((number + 1..=5).take(usize::try_from(limit).unwrap()).map(event).collect())
    }
}

fn render(what: &str) -> Result<(Vec<String>, Effects), EvaluationError> {
    let params = [("do".to_owned(), what.to_owned())];
    let options = JobOptions { params: &params, events: Some(Arc::new(Five)), ..JobOptions::default() };
    let time = CallTime::first("2026-11-24T12:00:00Z".parse().unwrap());
    Reporter::new(&HOSTILE, options).unwrap().render(time).result.map_err(|failed| failed.error)
}

#[test]
fn a_reporter_reads_all_events_and_writes_an_artifact() {
    let (names, effects) = render("").unwrap();
    assert_eq!(names, ["events.txt"]);
    let text = String::from_utf8(effects.artifacts.first().unwrap().bytes.clone()).unwrap();
    assert_eq!(text.lines().count(), 5);
    assert!(text.ends_with("5 {\"n\":5}\n"), "{text}");
}

#[test]
fn an_artifact_that_was_not_written_is_a_contradiction() {
    let error = render("lie").unwrap_err();
    assert_eq!(error.code, ErrorCode::PluginContradiction);
    assert!(error.message.contains("`unwritten.txt`"), "{error}");
}
