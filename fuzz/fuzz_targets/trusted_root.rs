//! Trust roots.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _read = assay_evidence::fuzzing::trusted_root(text);
});
