//! The evidence of images in a run: a task that reads it gets what `plugin run` gives it, verified by the key of the command.

use serde_json::Value;

use crate::{
    fixture::{CommandOutput, assay, guest},
    plugin_distribution::Team,
};

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
  components: [{name: good, containerImage: 'IMAGE'}]
---
apiVersion: appstudio.redhat.com/v1beta2
kind: IntegrationTestScenario
metadata: {name: sbom}
spec:
  application: shop
  resolverRef: {resolver: cluster, params: [{name: kind, value: pipeline}, {name: name, value: reads}]}
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: reads}
spec:
  tasks:
    - name: read
      params: [{name: do, value: evidence}]
      taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: reader}
";

/// A run whose only task says how many bytes of the image's manifest it could read.
struct Shop(Team);

impl Shop {
    fn new() -> Self {
        let team = Team::new("127.0.0.1:1");
        let image = format!("registry.test/{}", team.fixture.components[0].1);
        team.fixture.file("resources.yaml", &RESOURCES.replace("IMAGE", &image));
        team.fixture.file("list.toml", &format!("[plugin.reader]\nfile = '{}'\n", guest("hostile_task")));
        Self(team)
    }

    fn run(&self, more: &[&str]) -> CommandOutput {
        let [resources, list, store] = ["resources.yaml", "list.toml", "store"].map(|name| self.0.path(name));
        assay(&[&["run", &resources, "--plugins", &list, "--dev", "--store", &store], more].concat())
    }

    fn runs(&self, arguments: &[&str]) -> CommandOutput {
        assay(&[&["runs"], arguments, &["--store", &self.0.path("store")]].concat())
    }

    /// The IDs of all runs, the newest first.
    fn ids(&self) -> Vec<String> {
        let list = self.runs(&["list", "--format", "json"]).json();
        list["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    }

    /// What the task of a run found.
    fn found(&self, id: &str) -> Value {
        let task = self.runs(&["show", id, "--format", "json"]).json()["scenarios"][0]["tasks"][0].clone();
        serde_json::from_str(task["results"]["TEST_OUTPUT"].as_str().unwrap()).unwrap()
    }
}

#[test]
fn a_task_of_a_run_reads_the_evidence_that_a_key_verifies_and_the_key_is_part_of_what_is_run() {
    let shop = Shop::new();
    let (layout, key, stranger) = (shop.0.path("oci"), shop.0.path("key.pub"), shop.0.path("stranger.pub"));
    let signed_by = |key| ["--evidence", layout.as_str(), "--public-key", key, "--ignore-rekor"];
    shop.run(&signed_by(&key)).expect(0, "verdict allowed");
    let ids = shop.ids();
    let note = shop.found(&ids[0])["note"].as_str().unwrap().to_owned();
    let bytes: u64 = note.strip_prefix("good ").and_then(|rest| rest.strip_suffix(" true")).unwrap().parse().unwrap();
    assert!(bytes > 100, "{note}");
    // The same command is the same run.
    shop.run(&signed_by(&key)).expect(0, "verdict allowed");
    assert_eq!(shop.ids(), ids);

    // What another key does not verify is a failure. The plugin is not called, and no result of another key is reused.
    shop.run(&[&signed_by(&stranger)[..], &["--reuse"]].concat()).expect(1, "does not verify");
    let refused = shop.ids();
    assert_eq!(refused.len(), 2);
    let found = shop.found(&refused[0]);
    assert!(found["result"] == "FAILURE" && !found.to_string().contains("good "), "{found}");

    // Without a key there is no evidence, which is said.
    shop.run(&[]).expect(0, "the plugin `reader` reads evidence of images, and there is none");
    assert_eq!(shop.found(&shop.ids()[0])["note"], "good 0 true");

    // A run that had evidence is not run again without.
    let list = shop.0.path("list.toml");
    let again = ["rerun", ids[0].as_str(), "--plugins", &list, "--dev"];
    shop.runs(&again).expect(2, "nobody's signature counts");
    shop.runs(&[&again[..], &signed_by(&key)].concat()).expect(0, "verdict allowed");
}

#[test]
fn a_task_gets_the_evidence_of_the_components_that_its_scenario_looks_at() {
    let mut shop = Shop::new();
    let fixture = &mut shop.0.fixture;
    fixture.unsigned_image("unsigned", &[]);
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let [good, unsigned] = [0, 1].map(|at| format!("registry.test/{}", fixture.components[at].1));
    let both = RESOURCES.replace("'IMAGE'}", &format!("'{good}'}}, {{name: unsigned, containerImage: '{unsigned}'}}"));
    let (layout, key) = (shop.0.path("oci"), shop.0.path("key.pub"));
    let flags = ["--evidence", layout.as_str(), "--public-key", &key, "--ignore-rekor"];
    shop.0.fixture.file("resources.yaml", &both);
    shop.run(&flags).expect(1, "does not verify");
    let looks = both.replace("{name: sbom}", "{name: sbom, annotations: {assay.dev/components: good}}");
    shop.0.fixture.file("resources.yaml", &looks);
    shop.run(&flags).expect(0, "verdict allowed");
    let note = shop.found(&shop.ids()[0])["note"].as_str().unwrap().to_owned();
    assert!(note.starts_with("good ") && !note.starts_with("good 0") && note.ends_with("unsigned 0 true"), "{note}");
}

#[test]
fn a_run_is_refused_before_it_starts_if_its_evidence_cannot_be_opened() {
    let shop = Shop::new();
    let key = shop.0.path("key.pub");
    shop.run(&["--evidence", "nowhere", "--public-key", &key, "--ignore-rekor"]).expect(2, "nowhere");
    shop.run(&["--public-key", "no.pub"]).expect(2, "no.pub");
    assert!(!shop.0.fixture.path("store").exists());
}

#[test]
fn evidence_that_no_plugin_of_a_run_reads_is_said_to_be_unused() {
    let shop = Shop::new();
    let resources = shop.0.fixture.path("resources.yaml");
    let text = fs_err::read_to_string(&resources).unwrap();
    shop.0.fixture.file("resources.yaml", &text.replace("      params: [{name: do, value: evidence}]\n", ""));
    shop.0.fixture.file("list.toml", &format!("[plugin.reader]\nfile = '{}'\n", guest("scripted_task")));
    let key = shop.0.path("key.pub");
    shop.run(&["--evidence", "nowhere", "--public-key", &key]).expect(0, "`nowhere` (--evidence) is not used");
    assert!(!shop.run(&["--public-key", &key]).err.contains("is not used"));
}

#[test]
fn a_task_outside_of_a_run_is_not_called_with_evidence_that_does_not_verify() {
    let shop = Shop::new();
    let image = format!("registry.test/{}", shop.0.fixture.components[0].1);
    let (layout, key) = (shop.0.path("oci"), shop.0.path("stranger.pub"));
    let fixed = ["plugin", "run", guest("hostile_task").as_str(), "--image", &image, "--param", "do=evidence"]
        .map(str::to_owned);
    let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
    let with = |key: &str| {
        let flags = ["--evidence", &layout, "--public-key", key, "--ignore-rekor", "--dev", "--format", "json"];
        assay(&[&fixed[..], &flags].concat())
    };
    let output = with(&key);
    output.expect(1, "builtin.");
    let report = output.json();
    assert_eq!((&report["outcome"], &report["usage"]["host_calls"]), (&"FAILURE".into(), &0.into()), "{report}");
    with(&shop.0.path("key.pub")).expect(0, " true");
}
