//! All passes up to the plan: modules, parted by a form feed, compile together or are refused with messages.

#![no_main]

use assay_rego::{CompileOptions, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let modules: Vec<&str> = text.split('\x0c').collect();
    let options = CompileOptions { strict: text.len() % 2 == 1, ..CompileOptions::default() };
    if let Err(message) = fuzzing::compile(&modules, options) {
        assert!(!message.contains("panicked"), "{message}");
    }
});
