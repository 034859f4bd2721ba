//! The reader of Snapshots. What it takes, a lenient reader takes for the same components.

#![no_main]

use assay_model::{limits, snapshot::Snapshot};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Ok(snapshot) = Snapshot::parse(text) else { return };
    assert!(!snapshot.components.is_empty() && snapshot.components.len() <= limits::COMPONENTS);
    // There is no other YAML parser here.
    let Ok(read) = serde_json::from_str::<Value>(text) else { return };
    let spec = read.get("spec").unwrap_or(&read);
    let components = spec.get("components").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    assert_eq!(components.len(), snapshot.components.len());
    for (read, component) in components.iter().zip(&snapshot.components) {
        assert_eq!(read.get("containerImage").and_then(Value::as_str), Some(component.container_image.as_str()));
        assert_eq!(read.get("name").and_then(Value::as_str).unwrap_or_default(), component.name);
        let keys = read.as_object().into_iter().flatten().map(|(key, _)| key);
        assert!(keys.filter(|key| key.eq_ignore_ascii_case("containerImage")).count() == 1);
    }
    let again =
        Value::from_iter([("components", snapshot.components.iter().map(|one| one.to_json()).collect::<Value>())]);
    assert_eq!(Snapshot::parse(&again.to_string()).map(|again| again.components), Ok(snapshot.components));
});
