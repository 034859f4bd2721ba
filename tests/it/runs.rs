//! Runs on the command line: carried out, recorded, shown, explained, collected.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::fixture::{CommandOutput, Fixture, assay, command, guest};

const RESOURCES: &str = "apiVersion: appstudio.redhat.com/v1alpha1
kind: Application
metadata: {name: shop}
spec: {displayName: shop}
---
apiVersion: appstudio.redhat.com/v1alpha1
kind: Snapshot
metadata: {name: shop-1}
spec:
  application: shop
  components: [{name: cart, containerImage: 'r.example/cart@DIGEST', source: {git: {url: 'https://git.example/cart', revision: c}}}]
---
apiVersion: appstudio.redhat.com/v1beta2
kind: IntegrationTestScenario
metadata: {name: smoke}
spec:
  application: shop
  params: [{name: OUTCOME, value: SMOKE}]
  resolverRef: {resolver: cluster, params: [{name: kind, value: pipeline}, {name: name, value: two-tasks}]}
---
apiVersion: appstudio.redhat.com/v1beta2
kind: IntegrationTestScenario
metadata: {name: extra, labels: {test.appstudio.openshift.io/optional: 'true'}}
spec:
  application: shop
  params: [{name: OUTCOME, value: failure}]
  resolverRef: {resolver: cluster, params: [{name: kind, value: pipeline}, {name: name, value: two-tasks}]}
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: two-tasks}
spec:
  params: [{name: OUTCOME}]
  tasks:
    - name: first
      params: [{name: text, value: hello}]
      taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: scripted}
    - name: second
      params: [{name: text, value: $(tasks.first.results.text) again}, {name: outcome, value: $(params.OUTCOME)}]
      taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: scripted}
";

pub(crate) struct Shop {
    pub(crate) fixture: Fixture,
}

impl Shop {
    /// With this outcome of the required scenario.
    pub(crate) fn new(outcome: &str) -> Self {
        let fixture = Fixture::empty();
        let digest = format!("sha256:{}", "1".repeat(64));
        fixture.file("resources.yaml", &RESOURCES.replace("DIGEST", &digest).replace("SMOKE", outcome));
        fixture.file("plugins.toml", &format!("[plugin.scripted]\nfile = '{}'\n", guest("scripted_task")));
        Self { fixture }
    }

    pub(crate) fn arguments(&self, more: &[&str]) -> Vec<String> {
        let path = |name: &str| self.fixture.path(name).to_string();
        let (resources, plugins, store) = (path("resources.yaml"), path("plugins.toml"), path("store"));
        let fixed = ["run", &resources, "--plugins", &plugins, "--store", &store];
        fixed.iter().chain(more).map(|text| (*text).to_owned()).collect()
    }

    pub(crate) fn run(&self, more: &[&str]) -> CommandOutput {
        let arguments = self.arguments(more);
        assay(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn runs(&self, arguments: &[&str]) -> CommandOutput {
        let store = self.fixture.path("store").to_string();
        assay(&[&["runs"], arguments, &["--store", &store]].concat())
    }

    pub(crate) fn id(&self) -> String {
        let list = self.runs(&["list", "--format", "json"]).json();
        list["runs"][0]["id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_run_is_recorded_and_shown_and_its_exit_code_is_that_of_the_required_scenarios() {
    let shop = Shop::new("success");
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    let id = shop.id();
    let show = shop.runs(&["show", &id, "--format", "json"]).json();
    assert_eq!((&show["version"], &show["state"], &show["verdict"]), (&json!(1), &json!("passed"), &json!("allowed")));
    let scenarios: Vec<_> = show["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scenario| {
            (scenario["name"].as_str().unwrap(), scenario["state"].as_str().unwrap(), scenario["optional"] == true)
        })
        .collect();
    assert!(scenarios.contains(&("smoke", "passed", false)), "{scenarios:?}");
    assert!(scenarios.contains(&("extra", "failed", true)), "{scenarios:?}");
    let smoke = show["scenarios"].as_array().unwrap().iter().find(|scenario| scenario["name"] == "smoke").unwrap();
    let second = &smoke["tasks"][1];
    assert_eq!(second["results"]["text"], "hello again");
    let output: Value = serde_json::from_str(second["results"]["TEST_OUTPUT"].as_str().unwrap()).unwrap();
    assert_eq!((&output["result"], &output["note"]), (&json!("SUCCESS"), &json!("1 components")));
    assert_eq!((&second["artifacts"][0]["name"], &second["artifacts"][0]["size"]), (&json!("text.txt"), &json!(11)));
    assert_eq!(second["attempts"].as_array().unwrap().len(), 1);
    shop.runs(&["logs", &id, "--task", "smoke/second"]).expect(0, "hello again");
    shop.runs(&["logs", &id, "--task", "second"]).expect(2, "2 tasks of the run");
    let part =
        shop.runs(&["logs", &id, "--task", "smoke/second", "--format", "json", "--offset", "5", "--follow"]).json();
    assert_eq!((&part["complete"], &part["offset"]), (&json!(true), &json!(5)));
    let explained = shop.runs(&["explain", &id, "--format", "json"]).json();
    let reasons = explained["reasons"].as_array().unwrap();
    assert!(reasons.iter().all(|reason| reason["scenario"] == "extra"), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason["task"] == "second" && reason["cause"]["code"].is_string()));
    // The same command again: the run has ended and is not run again.
    shop.run(&["--dev"]).expect(0, &id);
    assert_eq!(shop.runs(&["list", "--format", "json"]).json()["runs"].as_array().unwrap().len(), 1);
    shop.runs(&["cancel", &id]).expect(0, "had ended before");
    shop.runs(&["gc"]).expect(2, "--max-age");
    shop.runs(&["pin", &id]).expect(0, "is pinned");
    shop.runs(&["gc", "--max-count", "0"]).expect(0, "removed 0 runs");
    shop.runs(&["pin", &id, "--remove"]).expect(0, "is not pinned");
    shop.runs(&["gc", "--max-count", "0", "--dry-run"]).expect(0, "would remove 1 runs");
    shop.runs(&["gc", "--max-count", "0"]).expect(0, &id);
    shop.runs(&["show", &id]).expect(2, "there is no run");
}

#[test]
fn a_failure_is_one_and_an_error_three_and_events_say_how_it_went() {
    Shop::new("failure").run(&["--dev"]).expect(1, "verdict denied");
    let shop = Shop::new("invalid");
    let output = shop.run(&["--dev", "--format", "jsonl"]);
    assert_eq!(output.code, 3, "{output:?}");
    let events: Vec<Value> = output.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|event| event["version"] == 1 && event["at"].is_string()));
    assert_eq!(events.last().unwrap()["change"]["ended"]["verdict"], "error");
    assert!(events.iter().any(|event| event["budget"]["name"] == "queue"));
}

#[test]
fn what_cannot_be_run_is_refused_before_a_store_is_made() {
    let shop = Shop::new("success");
    shop.run(&[]).expect(2, "for development");
    shop.run(&["--dev", "--scenario", "none"]).expect(2, "none");
    shop.fixture.file("plugins.toml", "");
    shop.run(&["--dev"]).expect(2, "needs the plugin `scripted`");
    assert!(!shop.fixture.path("store").exists());
    shop.runs(&["list"]).expect(2, "there is no store");
    shop.runs(&["show", "../etc"]).expect(2, "is not the ID of a run");
}

#[test]
fn a_run_that_is_killed_goes_on_with_the_same_command() {
    let shop = Shop::new("success");
    for wait in [30, 90, 200] {
        let arguments = shop.arguments(&["--dev"]);
        let mut process = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::park_timeout(std::time::Duration::from_millis(wait));
        process.kill().unwrap();
        process.wait().unwrap();
    }
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    assert_eq!(shop.runs(&["list", "--format", "json"]).json()["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_store_of_another_program_or_a_newer_one_is_refused() {
    let shop = Shop::new("success");
    let store = shop.fixture.path("store");
    fs_err::create_dir_all(&store).unwrap();
    fs_err::write(store.join("assay.db"), "not a database, but long enough to be read as if it were one. ".repeat(20))
        .unwrap();
    shop.run(&["--dev"]).expect(3, "damaged");
    shop.runs(&["list"]).expect(3, "damaged");
}
