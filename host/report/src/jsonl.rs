//! [`Jsonl`]: the run's events as they happen, one JSON object on a line each.
//!
//! Every line has the [`VERSION`] of this format and the name of its `event`. Components come in the order in which they
//! are done, which depends on the workers; the last line, `ended`, has the verdict and the status of the components in the
//! order of every other report. A stream without that line is of a run that did not get to its end.

use std::{io::Write, sync::Arc};

use assay_gocompat::json;
use assay_model::{
    event::{RunEvent, RunFinished, RunStarted},
    outcome::{Outcome, Verdict},
    policy::PolicySpec,
    port::{Report, ReportError},
    snapshot::Component,
};
use serde::Serialize;

use crate::{
    Options,
    component_status::ComponentStatus,
    json::{ComponentDocument, PluginDocument},
    report_writer::failure,
    totals::{Totals, stop_label},
};

/// The version of the lines. A field or an event may be added within one; none changes its meaning or goes.
const VERSION: u32 = 1;

const FORMAT: &str = "jsonl";

/// The event stream, to be written to `to`. It respects `show_successes` and `info`.
pub(crate) fn create(to: Box<dyn Write + Send>, options: Options) -> Box<dyn Report + Send> {
    Box::new(Jsonl::new(to, options))
}

/// The event stream.
struct Jsonl {
    to: Option<Box<dyn Write + Send>>,
    options: Options,
}

impl Jsonl {
    fn new(to: Box<dyn Write + Send>, options: Options) -> Self {
        Self { to: Some(to), options }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event<'a> {
    Started {
        #[serde(rename = "assay-version")]
        version: &'a str,
        key: &'a str,
        policy: &'a PolicySpec,
        #[serde(rename = "effective-time")]
        effective_time: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        plugins: Vec<PluginDocument<'a>>,
        #[serde(rename = "skipped-checks")]
        skipped: Vec<&'static str>,
    },
    Planned {
        components: usize,
    },
    ComponentStarted {
        name: &'a str,
        #[serde(rename = "containerImage")]
        image: &'a str,
    },
    ComponentEnded {
        component: ComponentDocument<'a>,
    },
    Ended {
        success: bool,
        result: &'static str,
        violations: usize,
        warnings: usize,
        successes: usize,
        errors: usize,
        components: Vec<StatusLine<'a>>,
        #[serde(rename = "effective-time")]
        effective_time: String,
        at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        stopped: Option<&'static str>,
    },
}

/// The status of a component at the end.
#[derive(Serialize)]
struct StatusLine<'a> {
    name: &'a str,
    #[serde(rename = "containerImage")]
    image: String,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl<'a> Event<'a> {
    fn of(event: &'a RunEvent, options: Options) -> Self {
        match event {
            RunEvent::Started(head) => Self::started(head, options),
            RunEvent::Planned { components } => Self::Planned { components: *components },
            RunEvent::ComponentStarted { component } => Self::component_started(component),
            RunEvent::ComponentFinished(outcome) => {
                Self::ComponentEnded { component: ComponentDocument::of(outcome, options) }
            }
            RunEvent::Finished(end) => Self::ended(end),
        }
    }

    fn started(head: &'a RunStarted, options: Options) -> Self {
        Self::Started {
            version: &head.version,
            key: &head.key,
            policy: &head.policy,
            effective_time: head.effective_time.to_string(),
            plugins: PluginDocument::all(head, options),
            skipped: head.skipped.iter().map(|check| check.code()).collect(),
        }
    }

    fn component_started(component: &'a Component) -> Self {
        Self::ComponentStarted { name: &component.name, image: &component.container_image }
    }

    fn ended(end: &'a RunFinished) -> Self {
        let totals = Totals::of(end);
        let stands = |outcome: &'a Arc<Outcome>| StatusLine {
            name: &outcome.component.name,
            image: outcome.image_text(),
            success: ComponentStatus::of(outcome).allows(),
            error: outcome.error.as_ref().map(|error| error.code.as_str()),
        };
        Self::Ended {
            success: end.verdict == Verdict::Allowed,
            result: totals.result(end.verdict),
            violations: totals.violations,
            warnings: totals.warnings,
            successes: totals.successes,
            errors: totals.errors,
            components: end.outcomes.iter().map(stands).collect(),
            effective_time: end.effective_time.to_string(),
            at: end.at.to_string(),
            stopped: end.stopped.map(stop_label),
        }
    }
}

impl Report for Jsonl {
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        let Some(to) = &mut self.to else { return Ok(()) };
        let line = json::to_string(&Line { version: VERSION, event: Event::of(event, self.options) });
        let line = line.map_err(|error| failure(FORMAT, "cannot be put into JSON", Some(Box::new(error))))? + "\n";
        let written = to.write_all(line.as_bytes()).and_then(|()| to.flush());
        if written.is_err() || matches!(event, RunEvent::Finished(_)) {
            // Nothing comes after the end, nor after a gap.
            self.to = None;
        }
        written.map_err(|error| failure(FORMAT, "could not be written", Some(Box::new(error))))
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::Value;

    use super::*;
    use crate::{Format, test_data};

    fn lines(end: RunFinished) -> Vec<Value> {
        let text = test_data::written_at(Format::Jsonl, Options { info: true, ..Options::default() }, end);
        assert!(text.ends_with('\n'));
        text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_event_is_a_line_with_a_version() {
        let lines = lines(test_data::mixed());
        assert!(lines.iter().all(|line| line["version"] == 1));
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events.len(), 15);
        assert_eq!(events.first_chunk(), Some(&["started", "planned", "component-started", "component-ended"]));
        assert_eq!(events.last(), Some(&"ended"));
        assert_snapshot!([&lines[0], &lines[1], &lines[2], &lines[3], &lines[14]].map(Value::to_string).join("\n"));
    }

    #[test]
    fn hostile_texts_stay_on_their_line() {
        for message in test_data::hostile_messages() {
            let lines = lines(test_data::hostile(&message));
            assert_eq!(lines.len(), 5);
            assert_eq!(lines[3]["component"]["violations"][0]["msg"], message.as_str());
        }
    }

    #[test]
    fn a_stream_that_broke_off_is_not_taken_up_again() {
        struct Once(test_data::Written, bool);
        impl Write for Once {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                if std::mem::replace(&mut self.1, true) {
                    Err(std::io::ErrorKind::StorageFull.into())
                } else {
                    self.0.write(bytes)
                }
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let written = test_data::Written::default();
        let mut report = Jsonl::new(Box::new(Once(written.clone(), false)), Options::default());
        report.event(&RunEvent::Planned { components: 1 }).unwrap();
        let error = report.event(&RunEvent::Planned { components: 2 }).unwrap_err();
        assert_eq!(error.to_string(), "the jsonl report could not be written");
        report.event(&RunEvent::Planned { components: 3 }).unwrap();
        assert_eq!(written.text(), "{\"version\":1,\"event\":\"planned\",\"components\":1}\n");
    }
}
