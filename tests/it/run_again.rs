//! Runs beside other runs: run again, reused, canceled by a signal, refused since nothing would be tested.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    fixture::{CommandOutput, assay, command, guest},
    runs::Shop,
};

fn state<'a>(show: &'a Value, scenario: &str) -> (&'a Value, &'a Value) {
    let found = show["scenarios"].as_array().unwrap().iter().find(|one| one["name"] == scenario).unwrap();
    (&found["state"], &found["cause"]["code"])
}

fn ids(shop: &Shop) -> Vec<String> {
    let list = shop.runs(&["list", "--format", "json"]).json();
    list["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

fn rerun(shop: &Shop, id: &str, more: &[&str]) -> CommandOutput {
    let plugins = shop.fixture.path("plugins.toml").to_string();
    shop.runs(&[&["rerun", id, "--plugins", &plugins, "--dev"], more].concat())
}

#[test]
fn a_run_is_run_again_as_a_whole_or_only_what_did_not_pass() {
    let shop = Shop::new("success");
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    let first = shop.id();
    rerun(&shop, &first, &["--failed"]).expect(0, "the result of the run");
    let second = shop.id();
    assert_ne!(first, second);
    let show = shop.runs(&["show", &second, "--format", "json"]).json();
    assert_eq!(state(&show, "smoke"), (&json!("passed"), &json!("cached")));
    assert_eq!(state(&show, "extra").0, "failed");
    let attempts = |scenario: &str| {
        let found = show["scenarios"].as_array().unwrap().iter().find(|one| one["name"] == scenario).unwrap();
        found["tasks"].as_array().unwrap().iter().map(|task| task["attempts"].as_array().unwrap().len()).sum::<usize>()
    };
    assert_eq!((attempts("smoke"), attempts("extra")), (0, 2));
    rerun(&shop, &first, &[]).expect(0, "verdict allowed");
    let third = shop.id();
    let show = shop.runs(&["show", &third, "--format", "json"]).json();
    assert_eq!(state(&show, "smoke"), (&json!("passed"), &Value::Null));
    assert_eq!(ids(&shop).len(), 3);
    rerun(&shop, "run-0000000000000000", &[]).expect(2, "there is no run");
}

#[test]
fn nothing_is_run_again_where_everything_passed() {
    let shop = Shop::new("success");
    shop.run(&["--dev", "--scenario", "smoke"]).expect(0, "verdict allowed");
    rerun(&shop, &shop.id(), &["--failed"]).expect(2, "nothing to run again");
    assert_eq!(ids(&shop).len(), 1);
}

/// P13: the same tasks, plugins, parameters and images have the same result.
#[test]
fn the_result_of_an_earlier_run_counts_if_that_is_wanted() {
    let shop = Shop::new("success");
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    let text = fs_err::read_to_string(shop.fixture.path("resources.yaml")).unwrap();
    // Another Snapshot of the same images.
    shop.fixture.file("resources.yaml", &text.replace("name: shop-1", "name: shop-2"));
    let files = ["resources.yaml", "plugins.toml", "store"].map(|name| shop.fixture.path(name).to_string());
    let [resources, plugins, store] = files.each_ref().map(String::as_str);
    let images = text.split("---\n").nth(1).unwrap().replace("name: shop-1", "name: shop-2");
    let matched =
        ["scenarios", "match", "--from", resources, "--images", &images, "--store", store, "--plugins", plugins];
    let matched = assay(&[&matched[..], &["--dev", "--format", "json"]].concat()).json();
    let cached = |at: usize| matched["scenarios"][at]["cached_from"].clone();
    assert_eq!((cached(0), cached(1)), (Value::Null, json!(shop.id())), "{matched}");
    shop.run(&["--dev", "--reuse"]).expect(0, "what the scenario depends on is the same");
    let show = shop.runs(&["show", &shop.id(), "--format", "json"]).json();
    assert_eq!(state(&show, "smoke"), (&json!("passed"), &json!("cached")));
    assert_eq!(state(&show, "extra").0, "failed", "what failed is run again");
    shop.run(&["--dev", "--reuse"]).expect(0, &shop.id());
    assert_eq!(ids(&shop).len(), 2, "the same request is the same run");
    // A scenario that is added is run, and the others are not.
    let added =
        text.split("---\n").find(|part| part.contains("name: smoke}")).unwrap().replace("name: smoke}", "name: added}");
    let more = format!("{text}---\n{added}").replace("name: shop-1", "name: shop-2");
    shop.fixture.file("resources.yaml", &more);
    shop.run(&["--dev", "--reuse"]).expect(0, "verdict allowed");
    let show = shop.runs(&["show", &shop.id(), "--format", "json"]).json();
    assert_eq!((state(&show, "smoke").1, state(&show, "added")), (&json!("cached"), (&json!("passed"), &Value::Null)));
    // Other images are tested, and so is everything without the flag.
    shop.fixture.file("resources.yaml", &text.replace("name: shop-1", "name: shop-3"));
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    let show = shop.runs(&["show", &shop.id(), "--format", "json"]).json();
    assert_eq!(state(&show, "smoke").1, &Value::Null);
    let other = text.replace(&"1".repeat(64), &"2".repeat(64)).replace("name: shop-1", "name: shop-4");
    shop.fixture.file("resources.yaml", &other);
    shop.run(&["--dev", "--reuse"]).expect(0, "verdict allowed");
    let show = shop.runs(&["show", &shop.id(), "--format", "json"]).json();
    assert_eq!(state(&show, "smoke").1, &Value::Null);
}

#[test]
fn a_run_that_would_test_nothing_is_refused_with_the_reason_unless_that_is_wanted() {
    let shop = Shop::new("success");
    let image = format!("{{name: cart, containerImage: 'r.example/cart@sha256:{}'}}", "1".repeat(64));
    let other = format!(
        "apiVersion: appstudio.redhat.com/v1alpha1\nkind: Snapshot\nmetadata: {{name: o}}\nspec: {{application: other, components: [{image}]}}\n"
    );
    let images = shop.fixture.file("other.yaml", &other);
    let refused = shop.run(&["--dev", "--images", images.as_str()]);
    refused.expect(2, "none of 2 scenarios runs");
    refused.expect(2, "`smoke`: it belongs to the application `shop`, and the Snapshot to the application `other`");
    refused.expect(2, "--allow-empty");
    assert!(!shop.fixture.path("store").exists());
    // As in Konflux.
    let allowed = shop.run(&["--dev", "--images", images.as_str(), "--allow-empty"]);
    allowed.expect(0, "No required IntegrationTestScenarios found, skipped testing");
}

#[test]
fn the_first_signal_cancels_a_run_in_order() {
    let shop = Shop::new("success");
    let text = fs_err::read_to_string(shop.fixture.path("resources.yaml")).unwrap();
    let first =
        "params: [{name: text, value: hello}]\n      taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: scripted}";
    let looping =
        "params: [{name: do, value: loop}]\n      taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: looping}";
    assert!(text.contains(first));
    let text = text.replace(first, looping).replace("$(tasks.first.results.text) again", "again");
    shop.fixture.file("resources.yaml", &text.replace("- name: second\n", "- name: second\n      runAfter: [first]\n"));
    let plugins = fs_err::read_to_string(shop.fixture.path("plugins.toml")).unwrap();
    let looping = format!("{plugins}[plugin.looping]\nfile = '{}'\n", guest("hostile_task"));
    shop.fixture.file("plugins.toml", &looping);
    let arguments = shop.arguments(&["--dev"]);
    let process = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let is_running = || {
        let list = shop.runs(&["list", "--format", "json"]);
        if list.code != 0 {
            return false;
        }
        let id = list.json()["runs"][0]["id"].as_str().map(str::to_owned);
        let show = id.map(|id| shop.runs(&["show", &id, "--format", "json"]).json());
        show.is_some_and(|show| show["scenarios"][0]["tasks"][0]["state"] == "running")
    };
    while !is_running() {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = CommandOutput::of(&process.wait_with_output().unwrap());
    output.expect(3, "canceled by a signal");
    let show = shop.runs(&["show", &shop.id(), "--format", "json"]).json();
    assert_eq!(show["state"], "canceled");
    let tasks = show["scenarios"].as_array().unwrap().iter().flat_map(|one| one["tasks"].as_array().unwrap());
    assert!(tasks.filter(|task| task["name"] == "second").all(|task| task["state"] == "canceled"), "{show}");
}
