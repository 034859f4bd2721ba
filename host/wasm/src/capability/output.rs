//! [`Output`]: what a guest prints. It is in the log, and the end of its errors in the report of a trap.

use std::{
    collections::VecDeque,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::logging::Level;
use crate::limits;

/// The last line of a panic in Rust: a guest has no environment.
const BACKTRACE_NOTE: &str = "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";

/// A standard stream of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What a guest prints. All clones are of the same.
#[derive(Clone, Default)]
pub(crate) struct Output(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// The end of what was written to stderr and logged as errors.
    errors: VecDeque<u8>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Whole lines that are not in the log yet.
    lines: Vec<(Level, String)>,
}

impl Output {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream for the guest.
    pub(crate) fn stream(&self, stream: Stream) -> DynOutputStream {
        Box::new(Printer { output: self.clone(), stream })
    }

    /// The lines that have ended since they were last taken.
    pub(crate) fn take_lines(&self) -> Vec<(Level, String)> {
        mem::take(&mut self.kept().lines)
    }

    /// Ends the lines that have not ended, as the call has.
    pub(crate) fn finish(&self) {
        let mut kept = self.kept();
        kept.end_line(Stream::Stdout);
        kept.end_line(Stream::Stderr);
    }

    /// Keeps a line that the guest logged as an error.
    pub(crate) fn keep_error(&self, line: &str) {
        let mut kept = self.kept();
        kept.keep_error(line.as_bytes());
        kept.keep_error(b"\n");
    }

    /// The end of the errors as text, at most `max` bytes.
    fn text(&self, max: usize) -> String {
        let kept = self.kept();
        let skipped = kept.errors.len().saturating_sub(max);
        let bytes: Vec<u8> = kept.errors.iter().skip(skipped).copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// The part that says most about a failure, at most `max` bytes: of a panic in Go, which is followed by the frames of all that
    /// called, the beginning; else the end, where Python, JavaScript and Rust say what happened, without what the runtime in which
    /// they run says of itself.
    pub(crate) fn excerpt(&self, max: usize) -> String {
        let whole = self.text(limits::ERROR_BYTES);
        let whole = whole.strip_suffix(BACKTRACE_NOTE).unwrap_or(&whole);
        let whole = match whole.rsplit_once("\n\nthread '") {
            Some((before, _)) if before.contains("Traceback (most recent call last)") => before,
            _ => whole,
        };
        let mut at = 0;
        let mut begin = None;
        for line in whole.split_inclusive('\n') {
            if ["panic: ", "fatal error: "].iter().any(|word| line.starts_with(word)) {
                begin = Some(at);
            }
            at += line.len();
        }
        match begin.and_then(|begin| whole.get(begin..)).filter(|rest| rest.contains("\ngoroutine ")) {
            Some(panic) => {
                let fits = |(at, char): &(usize, char)| at + char.len_utf8() <= max;
                panic.char_indices().take_while(fits).map(|(_, char)| char).collect::<String>()
            }
            None => {
                let skipped = whole.len().saturating_sub(max);
                whole.char_indices().skip_while(|(at, _)| *at < skipped).map(|(_, char)| char).collect::<String>()
            }
        }
        .trim()
        .to_owned()
    }
}

impl Kept {
    fn keep_error(&mut self, bytes: &[u8]) {
        let new = bytes.get(bytes.len().saturating_sub(limits::ERROR_BYTES)..).unwrap_or_default();
        let excess = (self.errors.len() + new.len()).saturating_sub(limits::ERROR_BYTES);
        self.errors.drain(..excess);
        self.errors.extend(new);
    }

    fn print(&mut self, stream: Stream, bytes: &[u8]) {
        if stream == Stream::Stderr {
            self.keep_error(bytes);
        }
        for mut line in bytes.split_inclusive(|byte| *byte == b'\n') {
            while !line.is_empty() {
                let unfinished = self.unfinished(stream);
                let room = limits::LOG_LINE_BYTES.saturating_sub(unfinished.len());
                let (part, rest) = line.split_at(line.len().min(room));
                unfinished.extend_from_slice(part);
                if part.len() == room || part.ends_with(b"\n") {
                    self.end_line(stream);
                }
                line = rest;
            }
        }
    }

    const fn unfinished(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn end_line(&mut self, stream: Stream) {
        let level = match stream {
            Stream::Stdout => Level::Info,
            Stream::Stderr => Level::Error,
        };
        let unfinished = mem::take(self.unfinished(stream));
        let line = String::from_utf8_lossy(&unfinished);
        let line = line.trim_end();
        if !line.is_empty() && line != BACKTRACE_NOTE {
            self.lines.push((level, line.to_owned()));
        }
    }
}

/// One of the streams.
struct Printer {
    output: Output,
    stream: Stream,
}

impl OutputStream for Printer {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        if bytes.len() > limits::PRINTED_BYTES {
            return Err(StreamError::trap("wrote more at once than `check-write` allows"));
        }
        self.output.kept().print(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(limits::PRINTED_BYTES)
    }
}

impl Pollable for Printer {
    fn ready<'life, 'future>(&'life mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_stderr_is_kept() {
        let tail = Output::default();
        for n in 0..10_000 {
            tail.kept().keep_error(format!("line {n}\n").as_bytes());
        }
        assert_eq!(tail.kept().errors.len(), limits::ERROR_BYTES);
        assert_eq!(tail.text(15), "9998\nline 9999");
        tail.kept().keep_error(&[b'x'; limits::ERROR_BYTES + 1]);
        assert_eq!(tail.text(usize::MAX), "x".repeat(limits::ERROR_BYTES));
    }

    #[test]
    fn of_a_panic_in_go_the_beginning_is_shown_and_of_all_else_the_end() {
        let frames = "github.com/x.Call(...)\n\t/home/x/file.go:12 +0x1d\n".repeat(100);
        let excerpt = |text: &str| {
            let tail = Output::default();
            tail.kept().keep_error(text.as_bytes());
            tail.excerpt(100)
        };
        let go =
            format!("said before\npanic: no such cart\n\ngoroutine 1 [running]:\nmain.run()\n\t/a/task.go:7\n{frames}");
        let shown = excerpt(&go);
        assert!(shown.starts_with("panic: no such cart") && shown.contains("task.go:7"), "{shown}");
        assert!(shown.len() <= 100);
        let python = format!("Traceback\n{}ValueError: panic: at the disco", "  File \"app.py\", line 3\n".repeat(20));
        assert!(excerpt(&python).ends_with("ValueError: panic: at the disco"));
        let runtime = "\n\nthread '<unnamed>' (1) panicked at runtime/src/lib.rs:1293:29:\nPython function threw\n\
                       note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
        assert!(
            excerpt(&format!("Traceback (most recent call last):\n  x\nValueError: no{runtime}"))
                .ends_with("ValueError: no")
        );
        assert!(excerpt(runtime).ends_with("Python function threw"));
        assert!(excerpt(&"é".repeat(200)).chars().all(|char| char == 'é' || char == '\u{fffd}'));
    }

    #[test]
    fn lines_are_of_their_stream_and_end_with_the_call() {
        let output = Output::default();
        let print = |stream, text: &str| output.kept().print(stream, text.as_bytes());
        print(Stream::Stdout, "a ");
        print(Stream::Stderr, "no ");
        print(Stream::Stdout, "line\r\n\nanother");
        assert_eq!(output.take_lines(), [(Level::Info, "a line".to_owned())]);
        print(Stream::Stderr, &format!("end\n{BACKTRACE_NOTE}\n"));
        output.finish();
        assert_eq!(output.take_lines(), [(Level::Error, "no end".to_owned()), (Level::Info, "another".to_owned())]);
        assert_eq!(output.take_lines(), []);
    }

    #[test]
    fn more_than_is_allowed_at_once_is_refused() {
        let output = Output::default();
        let mut stream = output.stream(Stream::Stdout);
        let allowed = stream.check_write().unwrap();
        stream.write(bytes::Bytes::from(vec![b'\n'; allowed])).unwrap();
        assert!(stream.write(bytes::Bytes::from(vec![b'\n'; allowed + 1])).is_err());
        assert!(stream.write_zeroes(allowed + 1).is_err());
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let output = Output::default();
        for _ in 0..3 {
            output.kept().print(Stream::Stdout, &[b'x'; limits::LOG_LINE_BYTES + 1]);
        }
        assert!(output.kept().stdout.len() < limits::LOG_LINE_BYTES);
        let lengths: Vec<_> = output.take_lines().iter().map(|(_, line)| line.len()).collect();
        assert_eq!(lengths, [limits::LOG_LINE_BYTES; 3]);
    }
}
