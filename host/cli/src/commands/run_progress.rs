//! [`RunProgress`]: one line on a terminal that says what a run is doing.

use std::{collections::BTreeSet, time::Duration};

use assay_gocompat::sanitize;
use assay_model::run::{Change, ProgressEvent, RunState};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the clock moves while nothing else does.
const TICK: Duration = Duration::from_millis(200);

/// Tasks that are named at a time.
const NAMED: usize = 3;

/// What is shown.
pub(super) struct RunProgress {
    bar: ProgressBar,
    active: BTreeSet<String>,
    ended: usize,
    failed: usize,
}

impl RunProgress {
    /// A line on standard error.
    pub(super) fn on_terminal() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.set_message("planning");
        bar.enable_steady_tick(TICK);
        Self { bar, active: BTreeSet::new(), ended: 0, failed: 0 }
    }

    /// Takes one event.
    pub(super) fn event(&mut self, event: &ProgressEvent) {
        let (Change::State { state, .. }, Some(task)) = (&event.change, &event.task) else { return };
        let name = format!("{}/{task}", event.scenario.as_deref().unwrap_or_default());
        if state.is_final() {
            self.active.remove(&name);
            self.ended += 1;
            self.failed += usize::from(!state.is_passed() && *state != RunState::Skipped);
        } else if matches!(state, RunState::Running | RunState::Waiting) {
            self.active.insert(name);
        }
        self.bar.set_message(self.message());
    }

    fn message(&self) -> String {
        let names: Vec<_> = self.active.iter().take(NAMED).map(|name| sanitize::line(name).into_owned()).collect();
        let more = self.active.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let failed = if self.failed == 0 { String::new() } else { format!(", {} not passed", self.failed) };
        let active = if names.is_empty() { String::new() } else { format!("; running {}{more}", names.join(", ")) };
        format!("{} tasks ended{failed}{active}", self.ended)
    }

    /// Removes the line.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use assay_model::{digest::Digest, run::RunId};

    use super::*;

    #[test]
    fn the_line_says_how_many_tasks_ended_and_which_are_running() {
        let mut progress = RunProgress { bar: ProgressBar::hidden(), active: BTreeSet::new(), ended: 0, failed: 0 };
        let mut change = |task: &str, state| {
            let run = RunId::of_plan(&Digest::of(b"a"), 0);
            let change = Change::State { state, cause: None, next: None };
            let mut event = ProgressEvent::new(jiff::Timestamp::UNIX_EPOCH, run, change);
            (event.scenario, event.task) = (Some("s".to_owned()), Some(task.to_owned()));
            progress.event(&event);
            progress.message()
        };
        assert_eq!(change("a", RunState::Queued), "0 tasks ended");
        for task in ["a", "b", "c", "d"] {
            change(task, RunState::Running);
        }
        assert_eq!(change("e\u{1b}", RunState::Running), "0 tasks ended; running s/a, s/b, s/c and 2 more");
        assert_eq!(change("a", RunState::Failed), "1 tasks ended, 1 not passed; running s/b, s/c, s/d and 1 more");
    }
}
