//! [`CallLog`]: the log of one call, within its quota, and [`LogSink`], where it goes.

use std::sync::Arc;

use crate::{abort::Abort, limits, text};

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

/// Counts what a guest logs and passes on what is within the quota.
pub(crate) struct CallLog {
    plugin: String,
    sink: Option<LogSink>,
    lines: usize,
    bytes: usize,
    dropped: usize,
}

impl CallLog {
    pub(crate) const fn new(plugin: String, sink: Option<LogSink>) -> Self {
        Self { plugin, sink, lines: 0, bytes: 0, dropped: 0 }
    }

    /// Writes one line: plugin, level, message.
    pub(crate) fn log(&mut self, level: Level, message: &str) -> Result<(), Abort> {
        self.count(message.len())?;
        if self.lines > limits::LOG_LINES || self.bytes > limits::LOG_BYTES {
            self.dropped += 1;
            return Ok(());
        }
        if let Some(sink) = &self.sink {
            let message = text::one_line(message, limits::LOG_LINE_BYTES);
            sink(&format!("{}: {}: {message}", self.plugin, level.as_str()));
        }
        Ok(())
    }

    /// Output of a remote job, which a check does not have: counted and dropped.
    pub(crate) fn remote_output(&mut self, bytes: usize) -> Result<(), Abort> {
        self.count(bytes)?;
        self.dropped += 1;
        Ok(())
    }

    /// Reports how much was dropped, at the end of the call.
    pub(crate) fn close(&self) {
        if let Some(sink) = &self.sink
            && self.dropped > 0
        {
            sink(&format!("{}: warn: {} more lines were dropped", self.plugin, self.dropped));
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Abort> {
        self.lines += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        let flood =
            self.lines > limits::LOG_LINES * limits::LOG_FLOOD || self.bytes > limits::LOG_BYTES * limits::LOG_FLOOD;
        if flood { Err(Abort::LogFlood) } else { Ok(()) }
    }
}

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
        let mut log = CallLog::new("gate".to_owned(), Some(sink));
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
        assert_eq!(lines.len(), limits::LOG_BYTES / long.len() + 1);
        assert!(lines.first().unwrap().ends_with("x…"));
    }

    #[test]
    fn a_flood_stops_the_call() {
        let (_, result) = logged(|log| (0..=limits::LOG_LINES * 16).try_for_each(|_| log.log(Level::Info, "")));
        assert!(matches!(result, Err(Abort::LogFlood)));
        let (_, result) = logged(|log| log.remote_output(limits::LOG_BYTES * 16 + 1));
        assert!(matches!(result, Err(Abort::LogFlood)));
    }
}
