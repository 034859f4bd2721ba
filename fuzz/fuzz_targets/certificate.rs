//! Certificates of signers in DER: their names, issuer and extensions.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _read = assay_evidence::fuzzing::certificate(bytes);
});
