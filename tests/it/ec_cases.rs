//! Recorded answers of `ec`: the cases whose every input this version can take, compared as JSON.
//!
//! The cases are not part of this repository; `cmd.txt` has lines `key: value`, then `--`, then one argument a line.

use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::{
    registry::Registry,
    shared::shared,
    world::{Ran, assay},
};

/// A case that was run again.
pub(crate) struct Replayed {
    pub(crate) ran: Ran,
    pub(crate) out: Utf8PathBuf,
    /// What stands for the placeholders of the record.
    pub(crate) names: Vec<(&'static str, String)>,
    _folder: tempfile::TempDir,
}

fn put(text: &str, names: &[(&'static str, String)]) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Copies a folder, its placeholders filled in.
fn copy(from: &Path, to: &Utf8Path, names: &[(&'static str, String)]) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, names);
        } else {
            fs_err::write(target, put(&fs_err::read_to_string(entry.path()).unwrap(), names)).unwrap();
        }
    }
}

/// Runs a recorded case by the built program.
pub(crate) fn replay(data: &Path, case: &str, registry: &Registry) -> Replayed {
    let folder = tempfile::tempdir().unwrap();
    let work = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    let names: Vec<(&'static str, String)> = [("DIR", "in"), ("OUT", "out"), ("COMMON", "common")]
        .into_iter()
        .map(|(name, folder)| (name, work.join(folder).to_string()))
        .chain([("REGISTRY", registry.host())])
        .collect();
    fs_err::create_dir_all(work.join("out")).unwrap();
    copy(&data.join("common"), &work.join("common"), &names);
    copy(&data.join("cases").join(case).join("in"), &work.join("in"), &names);
    let command = fs_err::read_to_string(data.join("cases").join(case).join("cmd.txt")).unwrap();
    let mut arguments: Vec<String> = Vec::new();
    for line in command.lines().skip_while(|line| *line != "--").skip(1) {
        arguments.push(put(line, &names));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Replayed { ran: assay(&arguments), out: work.join("out"), names, _folder: folder }
}

/// A report with what differs from run to run made equal.
fn normalised(text: &str, names: &[(&'static str, String)]) -> Value {
    let mut sorted = names.to_vec();
    sorted.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    let text = sorted.iter().fold(text.to_owned(), |text, (name, value)| text.replace(value, &format!("{{{name}}}")));
    let mut value: Value = serde_json::from_str(&text).unwrap();
    for (field, stands_for) in [("effective-time", "{NOW}"), ("ec-version", "{VERSION}"), ("timestamp", "{NOW_S}")] {
        if let Some(field) = value.get_mut(field) {
            *field = Value::String(stands_for.to_owned());
        }
    }
    value
}

#[test]
fn recorded_answers_of_ec_are_ours_too() {
    let Some(data) = shared("data/ec") else { return };
    let registry = Registry::start();
    registry.push_layout(&data.join("oci"));
    for case in ["out-all-pass", "sig-unsigned", "sig-wrongkey"] {
        let replayed = replay(&data, case, &registry);
        let expected = data.join("cases").join(case).join("expected");
        let code: i32 = fs_err::read_to_string(expected.join("exit")).unwrap().trim().parse().unwrap();
        assert_eq!(replayed.ran.code, code, "{case}: {:?}", replayed.ran);
        for format in ["json", "appstudio"] {
            let Ok(recorded) = fs_err::read_to_string(expected.join("out").join(format)) else { continue };
            let ours = fs_err::read_to_string(replayed.out.join(format)).unwrap();
            assert_eq!(normalised(&ours, &replayed.names), normalised(&recorded, &[]), "{case}: {format}");
        }
        if let Ok(recorded) = fs_err::read_to_string(expected.join("out/text")) {
            let ours = fs_err::read_to_string(replayed.out.join("text")).unwrap();
            let ours =
                replayed.names.iter().fold(ours, |text, (name, value)| text.replace(value, &format!("{{{name}}}")));
            assert_eq!(ours, recorded, "{case}: text");
        }
    }
}
