//! The readers of image configs, manifests and indexes. What the strict readers take, any other reader of JSON takes for
//! the same.

#![no_main]

use assay_model::{image_config, limits, memory::Memory, strict};
use assay_oci::fuzzing;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = strict::check(bytes, &strict::Shape::Any, &Memory::of(limits::CONFIG_MEMORY)) {
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
    }
    let read: Option<Value> = serde_json::from_slice(bytes).ok();
    if let Ok(runtime) = image_config::runtime(bytes) {
        let read = read.as_ref().unwrap_or_else(|| panic!("only the strict reader reads it"));
        for (name, value) in runtime.as_object().into_iter().flatten() {
            assert_eq!(Some(value), read.get("config").and_then(|config| config.get(name)), "{name}");
        }
        let labels = read.get("config").and_then(|config| config.get("Labels")).and_then(Value::as_object);
        for (name, value) in labels.into_iter().flatten() {
            if let Some(text) = value.as_str() {
                assert_eq!(image_config::label(bytes, name).ok().flatten().as_deref(), Some(text), "{name}");
            }
        }
    }
    if fuzzing::manifest(bytes).is_ok() {
        let read = read.unwrap_or_else(|| panic!("only the strict reader reads it"));
        // No key of it is in another case, so a case-insensitive reader sees the same.
        let known = ["schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "annotations"];
        for key in read.as_object().into_iter().flatten().map(|(key, _)| key) {
            assert!(!known.iter().any(|known| *known != key && known.eq_ignore_ascii_case(key)), "{key}");
        }
    }
});
