//! The image recipe, as far as it can be checked without a container engine: what it copies is there, what the scripts
//! call is installed, and the scripts do what a Tekton task requires. The last needs `bash` and `jq`, so it is ignored
//! by default; `.ci/run` runs it.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::tidy::root;

fn container(name: &str) -> Utf8PathBuf {
    Utf8PathBuf::from_path_buf(root().join("packaging/container").join(name)).unwrap()
}

#[test]
fn the_recipe_copies_what_is_there_and_installs_what_the_steps_call() {
    let recipe = fs_err::read_to_string(container("Containerfile")).unwrap();
    let copied =
        recipe.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from"));
    for place in copied.flat_map(|line| line.split(' ').rev().skip(1).collect::<Vec<_>>()) {
        assert!(root().join(place).exists(), "{place}");
    }
    let (_, last) = recipe.rsplit_once("\nFROM ").unwrap();
    for program in ["bash", "ca-certificates", "git", "jq", "kubectl", "ln -s assay /usr/local/bin/ec", "USER 1001"] {
        assert!(last.contains(program), "{program}");
    }
}

/// Runs a script with these variables and a `kubectl` that prints one document, whatever its arguments. Returns the
/// exit code.
fn run(name: &str, home: &Utf8Path, cluster: &Value, variables: &[(&str, &str)]) -> Option<i32> {
    let kubectl = home.join("kubectl");
    fs_err::write(&kubectl, format!("#!/bin/sh\ncat <<'END'\n{cluster}\nEND\n")).unwrap();
    fs_err::set_permissions(&kubectl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{home}:/usr/local/bin:/usr/bin:/bin");
    let mut command = Command::new("bash");
    command.arg(container(name)).env_clear().env("PATH", path).env("HOME", home).envs(variables.iter().copied());
    command.output().unwrap().status.code()
}

#[test]
#[ignore = "needs bash and jq"]
fn a_snapshot_is_reduced_to_the_component_of_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let home = Utf8Path::from_path(folder.path()).unwrap();
    let snapshot = json!({"application": "shop", "components": [{"name": "a"}, {"name": "b"}]});
    let labels = |kind: &str| json!({"metadata": {"labels": {"test.appstudio.openshift.io/type": kind, "appstudio.openshift.io/component": "b"}}, "spec": snapshot});
    let file = home.join("given.json");
    fs_err::write(&file, snapshot.to_string()).unwrap();
    let whole = snapshot.clone();
    let one = json!({"application": "shop", "components": [{"name": "b"}]});
    for (given, single, kind, want) in [
        (snapshot.to_string(), "false", "component", &whole),
        (file.to_string(), "true", "component", &one),
        ("shop-7k2mz".to_owned(), "true", "component", &one),
        ("shop-7k2mz".to_owned(), "true", "group", &whole),
    ] {
        let out = home.join("reduced.json");
        let variables = [
            ("SNAPSHOT", given.as_str()),
            ("SNAPSHOT_PATH", out.as_str()),
            ("SINGLE_COMPONENT", single),
            ("CUSTOM_RESOURCE", "pipelinerun/build"),
            ("CUSTOM_RESOURCE_NAMESPACE", "shop"),
        ];
        assert_eq!(run("reduce-snapshot.sh", home, &labels(kind), &variables), Some(0), "{given}");
        let reduced: Value = serde_json::from_str(&fs_err::read_to_string(&out).unwrap()).unwrap();
        assert_eq!(&reduced, want, "{given} {single} {kind}");
    }
    let broken = [("SNAPSHOT", "{"), ("SNAPSHOT_PATH", "/dev/null"), ("SINGLE_COMPONENT", "false")];
    assert_eq!(run("reduce-snapshot.sh", home, &json!({}), &broken), Some(1));
}

#[test]
#[ignore = "needs bash and jq"]
fn only_the_release_policys_tag_is_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let home = Utf8Path::from_path(folder.path()).unwrap();
    let out = home.join("policy-with-pinned-bundle.yaml");
    let digest = "b".repeat(64);
    let bundle = "oci::quay.io/conforma/release-policy:konflux";
    let policy =
        |place: &str| json!({"sources": [{"policy": [place, "oci::quay.io/conforma/release-policy:konflux-next"]}]});
    for (given, digest, want) in [
        (policy(bundle).to_string(), digest.as_str(), Some(policy(&format!("{bundle}@sha256:{digest}")))),
        ("shop/policy".to_owned(), digest.as_str(), Some(policy(&format!("{bundle}@sha256:{digest}")))),
        (policy("oci::registry.example/policy:konflux").to_string(), digest.as_str(), None),
        (policy(&format!("{bundle}@sha256:{}", "a".repeat(64))).to_string(), digest.as_str(), None),
        (policy(bundle).to_string(), "", None),
        ("github.com/shop/policy//config".to_owned(), digest.as_str(), None),
    ] {
        let variables = [("POLICY_CONFIGURATION", given.as_str()), ("POLICY_BUNDLE_DIGEST", digest)];
        let cluster = json!({"spec": policy(bundle)});
        assert_eq!(run("pin-konflux-policy-bundle.sh", home, &cluster, &variables), Some(0), "{given}");
        let written = fs_err::read_to_string(&out).ok();
        assert_eq!(written.map(|text| serde_json::from_str::<Value>(&text).unwrap()), want, "{given}");
        if out.exists() {
            fs_err::remove_file(&out).unwrap();
        }
    }
    let wrong = [("POLICY_CONFIGURATION", "{}"), ("POLICY_BUNDLE_DIGEST", "sha256:12")];
    assert_eq!(run("pin-konflux-policy-bundle.sh", home, &json!({}), &wrong), Some(1));
}
