//! [`EventWriter`] and [`EventReader`]: the events of a run as they are stored, one JSON object on a line each.
//!
//! The first line has the [`VERSION`] of the stream. This form is for assay itself, which reads back exactly what it wrote; the
//! report `jsonl` is the one for other programs.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::RunEvent;

/// The version of the stream. It changes with the meaning or the form of anything in it.
pub const VERSION: u32 = 1;

/// Why a line is not the next event of a stream.
#[derive(Debug, thiserror::Error)]
pub enum EventStreamError {
    /// The first line has no version.
    #[error("the event stream does not begin with its version")]
    NoVersion,
    /// The stream is of another version.
    #[error("the event stream has version {found}; this program reads version {VERSION}")]
    UnknownVersion {
        /// The version of the stream.
        found: u64,
    },
    /// A line is not an event.
    #[error("line {line} of the event stream is not an event: {why}")]
    Malformed {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Serialize)]
struct WrittenLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    event: &'a RunEvent,
}

#[derive(Deserialize)]
struct ReadLine<'a> {
    version: Option<u64>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

/// Writes events.
#[derive(Debug, Default)]
pub struct EventWriter {
    has_begun: bool,
}

impl EventWriter {
    /// The line of the next event, without a line break.
    ///
    /// # Errors
    /// An event cannot be written as JSON, which no event that assay makes does.
    pub fn line(&mut self, event: &RunEvent) -> Result<String, serde_json::Error> {
        let version = (!self.has_begun).then_some(VERSION);
        let line = serde_json::to_string(&WrittenLine { version, event })?;
        self.has_begun = true;
        Ok(line)
    }
}

/// Reads events.
#[derive(Debug, Default)]
pub struct EventReader {
    lines: usize,
}

impl EventReader {
    /// The event of the next line.
    ///
    /// # Errors
    /// The stream has no version or one that is not known, or the line is not an event.
    pub fn event(&mut self, line: &str) -> Result<RunEvent, EventStreamError> {
        self.lines += 1;
        let number = self.lines;
        let malformed = |why: String| EventStreamError::Malformed { line: number, why };
        let read: ReadLine<'_> = serde_json::from_str(line).map_err(|error| malformed(error.to_string()))?;
        match read.version {
            Some(found) if found != u64::from(VERSION) => return Err(EventStreamError::UnknownVersion { found }),
            None if number == 1 => return Err(EventStreamError::NoVersion),
            Some(_) | None => {}
        }
        let event = read.event.ok_or_else(|| malformed("it has no `event`".to_owned()))?;
        serde_json::from_str(event.get()).map_err(|error| malformed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        decide::Decision,
        digest::Digest,
        error::{ErrorCode, EvaluationError},
        event::{PluginSummary, RunFinished, RunStarted, StopReason},
        evidence::{AttestationSummary, CheckKind, Signature},
        finding::Finding,
        image::PinnedImage,
        outcome::{Outcome, Verdict},
        policy::PolicySpec,
        snapshot::Component,
    };

    fn policy() -> PolicySpec {
        let text = r#"{"name":"p","sources":[{"name":"s","policy":["git::h/a?ref=1"],"ruleData":{"big":1e400,"z":1,"a":0.10},
            "config":{"include":["a.*"]},"volatileConfig":{"exclude":[{"value":"x","effectiveUntil":"2030-01-01"}]}}],
            "publicKey":"k","identity":{"issuer":"i"}}"#;
        PolicySpec::parse(text).unwrap()
    }

    fn outcome(text: &str, code: usize) -> Outcome {
        let signature = Signature {
            keyid: text.to_owned(),
            sig: "c2ln".to_owned(),
            certificate: Some("pem".to_owned()),
            chain: vec!["pem".to_owned()],
            metadata: [("a".to_owned(), "b".to_owned())].into(),
        };
        let number: Value = serde_json::from_str("1.000000000000000000001e5").unwrap();
        let finding = Finding::new("a.b", text).with("n", number).with("term", json!(["x", text]));
        let error = EvaluationError::new(ErrorCode::ALL[code % ErrorCode::ALL.len()], text);
        Outcome {
            component: Component {
                source: json!({"git": {"url": text}}),
                fields: [("z".to_owned(), json!(1)), ("a".to_owned(), json!(null))].into_iter().collect(),
                ..Component::new(text, "r.example/a:1")
            },
            image: code
                .is_multiple_of(2)
                .then(|| PinnedImage::parse(&format!("r.example:5000/a@{}", Digest::of(text.as_bytes()))).unwrap()),
            decision: Decision {
                violations: vec![finding.clone()],
                warnings: vec![],
                successes: vec![finding, Finding { message: text.to_owned(), metadata: Arc::default() }],
            },
            signatures: vec![signature.clone(), Signature { certificate: None, chain: vec![], ..signature.clone() }],
            attestations: vec![AttestationSummary {
                statement_type: "t".to_owned(),
                predicate_type: "p".to_owned(),
                build_type: Some(text.to_owned()),
                builder: code.is_multiple_of(2).then(|| text.to_owned()),
                size: code as u64,
                signatures: vec![signature],
            }],
            evaluated_at: Some("2026-01-31T12:00:00.000000001Z".parse().unwrap()),
            input: Some(text.into()),
            statements: vec![format!("{{\"n\": 1e400, \"t\":{}}}", json!(text)).into_bytes().into()],
            notices: vec![text.to_owned()],
            error: (!code.is_multiple_of(3)).then(|| error.hint(text)),
        }
    }

    fn events(text: &str, code: usize) -> Vec<RunEvent> {
        let time = "2026-01-31T12:00:00Z".parse().unwrap();
        let outcomes: Vec<_> = (code..code + 3).map(|code| Arc::new(outcome(text, code))).collect();
        let first = Arc::clone(&outcomes[0]);
        let head = RunStarted {
            snapshot: text.to_owned(),
            application: text.to_owned(),
            key: text.to_owned(),
            policy: policy(),
            skipped: vec![CheckKind::ImageSignature, CheckKind::AttestationSignature],
            plugins: vec![PluginSummary {
                name: text.to_owned(),
                version: "1".to_owned(),
                digest: Digest::of(text.as_bytes()),
                params: vec![("a".to_owned(), text.to_owned())],
            }],
            started_at: code.is_multiple_of(2).then_some(time),
            effective_time: time,
            version: "assay-0".to_owned(),
        };
        let stopped = [None, Some(StopReason::Deadline), Some(StopReason::Interrupted)][code % 3];
        let verdict = [Verdict::Allowed, Verdict::Denied, Verdict::Error][code % 3];
        let end = RunFinished { outcomes, verdict, stopped, effective_time: time, at: time };
        vec![
            RunEvent::Started(Arc::new(head)),
            RunEvent::Planned { components: code },
            RunEvent::ComponentStarted { component: Arc::new(first.component.clone()) },
            RunEvent::ComponentFinished(first),
            RunEvent::Finished(Arc::new(end)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_read_back_is_what_was_written(text in "\\PC{0,12}|[\\x00-\\x1f:#\"\\\\{}]{0,8}", code in 0_usize..40) {
            let (mut writer, mut reader) = (EventWriter::default(), EventReader::default());
            for event in events(&text, code) {
                let line = writer.line(&event).unwrap();
                prop_assert!(!line.contains('\n'));
                let read = reader.event(&line).unwrap();
                prop_assert_eq!(format!("{read:?}"), format!("{event:?}"));
            }
        }
    }

    #[test]
    fn a_stream_begins_with_a_version_that_is_known() {
        let mut writer = EventWriter::default();
        let lines: Vec<_> = events("a", 1).iter().map(|event| writer.line(event).unwrap()).collect();
        assert!(lines[0].starts_with(r#"{"version":1,"event":{"started":{"#), "{}", lines[0]);
        assert_eq!(lines[1], r#"{"event":{"planned":{"components":1}}}"#);
        let first = |line: &str| EventReader::default().event(line).map(drop).map_err(|error| error.to_string());
        assert_eq!(first(&lines[0]), Ok(()));
        assert_eq!(first(&lines[1]).unwrap_err(), "the event stream does not begin with its version");
        let unknown = lines[0].replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(first(&unknown).unwrap_err(), "the event stream has version 2; this program reads version 1");
        // Of an unknown version nothing else is looked at.
        let later = r#"{"version":7,"event":{"begun":[]}}"#;
        assert_eq!(first(later).unwrap_err(), "the event stream has version 7; this program reads version 1");
        for malformed in ["", "{", "[]", r#"{"version":1}"#, r#"{"version":1,"event":{"begun":{}}}"#] {
            let error = first(malformed).unwrap_err();
            assert!(error.starts_with("line 1 of the event stream is not an event: "), "{error}");
        }
    }
}
