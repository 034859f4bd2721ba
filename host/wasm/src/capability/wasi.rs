//! The WASI that language runtimes import, with nothing behind it.
//!
//! Environment, arguments, files, sockets and the standard streams are wasmtime's own with everything empty or denied.
//! What could tell two calls apart is ours: the wall clock stands still, the monotonic clock counts its readings, random
//! bytes follow from the call's key, and to wait is to move the clock. Nothing here ever blocks.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use wasmtime::{
    Result,
    component::{HasSelf, Linker, Resource},
};
use wasmtime_wasi::{
    WasiCtx, WasiCtxView, WasiView,
    p2::{
        DynOutputStream, DynPollable, OutputStream, Pollable, StreamResult,
        bindings::{
            cli::stderr,
            clocks::{
                monotonic_clock,
                wall_clock::{self, Datetime},
            },
            random::{insecure, insecure_seed, random},
        },
        subscribe,
    },
};

use crate::{
    limits,
    state::{Abort, StoreState},
};

/// The interfaces that a component may import beside its world's; all else is refused when it is loaded.
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

/// Offers the interfaces above.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreState>) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    stderr::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    monotonic_clock::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    wall_clock::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    random::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    insecure::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    insecure_seed::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// A WASI context in which everything is empty and the network denied.
pub(crate) fn context() -> WasiCtx {
    WasiCtx::builder().allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).build()
}

impl WasiView for StoreState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The clocks of one call.
pub(crate) struct Clock {
    /// Milliseconds since 1970; stands still.
    wall: u64,
    /// Nanoseconds; each reading is one microsecond after the last.
    monotonic: u64,
}

impl Clock {
    pub(crate) const fn at(wall: u64) -> Self {
        Self { wall, monotonic: 0 }
    }
}

/// Nanoseconds between two readings of the monotonic clock.
const STEP: u64 = 1_000;

impl wall_clock::Host for StoreState {
    fn now(&mut self) -> Result<Datetime> {
        let nanoseconds = u32::try_from(self.clock.wall % 1_000 * 1_000_000).unwrap_or_default();
        Ok(Datetime { seconds: self.clock.wall / 1_000, nanoseconds })
    }

    fn resolution(&mut self) -> Result<Datetime> {
        Ok(Datetime { seconds: 0, nanoseconds: 1_000_000 })
    }
}

impl monotonic_clock::Host for StoreState {
    fn now(&mut self) -> Result<u64> {
        self.clock.monotonic = self.clock.monotonic.saturating_add(STEP);
        Ok(self.clock.monotonic)
    }

    fn resolution(&mut self) -> Result<u64> {
        Ok(STEP)
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<DynPollable>> {
        self.clock.monotonic = self.clock.monotonic.max(when);
        let ready = self.table.push(Ready)?;
        subscribe(&mut self.table, ready)
    }

    fn subscribe_duration(&mut self, duration: u64) -> Result<Resource<DynPollable>> {
        let when = self.clock.monotonic.saturating_add(duration);
        self.subscribe_instant(when)
    }
}

/// Something that has happened already.
struct Ready;

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

/// Bytes that look random and follow from a key: SHA-256 over the key and a counter.
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

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 32);
        while bytes.len() < length {
            bytes.extend(self.block());
        }
        bytes.truncate(length);
        bytes
    }

    fn number(&mut self) -> u64 {
        self.block().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

impl StoreState {
    fn random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        if length > limits::RANDOM_BYTES {
            return self.or_abort(Err(Abort::Random(length)));
        }
        let length = usize::try_from(length).unwrap_or_default();
        self.move_bytes(length)?;
        Ok(self.random.bytes(length))
    }
}

impl random::Host for StoreState {
    fn get_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        Ok(self.random.number())
    }
}

impl insecure::Host for StoreState {
    fn get_insecure_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> Result<u64> {
        Ok(self.random.number())
    }
}

impl insecure_seed::Host for StoreState {
    fn insecure_seed(&mut self) -> Result<(u64, u64)> {
        Ok((self.random.number(), self.random.number()))
    }
}

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

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = bytes.get(bytes.len().saturating_sub(limits::STDERR_BYTES)..).unwrap_or_default();
        let excess = (kept.len() + new.len()).saturating_sub(limits::STDERR_BYTES);
        kept.drain(..excess);
        kept.extend(new);
    }
}

impl stderr::Host for StoreState {
    fn get_stderr(&mut self) -> Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(self.stderr.clone());
        Ok(self.table.push(stream)?)
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
    fn random_bytes_follow_from_the_key() {
        let draw = |key| (SeededRng::new([key; 32]).bytes(100), SeededRng::new([key; 32]).number());
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let mut one = SeededRng::new([1; 32]);
        assert_ne!(one.number(), one.number());
        assert_eq!(one.bytes(33).len(), 33);
    }
}
