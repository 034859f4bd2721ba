//! [`CoverageReport`]: which lines of policies were covered, counted as OPA counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine;

/// The coverage of some evaluations; see [`PolicySet::coverage`](crate::PolicySet::coverage).
#[derive(Clone, Debug, Default)]
pub struct Hits(pub(crate) engine::Hits);

/// The lines of all files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CoverageReport {
    /// By file.
    pub files: BTreeMap<String, FileCoverage>,
}

/// The lines of one file. A line counts when an expression or the head of a rule begins on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// First and last line of each run of covered lines.
    pub covered: Vec<(u32, u32)>,
    /// First and last line of each run of lines that were not.
    pub not_covered: Vec<(u32, u32)>,
}

impl Hits {
    /// Adds the coverage of another evaluation.
    pub fn join(&mut self, other: Self) {
        self.0.join(other.0);
    }
}

impl CoverageReport {
    pub(crate) fn new(files: impl Iterator<Item = (String, engine::Rows)>) -> Self {
        let file =
            |rows: engine::Rows| FileCoverage { covered: runs(&rows.covered), not_covered: runs(&rows.not_covered) };
        Self { files: files.map(|(name, rows)| (name, file(rows))).collect() }
    }

    /// How many lines were covered, and how many were not.
    #[must_use]
    pub fn counts(&self) -> (u32, u32) {
        let add = |(one, other), (more, again)| (one + more, other + again);
        self.files.values().map(FileCoverage::counts).fold((0, 0), add)
    }
}

impl FileCoverage {
    /// How many lines were covered, and how many were not.
    #[must_use]
    pub fn counts(&self) -> (u32, u32) {
        let count = |runs: &[(u32, u32)]| runs.iter().map(|(first, last)| last - first + 1).sum();
        (count(&self.covered), count(&self.not_covered))
    }
}

/// Lines that follow on one another as first and last.
fn runs(rows: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *row => *last = *row,
            _ => runs.push((*row, *row)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_follow_on_one_another_are_one_run() {
        assert_eq!(runs(&BTreeSet::from([1, 2, 3, 5, 8, 9])), [(1, 3), (5, 5), (8, 9)]);
        assert_eq!(runs(&BTreeSet::new()), []);
    }
}
