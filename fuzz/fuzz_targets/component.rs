//! What a component goes through before it runs: checked against limits, and if it passes, compiled and its manifest
//! read. With an even first byte the rest is a component behind its first eight bytes, so that most of the time is
//! spent inside.

#![no_main]

use assay_wasm::fuzzing;
use libfuzzer_sys::fuzz_target;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let inside = [COMPONENT, rest].concat();
    let bytes = if first % 2 == 0 { inside.as_slice() } else { rest };
    if let Err(message) = fuzzing::component(bytes) {
        assert!(!message.contains("panicked"), "{message}");
    }
});
