//! Runs where the machine or the input is hostile: each ends in its exit code with a sentence, and no record is lost.

use std::{
    fmt::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    fixture::{CommandOutput, Fixture, assay},
    runs::Shop,
};

/// A run whose files may have so many bytes, as on a disk that is full. Compiled plugins are kept, so that only the store is
/// written.
fn run_with_small_files(shop: &Shop, kib: &str) -> CommandOutput {
    let arguments = shop.arguments(&["--dev"]);
    // The signal is ignored, so that writing fails as it does on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
    let output = Command::new("bash")
        .args(["-c", &script, env!("CARGO_BIN_EXE_assay")])
        .args(&arguments)
        .env("ASSAY_PLUGIN_CACHE", shop.fixture.path("cache"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    CommandOutput::of(&output)
}

#[test]
fn a_full_disk_is_an_error_and_the_run_goes_on_when_there_is_room() {
    let shop = Shop::new("success");
    let store = shop.fixture.path("store");
    run_with_small_files(&shop, "unlimited").expect(0, "verdict allowed");
    fs_err::remove_dir_all(&store).unwrap();
    // From a store that cannot be made at all to one that fills up while the run goes on.
    let codes: Vec<i32> = ["8", "40", "120", "200", "320"]
        .map(|kib| {
            let output = run_with_small_files(&shop, kib);
            assert!(output.code == 3 || output.code == 0, "{kib}: {output:?}");
            assert!(output.code == 0 || output.err.contains("store"), "{kib}: {output:?}");
            assert!(!output.err.contains("panicked"), "{kib}: {output:?}");
            output.code
        })
        .to_vec();
    assert_eq!(codes.first(), Some(&3), "{codes:?}");
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    let list = shop.runs(&["list", "--format", "json"]).json();
    assert_eq!(list["runs"].as_array().unwrap().len(), 1, "it is one run, which went on");
}

#[test]
fn a_store_that_cannot_be_written_is_an_error_with_its_place() {
    let shop = Shop::new("success");
    let resources = shop.fixture.path("resources.yaml").to_string();
    let plugins = shop.fixture.path("plugins.toml").to_string();
    let run = |store: &str| assay(&["run", &resources, "--plugins", &plugins, "--dev", "--store", store]);
    let file = shop.fixture.file("file", "");
    for place in ["/proc/assay", file.as_str()] {
        let output = run(&format!("{place}/store"));
        assert!(output.code == 2 || output.code == 3, "{output:?}");
        assert!(output.err.contains(place) && !output.err.contains("panicked"), "{output:?}");
    }
}

#[test]
fn a_store_of_a_newer_version_or_of_another_process_is_refused() {
    let shop = Shop::new("success");
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    let store = shop.fixture.path("store");
    let lock = std::fs::OpenOptions::new().write(true).open(store.join("coordinator.lock")).unwrap();
    lock.lock().unwrap();
    shop.run(&["--dev"]).expect(2, "is in use by another process");
    shop.runs(&["list"]).expect(0, "passed");
    drop(lock);
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    // `user_version` is at offset 60 of the file.
    let file = store.join("assay.db");
    let mut bytes = fs_err::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs_err::write(&file, bytes).unwrap();
    shop.run(&["--dev"]).expect(2, "has version 99");
    shop.runs(&["list"]).expect(2, "has version 99");
}

#[test]
fn ten_thousand_documents_are_read_and_what_is_too_large_is_refused() {
    let fixture = Fixture::empty();
    let mut text = String::new();
    for number in 0..10_000 {
        let _infallible = writeln!(
            text,
            "---\napiVersion: appstudio.redhat.com/v1alpha1\nkind: Component\nmetadata: {{name: c{number}}}\nspec: {{componentName: c{number}, application: shop}}"
        );
    }
    let file = fixture.file("many.yaml", &text);
    let report = assay(&["import", file.as_str(), "--format", "json"]);
    assert_eq!(report.code, 0, "{}", report.err);
    let document: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!(document["documents"].as_array().unwrap().len(), 10_000);
    let store = fixture.path("store").to_string();
    let run = |path: &str| assay(&["run", path, "--store", &store]);
    run(file.as_str()).expect(2, "it is not known what to test");
    // A hundred megabytes of nothing.
    let large = fixture.file("large.yaml", "");
    fs_err::OpenOptions::new().write(true).open(&large).unwrap().into_parts().0.set_len(100 << 20).unwrap();
    run(large.as_str()).expect(2, "large.yaml");
    let names = "apiVersion: appstudio.redhat.com/v1alpha1\nkind: Application\nmetadata: {name: \"a\\u001b[2J\"}\n";
    let names = fixture.file("names.yaml", names);
    let output = run(names.as_str());
    output.expect(2, "is rejected");
    assert!(!output.err.contains('\u{1b}'), "{output:?}");
    assert!(!fixture.path("store").exists());
}

/// B44: what cannot be resolved is refused before anything starts, and leaves nothing behind.
#[test]
fn a_pipeline_that_cannot_be_resolved_is_refused_before_anything_starts() {
    let shop = Shop::new("success");
    let text = fs_err::read_to_string(shop.fixture.path("resources.yaml")).unwrap();
    let cases = [
        ("{name: name, value: two-tasks}", "{name: name, value: two-task}", "did you mean `two-tasks`?"),
        ("resolver: cluster, params: [{name: kind", "resolver: hub, params: [{name: kind", "is not supported"),
    ];
    for (from, to, says) in cases {
        assert!(text.contains(from));
        shop.fixture.file("resources.yaml", &text.replace(from, to));
        shop.run(&["--dev"]).expect(2, says);
        assert!(!shop.fixture.path("store").exists());
    }
}
