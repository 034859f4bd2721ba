//! The WASI that language runtimes import, with nothing behind it.
//!
//! Environment, arguments, files, sockets and the standard streams are wasmtime's own with everything empty or denied.
//! Whatever could differ between two calls is deterministic: the wall clock does not move, the monotonic clock counts its
//! readings, random bytes are derived from the key of the call, and waiting advances the clock. Nothing here blocks.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use wasmtime_wasi::{
    WasiCtx,
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::limits;

/// The version of WASI, apart from the patch version.
pub(crate) const VERSION: (u64, u64) = (0, 2);

/// The interfaces that a component may import besides those of its world.
pub(crate) const INTERFACES: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// A WASI context in which everything is empty and the network denied.
pub(crate) fn context() -> WasiCtx {
    WasiCtx::builder().allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).build()
}

/// The clocks of one call.
pub(crate) struct Clock {
    /// Milliseconds since 1970; does not move.
    wall: u64,
    /// Nanoseconds; each reading is one microsecond after the last.
    monotonic: u64,
}

/// Nanoseconds between two readings of the monotonic clock.
pub(crate) const STEP: u64 = 1_000;

impl Clock {
    pub(crate) const fn at(wall: u64) -> Self {
        Self { wall, monotonic: 0 }
    }

    /// Milliseconds since 1970.
    pub(crate) const fn wall(&self) -> u64 {
        self.wall
    }

    /// Reads the monotonic clock, which advances it.
    pub(crate) fn tick(&mut self) -> u64 {
        self.monotonic = self.monotonic.saturating_add(STEP);
        self.monotonic
    }

    /// Advances the monotonic clock to this time, if it is later.
    pub(crate) fn advance_to(&mut self, when: u64) {
        self.monotonic = self.monotonic.max(when);
    }

    /// Advances the monotonic clock by this time.
    pub(crate) fn advance_by(&mut self, duration: u64) {
        self.monotonic = self.monotonic.saturating_add(duration);
    }
}

/// An event that has already happened.
pub(crate) struct Ready;

type Readiness<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Pollable for Ready {
    fn ready<'life, 'future>(&'life mut self) -> Readiness<'future>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(std::future::ready(()))
    }
}

/// Pseudo-random bytes derived from a key: SHA-256 over the key and a counter.
pub(crate) struct SeededRng {
    key: [u8; 32],
    blocks: u64,
}

impl SeededRng {
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self { key, blocks: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        self.blocks += 1;
        Sha256::new().chain_update(self.key).chain_update(self.blocks.to_le_bytes()).finalize().into()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 32);
        while bytes.len() < length {
            bytes.extend(self.block());
        }
        bytes.truncate(length);
        bytes
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.block().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

/// The last line of a panic in Rust: a guest has no environment.
const BACKTRACE_NOTE: &str = "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";

/// The end of what a guest wrote to stderr.
#[derive(Clone, Default)]
pub(crate) struct StderrTail(Arc<Mutex<VecDeque<u8>>>);

impl StderrTail {
    /// The last bytes as text, at most `max` of them.
    pub(crate) fn text(&self, max: usize) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = kept.len().saturating_sub(max);
        let bytes: Vec<u8> = kept.iter().skip(skipped).copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// The part that says most about a failure, at most `max` bytes: of a panic in Go, which is followed by the frames of all that
    /// called, the beginning; else the end, where Python, JavaScript and Rust say what happened, without what the runtime in which
    /// they run says of itself.
    pub(crate) fn excerpt(&self, max: usize) -> String {
        let whole = self.text(limits::STDERR_BYTES);
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

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = bytes.get(bytes.len().saturating_sub(limits::STDERR_BYTES)..).unwrap_or_default();
        let excess = (kept.len() + new.len()).saturating_sub(limits::STDERR_BYTES);
        kept.drain(..excess);
        kept.extend(new);
    }
}

impl OutputStream for StderrTail {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(limits::STDERR_BYTES)
    }
}

impl Pollable for StderrTail {
    fn ready<'life, 'future>(&'life mut self) -> Readiness<'future>
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
        let tail = StderrTail::default();
        for n in 0..10_000 {
            tail.keep(format!("line {n}\n").as_bytes());
        }
        assert_eq!(tail.0.lock().unwrap().len(), limits::STDERR_BYTES);
        assert_eq!(tail.text(15), "9998\nline 9999");
        tail.keep(&[b'x'; limits::STDERR_BYTES + 1]);
        assert_eq!(tail.text(usize::MAX), "x".repeat(limits::STDERR_BYTES));
    }

    #[test]
    fn of_a_panic_in_go_the_beginning_is_shown_and_of_all_else_the_end() {
        let frames = "github.com/x.Call(...)\n\t/home/x/file.go:12 +0x1d\n".repeat(100);
        let excerpt = |text: &str| {
            let tail = StderrTail::default();
            tail.keep(text.as_bytes());
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
    fn random_bytes_are_derived_from_the_key() {
        let draw = |key| (SeededRng::new([key; 32]).bytes(100), SeededRng::new([key; 32]).number());
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let mut one = SeededRng::new([1; 32]);
        assert_ne!(one.number(), one.number());
        assert_eq!(one.bytes(33).len(), 33);
    }
}
