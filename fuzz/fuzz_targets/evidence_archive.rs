//! Evidence archives: a record by itself, and a whole file.

#![no_main]

use assay_oci::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::evidence_record(bytes);
    let _whole = fuzzing::evidence_archive(bytes);
});
