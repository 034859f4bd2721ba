//! The reader of layers and archives: tar, plain or compressed with gzip or zstd. No more than the limits is ever unpacked.

#![no_main]

use assay_oci::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((entries, read)) = fuzzing::archive(bytes) {
        assert!(entries <= 1_000 && read <= 4 << 20, "{entries} entries, {read} bytes");
    }
});
