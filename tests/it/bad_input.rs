//! Requests that cannot be carried out, and content that lies: one clear sentence, the right exit code, nothing half
//! written.

use assay_model::digest::Digest;
use serde_json::json;

use crate::fixture::{CommandOutput, Fixture, HOST, assay, component};

/// Validates the good image with one argument replaced.
fn with(fixture: &Fixture, flag: &str, value: &str) -> CommandOutput {
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let (snapshot, policy, key, bundle) =
        (fixture.snapshot(HOST), fixture.policy(), fixture.path("key.pub"), fixture.path("oci"));
    let mut arguments = vec!["validate", "image", "--ignore-rekor"];
    let fixed = [
        ("--images", snapshot.as_str()),
        ("--policy", &policy),
        ("--public-key", key.as_str()),
        ("--evidence", bundle.as_str()),
    ];
    for (name, good) in fixed {
        arguments.extend([name, if name == flag { value } else { good }]);
    }
    if !fixed.iter().any(|(name, _)| *name == flag) {
        arguments.extend([flag, value]);
    }
    assay(&arguments)
}

#[test]
fn a_request_that_cannot_be_used_ends_with_2_and_a_sentence() {
    let fixture = Fixture::good();
    let source = |folder: &str| json!({"sources": [{"policy": [fixture.path(folder)]}]}).to_string();
    fixture.file("syntax/p.rego", "package p\n\nimport rego.v1\n\ndeny contains msg if {\n\tmsg := }\n");
    fixture.file("norule/p.rego", "package p\n\nimport rego.v1\n\nhelper := 1\n");
    fixture.file("norego/readme.md", "nothing here");
    fixture.file("garbage.pub", "not a key");
    fixture.file("half.pub", "-----BEGIN PUBLIC KEY-----\nMFkwEwYH\n-----END PUBLIC KEY-----\n");
    fixture.file("empty.wasm", "");
    fixture.file("text.wasm", "this is not a component");
    fixture.file("module.wasm", "\0asm\u{1}\0\0\0");
    fixture.file("data/x.yaml", "a: [1\n");
    let data = json!({"sources": [{"policy": [fixture.path("policy")], "data": [fixture.path("data")]}]}).to_string();
    let path = |name: &str| fixture.path(name).to_string();
    for (flag, value, says) in [
        ("--images", "{\"components\": [".to_owned(), "neither JSON nor YAML"),
        ("--images", "{}".to_owned(), "no components"),
        ("--images", "components: []\n".to_owned(), "no components"),
        ("--images", "components:\n- name: a\n".to_owned(), "component 1 (`a`)"),
        ("--images", path("nowhere.yaml"), "no such file"),
        ("--policy", source("syntax"), "p.rego"),
        ("--policy", source("norule"), "rule"),
        ("--policy", source("norego"), "norego"),
        ("--policy", source("nowhere"), "nowhere"),
        ("--policy", data, "x.yaml"),
        ("--policy", "{\"sources\": 3}".to_owned(), "EnterpriseContractPolicy"),
        ("--policy", json!({"sources": [{"policy": ["oci::r.example/p"]}]}).to_string(), "oci::r.example/p"),
        ("--policy", json!({"sources": [{"policy": ["git::g.example/p"]}]}).to_string(), "git::g.example/p"),
        ("--policy", json!({"sources": [{"policy": ["https://g.example/p"]}]}).to_string(), "https://g.example/p"),
        ("--public-key", path("garbage.pub"), "garbage.pub"),
        ("--public-key", path("half.pub"), "half.pub"),
        ("--public-key", path("nowhere.pub"), "no such file"),
        ("--evidence", path("nowhere"), "nowhere"),
        ("--evidence", path("policy"), "policy"),
        ("--plugin", path("empty.wasm"), "empty.wasm"),
        ("--plugin", path("text.wasm"), "text.wasm"),
        ("--plugin", path("module.wasm"), "module.wasm"),
        ("--plugin", path("nowhere.wasm"), "no such file"),
        ("--output", "pdf".to_owned(), "pdf"),
        ("--output", format!("json={}", path("no/folder/x")), "does not exist"),
        ("--effective-time", "soon".to_owned(), "invalid timestamp"),
        ("--workers", "many".to_owned(), "workers"),
        ("--timeout", "a while".to_owned(), "not a duration"),
        ("--nonsense", "x".to_owned(), "--nonsense"),
    ] {
        let output = with(&fixture, flag, &value);
        output.expect(2, says);
        assert_eq!(output.out, "", "{flag} {value}: data on standard output");
        assert!(output.err.starts_with("error: "), "{flag} {value}: {}", output.err);
    }
}

#[test]
fn the_sentence_of_a_broken_policy_names_the_file_and_the_line() {
    let fixture = Fixture::good();
    fixture.file("policy/broken.rego", "package p\n\nimport rego.v1\n\ndeny contains msg if {\n\tmsg := }\n");
    let output = fixture.validate(&[]);
    output.expect(2, "broken.rego:6");
}

#[test]
fn nothing_is_written_for_an_invalid_request() {
    let fixture = Fixture::good();
    let report = fixture.file("report.json", "what was here");
    let output = format!("json={report}");
    fixture.layout.write(&fixture.path("oci")).unwrap();
    fixture
        .validate(&["--output", &output, "--plugin", fixture.path("nowhere.wasm").as_str()])
        .expect(2, "nowhere.wasm");
    assert_eq!(fs_err::read_to_string(&report).unwrap(), "what was here");
}

#[test]
fn content_with_another_digest_is_an_error() {
    let of_tag = |fixture: &Fixture, kind: &str, digest: &Digest| {
        let name = format!("app/it:sha256-{}.{kind}", digest.hex());
        fixture.layout.names().find(|(found, _)| *found == name).unwrap().1.digest.clone()
    };
    let layer_of = |fixture: &Fixture, manifest: &Digest| -> Digest {
        let manifest: serde_json::Value = serde_json::from_slice(fixture.layout.get(manifest).unwrap()).unwrap();
        manifest["layers"][0]["digest"].as_str().unwrap().parse().unwrap()
    };
    let config_of = |fixture: &Fixture, manifest: &Digest| -> Digest {
        let manifest: serde_json::Value = serde_json::from_slice(fixture.layout.get(manifest).unwrap()).unwrap();
        manifest["config"]["digest"].as_str().unwrap().parse().unwrap()
    };
    /// What is corrupted, how, and the expected error.
    type Case<'a> = (&'a str, &'a dyn Fn(&mut Fixture, &Digest), &'a str);
    let cases: [Case<'_>; 8] = [
        ("the manifest is another", &|fixture, digest| fixture.layout.forge(digest, *b"{}"), "digest-mismatch"),
        ("the manifest is gone", &|fixture, digest| assert!(fixture.layout.lose(digest)), "not-found"),
        (
            "the config is another",
            &|fixture, digest| {
                let config = config_of(fixture, digest);
                fixture.layout.forge(&config, *b"{}");
            },
            "digest-mismatch",
        ),
        (
            "the config is truncated",
            &|fixture, digest| {
                let config = config_of(fixture, digest);
                let half = fixture.layout.get(&config).unwrap();
                let half = half.get(..half.len() / 2).unwrap().to_vec();
                fixture.layout.forge(&config, half);
            },
            "digest-mismatch",
        ),
        (
            "the signature's payload is another",
            &|fixture, digest| {
                let payload = layer_of(fixture, &of_tag(fixture, "sig", digest));
                let mut bytes = fixture.layout.get(&payload).unwrap().to_vec();
                if let Some(byte) = bytes.last_mut() {
                    *byte = b' ';
                }
                fixture.layout.forge(&payload, bytes);
            },
            "digest-mismatch",
        ),
        (
            "the attestation is gone",
            &|fixture, digest| {
                let layer = layer_of(fixture, &of_tag(fixture, "att", digest));
                assert!(fixture.layout.lose(&layer));
            },
            "blob-not-found",
        ),
        (
            "the image is not what the Snapshot names",
            &|fixture, _| {
                let (name, _) = fixture.components.pop().unwrap();
                fixture.components.push((name, format!("app/it@{}", Digest::of(b"other"))));
            },
            "image-not-found",
        ),
        (
            "the manifest is no JSON",
            &|fixture, _| {
                let digest = fixture.layout.manifest("app/it", None, xtask::layout::MANIFEST, *b"no JSON");
                fixture.components.push(("odd".to_owned(), format!("app/it@{digest}")));
            },
            "malformed",
        ),
    ];
    for (name, spoil, code) in cases {
        let mut fixture = Fixture::good();
        let digest = fixture.image("it", &[]);
        spoil(&mut fixture, &digest);
        let path = fixture.path("report.json");
        let output = fixture.validate(&["--output", &format!("json={path}"), "--output", "text"]);
        output.expect(3, code);
        let report: serde_json::Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
        let good = component(&report, "good");
        assert_eq!(good["success"], json!(true), "{name}: the other component is evaluated");
        let errors: Vec<_> =
            report["components"].as_array().unwrap().iter().filter_map(|component| component.get("error")).collect();
        assert_eq!(errors.len(), 1, "{name}");
        assert!(errors.iter().all(|error| error["message"].as_str().unwrap().len() > 20), "{name}: {errors:?}");
    }
}

#[test]
fn a_blob_announced_as_two_gigabytes_is_refused_without_being_read() {
    let mut fixture = Fixture::empty();
    let config = fixture.layout.blob(*b"{}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": xtask::layout::MANIFEST,
        "config": {"mediaType": xtask::layout::CONFIG, "digest": config, "size": 2_000_000_000_u64},
        "layers": [],
    });
    let digest = fixture.layout.manifest("app/it", None, xtask::layout::MANIFEST, manifest.to_string());
    fixture.components.push(("it".to_owned(), format!("app/it@{digest}")));
    fixture.validate(&[]).expect(3, "too-large");
}

#[test]
fn a_wrong_key_denies() {
    let fixture = Fixture::good();
    fixture.file("key.pub", &xtask::sign::Key::generate().unwrap().public_pem().unwrap());
    fixture.validate(&[]).expect(1, "builtin.image.signature_check");
}
