//! What is reported of a run: every scenario, the same in every format, once, also of a run that was canceled.

use std::{fmt::Write as _, process::Stdio};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use xtask::sign::Key;

use crate::{
    fixture::{CommandOutput, command},
    runs::Shop,
};

const FORMATS: [(&str, &str); 4] =
    [("junit", "junit.xml"), ("appstudio", "output.json"), ("json", "run.json"), ("jsonl", "events.jsonl")];

/// Runs with a report of each format.
fn run_with_reports(shop: &Shop, more: &[&str]) -> CommandOutput {
    let outputs: Vec<String> =
        FORMATS.iter().map(|(format, file)| format!("{format}={}", shop.fixture.path(file))).collect();
    let mut arguments = vec!["--dev"];
    outputs.iter().for_each(|output| arguments.extend(["--output", output.as_str()]));
    shop.run(&[&arguments, more].concat())
}

fn read(shop: &Shop, file: &str) -> String {
    fs_err::read_to_string(shop.fixture.path(file)).unwrap()
}

fn json(shop: &Shop, file: &str) -> Value {
    serde_json::from_str(&read(shop, file)).unwrap()
}

/// D14: no report has a mapping of its own.
#[test]
fn every_report_says_the_same_of_an_optional_scenario_that_failed() {
    let shop = Shop::new("success");
    let printed = run_with_reports(&shop, &[]);
    printed.expect(0, "verdict passed");
    printed.expect(0, "extra (optional)");
    let output = json(&shop, "output.json");
    assert_eq!((&output["result"], &output["failures"]), (&"SUCCESS".into(), &0.into()), "{output}");
    let document = json(&shop, "run.json");
    assert_eq!(document["verdict"], "allowed");
    let last: Value = serde_json::from_str(read(&shop, "events.jsonl").lines().last().unwrap()).unwrap();
    assert_eq!(last["change"]["ended"]["verdict"], "allowed");
    let junit = read(&shop, "junit.xml");
    assert!(junit.contains(r#"failures="0""#) && !junit.contains("<failure"), "{junit}");
    // The same scenario as a required one.
    let text = read(&shop, "resources.yaml");
    let required = text.replace(", labels: {test.appstudio.openshift.io/optional: 'true'}", "");
    assert_ne!(text, required);
    shop.fixture.file("resources.yaml", &required);
    run_with_reports(&shop, &[]).expect(1, "verdict failed");
    let output = json(&shop, "output.json");
    assert_eq!(output["result"], "FAILURE", "{output}");
    assert_eq!(json(&shop, "run.json")["verdict"], "denied");
    assert!(read(&shop, "junit.xml").contains("<failure"));
}

/// B35, D11: nothing is cut, whatever the number of scenarios.
#[test]
fn a_run_of_many_scenarios_is_one_report_with_all_of_them() {
    const MORE: usize = 120;
    let shop = Shop::new("success");
    let text = read(&shop, "resources.yaml");
    let one = text.split("---\n").find(|part| part.contains("name: smoke}")).unwrap().to_owned();
    let mut all = text.clone();
    for number in 0..MORE {
        let outcome = if number == 77 { "failure" } else { "success" };
        let part = one.replace("name: smoke}", &format!("name: more-{number:03}}}"));
        let part = part.replace("value: success", &format!("value: {outcome}"));
        let _infallible = write!(all, "---\n{part}");
    }
    shop.fixture.file("resources.yaml", &all);
    run_with_reports(&shop, &[]).expect(1, "verdict failed");
    let document = json(&shop, "run.json");
    assert_eq!(document["scenarios"].as_array().unwrap().len(), MORE + 2);
    let (junit, events) = (read(&shop, "junit.xml"), read(&shop, "events.jsonl"));
    for number in 0..MORE {
        let name = format!("more-{number:03}");
        assert!(junit.contains(&format!("\"{name}\"")), "{name} is not in the JUnit report");
        let ended = events.lines().filter(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            let state = &event["change"]["state"]["state"];
            event["scenario"] == name.as_str() && event["task"].is_null() && (state == "passed" || state == "failed")
        });
        assert_eq!(ended.count(), 1, "{name} ends once");
    }
    let output = json(&shop, "output.json");
    assert_eq!(output["successes"], MORE, "the required ones that passed: {output}");
    assert_eq!((&output["failures"], &output["result"]), (&1.into(), &"FAILURE".into()));
}

/// D11: a report that cannot be written hides no other one.
#[test]
fn a_report_that_cannot_be_written_is_an_error_and_the_others_are_written() {
    let shop = Shop::new("success");
    let (full, good) = ("junit=/proc/junit.xml".to_owned(), format!("json={}", shop.fixture.path("run.json")));
    let output = shop.run(&["--dev", "--output", &full, "--output", &good]);
    output.expect(3, "`/proc/junit.xml` cannot be written");
    assert_eq!(json(&shop, "run.json")["verdict"], "allowed");
}

/// P33: the verdict about a Snapshot is attested, about each of its images, and whoever has the key can verify that offline.
#[test]
fn what_came_of_a_run_is_attested_about_each_image_and_signed_with_a_key_of_cosign() {
    let (shop, key) = (Shop::new("success"), Key::generate().unwrap());
    shop.fixture.file("test.key", &key.encrypted_pem("a password").unwrap());
    let (sign, output) = (shop.fixture.path("test.key"), format!("test-result={}", shop.fixture.path("result.json")));
    let attest = |password: &str| {
        let arguments = shop.arguments(&["--dev", "--sign-key", sign.as_str(), "--output", &output]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        CommandOutput::of(&command(&arguments).env("COSIGN_PASSWORD", password).output().unwrap())
    };
    shop.run(&["--dev", "--output", &output]).expect(2, "which needs a key");
    attest("another").expect(2, "password");
    assert!(!shop.fixture.path("result.json").exists() && !shop.fixture.path("store").exists());
    let statement = || -> Value {
        let envelope = json(&shop, "result.json");
        let (payload_type, payload) =
            (envelope["payloadType"].as_str().unwrap(), envelope["payload"].as_str().unwrap());
        let payload = STANDARD.decode(payload).unwrap();
        let signature = STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
        let signed =
            [format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).as_bytes(), &payload].concat();
        assert!(key.has_signed(&signed, &signature) && !key.has_signed(&payload, &signature));
        serde_json::from_slice(&payload).unwrap()
    };
    attest("a password").expect(0, "verdict passed");
    let first = statement();
    assert_eq!(first["predicateType"], "https://in-toto.io/attestation/test-result/v0.1");
    let digest = "1".repeat(64);
    assert_eq!(first["subject"], serde_json::json!([{"name": "r.example/cart", "digest": {"sha256": digest}}]));
    let predicate = &first["predicate"];
    assert_eq!(predicate["result"], "WARNED", "what is optional failed: {predicate:#}");
    let passed = serde_json::json!(["extra/first", "smoke/first", "smoke/second"]);
    assert_eq!((&predicate["passedTests"], &predicate["failedTests"]), (&passed, &serde_json::json!([])));
    assert_eq!(predicate["warnedTests"], serde_json::json!(["extra/second"]));
    assert_eq!(predicate["configuration"][0]["name"], "scripted");
    // An image that a tag names is not one that can be attested about.
    let text = read(&shop, "resources.yaml");
    shop.fixture.file("resources.yaml", &text.replace(&format!("@sha256:{digest}"), ":1"));
    fs_err::remove_file(shop.fixture.path("result.json")).unwrap();
    attest("a password").expect(3, "the image `r.example/cart:1` of the component `cart` has no digest");
    assert!(!shop.fixture.path("result.json").exists());
    // One that fails is attested as well.
    shop.fixture.file("resources.yaml", &text.replace("value: success", "value: failure"));
    attest("a password").expect(1, "verdict failed");
    assert_eq!(statement()["predicate"]["result"], "FAILED");
}

/// The same request reports the same and runs nothing; what changed has a report of its own.
#[test]
fn a_run_that_has_ended_is_reported_again_as_it_was_and_another_one_for_itself() {
    let shop = Shop::new("success");
    run_with_reports(&shop, &[]).expect(0, "verdict passed");
    let first: Vec<String> = FORMATS.iter().map(|(_, file)| read(&shop, file)).collect();
    FORMATS.iter().for_each(|(_, file)| fs_err::remove_file(shop.fixture.path(file)).unwrap());
    run_with_reports(&shop, &[]).expect(0, "verdict passed");
    let second: Vec<String> = FORMATS.iter().map(|(_, file)| read(&shop, file)).collect();
    assert_eq!(first, second);
    let text = read(&shop, "resources.yaml");
    shop.fixture.file("resources.yaml", &text.replace("value: success", "value: failure"));
    run_with_reports(&shop, &[]).expect(1, "verdict failed");
    assert_ne!(json(&shop, "run.json")["id"], serde_json::from_str::<Value>(&first[2]).unwrap()["id"]);
    let list = shop.runs(&["list", "--format", "json"]).json();
    assert_eq!(list["runs"].as_array().unwrap().len(), 2);
}

/// B36: nobody has to be there who is reported to.
#[test]
fn a_snapshot_of_an_unknown_git_provider_is_tested_all_the_same() {
    let shop = Shop::new("success");
    let text = read(&shop, "resources.yaml");
    let metadata = "metadata: {name: shop-1, labels: {pac.test.appstudio.openshift.io/git-provider: forge-of-tomorrow, \
                    pac.test.appstudio.openshift.io/event-type: push}}";
    shop.fixture.file("resources.yaml", &text.replace("metadata: {name: shop-1}", metadata));
    run_with_reports(&shop, &[]).expect(0, "verdict passed");
    assert_eq!(json(&shop, "output.json")["result"], "SUCCESS");
}

/// D8: a run that is canceled is reported as well.
#[test]
fn a_run_that_is_canceled_has_reports_that_say_so() {
    let shop = Shop::new("success");
    let looping = crate::fixture::guest("hostile_task");
    let plugins = read(&shop, "plugins.toml") + &format!("[plugin.looping]\nfile = '{looping}'\n");
    shop.fixture.file("plugins.toml", &plugins);
    let text = read(&shop, "resources.yaml");
    let first =
        "params: [{name: text, value: hello}]\n      taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: scripted}";
    let endless =
        "params: [{name: do, value: loop}]\n      taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: looping}";
    assert!(text.contains(first));
    shop.fixture
        .file("resources.yaml", &text.replace(first, endless).replace("$(tasks.first.results.text) again", "x"));
    let outputs: Vec<String> =
        FORMATS.iter().map(|(format, file)| format!("{format}={}", shop.fixture.path(file))).collect();
    let mut more = vec!["--dev"];
    outputs.iter().for_each(|output| more.extend(["--output", output.as_str()]));
    let arguments = shop.arguments(&more);
    let child = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let running = || {
        let list = shop.runs(&["list", "--format", "json"]);
        (list.code == 0).then(|| list.json()["runs"][0]["id"].as_str().map(str::to_owned)).flatten()
    };
    crate::adapters::wait_until(|| running().is_some());
    let id = running().unwrap();
    shop.runs(&["cancel", &id, "--reason", "a newer commit"]).expect(0, "requested to cancel");
    let ended = CommandOutput::of(&child.wait_with_output().unwrap());
    ended.expect(3, "canceled");
    assert_eq!(json(&shop, "run.json")["state"], "canceled");
    assert_eq!(json(&shop, "output.json")["result"], "ERROR");
    assert!(read(&shop, "junit.xml").contains("a newer commit"));
    let last: Value = serde_json::from_str(read(&shop, "events.jsonl").lines().last().unwrap()).unwrap();
    assert_eq!(last["change"]["ended"]["state"], "canceled");
}
