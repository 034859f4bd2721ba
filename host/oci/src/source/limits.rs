//! [`FetchLimits`]: how much a source may contain, with the attack each limit stops.

use std::time::{Duration, Instant};

use assay_model::limits::{DATA_FILE_BYTES, SOURCE_DEPTH, SOURCE_FILES};

use super::error::FetchErrorKind;

/// Limits of one source. The default is what is used; tests use smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Files and links in a source: a tree of millions of entries fills the disk's tables, not only its space.
    pub files: usize,
    /// Directory depth: a recursive walk must not run out of stack.
    pub depth: usize,
    /// One file, unpacked: a few kilobytes of gzip can hold gigabytes.
    pub file_bytes: u64,
    /// All files of a source, unpacked.
    pub tree_bytes: u64,
    /// What git may write while it fetches: a server can send packs without end.
    pub git_bytes: u64,
    /// The time of one run of git: a server can send nothing forever.
    pub git_time: Duration,
    /// The time of one download.
    pub http_time: Duration,
    /// When the run ends, which no source outlasts, whatever it consists of; none if there is no time limit.
    pub deadline: Option<Instant>,
}

impl FetchLimits {
    /// The time that something may take that may take this long by itself.
    pub(super) fn time(&self, most: Duration) -> Result<Duration, FetchErrorKind> {
        self.check_deadline()?;
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        Ok(left.map_or(most, |left| left.min(most)))
    }

    /// An error when the run finished.
    pub(super) fn check_deadline(&self) -> Result<(), FetchErrorKind> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(FetchErrorKind::RunDeadline),
            _ => Ok(()),
        }
    }
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            files: SOURCE_FILES,
            depth: SOURCE_DEPTH,
            file_bytes: DATA_FILE_BYTES,
            tree_bytes: 512 << 20,
            git_bytes: 1 << 30,
            git_time: Duration::from_secs(300),
            http_time: Duration::from_secs(60),
            deadline: None,
        }
    }
}
