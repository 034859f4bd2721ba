//! Reports of recorded runs: [`run_junit`] for CI systems and [`run_test_output`], Konflux's `TEST_OUTPUT`.
//!
//! Both follow the verdict: what is optional never makes a report fail, and what could not be carried out is an error and
//! not a failure.

use assay_gocompat::json;
use assay_model::{
    outcome::Verdict,
    run::{Cause, RunDocument, RunState, ScenarioDocument, TaskDocument},
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{sanitize::cut, timestamp::seconds, xml::Xml};

/// A Tekton result shares 4096 bytes with all others of its task; a longer note is cut.
const NOTE_CHARACTERS: usize = 400;

/// A test suite for each scenario, a test case for each task. A task of an optional scenario that did not pass is skipped,
/// with a message that says so.
#[must_use]
pub fn run_junit(run: &RunDocument) -> String {
    let mut xml = Xml::default();
    let suites: Vec<(&ScenarioDocument, Counts)> =
        run.scenarios.iter().map(|scenario| (scenario, Counts::of(scenario))).collect();
    let mut total = Counts::default();
    suites.iter().for_each(|(_, counts)| total.add(*counts));
    let time = |from: Timestamp, to: Option<Timestamp>| {
        let millis = to.map(|to| to.duration_since(from).as_millis().max(0));
        millis.map(|millis| format!("{}.{:03}", millis / 1000, millis % 1000))
    };
    let whole = time(run.started, run.ended);
    total.open(&mut xml, "testsuites", &run.snapshot, ("time", whole.as_deref()));
    let at = seconds(run.started);
    for (scenario, counts) in suites {
        counts.open(&mut xml, "testsuite", &scenario.name, ("timestamp", Some(&at)));
        if scenario.tasks.is_empty() {
            case(&mut xml, &scenario.name, scenario, scenario.state, scenario.cause.as_ref(), None);
        }
        for task in &scenario.tasks {
            let took = task.usage.as_ref().map(|usage| format!("{}.{:03}", usage.wall_ms / 1000, usage.wall_ms % 1000));
            case(&mut xml, &task.name, scenario, task.state, task.cause.as_ref(), took.as_deref());
        }
        xml.close();
    }
    xml.finish()
}

/// What becomes of a task's state in a test case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passed,
    Skipped,
    Failed,
    Error,
}

fn kind(scenario: &ScenarioDocument, state: RunState) -> Kind {
    match state {
        // What an earlier run says counts.
        RunState::Skipped if scenario.state.is_passed() && is_cached(scenario) => Kind::Passed,
        RunState::Passed | RunState::Warned => Kind::Passed,
        RunState::Skipped => Kind::Skipped,
        _ if scenario.optional => Kind::Skipped,
        RunState::Failed | RunState::TimedOut => Kind::Failed,
        _ => Kind::Error,
    }
}

fn is_cached(scenario: &ScenarioDocument) -> bool {
    scenario.cause.as_ref().is_some_and(|cause| cause.code == "cached")
}

#[derive(Clone, Copy, Default)]
struct Counts {
    tests: [usize; 4],
}

impl Counts {
    fn of(scenario: &ScenarioDocument) -> Self {
        let mut counts = Self::default();
        let tasks = scenario.tasks.iter().map(|task: &TaskDocument| task.state);
        let whole = scenario.tasks.is_empty().then_some(scenario.state);
        for state in tasks.chain(whole) {
            counts.count(kind(scenario, state));
        }
        counts
    }

    const fn count(&mut self, kind: Kind) {
        let [passed, skipped, failed, errors] = &mut self.tests;
        match kind {
            Kind::Passed => *passed += 1,
            Kind::Skipped => *skipped += 1,
            Kind::Failed => *failed += 1,
            Kind::Error => *errors += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.tests.iter_mut().zip(other.tests).for_each(|(own, other)| *own += other);
    }

    /// Opens the element with these numbers.
    fn open(self, xml: &mut Xml, element: &'static str, name: &str, more: (&str, Option<&str>)) {
        let [_, skipped, failed, errors] = self.tests.map(|count| count.to_string());
        let tests = self.tests.iter().sum::<usize>().to_string();
        xml.open(
            element,
            &[
                ("name", Some(name)),
                ("tests", Some(&tests)),
                ("failures", Some(&failed)),
                ("errors", Some(&errors)),
                ("skipped", Some(&skipped)),
                more,
            ],
        );
    }
}

fn case(
    xml: &mut Xml,
    name: &str,
    scenario: &ScenarioDocument,
    state: RunState,
    cause: Option<&Cause>,
    time: Option<&str>,
) {
    xml.open("testcase", &[("name", Some(name)), ("classname", Some(&scenario.name)), ("time", time)]);
    let element = match kind(scenario, state) {
        Kind::Passed => None,
        Kind::Skipped => Some("skipped"),
        Kind::Failed => Some("failure"),
        Kind::Error => Some("error"),
    };
    if let Some(element) = element {
        let fact = cause.map_or_else(|| state.as_str().to_owned(), |cause| cause.message.clone());
        let fact = match (element, state) {
            ("skipped", RunState::Skipped) => fact,
            ("skipped", _) => format!("optional, {}: {fact}", state.as_str()),
            _ => fact,
        };
        let code = cause.map(|cause| cause.code.as_str()).filter(|_| element != "skipped");
        let hint = cause.and_then(|cause| cause.hint.as_deref()).map(|hint| format!("\nhint: {hint}"));
        xml.open(element, &[("type", code), ("message", Some(&fact))]);
        xml.cdata(&format!("{fact}{}", hint.unwrap_or_default()));
        xml.close();
    }
    xml.close();
}

#[derive(Serialize)]
struct TestOutput<'a> {
    result: &'static str,
    timestamp: String,
    namespace: &'static str,
    successes: usize,
    failures: usize,
    warnings: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<std::borrow::Cow<'a, str>>,
}

/// `TEST_OUTPUT` over the required scenarios. `now` stands for the end of a run that has none.
///
/// # Errors
/// It cannot be written as JSON, which no document that was read or made here does.
pub fn run_test_output(run: &RunDocument, now: Timestamp) -> Result<String, serde_json::Error> {
    let required = || run.scenarios.iter().filter(|scenario| !scenario.optional);
    let count = |states: &[RunState]| required().filter(|scenario| states.contains(&scenario.state)).count();
    let warnings = count(&[RunState::Warned]);
    let result = match run.verdict {
        Some(Verdict::Allowed) if warnings > 0 => "WARNING",
        Some(Verdict::Allowed) if required().next().is_none() => "SKIPPED",
        Some(Verdict::Allowed) => "SUCCESS",
        Some(Verdict::Denied) => "FAILURE",
        Some(Verdict::Error) | None => "ERROR",
    };
    let first = required().find(|scenario| scenario.state.is_final() && !scenario.state.is_passed());
    let note = first.map(|scenario| {
        let why = scenario.cause.as_ref().map_or("", |cause| cause.message.as_str());
        format!("{}: {}: {why}", scenario.name, scenario.state.as_str())
    });
    let note = note.or_else(|| run.cause.as_ref().map(|cause| cause.message.clone()));
    let document = TestOutput {
        result,
        timestamp: run.ended.unwrap_or(now).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        namespace: "",
        successes: count(&[RunState::Passed]),
        failures: count(&[RunState::Failed, RunState::TimedOut]),
        warnings,
        note: note.as_deref().map(|note| cut(note, NOTE_CHARACTERS).into_owned().into()),
    };
    json::to_string(&document)
}

#[cfg(test)]
mod tests {
    use assay_model::{
        digest::Digest,
        run::{RunId, RunSummary},
    };

    use super::*;

    /// Name, whether it is optional, state and tasks of a scenario.
    type Row<'a> = (&'a str, bool, RunState, &'a [(&'a str, RunState)]);

    fn document(scenarios: &[Row<'_>], verdict: Verdict) -> RunDocument {
        let at: Timestamp = "2026-11-29T10:00:00Z".parse().unwrap();
        let id = RunId::of_plan(&Digest::of(b"a"), 0);
        let state = RunState::Passed;
        let summary = RunSummary {
            id,
            state,
            verdict: Some(verdict),
            snapshot: "shop-1".to_owned(),
            started: at,
            ended: Some(at + jiff::SignedDuration::from_millis(1500)),
        };
        let cause = |state: RunState| {
            (state != RunState::Passed).then(|| Cause::new("code", "why <&> it is so").hint("do that"))
        };
        let mut run = RunDocument::new(summary);
        run.scenarios = scenarios
            .iter()
            .map(|(name, optional, state, tasks)| ScenarioDocument {
                name: (*name).to_owned(),
                state: *state,
                optional: *optional,
                since: at,
                ended: Some(at),
                cause: cause(*state),
                next: None,
                tasks: tasks
                    .iter()
                    .map(|(name, state)| TaskDocument {
                        name: (*name).to_owned(),
                        state: *state,
                        since: Some(at),
                        cause: cause(*state),
                        next: None,
                        plugin: "p".to_owned(),
                        digest: Digest::of(b"p"),
                        attempts: Vec::new(),
                        results: std::collections::BTreeMap::new(),
                        artifacts: Vec::new(),
                        usage: None,
                        remote: None,
                    })
                    .collect(),
            })
            .collect();
        run
    }

    #[test]
    fn a_suite_is_a_scenario_and_what_is_optional_fails_nothing() {
        let run = document(
            &[
                ("ec", false, RunState::Failed, &[("verify", RunState::Failed), ("after", RunState::Skipped)]),
                ("smoke", true, RunState::Failed, &[("smoke", RunState::Failed)]),
                ("broken", false, RunState::Error, &[("a", RunState::Error), ("b", RunState::Passed)]),
            ],
            Verdict::Error,
        );
        let text = run_junit(&run);
        let xml = roxmltree::Document::parse(&text).unwrap();
        let root = xml.root_element();
        let count = |name: &str| root.attribute(name).unwrap();
        let counts = ["tests", "failures", "errors", "skipped", "time"].map(count);
        assert_eq!(counts, ["5", "1", "1", "2", "1.500"]);
        let ends: Vec<_> = xml
            .descendants()
            .filter(|node| node.has_tag_name("testcase"))
            .map(|node| {
                let element = node.children().find(roxmltree::Node::is_element);
                let name = node.attribute("name").unwrap();
                (name, element.map(|element| (element.tag_name().name(), element.attribute("message").unwrap())))
            })
            .collect();
        let why = "why <&> it is so";
        assert_eq!(
            ends,
            [
                ("verify", Some(("failure", why))),
                ("after", Some(("skipped", why))),
                ("smoke", Some(("skipped", "optional, failed: why <&> it is so"))),
                ("a", Some(("error", why))),
                ("b", None),
            ]
        );
    }

    /// B32: the words of TEST_OUTPUT.
    #[test]
    fn test_output_has_the_word_of_the_verdict_over_the_required_scenarios() {
        let of = |scenarios: &[Row<'_>], verdict| {
            let text = run_test_output(&document(scenarios, verdict), Timestamp::UNIX_EPOCH).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["timestamp"], "2026-11-29T10:00:01+00:00");
            let numbers = ["successes", "failures", "warnings"].map(|name| value[name].as_u64().unwrap());
            (value["result"].as_str().unwrap().to_owned(), numbers)
        };
        let optional = ("o", true, RunState::Failed, &[][..]);
        let one = |state| ("a", false, state, &[][..]);
        let word = |word: &str, numbers: [u64; 3]| (word.to_owned(), numbers);
        assert_eq!(of(&[one(RunState::Passed), optional], Verdict::Allowed), word("SUCCESS", [1, 0, 0]));
        assert_eq!(of(&[one(RunState::Warned), optional], Verdict::Allowed), word("WARNING", [0, 0, 1]));
        assert_eq!(of(&[one(RunState::Failed), optional], Verdict::Denied), word("FAILURE", [0, 1, 0]));
        assert_eq!(of(&[one(RunState::TimedOut), optional], Verdict::Denied), word("FAILURE", [0, 1, 0]));
        assert_eq!(of(&[one(RunState::Error), optional], Verdict::Error), word("ERROR", [0, 0, 0]));
        assert_eq!(of(&[optional], Verdict::Allowed), word("SKIPPED", [0, 0, 0]));
    }
}
