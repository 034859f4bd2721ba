//! `assay plugin` as an author uses it, with a component that is there. Every template is built by `.ci/check-plugin-languages`.

use camino::Utf8Path;
use serde_json::json;

use crate::fixture::{CommandOutput, command, guest};

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
