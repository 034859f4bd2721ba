//! The example that the README shows: committed, validated offline, and broken on purpose.

use camino::Utf8PathBuf;
use serde_json::Value;

use crate::{
    fixture::{CommandOutput, assay, guest},
    tidy::root,
};

/// The README's first command, as its arguments.
fn readme_arguments() -> Vec<String> {
    let readme = fs_err::read_to_string(root().join("README.md")).unwrap();
    let line = readme.lines().find(|line| line.contains("cargo run --release -p assay -- ")).unwrap();
    let arguments = line.trim_start_matches("RUSTUP_AUTO_INSTALL=1 cargo run --release -p assay -- ").split(' ');
    arguments.map(|argument| argument.trim_matches('\'').to_owned()).collect()
}

fn validate(arguments: &[String], more: &[&str]) -> CommandOutput {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
    assay(&arguments)
}

#[test]
fn the_readme_command_exits_with_0_and_prints_the_report() {
    let output = validate(&readme_arguments(), &[]);
    output.expect(0, " passed: 0 violations");
    assert_eq!(output.err, "");
    let json = validate(&readme_arguments(), &["--output", "json", "--show-successes"]).json();
    let components = json["components"].as_array().unwrap();
    assert_eq!(components.len(), 5, "three images, one of them for two architectures");
    let codes = |component: &Value| {
        let successes = component["successes"].as_array().unwrap().iter();
        successes.map(|finding| finding["metadata"]["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for component in components {
        let codes = codes(component);
        for package in PACKAGES {
            assert!(
                codes.iter().any(|code| code.starts_with(package)),
                "{}: no success of {package} in {codes:?}",
                component["name"]
            );
        }
    }
}

/// What evaluates the example: our own checks, every package of `policies/release`, and the WebAssembly plugin.
const PACKAGES: [&str; 10] =
    ["builtin.", "provenance.", "build.", "tasks.", "step_images.", "cve.", "tests.", "sbom.", "labels.", "licenses."];

#[test]
fn a_denied_license_is_a_violation_beside_the_policy() {
    let mut arguments = readme_arguments();
    for argument in &mut arguments {
        if argument.contains(".wasm?") {
            *argument = "examples/licenses.wasm?deny=MIT".to_owned();
        }
    }
    validate(&arguments, &[]).expect(1, "licenses.denied");
}

#[test]
fn the_committed_component_behaves_as_the_one_built_from_its_source() {
    let built = guest("licenses");
    let of = |file: &str| {
        let mut arguments = readme_arguments();
        for argument in &mut arguments {
            if argument.contains(".wasm?") {
                *argument = format!("{file}?allow=Apache-2.0,BSD-3-Clause&deny=GPL-3.0-only");
            }
        }
        let pinned = ["--effective-time", "2030-01-01", "--output", "json", "--show-successes", "--info"];
        validate(&arguments, &pinned)
    };
    let (committed, fresh) = (of("examples/licenses.wasm"), of(built.as_str()));
    assert!(committed.out.contains("licenses."), "{committed:?}");
    // The report names each by its digest, which is all that differs.
    let results = |output: &CommandOutput| {
        let mut report = output.json();
        assert!(report["plugins"][0]["digest"].as_str().unwrap().starts_with("sha256:"));
        report["plugins"] = Value::Null;
        (output.code, report)
    };
    assert_eq!(results(&committed), results(&fresh));
}

/// A copy of the example's layout that a test may spoil.
fn copy() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    fs_err::create_dir_all(path.join("blobs/sha256")).unwrap();
    let from = Utf8PathBuf::from_path_buf(root().join("examples/shop/oci")).unwrap();
    for name in ["index.json", "oci-layout"] {
        fs_err::copy(from.join(name), path.join(name)).unwrap();
    }
    for entry in from.join("blobs/sha256").read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), path.join("blobs/sha256").join(entry.file_name())).unwrap();
    }
    (folder, path)
}

fn on(bundle: &Utf8PathBuf) -> Vec<String> {
    let mut arguments = readme_arguments();
    for argument in &mut arguments {
        if argument == "examples/shop/oci" {
            *argument = bundle.to_string();
        }
    }
    arguments
}

#[test]
fn a_changed_byte_in_any_blob_that_is_read_is_an_error_that_names_the_blob() {
    let (_keep, bundle) = copy();
    validate(&on(&bundle), &[]).expect(0, " passed: 0 violations");
    let mut noticed = 0;
    let blobs: Vec<_> =
        bundle.join("blobs/sha256").read_dir_utf8().unwrap().map(|entry| entry.unwrap().path().to_owned()).collect();
    assert!(blobs.len() > 20);
    // Every fourth blob keeps the test short; over the whole layout the kinds of blobs are spread evenly by their hash.
    for blob in blobs.iter().step_by(4) {
        let bytes = fs_err::read(blob).unwrap();
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        *changed.get_mut(middle).unwrap() ^= 1;
        fs_err::write(blob, &changed).unwrap();
        let output = validate(&on(&bundle), &[]);
        if output.code != 0 {
            noticed += 1;
            output.expect(3, blob.file_name().unwrap());
            output.expect(3, "digest-mismatch");
        }
        fs_err::write(blob, &bytes).unwrap();
    }
    assert!(noticed > 5, "only {noticed} blobs were read");
}

#[test]
fn a_removed_signature_denies() {
    let (_keep, bundle) = copy();
    let index = bundle.join("index.json");
    let mut document: Value = serde_json::from_slice(&fs_err::read(&index).unwrap()).unwrap();
    let entries = document["manifests"].as_array_mut().unwrap();
    let before = entries.len();
    let is_signature =
        |entry: &Value| entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap().ends_with(".sig");
    let first = entries.iter().position(is_signature).unwrap();
    entries.remove(first);
    assert_eq!(entries.len(), before - 1);
    fs_err::write(&index, document.to_string()).unwrap();
    validate(&on(&bundle), &[]).expect(1, "no signatures found");
}

#[test]
fn another_digest_in_the_snapshot_is_an_error() {
    let snapshot = fs_err::read_to_string(root().join("examples/shop/snapshot.yaml")).unwrap();
    let at = snapshot.find("@sha256:").unwrap() + "@sha256:".len();
    let (before, after) = snapshot.split_at(at);
    let other = if after.starts_with('0') { "1" } else { "0" };
    let changed = format!("{before}{other}{}", after.get(1..).unwrap());
    let mut arguments = readme_arguments();
    for argument in &mut arguments {
        if argument == "examples/shop/snapshot.yaml" {
            argument.clone_from(&changed);
        }
    }
    validate(&arguments, &[]).expect(3, "image-not-found");
}
