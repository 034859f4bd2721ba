//! [`Progress`]: a bar on a terminal, one more reader of the run's events.

use std::time::Duration;

use assay_gocompat::sanitize;
use assay_model::{
    event::RunEvent,
    port::{Report, ReportError},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar of components, with the numbers of those that failed and that could not be evaluated.
pub(crate) struct Progress {
    bar: ProgressBar,
    denied: usize,
    errors: usize,
}

/// How often the bar's clock moves while nothing else does.
const TICK: Duration = Duration::from_millis(200);

impl Progress {
    /// A bar on standard error, which says what is waited for until images are found.
    pub(crate) fn on_terminal(waits_for: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(sanitize::line(waits_for).into_owned());
        bar.enable_steady_tick(TICK);
        Self { bar, denied: 0, errors: 0 }
    }
}

/// The columns of the terminal that standard output is.
pub(crate) fn terminal_width() -> Option<u16> {
    console::Term::stdout().size_checked().map(|(_, columns)| columns)
}

impl Report for Progress {
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        match event {
            RunEvent::Started(_) | RunEvent::ComponentStarted { .. } => {}
            RunEvent::Planned { components } => {
                self.bar.set_length(*components as u64);
                let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
                self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                self.bar.set_message("evaluating");
            }
            RunEvent::ComponentFinished(outcome) => {
                if outcome.error.is_some() {
                    self.errors += 1;
                } else if !outcome.allowed() {
                    self.denied += 1;
                }
                self.bar.inc(1);
                self.bar.set_message(match (self.denied, self.errors) {
                    (0, 0) => "evaluating".to_owned(),
                    (denied, 0) => format!("{denied} failed"),
                    (denied, errors) => format!("{denied} failed, {errors} not evaluated"),
                });
            }
            RunEvent::Finished(_) => self.bar.finish_and_clear(),
        }
        Ok(())
    }
}
