//! The parser: any bytes are a module or are rejected with messages, in Rego v1 and v0.

#![no_main]

use assay_rego::{CompileOptions, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for v0 in [false, true] {
        if let Err(message) = fuzzing::parse(text, CompileOptions { v0, ..CompileOptions::default() }) {
            assert!(!message.contains("panicked"), "{message}");
        }
    }
});
