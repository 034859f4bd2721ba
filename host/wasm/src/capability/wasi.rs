//! The WASI that language runtimes import, with nothing behind it.
//!
//! Environment, arguments, files, sockets and standard input are wasmtime's own with everything empty or denied.
//! Whatever could differ between two calls is deterministic: the wall clock does not move, the monotonic clock counts its
//! readings, random bytes are derived from the key of the call, and waiting advances the clock. Nothing here blocks.

use std::pin::Pin;

use sha2::{Digest as _, Sha256};
use wasmtime_wasi::{WasiCtx, p2::Pollable};

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

#[cfg(test)]
mod tests {
    use super::*;

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
