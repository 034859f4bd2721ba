//! Metadata by which trust roots are distributed.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assay_evidence::fuzzing::tuf_metadata(bytes);
});
