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
    Ok(sources.into_parts().1)
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
        "rule_data__configuration__": {"a": [1.0], "b": 2},
    });
    let data = sources.into_parts().1;
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
