//! [`Printed`]: prints the events of requests: warnings, notes, and a progress bar while policies are fetched.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use assay_app::{Event, EventSink};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printer::Printer;

/// How often the bar's clock moves while nothing else does.
const TICK: Duration = Duration::from_millis(200);

/// Prints events.
pub(crate) struct Printed {
    printer: Printer,
    bar: Mutex<Option<ProgressBar>>,
}

impl Printed {
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer, bar: Mutex::default() }
    }
}

impl EventSink for Printed {
    fn event(&self, event: Event) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Warning(text) => self.printer.warn(&text),
            Event::Note(text) => self.printer.note(&text),
            Event::FetchStarted { sources } => *bar = self.printer.shows_progress().then(|| fetch_bar(sources)),
            Event::SourceFetched { source } => {
                if let Some(bar) = bar.as_ref() {
                    bar.inc(1);
                    bar.set_message(source);
                }
            }
            Event::FetchFinished => {
                if let Some(bar) = bar.take() {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }
}

fn fetch_bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("fetching policies {pos}/{len} {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(TICK);
    bar
}
