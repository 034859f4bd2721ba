//! [`write_case`]: a run that was recorded becomes a case that `plugin test` repeats without the service.
//!
//! `--record tests/green` gives `tests/green.toml` with what the plugin was called with and gave, and the folder `tests/green`
//! with the exchanges and the Snapshot.

use std::{collections::BTreeMap, fmt::Write as _};

use camino::Utf8Path;
use serde_json::Value;

use super::{run_inputs::RunInputs, run_report::RunReport};
use crate::error::{RequestError, RequestErrorKind};

/// Writes the case of a run whose exchanges are in the folder.
pub(crate) fn write_case(
    folder: &Utf8Path,
    inputs: &RunInputs,
    plugin: &str,
    report: &RunReport,
) -> Result<(), RequestError> {
    let failed = |error: std::io::Error| RequestError::from_error(&error).with_kind(RequestErrorKind::File);
    let name = folder.file_name().unwrap_or("case");
    fs_err::create_dir_all(folder).map_err(failed)?;
    if let Some(text) = &inputs.snapshot {
        fs_err::write(folder.join("snapshot.json"), text).map_err(failed)?;
    }
    let file = folder.with_file_name(format!("{name}.toml"));
    fs_err::write(file, case(name, inputs, plugin, report)).map_err(failed)
}

fn case(name: &str, inputs: &RunInputs, plugin: &str, report: &RunReport) -> String {
    // Every string of JSON is one of TOML.
    let quoted = |text: &str| Value::from(text).to_string();
    let mut text =
        format!("# Recorded by `assay plugin run --record` with the plugin {plugin}.\nversion = 1\n\n[given]\n");
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{key} = {value}");
    };
    line("cassette", &quoted(&format!("{name}/exchanges.jsonl")));
    if inputs.snapshot.is_some() {
        line("snapshot", &quoted(&format!("{name}/snapshot.json")));
    }
    let mut params: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (key, value) in &inputs.params {
        params.entry(key).or_default().push(quoted(value));
    }
    if !params.is_empty() {
        let pairs = params.iter().map(|(key, values)| match values.as_slice() {
            [one] => format!("{} = {one}", quoted(key)),
            several => format!("{} = [{}]", quoted(key), several.join(", ")),
        });
        line("params", &format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", ")));
    }
    let _infallible = write!(text, "\n[expect]\n");
    if let Some(error) = &report.error {
        let _infallible = writeln!(text, "error = {}", quoted(&error.code));
        return text;
    }
    let _infallible = writeln!(text, "outcome = {}", quoted(&report.outcome.to_ascii_lowercase()));
    for count in ["successes", "failures", "warnings"] {
        if let Some(number) = report.test_output.as_ref().and_then(|output| output[count].as_u64()) {
            let _infallible = writeln!(text, "{count} = {number}");
        }
    }
    let names: Vec<_> = report.artifacts.iter().map(|artifact| quoted(&artifact.name)).collect();
    let _infallible = writeln!(text, "artifacts = [{}]", names.join(", "));
    text
}

#[cfg(test)]
mod tests {
    use assay_plugin_kit::Case;
    use assay_wasm::Usage;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recorded_run_is_a_case_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(folder.path()).unwrap();
        let params = [("url", "https://a/\"x\""), ("tag", "1"), ("tag", "2")];
        let inputs = RunInputs {
            snapshot: Some("{}".to_owned()),
            params: params.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
            attempt: 1,
            ..RunInputs::default()
        };
        let report = RunReport {
            outcome: "FAILURE".to_owned(),
            test_output: Some(json!({"successes": 1, "failures": 2, "warnings": 0})),
            ..RunReport::empty(Usage::default())
        };
        write_case(&project.join("tests/green"), &inputs, "jenkins", &report).unwrap();
        let cases = Case::read_all(project, &[]).unwrap();
        let given = &cases[0].given;
        assert_eq!((cases[0].name.as_str(), given.snapshot.as_deref()), ("green", Some("green/snapshot.json")));
        assert_eq!(given.cassette.as_deref(), Some("green/exchanges.jsonl"));
        let mut want = inputs.params.clone();
        want.sort();
        assert_eq!(given.params(), want);
        let text = fs_err::read_to_string(project.join("tests/green.toml")).unwrap();
        assert!(
            text.ends_with(
                "[expect]\noutcome = \"failure\"\nsuccesses = 1\nfailures = 2\nwarnings = 0\nartifacts = []\n"
            )
        );
    }
}
