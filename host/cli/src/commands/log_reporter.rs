//! [`LogReporter`]: tells a run's events to the log, one more reader of them.

use assay_model::{
    event::RunEvent,
    outcome::Verdict,
    port::{Report, ReportError},
};

use crate::logs::debug;

/// Says what happens to whoever asked for it by `--verbose`.
pub(crate) struct LogReporter;

impl Report for LogReporter {
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        match event {
            RunEvent::Started(head) => {
                let time = head.effective_time.to_string();
                debug("the run begins", &[("version", &head.version), ("effective_time", &time)]);
            }
            RunEvent::Planned { components } => {
                debug("images are found", &[("components", &components.to_string())]);
            }
            RunEvent::ComponentStarted { component } => {
                debug(
                    "a component is judged",
                    &[("component", &component.name), ("image", &component.container_image)],
                );
            }
            RunEvent::ComponentFinished(outcome) => {
                let name = ("component", outcome.component.name.as_str());
                debug("a component is done", &[name, ("verdict", label(Verdict::of([outcome.as_ref()])))]);
                if let Some(error) = &outcome.error {
                    debug(&error.message, &[name, ("code", error.code.as_str())]);
                }
            }
            RunEvent::Finished(end) => {
                let components = end.outcomes.len().to_string();
                debug("the run is over", &[("components", &components), ("verdict", label(end.verdict))]);
            }
        }
        Ok(())
    }
}

const fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Error => "no answer",
    }
}
