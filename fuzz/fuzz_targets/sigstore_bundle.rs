//! Sigstore bundles of any version, and the certificate in each.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _read = assay_evidence::fuzzing::sigstore_bundle(bytes);
});
