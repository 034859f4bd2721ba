//! What the policy configuration and the flags beside it change, from end to end.

use serde_json::{Value, json};

use crate::fixture::{Fixture, HOST, component, provenance};

/// Denies what its rule data says, and reports the effective time.
const RULES: &str = r#"package noted

import rego.v1

# METADATA
# title: Noted
# custom:
#   short_name: noted
deny contains result if {
	some word in data.rule_data__configuration__.words
	result := {"code": "noted.noted", "term": word, "msg": sprintf("Noted %v", [word])}
}

# METADATA
# title: When
# custom:
#   short_name: when
warn contains result if {
	result := {"code": "noted.when", "msg": time.format(data.config.policy.when_ns)}
}

# METADATA
# title: For releases
# custom:
#   short_name: release
#   pipeline_intention: [release]
deny contains result if {
	result := {"code": "noted.release", "msg": "Not for release"}
}
"#;

fn fixture() -> Fixture {
    let mut fixture = Fixture::empty();
    fixture.file("noted/noted.rego", RULES);
    fixture.image("cart", &[]);
    fixture.image("pay", &[]);
    fixture
}

fn policy(fixture: &Fixture, more: &Value) -> String {
    let mut group = json!({"policy": [fixture.path("noted")], "ruleData": {"words": ["a", "b"]}});
    group.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "sources": [group] }).to_string()
}

/// The terms and codes of a component's violations.
fn terms_and_codes(report: &Value, name: &str) -> Vec<String> {
    let violations = component(report, name)["violations"].as_array().cloned().unwrap_or_default();
    let word = |finding: &Value| {
        let metadata = &finding["metadata"];
        metadata["term"].as_str().or_else(|| metadata["code"].as_str()).unwrap_or("-").to_owned()
    };
    violations.iter().map(word).collect()
}

#[test]
fn volatile_criteria_hold_for_the_image_component_and_time_they_name() {
    let fixture = fixture();
    let digest = fixture.components.first().unwrap().1.split_once('@').unwrap().1.to_owned();
    let all = ["a", "b", "noted.release"];
    for (criterion, cart) in [
        (json!({"value": "noted.noted:a", "imageDigest": digest}), &["b", "noted.release"][..]),
        (json!({"value": "noted.noted:a", "imageRef": digest}), &["b", "noted.release"]),
        (json!({"value": "noted.noted:a", "imageUrl": format!("{HOST}/app/cart")}), &["b", "noted.release"]),
        (json!({"value": "noted.noted", "componentNames": ["cart"]}), &["noted.release"]),
        (json!({"value": "noted.noted", "componentNames": ["cart"], "effectiveUntil": "2020-01-01"}), &all),
        (json!({"value": "noted.noted", "componentNames": ["cart"], "effectiveOn": "2020-01-01"}), &["noted.release"]),
    ] {
        let policy = policy(&fixture, &json!({"volatileConfig": {"exclude": [criterion]}}));
        let report = fixture.validate_with_policy(&policy, &["--output", "json"]).json();
        assert_eq!(
            (terms_and_codes(&report, "cart"), terms_and_codes(&report, "pay")),
            (own(cart), own(&all)),
            "{criterion}"
        );
    }
    let policy = policy(&fixture, &json!({"volatileConfig": {"exclude": [{"value": "noted", "effectiveOn": "soon"}]}}));
    let output = fixture.validate_with_policy(&policy, &[]);
    output.expect(1, "warning: the volatile criterion `noted` is skipped: `soon` is neither RFC 3339 nor a date");
}

#[test]
fn a_data_source_that_is_named_twice_is_one() {
    let fixture = fixture();
    fixture.file("data/words.yaml", "more: [x]\n");
    let data = fixture.path("data");
    let twice = policy(&fixture, &json!({"data": [data, data]}));
    let report = fixture.validate_with_policy(&twice, &["--output", "json"]).json();
    assert_eq!(terms_and_codes(&report, "cart"), ["a", "b", "noted.release"]);
}

#[test]
fn a_rule_that_can_say_no_result_is_an_error() {
    let fixture = fixture();
    fixture.file("noted/odd.rego", "package noted\n\nimport rego.v1\n\ndeny contains 1\n");
    fixture
        .validate_with_policy(&policy(&fixture, &json!({})), &[])
        .expect(2, "the rule `deny` returns an unsupported value, a number");
}

fn own(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn extra_rule_data_reaches_rules_and_report_of_every_source() {
    let fixture = fixture();
    let policy = policy(&fixture, &json!({}));
    let output = fixture
        .validate_with_policy(&policy, &["--output", "json", "--extra-rule-data", "words=c", "--extra-rule-data=x=1"]);
    let report = output.json();
    // A string is not a list: the rule finds nothing in it.
    assert_eq!(terms_and_codes(&report, "cart"), ["noted.release"]);
    assert_eq!(report["policy"]["sources"][0]["ruleData"], json!({"words": "c", "x": "1"}));
    fixture
        .validate_with_policy(&policy, &["--extra-rule-data", "words"])
        .expect(2, "incorrect syntax for --extra-rule-data 0");
}

#[test]
fn rules_for_other_pipelines_are_skipped_if_requested() {
    let fixture = fixture();
    let report =
        |policy: &str| fixture.validate_with_policy(policy, &["--output", "json", "--filter-type", "ec-policy"]).json();
    assert_eq!(terms_and_codes(&report(&policy(&fixture, &json!({}))), "cart"), ["a", "b"]);
    let release = json!({"ruleData": {"pipeline_intention": "release", "words": ["a"]}});
    assert_eq!(terms_and_codes(&report(&policy(&fixture, &release)), "cart"), ["noted.release"]);
}

#[test]
fn each_component_is_evaluated_at_the_end_of_its_build() {
    let mut fixture = Fixture::empty();
    fixture.file("noted/noted.rego", RULES);
    for (name, year) in [("old", 2020), ("new", 2021)] {
        let digest = fixture.unsigned_image(name, &[]);
        fixture.layout.sign(&fixture.key, &format!("app/{name}"), &digest).unwrap();
        let mut statement = provenance(name, &digest);
        statement["predicate"]["metadata"] = json!({"buildFinishedOn": format!("{year}-05-01T00:00:00Z")});
        fixture
            .layout
            .attest(&fixture.key, &format!("app/{name}"), &digest, &[statement.to_string().into_bytes()])
            .unwrap();
    }
    let window = json!({"volatileConfig": {"exclude": [
        {"value": "noted.release", "effectiveUntil": "2020-12-31"}, {"value": "noted.noted"}]}});
    let report = fixture
        .validate_with_policy(&policy(&fixture, &window), &["--output", "json", "--effective-time", "attestation"])
        .json();
    let when = |name: &str| component(&report, name)["warnings"][0]["msg"].clone();
    assert_eq!((when("old"), when("new")), (json!("2020-05-01T00:00:00Z"), json!("2021-05-01T00:00:00Z")));
    assert_eq!(
        (terms_and_codes(&report, "old"), terms_and_codes(&report, "new")),
        (vec![], vec!["noted.release".to_owned()])
    );
    assert_eq!(report["effective-time"], json!("2021-05-01T00:00:00Z"));
}

#[test]
fn a_skipped_check_is_shown_in_the_report() {
    let mut fixture = Fixture::empty();
    fixture.unsigned_image("it", &[]);
    let output = fixture.validate(&["--output", "json", "--skip-image-sig-check", "--skip-att-sig-check"]);
    output.expect(1, "all cryptographic verification is disabled");
    let report = output.json();
    let skipped = ["builtin.attestation.signature_check", "builtin.image.signature_check"];
    assert_eq!(report["skipped-checks"], json!(skipped));
    let violations = component(&report, "it")["violations"].as_array().unwrap();
    let messages: Vec<_> = violations.iter().map(|finding| finding["msg"].as_str().unwrap()).collect();
    let none = "No attestations contain a subject that match the given image.";
    assert_eq!(messages, [none, "Attestation syntax check failed: no attestation data"]);
}
