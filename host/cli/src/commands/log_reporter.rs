//! [`LogReporter`]: writes a run's events to the log.

use assay_model::{
    event::RunEvent,
    outcome::Verdict,
    port::{Report, ReportError},
};

use crate::logs::debug;

/// Logs the progress of a run, for `--verbose`.
pub(crate) struct LogReporter;

impl Report for LogReporter {
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        match event {
            RunEvent::Started(head) => {
                let time = head.effective_time.to_string();
                debug("the run starts", &[("version", &head.version), ("effective_time", &time)]);
            }
            RunEvent::Planned { components } => {
                debug("images are resolved", &[("components", &components.to_string())]);
            }
            RunEvent::ComponentStarted { component } => {
                debug(
                    "the evaluation of a component starts",
                    &[("component", &component.name), ("image", &component.container_image)],
                );
            }
            RunEvent::ComponentFinished(outcome) => {
                let name = ("component", outcome.component.name.as_str());
                debug(
                    "the evaluation of a component finished",
                    &[name, ("verdict", label(Verdict::of([outcome.as_ref()])))],
                );
                if let Some(error) = &outcome.error {
                    debug(&error.message, &[name, ("code", error.code.as_str())]);
                }
            }
            RunEvent::Finished(end) => {
                let components = end.outcomes.len().to_string();
                debug("the run finished", &[("components", &components), ("verdict", label(end.verdict))]);
            }
        }
        Ok(())
    }
}

const fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Error => "error",
    }
}
