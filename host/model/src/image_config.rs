//! [`runtime`]: the runtime part of an image's config blob, as rules see it; [`label`].
//!
//! A config that cannot be read, or that another reader could take for another one, is an error and never a config
//! without labels: rules that forbid would pass on what they do not see. Container runtimes and `ec` read configs with
//! Go's `encoding/json`, which takes the last of two equal keys and `labels` for `Labels`.

use serde_json::{Map, Value};

use crate::{
    limits,
    memory::Memory,
    snapshot::kind,
    strict::{self, Shape},
};
use assay_gocompat::json;

/// Why a config blob cannot be read, as the end of a sentence that begins with the image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ConfigError {
    why: String,
    /// Whether it is too large rather than wrong.
    pub is_too_large: bool,
}

/// The keys of a config blob (image-spec `config.md` and `go-containerregistry`'s type).
const CONFIG: Shape = Shape::Object(&[
    ("architecture", Shape::Any),
    ("author", Shape::Any),
    ("container", Shape::Any),
    ("created", Shape::Any),
    ("docker_version", Shape::Any),
    ("history", Shape::Any),
    ("os", Shape::Any),
    ("os.version", Shape::Any),
    ("os.features", Shape::Any),
    ("rootfs", Shape::Any),
    ("config", RUNTIME),
    ("variant", Shape::Any),
]);

/// The keys of its runtime part, in the order of `go-containerregistry`'s type.
const RUNTIME_FIELDS: [(&str, Shape); 24] = [
    ("AttachStderr", Shape::Any),
    ("AttachStdin", Shape::Any),
    ("AttachStdout", Shape::Any),
    ("Cmd", Shape::Any),
    ("Healthcheck", HEALTHCHECK),
    ("Domainname", Shape::Any),
    ("Entrypoint", Shape::Any),
    ("Env", Shape::Any),
    ("Hostname", Shape::Any),
    ("Image", Shape::Any),
    ("Labels", Shape::Map(&Shape::Any)),
    ("OnBuild", Shape::Any),
    ("OpenStdin", Shape::Any),
    ("StdinOnce", Shape::Any),
    ("Tty", Shape::Any),
    ("User", Shape::Any),
    ("Volumes", Shape::Any),
    ("WorkingDir", Shape::Any),
    ("ExposedPorts", Shape::Any),
    ("ArgsEscaped", Shape::Any),
    ("NetworkDisabled", Shape::Any),
    ("MacAddress", Shape::Any),
    ("StopSignal", Shape::Any),
    ("Shell", Shape::Any),
];

const RUNTIME: Shape = Shape::Object(&RUNTIME_FIELDS);

const HEALTHCHECK: Shape = Shape::Object(&[
    ("Test", Shape::Any),
    ("Interval", Shape::Any),
    ("Timeout", Shape::Any),
    ("StartPeriod", Shape::Any),
    ("Retries", Shape::Any),
]);

/// The runtime part (`config`) of a config blob; empty where it has none.
///
/// # Errors
/// The blob cannot be read, or can be read in more than one way.
pub fn runtime(blob: &[u8]) -> Result<Value, ConfigError> {
    let mut config = fields(blob)?;
    // As in Go, a field that is empty is left out, and a map has its keys sorted.
    config.retain(|_, value| !is_empty(value));
    let mut ordered: Map<String, Value> =
        RUNTIME_FIELDS.iter().filter_map(|(name, _)| config.shift_remove_entry(*name)).collect();
    for map in ["Labels", "Volumes", "ExposedPorts"] {
        if let Some(value) = ordered.get_mut(map) {
            *value = json::sorted(value);
        }
    }
    ordered.extend(config);
    Ok(Value::Object(ordered))
}

/// A label of an image, by its config blob.
///
/// # Errors
/// The blob cannot be read, or the label is not a string.
pub fn label(blob: &[u8], name: &str) -> Result<Option<String>, ConfigError> {
    let fields = fields(blob)?;
    match fields.get("Labels").and_then(|labels| labels.get(name)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(format!("its label `{name}` is {}, not a string", kind(other)))),
    }
}

fn fields(blob: &[u8]) -> Result<Map<String, Value>, ConfigError> {
    let memory = Memory::of(limits::CONFIG_MEMORY);
    let text = strict::check(blob, &CONFIG, &memory)
        .map_err(|why| ConfigError { why, is_too_large: memory.is_exhausted() })?;
    let mut blob: Map<String, Value> = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let config = match blob.shift_remove("config") {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(config)) => config,
        Some(other) => return Err(wrong(format!("its `config` is {}, not an object", kind(&other)))),
    };
    match config.get("Labels") {
        None | Some(Value::Null | Value::Object(_)) => Ok(config),
        Some(other) => Err(wrong(format!("its `Labels` are {}, not an object", kind(other)))),
    }
}

const fn wrong(why: String) -> ConfigError {
    ConfigError { why, is_too_large: false }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_config_with_unknown_keys_or_without_a_runtime_part_is_read() {
        for (blob, want) in [
            (
                r#"{"container_config":{"Labels":{"x":"y"}},"Id":"1","config":{"Memory":2,"StopTimeout":1}}"#,
                json!({"Memory": 2, "StopTimeout": 1}),
            ),
            (
                r#"{"config":{"Labels":{"labels":"a","Labels":"b"},"User":""}}"#,
                json!({"Labels": {"Labels": "b", "labels": "a"}}),
            ),
            (r#"{"config":null}"#, json!({})),
            (r#"{"config":{"Labels":null,"Healthcheck":null}}"#, json!({})),
            ("{}", json!({})),
        ] {
            assert_eq!(runtime(blob.as_bytes()), Ok(want), "{blob}");
        }
    }

    #[test]
    fn a_config_that_cannot_be_read_or_in_two_ways_is_an_error_and_not_empty() {
        let nested = format!(r#"{{"config":{{"Labels":{{"bad":"y"}}}},"x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        for (blob, says) in [
            (&b""[..], "EOF"),
            (b"null", "null"),
            (b"[]", "an array"),
            (b"[[],{}]", "an array"),
            (b"\"x\"", "expected a map"),
            (br#"{"config":{"Labels":{"bad":"y"}}} x"#, "trailing"),
            (br#"{"config":{"Labels":{"bad":"y"}}}{}"#, "trailing"),
            (b"{\"author\":\"\xff\",\"config\":{}}", "not valid UTF-8"),
            (b"\xef\xbb\xbf{}", "ambiguous"),
            (nested.as_bytes(), "recursion"),
            (br#"{"config":{"Labels":{}},"config":{}}"#, "`config` is duplicated"),
            (br#"{"config":{"Labels":{"a":"1","a":"2"}}}"#, "`a` is duplicated"),
            (br#"{"Config":{}}"#, "`Config` is used instead of `config`"),
            (br#"{"config":{"labels":{}}}"#, "`labels` is used instead of `Labels`"),
            ("{\"config\":{\"Label\u{17f}\":{}}}".as_bytes(), "instead of `Labels`"),
            (br#"{"config":{"Labels":{},"LABELS":{}}}"#, "instead of `Labels`"),
            (br#"{"config":{"Healthcheck":{"test":[]}}}"#, "instead of `Test`"),
            (br#"{"config":[]}"#, "an array"),
            (br#"{"config":"x"}"#, "a string, not an object"),
            (br#"{"config":{"Labels":"x"}}"#, "a string, not an object"),
            (br#"{"config":{"Labels":["a=b"]}}"#, "an array"),
        ] {
            let error = runtime(blob).unwrap_err();
            assert!(error.to_string().contains(says), "{}: {error}", String::from_utf8_lossy(blob));
            assert!(label(blob, "a").is_err());
        }
        let dense = format!(r#"{{"x":[{}1]}}"#, "1,".repeat(2_000_000));
        assert!(runtime(dense.as_bytes()).unwrap_err().is_too_large);
    }

    #[test]
    fn a_label_is_a_text() {
        let blob = br#"{"config":{"Labels":{"a":"1","b":2,"c":null}}}"#;
        assert_eq!(label(blob, "a"), Ok(Some("1".to_owned())));
        assert_eq!((label(blob, "c"), label(blob, "A"), label(b"{}", "a")), (Ok(None), Ok(None), Ok(None)));
        assert!(label(blob, "b").unwrap_err().to_string().contains("`b` is a number, not a string"));
    }
}
