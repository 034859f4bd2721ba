//! Plugins that misbehave: each ends as an error of its component, within its limits, and the others are evaluated.

use serde_json::{Value, json};

use crate::fixture::{Fixture, component, guest};

fn error_of<'a>(report: &'a Value, name: &str) -> &'a Value {
    &component(report, name)["error"]
}

#[test]
fn hostile_checks_are_errors_of_their_component_and_the_policy_still_speaks() {
    let mut fixture = Fixture::good();
    fixture.image("bad", &[("bad", "yes")]);
    for (behavior, code) in [
        ("loop", "plugin-cpu-limit"),
        ("allocate", "plugin-memory-limit"),
        ("trap", "plugin-trap"),
        ("lie", "plugin-error"),
    ] {
        let check = format!("{}?do={behavior}", guest("hostile"));
        let output = fixture.validate(&["--plugin", &check, "--output", "json"]);
        output.expect(3, code);
        let report = output.json();
        assert_eq!(error_of(&report, "good")["code"], json!(code), "{behavior}");
        assert!(error_of(&report, "good")["message"].as_str().unwrap().contains("hostile"), "{behavior}");
        let bad = component(&report, "bad");
        assert_eq!(
            bad["violations"][0]["metadata"]["code"],
            json!("main.bad"),
            "{behavior}: the policy is evaluated all the same"
        );
    }
}

#[test]
fn a_check_that_never_describes_itself_is_refused_before_the_run() {
    let fixture = Fixture::good();
    let check = guest("describes_forever");
    fixture.validate(&["--plugin", check.as_str()]).expect(2, "describes_forever.wasm");
}

#[test]
fn the_log_of_a_check_appears_with_verbose_only() {
    let fixture = Fixture::good();
    let check = format!("{}?do=flood&times=1", guest("hostile"));
    let output = fixture.validate(&["--plugin", &check, "--verbose"]);
    assert!(output.err.contains("hostile: "), "{output:#?}");
    let output = fixture.validate(&["--plugin", &check]);
    assert!(!output.err.contains("hostile: "), "{output:#?}");
}

#[test]
fn an_unknown_parameter_is_refused_with_the_known_ones() {
    let fixture = Fixture::good();
    let check = format!("{}?color=red", guest("licenses"));
    let output = fixture.validate(&["--plugin", &check]);
    output.expect(2, "color");
    output.expect(2, "deny");
}

#[test]
fn findings_of_a_check_stand_beside_the_policy_and_can_be_excluded_by_name() {
    let mut fixture = Fixture::empty();
    fixture.image("bad", &[("bad", "yes")]);
    let check = guest("licenses").to_string();
    let codes = |output: &crate::fixture::CommandOutput| -> Vec<String> {
        let violations = output.json()["components"][0]["violations"].as_array().cloned().unwrap_or_default();
        violations.iter().map(|finding| finding["metadata"]["code"].as_str().unwrap().to_owned()).collect()
    };
    let output = fixture.validate(&["--plugin", &check, "--output", "json"]);
    assert_eq!(
        (output.code, codes(&output)),
        (1, vec!["licenses.sbom".to_owned(), "main.bad".to_owned()]),
        "{output:?}"
    );
    let excluded = json!({"sources": [{"policy": [fixture.path("policy")], "config": {"exclude": ["licenses.sbom"]}}]});
    let output = fixture.validate_with_policy(&excluded.to_string(), &["--plugin", &check, "--output", "json"]);
    assert_eq!((output.code, codes(&output)), (1, vec!["main.bad".to_owned()]), "{output:?}");
}
