//! Checkpoints of transparency logs.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _read = assay_evidence::fuzzing::checkpoint(text);
});
