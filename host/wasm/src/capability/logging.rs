//! [`CallLog`]: the log of one call, within its quota, and [`Sinks`], where it goes.

use std::sync::Arc;

use crate::{abort::Abort, call_limits::CallLimits, limits, text};

/// Receives one line of a plugin's log, from any thread. Lines are within the quota and contain no control characters.
pub type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

/// The level of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// How far a job is, in the plugin's own words, which are on one line and within the quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub done: u64,
    /// All steps, where they are known.
    pub total: Option<u64>,
    /// What is being done.
    pub text: String,
}

/// Receives the progress of a job, from any thread.
pub type ProgressSink = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Receives raw output of a remote job, from any thread. It is the bytes of somebody else: escape them for display.
pub type RemoteOutputSink = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Where the words of a call go; what has no sink is dropped.
#[derive(Clone, Default)]
pub struct Sinks {
    /// The log.
    pub log: Option<LogSink>,
    /// The progress.
    pub progress: Option<ProgressSink>,
    /// Output of a remote job.
    pub remote_output: Option<RemoteOutputSink>,
}

impl std::fmt::Debug for Sinks {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Sinks")
            .field("log", &self.log.is_some())
            .field("progress", &self.progress.is_some())
            .field("remote_output", &self.remote_output.is_some())
            .finish()
    }
}

/// Counts what a guest logs and passes on what is within the quota.
pub(crate) struct CallLog {
    plugin: String,
    sinks: Sinks,
    limits: CallLimits,
    lines: usize,
    bytes: usize,
    remote: usize,
    dropped: usize,
}

impl CallLog {
    pub(crate) const fn new(plugin: String, sinks: Sinks, limits: CallLimits) -> Self {
        Self { plugin, sinks, limits, lines: 0, bytes: 0, remote: 0, dropped: 0 }
    }

    /// Writes one line: plugin, level, message.
    pub(crate) fn log(&mut self, level: Level, message: &str) -> Result<(), Abort> {
        self.count(message.len())?;
        if !self.is_within_quota() {
            self.dropped += 1;
            return Ok(());
        }
        self.line(level, message);
        Ok(())
    }

    /// A line of the host about the call, which is not counted.
    pub(crate) fn line(&self, level: Level, message: &str) {
        if let Some(sink) = &self.sinks.log {
            let message = text::one_line(message, limits::LOG_LINE_BYTES);
            sink(&format!("{}: {}: {message}", self.plugin, level.as_str()));
        }
    }

    /// Replaces the progress of the job.
    pub(crate) fn progress(&mut self, done: u64, total: Option<u64>, message: &str) -> Result<(), Abort> {
        self.count(message.len())?;
        if self.is_within_quota()
            && let Some(sink) = &self.sinks.progress
        {
            sink(&Progress { done, total, text: text::one_line(message, limits::LOG_LINE_BYTES) });
        }
        Ok(())
    }

    /// Output of a remote job, with a quota of its own.
    pub(crate) fn remote_output(&mut self, bytes: &[u8]) -> Result<(), Abort> {
        self.remote = self.remote.saturating_add(bytes.len());
        if self.remote > limits::REMOTE_OUTPUT_BYTES * limits::LOG_FLOOD {
            return Err(Abort::LogFlood(limits::REMOTE_OUTPUT_BYTES as u64 >> 10));
        }
        match &self.sinks.remote_output {
            Some(sink) if self.remote <= limits::REMOTE_OUTPUT_BYTES => sink(bytes),
            _ => self.dropped += 1,
        }
        Ok(())
    }

    /// Reports how much was dropped, at the end of the call.
    pub(crate) fn close(&self) {
        if let Some(sink) = &self.sinks.log
            && self.dropped > 0
        {
            sink(&format!("{}: warn: {} more lines were dropped", self.plugin, self.dropped));
        }
    }

    /// A larger `log-kib` allows more lines, too.
    fn most_lines(&self) -> usize {
        limits::LOG_LINES.max(self.limits.log_bytes() / LINE_BYTES)
    }

    fn is_within_quota(&self) -> bool {
        self.lines <= self.most_lines() && self.bytes <= self.limits.log_bytes()
    }

    fn count(&mut self, bytes: usize) -> Result<(), Abort> {
        self.lines += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        let flood = self.lines > self.most_lines() * limits::LOG_FLOOD
            || self.bytes > self.limits.log_bytes().saturating_mul(limits::LOG_FLOOD);
        if flood { Err(Abort::LogFlood(self.limits.log_kib)) } else { Ok(()) }
    }
}

/// Bytes of a line on average, for which a quota of lines follows from one of bytes.
const LINE_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn logged(write: impl FnOnce(&mut CallLog) -> Result<(), Abort>) -> (Vec<String>, Result<(), Abort>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink: LogSink = {
            let lines = Arc::clone(&lines);
            Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()))
        };
        let sinks = Sinks { log: Some(sink), ..Sinks::default() };
        let mut log = CallLog::new("gate".to_owned(), sinks, CallLimits::CHECK);
        let result = write(&mut log);
        log.close();
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        (lines, result)
    }

    #[test]
    fn a_line_cannot_forge_another() {
        let (lines, _) = logged(|log| log.log(Level::Warn, "a\ngate: info: fine\x1b[31m"));
        assert_eq!(lines, ["gate: warn: a\\ngate: info: fine\\u{1b}[31m"]);
    }

    #[test]
    fn what_is_past_the_quota_is_counted() {
        let (lines, result) = logged(|log| (0..limits::LOG_LINES + 5).try_for_each(|_| log.log(Level::Info, "x")));
        assert!(result.is_ok());
        assert_eq!(lines.len(), limits::LOG_LINES + 1);
        assert_eq!(lines.last().unwrap(), "gate: warn: 5 more lines were dropped");
        let long = "x".repeat(limits::LOG_LINE_BYTES + 1);
        let (lines, _) = logged(|log| (0..100).try_for_each(|_| log.log(Level::Info, &long)));
        assert_eq!(lines.len(), CallLimits::CHECK.log_bytes() / long.len() + 1);
        assert!(lines.first().unwrap().ends_with("x…"));
    }

    #[test]
    fn a_flood_stops_the_call() {
        let (_, result) = logged(|log| (0..=limits::LOG_LINES * 16).try_for_each(|_| log.log(Level::Info, "")));
        assert!(matches!(result, Err(Abort::LogFlood(_))));
        let (_, result) = logged(|log| log.remote_output(&vec![0; limits::REMOTE_OUTPUT_BYTES * 16 + 1]));
        assert!(matches!(result, Err(Abort::LogFlood(_))));
    }
}
