//! The reader of policy configurations, in JSON and YAML. What it takes is written and read again as the same, and of JSON
//! a lenient reader sees the same sources.

#![no_main]

use assay_model::policy::PolicySpec;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Ok(policy) = PolicySpec::parse(text) else { return };
    let written = serde_json::to_string(&policy).unwrap_or_else(|error| panic!("{error}"));
    let again = PolicySpec::parse(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(serde_json::to_string(&again).ok(), Some(written));
    let Ok(read) = serde_json::from_str::<Value>(text) else { return };
    let spec = read.get("spec").unwrap_or(&read);
    assert_eq!(spec.get("publicKey").and_then(Value::as_str).unwrap_or_default(), policy.public_key);
    let sources = spec.get("sources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    assert_eq!(sources.len(), policy.sources.len());
    for (read, group) in sources.iter().zip(&policy.sources) {
        let list = |name| read.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        assert_eq!((list("policy").len(), list("data").len()), (group.policy.len(), group.data.len()));
    }
});
