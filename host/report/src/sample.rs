//! Runs made up for tests, and what a report writes about them.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use assay_model::{
    decide::Decision,
    digest::Digest,
    event::{RunEnd, RunEvent, RunHead},
    failure::NoAnswer,
    finding::Finding,
    image::ImageRef,
    outcome::{Outcome, Verdict},
    policy::PolicySpec,
    snapshot::Component,
};

use crate::{Format, Options, make};

/// Something to write to that can be looked at.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// What has been written.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A component on its way to an outcome.
pub(crate) struct Sample(Outcome);

/// A component of that name, pinned.
pub(crate) fn component(name: &str) -> Sample {
    let image = format!("r.example/{name}").parse::<ImageRef>().or_else(|_| "r.example/odd".parse()).unwrap();
    Sample(Outcome {
        component: Component::new(name, &image.to_string()),
        image: Some(image.repository().at(Digest::of(b""))),
        decision: Decision::default(),
        signatures: vec![],
        attestations: vec![],
        judged_at: None,
        input: None,
        statements: vec![],
        error: None,
    })
}

impl Sample {
    pub(crate) fn violation(mut self, finding: Finding) -> Self {
        self.0.decision.violations.push(finding);
        self
    }

    pub(crate) fn warning(mut self, finding: Finding) -> Self {
        self.0.decision.warnings.push(finding);
        self
    }

    pub(crate) fn success(mut self, finding: Finding) -> Self {
        self.0.decision.successes.push(finding);
        self
    }

    /// With an answer.
    pub(crate) fn judged(self) -> Outcome {
        self.0
    }

    /// Without one.
    pub(crate) fn failed(mut self, error: NoAnswer) -> Outcome {
        self.0.error = Some(error);
        self.0
    }
}

/// The beginning of a run.
pub(crate) fn head() -> RunHead {
    RunHead {
        key: "PEM\n".to_owned(),
        policy: PolicySpec { public_key: "k.pub".to_owned(), ..PolicySpec::default() },
        skipped: vec![],
        effective_time: "2026-12-01T12:00:00Z".parse().unwrap(),
        version: "1.2.3".to_owned(),
    }
}

/// The end of a run over these.
pub(crate) fn end(outcomes: &[Outcome]) -> RunEnd {
    RunEnd {
        outcomes: outcomes.iter().cloned().map(Arc::new).collect(),
        verdict: Verdict::of(outcomes),
        stopped: None,
        effective_time: head().effective_time,
        at: "2026-11-28T16:00:00.5Z".parse().unwrap(),
    }
}

/// What a report of that format writes about a run over these.
pub(crate) fn written(format: Format, options: Options, outcomes: &[Outcome]) -> String {
    written_at(format, options, end(outcomes))
}

/// What a report of that format writes about a run with that end. Checks that nothing is written before.
pub(crate) fn written_at(format: Format, options: Options, end: RunEnd) -> String {
    written_of(format, options, head(), end)
}

/// The same with another beginning.
pub(crate) fn written_of(format: Format, options: Options, head: RunHead, end: RunEnd) -> String {
    let written = Written::default();
    let mut report = make(format, Box::new(written.clone()), options);
    report.event(&RunEvent::Started(Arc::new(head))).unwrap();
    report.event(&RunEvent::Planned { components: end.outcomes.len() }).unwrap();
    for outcome in &end.outcomes {
        let component = Arc::new(outcome.component.clone());
        report.event(&RunEvent::ComponentStarted { component }).unwrap();
        report.event(&RunEvent::ComponentEnded(Arc::clone(outcome))).unwrap();
    }
    assert_eq!(written.text(), "", "written before the end");
    report.event(&RunEvent::Ended(Arc::new(end))).unwrap();
    written.text()
}

/// Messages that mean harm.
pub(crate) fn hostile_messages() -> Vec<String> {
    vec![
        "one\nSuccess: true\n\nResult: SUCCESS\r\n".to_owned(),
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}32m ok \0\u{7f}".to_owned(),
        "</script><script>alert(1)</script>\u{2028}&\u{2029}\u{202e}".to_owned(),
        "word ".repeat(200_000),
        "x".repeat(1 << 20),
        "\n".repeat(100_000),
        "%!s(<nil>) {{ . }} ]]>".to_owned(),
    ]
}
