//! The evaluator: a module that compiles gives values for all of its rules, or says why not, within its time.

#![no_main]

use std::time::Duration;

use assay_rego::fuzzing;
use libfuzzer_sys::fuzz_target;

/// More than this is a loop that the limit did not stop: the fuzzer's own limit is ten seconds.
const LIMIT: Duration = Duration::from_millis(500);

/// What modules find as `input`.
const INPUT: &str = r#"{"a": 1, "b": [1, 2.5, "x", null], "c": {"d": {"e": "text"}}, "s": "2020-01-01T00:00:00Z"}"#;

fuzz_target!(|text: &str| {
    if let Err(message) = fuzzing::evaluate(text, "x = data", INPUT, LIMIT) {
        assert!(!message.contains("panicked"), "{message}");
    }
});
