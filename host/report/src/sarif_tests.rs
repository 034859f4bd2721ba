//! SARIF as code scanning takes it in: what the published schema and GitHub's documentation require.

use assay_model::error::ErrorCode;
use insta::assert_snapshot;

use super::*;
use crate::{Format, test_data};

fn options() -> Options {
    Options { show_successes: true, ..Options::default() }
}

/// The properties of each kind of object in this report, and those that it must have, from the schema of SARIF 2.1.0, which
/// allows no others. A kind is named by its path; `*` is any item of a list.
const OBJECTS: &[(&str, &[&str], &[&str])] = &[
    ("", &["$schema", "version", "runs"], &["version", "runs"]),
    ("/runs/*", &["tool", "invocations", "results", "properties"], &["tool"]),
    ("/runs/*/tool", &["driver", "extensions"], &["driver"]),
    ("/runs/*/tool/driver", &["name", "semanticVersion", "informationUri", "rules"], &["name"]),
    ("/runs/*/tool/extensions/*", &["name", "semanticVersion", "properties"], &["name"]),
    (
        "/runs/*/tool/driver/rules/*",
        &["id", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties"],
        &["id"],
    ),
    ("/runs/*/tool/driver/rules/*/shortDescription", &["text", "markdown"], &["text"]),
    ("/runs/*/tool/driver/rules/*/fullDescription", &["text", "markdown"], &["text"]),
    ("/runs/*/tool/driver/rules/*/help", &["text", "markdown"], &["text"]),
    ("/runs/*/tool/driver/rules/*/defaultConfiguration", &["level", "enabled", "rank", "parameters"], &[]),
    (
        "/runs/*/invocations/*",
        &["executionSuccessful", "startTimeUtc", "endTimeUtc", "toolExecutionNotifications"],
        &["executionSuccessful"],
    ),
    (
        "/runs/*/invocations/*/toolExecutionNotifications/*",
        &["level", "descriptor", "message", "locations"],
        &["message"],
    ),
    (
        "/runs/*/results/*",
        &["ruleId", "ruleIndex", "kind", "level", "message", "locations", "partialFingerprints", "properties"],
        &["message"],
    ),
    ("/runs/*/results/*/message", &["text", "markdown", "id", "arguments"], &[]),
    ("/runs/*/results/*/locations/*", &["physicalLocation", "logicalLocations"], &[]),
    ("/runs/*/results/*/locations/*/physicalLocation", &["artifactLocation", "region"], &[]),
    ("/runs/*/results/*/locations/*/physicalLocation/artifactLocation", &["uri", "uriBaseId", "index"], &[]),
    ("/runs/*/results/*/locations/*/physicalLocation/region", &["startLine"], &[]),
    ("/runs/*/results/*/locations/*/logicalLocations/*", &["name", "fullyQualifiedName", "kind"], &[]),
];

/// Holds every object against the table; gives the number of those that are in it.
fn check_objects(value: &Value, path: &str) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| check_objects(item, &format!("{path}/*"))).sum(),
        Value::Object(fields) => {
            let known = OBJECTS.iter().find(|(kind, _, _)| *kind == path);
            if let Some((_, all, required)) = known {
                for name in fields.keys() {
                    assert!(all.contains(&name.as_str()), "{path} has no property {name}");
                }
                for name in *required {
                    assert!(fields.contains_key(*name), "{path} has no {name}");
                }
            }
            let inner = fields.iter().map(|(name, value)| check_objects(value, &format!("{path}/{name}")));
            usize::from(known.is_some()) + inner.sum::<usize>()
        }
        _ => 0,
    }
}

/// Reads a report back and holds it against what the schema of 2.1.0 and GitHub require.
fn check(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap();
    assert_eq!(document["version"], "2.1.0");
    assert!(check_objects(&document, "") > 4);
    let run = &document["runs"][0];
    let driver = &run["tool"]["driver"];
    assert!(driver["informationUri"].as_str().unwrap().starts_with("https://"));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        assert!(rule["id"].as_str().unwrap().chars().count() <= 255);
        for field in ["shortDescription", "fullDescription"] {
            assert!((1..=1024).contains(&rule[field]["text"].as_str().unwrap().chars().count()), "{rule}");
        }
        assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
        let tags: Vec<_> = rule["properties"]["tags"].as_array().unwrap().iter().map(Value::to_string).collect();
        assert_eq!(tags.iter().collect::<std::collections::BTreeSet<_>>().len(), tags.len(), "{tags:?}");
    }
    assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        assert!(["error", "warning", "none"].contains(&result["level"].as_str().unwrap()));
        assert_eq!(result["level"] == "none", result["kind"] == "pass", "{result}");
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[at]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let location = &result["locations"][0];
        let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
        assert!(
            uri.bytes().all(is_plain) && !uri.starts_with('/') && !uri.split('/').any(|part| part == ".."),
            "{uri}"
        );
        assert_eq!(location["physicalLocation"]["region"]["startLine"], 1);
        assert!(location["logicalLocations"][0]["fullyQualifiedName"].is_string());
        fingerprints.insert(result["partialFingerprints"]["assay/v1"].to_string());
    }
    assert_eq!(fingerprints.len(), run["results"].as_array().unwrap().len(), "two alerts would become one");
    document
}

#[test]
fn a_mixed_run_is_reported_with_locations_fingerprints_and_help() {
    let text = test_data::written_of(Format::Sarif, Options::default(), test_data::full_head(), test_data::mixed());
    assert_snapshot!(serde_json::to_string_pretty(&check(&text)).unwrap());
}

#[test]
fn every_evaluated_rule_is_there_with_its_help_whether_or_not_it_found_something() {
    let fine = Finding::new("licenses.allowed", "Pass").with("title", "Licenses are allowed").with("description", "D.");
    let run = [test_data::component("cart").success(fine).evaluated()];
    let document = check(&test_data::written(Format::Sarif, Options::default(), &run));
    let run = &document["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 0);
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!((&rule["id"], &rule["help"]["text"]), (&json!("licenses.allowed"), &json!("D.")));
    assert_eq!(rule["properties"]["tags"], json!(["licenses"]));
}

#[test]
fn an_evaluation_error_is_an_execution_without_success() {
    let error = EvaluationError::new(ErrorCode::RegistryTimeout, "r.example is silent").hint("try again");
    let document = check(&test_data::written(Format::Sarif, options(), &[test_data::component("cart").failed(error)]));
    let run = &document["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(run["invocations"][0]["toolExecutionNotifications"][0]["level"], "error");
    assert_eq!(run["results"][0]["ruleId"], "assay.error.registry-timeout");
    assert_eq!(run["results"][0]["message"]["text"], "cart could not be evaluated: r.example is silent (try again)");
}

#[test]
fn a_fingerprint_survives_another_build() {
    let of = |digest: &[u8], message: &str| {
        let finding = Finding::new("a.b", message).with("term", "task");
        let mut outcome = test_data::component("cart").violation(finding).evaluated();
        let image = outcome.image.take().unwrap();
        outcome.image = Some(image.repository.at(Digest::of(digest)));
        let document = check(&test_data::written(Format::Sarif, Options::default(), &[outcome]));
        document["runs"][0]["results"][0]["partialFingerprints"]["assay/v1"].clone()
    };
    assert_eq!(of(b"one", "image one is bad"), of(b"two", "image two is bad"));
}

#[test]
fn an_image_on_a_port_has_a_path_that_is_no_scheme() {
    let mut outcome = test_data::component("cart").violation(Finding::new("a.b", "m")).evaluated();
    let image: ImageRef = "127.0.0.1:5000/shop/Cart".to_lowercase().parse().unwrap();
    outcome.image = Some(image.repository().at(Digest::of(b"")));
    let document = check(&test_data::written(Format::Sarif, Options::default(), &[outcome]));
    let location = &document["runs"][0]["results"][0]["locations"][0];
    assert_eq!(location["physicalLocation"]["artifactLocation"]["uri"], "127.0.0.1%3A5000/shop/cart");
    assert_snapshot!(location["logicalLocations"][0]["fullyQualifiedName"].as_str().unwrap(), @"pkg:oci/cart@sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855?repository_url=127.0.0.1%3A5000/shop/cart");
}

#[test]
fn more_results_than_code_scanning_takes_are_left_out_and_counted() {
    let mut component = test_data::component("cart");
    for number in 0..=RESULTS {
        component = component.violation(Finding::new("a.b", number.to_string()));
    }
    let document = check(&test_data::written(Format::Sarif, Options::default(), &[component.evaluated()]));
    let run = &document["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), RESULTS);
    let message = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert_eq!(message, "1 further results were left out: code scanning takes 25000");
}

#[test]
fn a_run_over_nothing_was_no_successful_execution() {
    let document = check(&test_data::written(Format::Sarif, options(), &[]));
    assert_eq!(document["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn hostile_texts_stay_inside_their_strings_and_make_no_links() {
    for message in test_data::hostile_messages().into_iter().chain(["../../etc/passwd".to_owned(), String::new()]) {
        let text = test_data::written_at(Format::Sarif, options(), test_data::hostile(&message));
        let document = check(&text);
        assert!(!text.contains('<') && !text.contains('\u{1b}'));
        let run = &document["runs"][0];
        let results = run["results"].as_array().unwrap().iter().map(|result| &result["message"]["text"]);
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap().iter();
        let described = rules.flat_map(|rule| [&rule["shortDescription"]["text"], &rule["help"]["markdown"]]);
        for shown in results.chain(described) {
            assert!(!shown.as_str().unwrap_or_default().contains("[d](https"), "{shown}");
        }
    }
}
