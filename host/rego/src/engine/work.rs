//! [`Work`]: what one compilation has done so far, and when it has to stop.
//!
//! Some passes take time that grows faster than the source: the order of a body's literals, what each `with` changes, the
//! cycles of rules. They count their steps here; when the time is over they leave the rest undone, and the compilation has
//! an error that says so.

use std::cell::Cell;
use std::time::Instant;

use super::limits::{COMPILE_PARTS, COMPILE_TIME};

/// Steps between two looks at the clock.
const TICKS: usize = 4_096;

/// Why a compilation stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The time that any compilation may take.
    Time,
    /// The end of the run.
    Deadline,
    /// More was made than may be.
    Parts,
}

impl Over {
    /// What is said of it.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Time => format!("compiling took longer than {} seconds", COMPILE_TIME.as_secs()),
            Self::Deadline => "compiling was not done when the time of the run was over".to_owned(),
            Self::Parts => format!("compiling would make more than {COMPILE_PARTS} values and names"),
        }
    }
}

/// The work of one compilation. All passes count with the same.
#[derive(Debug)]
pub(crate) struct Work {
    end: Instant,
    /// Whether the end is that of the run.
    of_run: bool,
    ticks: Cell<usize>,
    parts: Cell<usize>,
    over: Cell<Option<Over>>,
}

impl Work {
    /// Work that has to finish within the default time limit, and before the end of the run.
    pub(crate) fn until(deadline: Option<Instant>) -> Self {
        let default = Instant::now() + COMPILE_TIME;
        let end = deadline.map_or(default, |deadline| deadline.min(default));
        let of_run = end < default;
        Self { end, of_run, ticks: Cell::new(TICKS), parts: Cell::new(0), over: Cell::new(None) }
    }

    /// Counts steps; false when the work has to stop.
    pub(crate) fn go_on(&self, steps: usize) -> bool {
        let ticks = self.ticks.get().saturating_add(steps);
        if ticks < TICKS {
            self.ticks.set(ticks);
        } else {
            self.ticks.set(0);
            if self.over.get().is_none() && Instant::now() >= self.end {
                self.over.set(Some(if self.of_run { Over::Deadline } else { Over::Time }));
            }
        }
        self.over.get().is_none()
    }

    /// Counts what is made and kept; false when the work has to stop.
    pub(crate) fn made(&self, parts: usize) -> bool {
        self.parts.set(self.parts.get().saturating_add(parts));
        if self.over.get().is_none() && self.parts.get() > COMPILE_PARTS {
            self.over.set(Some(Over::Parts));
        }
        self.go_on(parts)
    }

    /// Why the work stopped, if it did.
    pub(crate) const fn over(&self) -> Option<Over> {
        self.over.get()
    }
}

#[cfg(test)]
mod tests;
