//! Tests of reading sources from disk.

use std::{fs, os::unix::fs::symlink};

use assay_model::limits::{SOURCE_DEPTH, SOURCE_FILES};

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    folder
}

fn policies(folder: &Path) -> Result<Vec<String>, SourceError> {
    let mut sources = Sources::new();
    sources.add_policy(folder)?;
    let name = |file: PolicyFile| Path::new(&file.name).strip_prefix(folder).unwrap().display().to_string();
    Ok(sources.into_parts().0.into_iter().map(name).collect())
}

fn data(folder: &Path) -> Result<Value, SourceError> {
    let mut sources = Sources::new();
    sources.add_data(folder)?;
    Ok(sources.into_parts().1.into_json())
}

#[test]
fn policies_are_the_rego_files_that_are_no_tests_in_a_fixed_order() {
    let text = "package p";
    let names =
        ["b/z.rego", "b/a.rego", "a.rego", "a_test.rego", "c.json", "d.rego.bak", ".hidden/h.rego", "..2026/e.rego"];
    let folder = folder(&names.map(|name| (name, text)));
    assert_eq!(policies(folder.path()).unwrap(), [".hidden/h.rego", "a.rego", "b/a.rego", "b/z.rego"]);
    let mut one = Sources::new();
    one.add_policy(&folder.path().join("b/z.rego")).unwrap();
    assert_eq!(one.into_parts().0.len(), 1);
    let mut all = Sources::new();
    all.add_policy_with_tests(folder.path()).unwrap();
    assert_eq!(all.into_parts().0.len(), 5);
}

#[test]
fn links_are_followed_but_not_in_circles() {
    let folder = folder(&[("p/a.rego", "package p"), ("shared/lib/b.rego", "package p")]);
    symlink(folder.path().join("shared"), folder.path().join("p/linked")).unwrap();
    assert_eq!(policies(&folder.path().join("p")).unwrap(), ["a.rego", "linked/lib/b.rego"]);
    symlink(folder.path().join("p"), folder.path().join("shared/back")).unwrap();
    let error = policies(&folder.path().join("p")).unwrap_err().to_string();
    assert!(error.contains("linked/back` leads back"), "{error}");
}

#[test]
fn what_is_not_there_or_holds_nothing_is_named() {
    let folder = folder(&[("empty/readme.md", ""), ("p_test.rego", ""), ("binary/b.rego", "")]);
    fs_err::write(folder.path().join("binary/b.rego"), [0xff, 0xfe]).unwrap();
    for (name, says) in [
        ("absent", "does not exist"),
        ("empty", "holds no `.rego` file"),
        ("p_test.rego", "holds no `.rego` file"),
        ("binary", "is not valid UTF-8"),
    ] {
        let error = policies(&folder.path().join(name)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(says) && text.contains(name) && !error.hint().is_empty(), "{name}: {text}");
    }
    assert!(data(&folder.path().join("absent")).unwrap_err().to_string().contains("does not exist"));
    // As for `ec`, a data source may be empty.
    assert_eq!(data(&folder.path().join("empty")).unwrap(), json!({}));
    symlink("nowhere", folder.path().join("empty/dangling.rego")).unwrap();
    let error = policies(&folder.path().join("empty")).unwrap_err().to_string();
    assert!(error.contains("dangling.rego` cannot be read"), "{error}");
}

#[test]
fn each_folder_with_data_is_a_source_and_counts_for_those_above_it() {
    let folder = folder(&[
        ("a.yaml", "top: 1\nmerged: {a: on}"),
        ("sub/b.yml", "inner: 2"),
        ("sub/none/deep/c.json", r#"{"deepest": 1.0, "merged": {"b": []}}"#),
        ("other.txt", "not read"),
    ]);
    let deep = json!({"deepest": 1.0, "merged": {"b": []}});
    let want = json!({
        "top": 1,
        "inner": 2,
        "deepest": 1.0,
        "merged": {"a": "on", "b": []},
        "sub": {"inner": 2, "none": {"deep": deep}},
        "none": {"deep": deep},
    });
    assert_eq!(data(folder.path()).unwrap(), want);
    assert_eq!(data(&folder.path().join("sub/b.yml")).unwrap(), json!({"inner": 2}));
}

#[test]
fn data_that_is_not_an_object_or_set_twice_is_reported_with_its_files() {
    for (files, says) in [
        (&[("a.json", "{")][..], &["a.json", "neither JSON nor YAML"][..]),
        (&[("a.json", "[1]")], &["a.json", "is a list"]),
        (&[("a.yaml", "")], &["a.yaml", "is empty"]),
        (&[("a.yml", "word")], &["a.yml", "is a single value"]),
        (&[("a.json", r#"{"x": {"y": 1}}"#), ("b.yaml", "x: {y: 1}")], &["a.json", "b.yaml", "set `data.x.y`"]),
        (&[("a.json", r#"{"s": 1}"#), ("s/b.yaml", "x: 1")], &["a.json", "b.yaml", "set `data.s`"]),
    ] {
        let folder = folder(files);
        let error = data(folder.path()).unwrap_err();
        let text = error.to_string();
        assert!(says.iter().all(|says| text.contains(says)) && !error.hint().is_empty(), "{text}");
    }
}

#[test]
fn no_data_source_overrides_what_assay_provides_to_policies() {
    for file in ["config: {more: 1}", "config: 1", "config: {policy: {when_ns: 0}}"] {
        let folder = folder(&[("x/a.yaml", file)]);
        let error = data(folder.path()).unwrap_err().to_string();
        assert!(error.contains("a.yaml` sets `config`"), "{error}");
    }
    let nested = folder(&[("a.yaml", "x: 1"), ("config/b.yaml", "more: 1")]);
    let error = data(nested.path()).unwrap_err().to_string();
    assert!(error.contains("b.yaml` sets `config`"), "{error}");
}

#[test]
fn settings_stand_beside_the_data() {
    let folder = folder(&[("a.yaml", "rule_data__configuration__: {b: 2}")]);
    let mut sources = Sources::new();
    sources.add_data(folder.path()).unwrap();
    sources.set_rule_data(r#"{"a": [1.0]}"#).unwrap();
    sources.set_effective_time("2025-06-01T00:00:00.000000001Z".parse().unwrap()).unwrap();
    let defaults = SigstoreDefaults { public_key: "PEM".to_owned(), ignore_rekor: true, ..SigstoreDefaults::default() };
    sources.set_sigstore_defaults(&defaults).unwrap();
    let want = json!({
        "config": {
            "policy": {"when_ns": 1_748_736_000_000_000_001_i64},
            "default_sigstore_opts": {
                "certificate_identity": "",
                "certificate_identity_regexp": "",
                "certificate_oidc_issuer": "",
                "certificate_oidc_issuer_regexp": "",
                "ignore_rekor": true,
                "public_key": "PEM",
                "rekor_url": "",
            },
        },
        "rule_data__configuration__": {"a": [1], "b": 2},
    });
    let data = sources.into_parts().1.into_json();
    assert_eq!(data, want);
    let mut sources = Sources::new();
    assert!(
        sources
            .set_rule_data("[]")
            .unwrap_err()
            .to_string()
            .contains("`ruleData of the policy configuration` is a list")
    );
}

#[test]
fn sources_too_large_too_many_or_too_deep_are_refused() {
    let large = folder(&[("large.rego", "")]);
    fs_err::OpenOptions::new()
        .write(true)
        .open(large.path().join("large.rego"))
        .unwrap()
        .set_len(POLICY_FILE_BYTES + 1)
        .unwrap();
    let error = policies(large.path()).unwrap_err().to_string();
    assert!(error.contains("large.rego` is larger than 4194304 bytes"), "{error}");

    let deep = vec!["d"; SOURCE_DEPTH + 1].join("/");
    let deep = folder(&[(&format!("{deep}/a.rego"), "package p")]);
    let error = policies(deep.path()).unwrap_err().to_string();
    assert!(error.contains("folders deep"), "{error}");
    assert_eq!(policies(&deep.path().join("d")).unwrap().len(), 1);

    let many = tempfile::tempdir().unwrap();
    let original = many.path().join("0.rego");
    fs_err::write(&original, "").unwrap();
    for number in 1..=SOURCE_FILES {
        // Links are cheap.
        fs::hard_link(&original, many.path().join(format!("{number}.rego"))).unwrap();
    }
    let error = policies(many.path()).unwrap_err().to_string();
    assert!(error.contains("more than 20000 files"), "{error}");

    let mut full = Sources { bytes: SOURCE_BYTES - 5, ..Sources::default() };
    let small = folder(&[("small.json", "{\"a\":1}")]);
    let error = full.add_data(small.path()).unwrap_err().to_string();
    assert!(error.contains("bytes together"), "{error}");
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let socket = std::os::unix::net::UnixListener::bind(folder.path().join("s.json")).unwrap();
    let error = data(folder.path()).unwrap_err().to_string();
    assert!(error.contains("s.json` is not a regular file"), "{error}");
    drop(socket);
}

/// What is kept, in memory.
#[derive(Default)]
struct Kept(std::sync::Mutex<std::collections::BTreeMap<assay_model::digest::Digest, Vec<u8>>>);

impl DerivedCache for Kept {
    fn find(&self, key: &assay_model::digest::Digest) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn keep(&self, key: &assay_model::digest::Digest, bytes: &[u8]) {
        self.0.lock().unwrap().insert(key.clone(), bytes.to_vec());
    }
}

/// What policies see of the data of a folder, with the rule data and settings of a run; and how much is kept then.
fn cached(kept: &Arc<Kept>, folder: &Path, rule_data: &str) -> (Result<Value, String>, usize) {
    let mut sources = Sources::new();
    sources.set_cache(Arc::clone(kept) as Arc<dyn DerivedCache>);
    let mut add = || {
        sources.add_data_of(&[&folder.join("one"), &folder.join("two")])?;
        sources.set_rule_data(rule_data)?;
        sources.set_input_file("folder", "input.json")
    };
    let added = add().map_err(|error: SourceError| error.to_string());
    let value = added.map(|()| sources.into_parts().1.into_json());
    (value, kept.0.lock().unwrap().len())
}

#[test]
fn data_that_is_kept_is_what_the_files_say() {
    let kept = Arc::default();
    let folder = folder(&[
        ("one/a.yaml", "x: {y: [1, 2.5, 1.0]}\nlong: 123456789012345678901234567890\n"),
        ("one/sub/b.json", r#"{"z": "é", "x": {"w": null}}"#),
        ("two/c.yaml", "x: {v: true}\n"),
    ]);
    let (first, count) = cached(&kept, folder.path(), r#"{"a": 1}"#);
    assert_eq!(count, 1);
    let first = first.unwrap();
    assert_eq!(first["sub"]["x"], json!({"w": null}));
    assert_eq!(first["rule_data__configuration__"], json!({"a": 1}));
    let (second, count) = cached(&kept, folder.path(), r#"{"a": 2}"#);
    let mut second = second.unwrap();
    assert_eq!(count, 1, "rule data is not a part of what is kept");
    second["rule_data__configuration__"] = json!({"a": 1});
    assert_eq!(second, first);
    // Another text, another place: another value.
    fs_err::write(folder.path().join("two/c.yaml"), "x: {v: false}\n").unwrap();
    let (third, count) = cached(&kept, folder.path(), "{}");
    assert_eq!((count, &third.unwrap()["x"]["v"]), (2, &json!(false)));
    fs_err::rename(folder.path().join("one/sub"), folder.path().join("one/other")).unwrap();
    let (fourth, count) = cached(&kept, folder.path(), "{}");
    assert_eq!((count, &fourth.unwrap()["other"]["z"]), (3, &json!("é")));
}

#[test]
fn data_that_is_kept_and_damaged_is_read_from_the_files() {
    let kept: Arc<Kept> = Arc::default();
    let folder = folder(&[("one/a.yaml", "x: [1, 2]"), ("two/b.yaml", "y: text")]);
    let (first, _) = cached(&kept, folder.path(), "{}");
    let whole: Vec<u8> = kept.0.lock().unwrap().values().next().unwrap().clone();
    for end in 0..whole.len() {
        kept.0.lock().unwrap().values_mut().for_each(|bytes| bytes.truncate(end));
        assert_eq!(cached(&kept, folder.path(), "{}").0, first, "{end}");
    }
    // A value that is not one of data.
    kept.0.lock().unwrap().values_mut().for_each(|bytes| *bytes = vec![0]);
    assert_eq!(cached(&kept, folder.path(), "{}").0, first);
}

#[test]
fn what_files_and_settings_both_set_is_reported_from_the_cache_as_without_it() {
    let kept: Arc<Kept> = Arc::default();
    let folder = folder(&[
        ("one/a.yaml", "conftest: {file: 1, other: 2}"),
        ("two/b.yaml", "rule_data__configuration__: {b: 2}"),
    ]);
    let (first, count) = cached(&kept, folder.path(), "{}");
    assert_eq!(count, 1);
    let error = first.unwrap_err();
    assert!(error.contains("a.yaml` and `the settings of assay` set `data.conftest.file`"), "{error}");
    assert_eq!(cached(&kept, folder.path(), "{}").0.unwrap_err(), error);
    fs_err::write(folder.path().join("one/a.yaml"), "conftest: {other: 2}").unwrap();
    for _ in 0..2 {
        let value = cached(&kept, folder.path(), r#"{"a": 1}"#).0.unwrap();
        assert_eq!(value["rule_data__configuration__"], json!({"a": 1, "b": 2}));
        assert_eq!(value["conftest"], json!({"other": 2, "file": {"dir": "folder", "name": "input.json"}}));
    }
}

#[test]
fn data_with_an_error_is_not_kept() {
    let kept: Arc<Kept> = Arc::default();
    for (text, says) in [("{", "neither JSON nor YAML"), ("config: 1", "sets `config`"), ("[1]", "is a list")] {
        let folder = folder(&[("one/a.yaml", text), ("two/b.yaml", "x: 1")]);
        let (value, count) = cached(&kept, folder.path(), "{}");
        assert!(value.unwrap_err().contains(says));
        assert_eq!(count, 0);
    }
    let folder = folder(&[("one/a.json", r#"{"x": 1e999999999}"#), ("two/b.yaml", "y: 1")]);
    let mut sources = Sources::new();
    sources.set_cache(Arc::clone(&kept) as Arc<dyn DerivedCache>);
    sources.add_data_of(&[&folder.path().join("one"), &folder.path().join("two")]).unwrap();
    assert!(sources.into_parts().1.into_value().unwrap_err().contains("out of range"));
    assert_eq!(kept.0.lock().unwrap().len(), 0);
}
