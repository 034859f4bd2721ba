//! `assay plugin` as an author uses it, with a component that is there. Every template is built by `.ci/check-plugin-languages`.

use camino::Utf8Path;
use serde_json::json;

use crate::{
    fixture::{CommandOutput, command, guest},
    tidy,
};

fn run_in(folder: &Utf8Path, arguments: &[&str]) -> CommandOutput {
    let cache = folder.join(".cache");
    CommandOutput::of(&command(arguments).current_dir(folder).env("ASSAY_PLUGIN_CACHE", cache).output().unwrap())
}

#[test]
fn a_new_project_has_the_files_that_are_printed_and_is_not_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let output = run_in(root, &["plugin", "new", "gate", "--lang", "python", "--world", "task", "--format", "json"]);
    output.expect(0, "next: cd gate");
    let printed = output.json();
    assert_eq!(printed["path"], json!("gate"));
    for file in printed["files"].as_array().unwrap() {
        assert!(root.join("gate").join(file.as_str().unwrap()).is_file(), "{file}");
    }
    run_in(root, &["plugin", "new", "gate"]).expect(2, "already exists");
    run_in(root, &["plugin", "new", "Gate"]).expect(2, "not a name of a plugin");
    run_in(root, &["plugin", "new", "other", "--lang", "zig", "--world", "adapter"]).expect(2, "no template");
    run_in(root, &["plugin", "build"]).expect(2, "is not the folder of a plugin");
}

#[test]
fn a_component_is_described_with_what_it_requests() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let licenses = guest("licenses");
    let output = run_in(root, &["plugin", "inspect", licenses.as_str(), "--format", "json"]);
    output.expect(0, "");
    let about = output.json();
    assert_eq!(
        (&about["name"], &about["world"], &about["wit"]),
        (&json!("licenses"), &json!("check"), &json!("0.1.0"))
    );
    assert_eq!(about["permissions"][0]["kind"], json!("evidence"));
    assert_eq!(about["rules"].as_array().unwrap().len(), 3);
    assert_eq!(about["params"]["type"], json!("object"));
    let hostile = guest("hostile");
    let output =
        run_in(root, &["plugin", "inspect", licenses.as_str(), "--diff", hostile.as_str(), "--format", "json"]);
    let changes = output.json()["changes"].to_string();
    assert!(changes.contains("+ rule licenses.denied") && changes.contains("- rule hostile"), "{changes}");
    run_in(root, &["plugin", "run", licenses.as_str()]).expect(2, "is of the world `check`, which checks images");
}

#[test]
fn the_cases_of_a_check_pass_or_fail_with_the_first_difference_and_can_be_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    run_in(root, &["plugin", "new", "licenses", "--dir", "."]).expect(0, "");
    let digest = "1".repeat(64);
    let given = format!("version = 1\n\n[given]\nimage = \"registry.example/a@sha256:{digest}\"\n");
    fs_err::write(root.join("tests/passes.toml"), format!("{given}\n[[expect.findings]]\ncode = \"licenses.sbom\"\n"))
        .unwrap();
    fs_err::write(root.join("tests/fails.toml"), format!("{given}\n[expect]\nfindings = []\n")).unwrap();
    let component = guest("licenses");
    let test =
        |more: &[&str]| run_in(root, &[&["plugin", "test", ".", "--component", component.as_str()], more].concat());
    let output = test(&["--format", "json"]);
    output.expect(1, "hint: ");
    let printed = output.json();
    assert_eq!((&printed["passed"], &printed["failed"]), (&json!(1), &json!(1)), "{printed}");
    assert_eq!(printed["tests"][0]["name"], json!("fails"));
    assert!(printed["tests"][0]["message"].as_str().unwrap().contains("expected 0 findings, got 1"), "{printed}");
    test(&["--update"]).expect(0, "");
    let output = test(&["--format", "json"]);
    output.expect(0, "");
    assert_eq!(output.json()["passed"], json!(2));
    test(&["--case-that-is-no-flag"]).expect(2, "unexpected argument");
}

#[test]
fn what_a_plugin_in_rust_prints_is_in_its_log_and_needs_no_streams() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let task = guest("scripted_task");
    let output = run_in(root, &["plugin", "inspect", task.as_str(), "--format", "json"]);
    let imports = output.json()["imports"].to_string();
    let wasi: Vec<_> = imports.split('"').filter(|import| import.starts_with("wasi:")).collect();
    assert!(wasi.iter().all(|import| import.starts_with("wasi:cli/e")), "environment and exit, at most: {wasi:?}");

    let snapshot = tidy::root().join("host/plugin-kit/templates/tests/task/snapshot.json");
    let run = ["plugin", "run", task.as_str(), "--images", snapshot.to_str().unwrap(), "--verbose"];
    let output = run_in(root, &[&run[..], &["--param", "outcome=panic", "--param", "text=line"]].concat());
    let end = output.err.split_once("; it wrote: ").unwrap_or_else(|| panic!("{output:#?}")).1;
    assert!(output.code == 3 && end.contains("panicked at src/lib.rs:"), "{output:#?}");
    let lines: Vec<_> = output.err.lines().filter(|line| line.starts_with("scripted-task: ")).collect();
    let long = lines.get(3).unwrap_or_else(|| panic!("{output:#?}"));
    assert_eq!(
        lines[..3],
        [
            "scripted-task: info: line",
            "scripted-task: info: printed line",
            "scripted-task: error: the beginning and the end",
        ]
    );
    assert!(long.starts_with("scripted-task: error: xxx"), "{long}");
    assert!(lines.iter().any(|line| line.ends_with("error: as its parameters say")), "{lines:#?}");
    assert!(!output.err.contains("RUST_BACKTRACE"), "{}", output.err);
}
