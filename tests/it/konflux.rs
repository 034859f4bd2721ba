//! Konflux's resources on the command line: import, compose, match.

use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{Fixture, assay, command};

const COMPONENTS: &str = "apiVersion: appstudio.redhat.com/v1alpha1
kind: Component
metadata: {name: cart}
spec: {application: shop, source: {git: {url: 'https://git.example/cart'}}}
status: {lastPromotedImage: 'r.example/cart@DIGEST', lastBuiltCommit: c0}
---
apiVersion: appstudio.redhat.com/v1alpha1
kind: Component
metadata: {name: web}
spec: {application: shop, source: {git: {url: 'https://git.example/web'}}}
status: {lastPromotedImage: 'r.example/web@DIGEST', lastBuiltCommit: c0}
---
apiVersion: appstudio.redhat.com/v1beta2
kind: IntegrationTestScenario
metadata: {name: e2e, labels: {test.appstudio.openshift.io/optional: 'true'}}
spec: {application: shop, contexts: [{name: component_cart}], resolverRef: {resolver: cluster, params: []}}
";

fn digest(mark: char) -> String {
    format!("sha256:{}", mark.to_string().repeat(64))
}

fn components() -> String {
    COMPONENTS.replace("DIGEST", &digest('1'))
}

#[test]
fn import_reports_every_document_and_fails_when_one_is_rejected() {
    let fixture = Fixture::empty();
    let good = fixture.file("good.yaml", &components());
    let report = assay(&["import", good.as_str(), "--format", "json"]).json();
    let statuses: Vec<_> = report["documents"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["accepted"; 3]);
    let fields: Vec<_> = report["documents"][2].as_object().unwrap().keys().map(String::as_str).collect();
    let want = ["file", "line", "api_version", "kind", "namespace", "name", "status", "warnings", "errors"];
    assert_eq!(fields, want);
    let bad = components().replace("component_cart", "pull-request").replace("name: e2e", "name: \"e2e\\u001b[31m\"");
    let bad = fixture.file("bad.yaml", &bad);
    let output = assay(&["import", bad.as_str(), "--format=json"]);
    assert_eq!(output.code, 2);
    let errors = output.json()["documents"][2]["errors"].clone();
    assert_eq!((&errors[0]["code"], &errors[0]["path"]), (&json!("name"), &json!("metadata.name")));
    assert_eq!(errors[1]["path"], "spec.contexts[0].name");
    assert_eq!(errors[1]["suggestion"], "did you mean `pull_request`?");
    let text = assay(&["import", bad.as_str()]);
    assert!(text.code == 2 && !text.out.contains('\u{1b}') && text.out.contains("2 accepted, 0 ignored, 1 rejected"));
    assay(&["import", "/none.yaml"]).expect(2, "does not exist");
}

#[test]
fn a_file_of_more_than_the_limit_is_refused() {
    let fixture = Fixture::empty();
    let param = format!("{}  params: [{{name: x, value: '{}'}}]\n", components(), "x".repeat(17 << 20));
    let large = fixture.file("large.yaml", &param);
    assay(&["import", large.as_str()]).expect(2, "more than the 16777216 bytes allowed");
}

fn compose(fixture: &Fixture, more: &[&str]) -> Command {
    let from = fixture.file("shop.yaml", &components());
    command(&[&["snapshot", "compose", "--from", from.as_str(), "--format", "json"], more].concat())
}

fn composed(fixture: &Fixture, more: &[&str]) -> Value {
    let output = compose(fixture, more).output().unwrap();
    crate::fixture::CommandOutput::of(&output).json()
}

#[test]
fn equal_builds_give_equal_snapshots_and_nothing_is_written_without_a_record() {
    let fixture = Fixture::empty();
    let set = format!("cart=localhost:5000/cart:2@{},revision=c1", digest('2'));
    let store = fixture.path("store");
    let run = || composed(&fixture, &["--set", &set, "--build-start", "1785924930", "--store", store.as_str()]);
    let first = run();
    assert_eq!(first, run());
    assert!(!store.exists());
    let from: Vec<_> = first["components"].as_array().unwrap().iter().map(|one| one["from"].clone()).collect();
    assert_eq!(from, ["built", "candidate"]);
    assert_eq!((&first["omitted"], &first["name"]), (&json!([]), &json!("shop-20260805-101530-000")));
    assert_eq!(first["snapshot"]["kind"], "Snapshot");
    let output = compose(&fixture, &["--set", &set, "--record"]).output().unwrap();
    crate::fixture::CommandOutput::of(&output).expect(2, "`--record` needs a store");
}

/// B10: the image, the start, what led to it and the labels are those of the build's PipelineRun.
#[test]
fn a_snapshot_is_composed_of_a_build_and_what_it_says() {
    let fixture = Fixture::empty();
    let build = |event: &str, status: &str| {
        let text = json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
            "metadata": {"name": "cart-on-push-x", "labels": {"appstudio.openshift.io/component": "cart",
                "pipelinesascode.tekton.dev/event-type": event, "pipelinesascode.tekton.dev/pull-request": "7",
                "custom.appstudio.openshift.io/team": "a"}},
            "status": {"startTime": "2026-08-05T10:15:30Z", "conditions": [{"type": "Succeeded", "status": status}],
                "results": [{"name": "IMAGE_URL", "value": "r.example/cart:2"}, {"name": "IMAGE_DIGEST", "value": digest('2')},
                    {"name": "CHAINS-GIT_COMMIT", "value": "c2"}]},
        });
        fixture.file(&format!("{event}-{status}.json"), &text.to_string()).to_string()
    };
    let push = composed(&fixture, &["--build", &build("push", "True")]);
    let set = format!("cart=r.example/cart:2@{},revision=c2", digest('2'));
    let by_hand = composed(&fixture, &["--set", &set, "--build-start", "1785924930"]);
    assert_eq!((&push["id"], &push["name"]), (&by_hand["id"], &by_hand["name"]));
    let label = |composed: &Value, name: &str| composed["snapshot"]["metadata"]["labels"][name].clone();
    assert_eq!(label(&push, "custom.appstudio.openshift.io/team"), "a");
    assert_eq!(label(&push, "pac.test.appstudio.openshift.io/event-type"), "push");
    let pull_request = build("pull_request", "True");
    let composed_of = composed(&fixture, &["--build", &pull_request]);
    assert_eq!(label(&composed_of, "pac.test.appstudio.openshift.io/event-type"), "pull_request");
    let refused = |more: &[&str], says: &str| {
        crate::fixture::CommandOutput::of(&compose(&fixture, more).output().unwrap()).expect(2, says);
    };
    refused(&["--build", &build("push", "False")], "the build `cart-on-push-x` failed");
    refused(&["--build", &pull_request, "--pull-request", "8"], "of different pull requests");
    refused(
        &["--build", &build("push", "True"), "--set", &set, "--mode", "coupled"],
        "two images are given for `cart`",
    );
    refused(&["--build", fixture.file("shop.yaml", &components()).as_ref()], "shop.yaml");
}

/// B6, D3: candidates move by the start of their builds, and an override fences at its own start.
#[test]
fn a_recorded_build_becomes_the_candidate_and_an_older_one_does_not_replace_it() {
    let fixture = Fixture::empty();
    let store = fixture.path("store");
    let candidate = || {
        let set = format!("web=r.example/web@{}", digest('9'));
        let found = composed(&fixture, &["--set", &set, "--store", store.as_str()]);
        found["components"][0]["image"].as_str().unwrap().chars().last().unwrap()
    };
    let record = |mark: char, start: &str, more: &[&str]| {
        let set = format!("cart=r.example/cart@{}", digest(mark));
        let fixed = ["--set", &set, "--build-start", start, "--record", "--store", store.as_str()];
        let output = compose(&fixture, &[&fixed[..], more].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    record('2', "2000", &[]);
    assert_eq!(candidate(), '2');
    let note = record('3', "1000", &[]);
    assert!(note.contains("the candidate of `cart` in `shop` stays"), "{note}");
    assert_eq!(candidate(), '2');
    record('4', "3000", &["--pull-request", "7"]);
    assert_eq!(candidate(), '2', "a pull request moves nothing");
    record('5', "500", &["--mode", "override"]);
    assert_eq!(candidate(), '5');
    record('6', "4000", &[]);
    assert_eq!(candidate(), '5', "a build that started before the override does not replace it");
}

#[test]
fn scenarios_are_matched_with_the_reason() {
    let fixture = Fixture::empty();
    let from = fixture.file("shop.yaml", &components());
    let set = format!("cart=r.example/cart@{},revision=c1", digest('2'));
    let snapshot = composed(&fixture, &["--set", &set])["snapshot"].to_string();
    let fixed = ["scenarios", "match", "--from", from.as_str(), "--images", &snapshot];
    let found = assay(&[&fixed[..], &["--format", "json"]].concat()).json();
    let want = json!({"scenarios": [{
        "name": "e2e", "matched": true, "context": "component_cart",
        "reason": "the context `component_cart` matches (type component of `cart`, push)",
        "optional": true, "after": [], "cached_from": null,
    }]});
    assert_eq!(found, want);
    let found = assay(&[&fixed[..], &["--format", "json", "--changed", "web"]].concat()).json();
    assert_eq!(found["scenarios"][0]["matched"], false);
    assay(&[&fixed[..], &["--changed", "crat"]].concat()).expect(2, "has no component `crat`");
    let rejected = fixture.file("bad.yaml", &components().replace("component_cart", "nightly"));
    assay(&["scenarios", "match", "--from", rejected.as_str(), "--images", &snapshot]).expect(2, "is rejected");
}

/// The resources of the example are a run of five scenarios over three components.
#[test]
fn the_example_is_planned_from_its_candidates() {
    let request = assay_app::PlanFilesRequest {
        paths: vec![camino::Utf8PathBuf::from_path_buf(crate::tidy::root().join("examples/shop")).unwrap()],
        snapshot: None,
        scenarios: Vec::new(),
        changed: Vec::new(),
        pointers: Vec::new(),
        run: "r1".to_owned(),
        settings: assay_app::SourceSettings {
            cache: assay_app::CacheDir::None,
            offline: true,
            registries: assay_oci::RegistryOptions::default(),
            deadline: None,
            is_strict: true,
            trust_root: assay_app::TrustRootSettings::default(),
        },
    };
    let plan = assay_app::plan_files(&request, &|_: assay_app::Event| {}).unwrap();
    let names: Vec<_> = plan.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["ec", "production", "registries", "report", "sources"]);
    assert!(plan.scenarios.iter().all(|scenario| scenario.tekton_tasks().next().is_none()));
    let optional: Vec<_> = plan.scenarios.iter().filter(|one| one.optional).map(|one| one.name.as_str()).collect();
    assert_eq!(optional, ["production"]);
    let report = plan.scenarios.iter().find(|scenario| scenario.name == "report").unwrap();
    let after: Vec<_> = report.after.iter().map(|one| (one.name.as_str(), one.fail_fast)).collect();
    assert_eq!(after, [("ec", true), ("sources", false)]);
    let tasks: Vec<_> = report.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(tasks, ["summary-0", "summary-1", "status"]);
    let param: Value = serde_json::from_str(&plan.snapshot.param).unwrap();
    assert_eq!(param["components"].as_array().unwrap().len(), 3);
}

/// Bad input ends in its exit code with a sentence.
#[test]
fn documents_that_would_fill_the_memory_or_never_end_are_rejected() {
    let fixture = Fixture::empty();
    let head = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n";
    let plugin = "taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: x}";
    let list: Vec<_> = (0..1000).map(|n| format!("'{n}'")).collect();
    let list = list.join(", ");
    let matrix = format!(
        "{head}  tasks: [{{name: a, {plugin}, matrix: {{params: [{{name: b, value: [{list}]}}, {{name: c, value: [{list}]}}]}}}}]\n"
    );
    let cycle =
        format!("{head}  tasks: [{{name: a, {plugin}, runAfter: [b]}}, {{name: b, {plugin}, runAfter: [a]}}]\n");
    let mut bomb = format!("{head}  tasks: []\nx0: &x0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let refs = vec![format!("*x{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("x{n}: &x{n} [{refs}]\n"));
    }
    for (name, text, says) in [
        ("matrix.yaml", matrix, "the matrix has 1000000 combinations, more than the 256 allowed"),
        ("cycle.yaml", cycle, "the tasks wait for each other: a → b → a"),
        ("bomb.yaml", bomb, "is not YAML"),
    ] {
        let file = fixture.file(name, &text);
        assay(&["import", file.as_str()]).expect(2, says);
    }
}
