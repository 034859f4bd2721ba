//! Recorded provenance of a real Konflux build and of Tekton Chains, evaluated by our policies.
//!
//! The statements are not part of this repository. Each is wrapped into an image of its own (its subject becomes that
//! image), signed, and evaluated; the violations must be exactly those of `recorded.txt`.

use serde_json::{Value, json};

use crate::{fixture::Fixture, shared::shared, tidy::root};

/// Rule data, effective time and trusted tasks for a recording.
struct Setting {
    time: &'static str,
    required: &'static [&'static str],
    trusted: Value,
}

fn setting(name: &str) -> Setting {
    if !name.starts_with("golden") {
        return Setting {
            time: "2024-01-10",
            required: &["mock-git-clone", "mock-build", "mock-av-scanner"],
            trusted: json!({
                "git+https://github.com/enterprise-contract/hacks.git//provenance/task/mock-git-clone.yaml":
                    [{"ref": "4fceb2416020011e794105f113a3913ef659c8ee"}],
            }),
        };
    }
    let catalog = |task: &str| format!("oci://quay.io/konflux-ci/tekton-catalog/{task}");
    Setting {
        time: "2025-02-11",
        required: &["git-clone", "buildah", "clair-scan", "clamav-scan", "sast-unicode-check"],
        trusted: json!({
            catalog("task-git-clone:0.1"):
                [{"ref": "sha256:d091a9e19567a4cbdc5acd57903c71ba71dc51d749a4ba7477e689608851e981"}],
            catalog("task-init:0.2"): [
                {"ref": format!("sha256:{}", "0".repeat(64))},
                {"expires_on": "2025-02-01T00:00:00Z",
                    "ref": "sha256:63eb4a4c0cfb491276bff86fdad1c96bf238506388848e79001058450a8e843a"},
            ],
            catalog("task-clair-scan:0.2"):
                [{"expires_on": "2025-02-20T00:00:00Z",
                    "ref": "sha256:f636f2cbe91d9d4d9685a38c8bc680a36e17f568ec0e60a93da82d1284b488c5"}],
        }),
    }
}

fn validate(name: &str, mut statement: Value) -> Vec<String> {
    let mut fixture = Fixture::empty();
    let digest = fixture.unsigned_image("it", &[]);
    statement["subject"] = json!([{"name": "it", "digest": {"sha256": digest.hex()}}]);
    fixture.layout.sign(&fixture.key, "app/it", &digest).unwrap();
    fixture.layout.attest(&fixture.key, "app/it", &digest, &[statement.to_string().into_bytes()]).unwrap();
    let setting = setting(name);
    fixture.file("data/trusted_tasks.json", &json!({"trusted_tasks": setting.trusted}).to_string());
    let policies = |folder: &str| root().join("policies").join(folder);
    let policy = json!({"sources": [{
        "policy": [policies("lib"), policies("release")],
        "data": [fixture.path("data")],
        "ruleData": {
            "allowed_builder_ids": ["https://tekton.dev/chains/v2"],
            "allowed_build_types": ["tekton.dev/v1beta1/PipelineRun", "https://tekton.dev/chains/v2/slsa-tekton"],
            "allowed_registry_prefixes": ["registry.access.redhat.com/ubi9"],
            "allowed_step_image_registry_prefixes": ["registry.access.redhat.com/ubi9", "quay.io/konflux-ci"],
            "allowed_cves": {"critical": 0, "high": 0, "medium": "any", "low": "any", "unknown": "any"},
            "required_tasks": setting.required,
            "task_expiry_warning_days": 30,
        },
    }]});
    let past = ["--effective-time", setting.time, "--allow-past-effective-time", "--output", "json"];
    let output = fixture.validate_with_policy(&policy.to_string(), &past);
    assert_eq!(output.code, 1, "{name}: {output:?}");
    let violations = output.json()["components"][0]["violations"].as_array().cloned().unwrap();
    let mut codes: Vec<_> = violations
        .iter()
        .map(|finding| {
            let code = finding["metadata"]["code"].as_str().unwrap().to_owned();
            match finding["metadata"]["term"].as_str() {
                // A digest is identified by its first digits.
                Some(term) => match term.split_once("@sha256:") {
                    Some((name, hex)) => format!("{code}:{name}@sha256:{}", hex.get(..8).unwrap()),
                    None => format!("{code}:{term}"),
                },
                None => code,
            }
        })
        .collect();
    codes.sort();
    codes
}

#[test]
#[ignore = "needs shared data"]
fn our_policies_find_in_recorded_provenance_exactly_what_is_listed() {
    let folder = shared("data/attestations");
    let list = fs_err::read_to_string(root().join("tests/it/recorded.txt")).unwrap();
    let mut recordings = 0;
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (name, codes) = line.split_once(' ').unwrap();
        let statement = fs_err::read(folder.join(format!("{name}.json"))).unwrap();
        let found = validate(name, serde_json::from_slice(&statement).unwrap());
        assert_eq!(found.join(" "), codes, "{name}");
        recordings += 1;
    }
    assert_eq!(recordings, 7);
}
