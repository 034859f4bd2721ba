//! What would pass silently: no policy, items that match nothing, truncated input, rules that are not evaluated.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::fixture::{CommandOutput, Fixture, HOST, assay, command, ec_command};

/// Validates the images of a fixture without the default policy arguments.
fn without_policy(fixture: &Fixture, more: &[&str]) -> Command {
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let (snapshot, key, bundle) = (fixture.snapshot(HOST), fixture.path("key.pub"), fixture.path("oci"));
    let fixed = ["--images", &snapshot, "--evidence", bundle.as_str(), "--public-key", key.as_str(), "--ignore-rekor"];
    command(&[&["validate", "image"], &fixed[..], more].concat())
}

#[test]
fn images_are_validated_by_signatures_alone_only_if_requested() {
    let fixture = Fixture::good();
    let empty = fixture.file("empty.yaml", "sources: []\n");
    for more in [
        &[][..],
        &["--policy", ""],
        &["--policy="],
        &["--policy", "{}"],
        &["--policy", "sources: []"],
        &["--policy", "{\"sources\": []}"],
        &["--policy", empty.as_str()],
        &["--policy", "{\"apiVersion\": \"appstudio.redhat.com/v1alpha1\", \"spec\": {\"sources\": []}}"],
    ] {
        let output = CommandOutput::of(&without_policy(&fixture, more).output().unwrap());
        output.expect(2, "--no-policy");
        assert_eq!(output.out, "", "{more:?}");
    }
    let by_environment = without_policy(&fixture, &[]).env("ASSAY_POLICY", "").output().unwrap();
    CommandOutput::of(&by_environment).expect(2, "no policy configuration");
    CommandOutput::of(&without_policy(&fixture, &["--no-policy"]).output().unwrap()).expect(0, " passed: 0 violations");
    let both = ["--no-policy", "--policy", &fixture.policy()];
    CommandOutput::of(&without_policy(&fixture, &both).output().unwrap()).expect(2, "`--no-policy` cannot be combined");
}

#[test]
fn called_ec_an_empty_policy_stays_and_a_name_in_a_cluster_is_an_error() {
    let fixture = Fixture::good();
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let (snapshot, key, bundle) = (fixture.snapshot(HOST), fixture.path("key.pub"), fixture.path("oci"));
    let fixed = ["--images", &snapshot, "--evidence", bundle.as_str(), "--public-key", key.as_str(), "--ignore-rekor"];
    let validate = |policy: &str| {
        let arguments = [&["validate", "image"], &fixed[..], &["--policy", policy]].concat();
        CommandOutput::of(&ec_command(&fixture.path(""), &arguments).output().unwrap())
    };
    validate("").expect(0, "Result: SUCCESS");
    validate("{}").expect(1, "Error: unable to fetch EnterpriseContractPolicy");
}

#[test]
fn policies_without_sources_are_not_compared() {
    let policy = "sources: [{policy: [p]}]";
    for (first, second) in [("{}", "{}"), (policy, "sources: []"), ("{\"sources\": []}", policy)] {
        assay(&["compare", first, second]).expect(2, "has no `sources`");
    }
    assay(&["compare", policy, policy]).expect(0, "equivalent");
}

/// Two collections, an annotated rule in each of two packages, and a package whose rule makes its codes.
fn configured() -> Fixture {
    let fixture = Fixture::good();
    let rule = |package: &str, name: &str| {
        format!(
            "package {package}\n\nimport rego.v1\n\n# METADATA\n# title: T\n# custom:\n#   short_name: {name}\n\
             #   collections: [release]\ndeny contains result if {{\n\tinput.none\n\tresult := {{\"code\": \"{package}.{name}\", \
             \"msg\": \"m\"}}\n}}\n"
        )
    };
    fixture.file("rules/build.rego", &rule("build", "signed"));
    fixture.file("rules/tasks.rego", &rule("release.tasks", "required"));
    fixture
        .file("rules/made.rego", "package made\n\nimport rego.v1\n\ndeny contains x if {\n\tsome x in input.none\n}\n");
    fixture
}

fn validate_with(fixture: &Fixture, group: &serde_json::Value, more: &[&str]) -> CommandOutput {
    let mut group = group.clone();
    group["policy"] = json!([fixture.path("rules")]);
    fixture.validate_with_policy(&json!({"sources": [group]}).to_string(), more)
}

#[test]
fn items_that_match_no_rule_are_reported_with_suggestions() {
    let fixture = configured();
    for (config, says) in [
        (json!({"include": ["@release", "buld"]}), "the `include` item `buld`"),
        (json!({"include": ["@release", "buld"]}), "did you mean `build`?"),
        (json!({"include": ["@release", "@relese"]}), "did you mean `@release`?"),
        (json!({"exclude": ["build.sigend"]}), "the `exclude` item `build.sigend`"),
        (json!({"exclude": ["tasks.requird:x"]}), "did you mean `tasks.required:x`?"),
        (json!({"exclude": ["release.task.*"]}), "did you mean `release.tasks.*`?"),
        (json!({"exclude": ["entirely-different"]}), "`entirely-different` of the source group"),
    ] {
        let output = validate_with(&fixture, &json!({"config": config}), &[]);
        let is_reported = output.err.lines().any(|line| line.starts_with("warning: the `") && line.contains(says));
        assert!(output.code == 0 && is_reported, "{output:?}");
        let strict = validate_with(&fixture, &json!({"config": config}), &["--strict-config"]);
        strict.expect(2, says);
        assert_eq!(strict.out, "");
    }
    for item in
        ["build", "build.signed", "build.signed:any", "release.tasks", "tasks", "made.anything", "*", "@release"]
    {
        let output = validate_with(
            &fixture,
            &json!({"config": {"include": ["build"], "exclude": [item]}}),
            &["--strict-config"],
        );
        assert!(!output.err.contains("--strict-config"), "{item}: {output:?}");
    }
}

#[test]
fn items_for_components_images_and_times_and_those_of_the_whole_policy_are_reported_too() {
    let fixture = configured();
    let volatile = |item: serde_json::Value| json!({"volatileConfig": {"exclude": [item]}});
    for item in [
        json!({"value": "buld", "componentNames": ["other"]}),
        json!({"value": "buld", "imageUrl": "registry.example/other"}),
        json!({"value": "buld", "effectiveUntil": "2020-01-01"}),
    ] {
        validate_with(&fixture, &volatile(item), &["--strict-config"]).expect(2, "did you mean `build`?");
    }
    let skipped = volatile(json!({"value": "build", "effectiveOn": "soon"}));
    validate_with(&fixture, &skipped, &["--strict-config"]).expect(2, "is skipped");
    let sources = json!([{"policy": [fixture.path("rules")]}]);
    let global =
        json!({"sources": sources, "configuration": {"collections": ["relase"], "exclude": ["buld"]}}).to_string();
    let output = fixture.validate_with_policy(&global, &["--strict-config"]);
    output.expect(2, "the `collections` item `@relase` matches no rule; did you mean `@release`?");
    output.expect(2, "the `exclude` item `buld` matches no rule; did you mean `build`?");
}

#[test]
fn documents_are_evaluated_by_items_that_match_rules() {
    let fixture = configured();
    fixture.file("in.json", "{}");
    let policy = json!({"sources": [{"policy": [fixture.path("rules")], "config": {"exclude": ["buld"]}}]}).to_string();
    let file = fixture.path("in.json");
    let fixed = ["validate", "input", file.as_str(), "--policy", &policy];
    assay(&fixed).expect(0, "warning: the `exclude` item `buld`");
    assay(&[&fixed[..], &["--strict-config"]].concat()).expect(2, "did you mean `build`?");
}

/// Runs the program with so many bytes of YAML on standard input.
fn fed(arguments: &[&str], bytes: usize) -> CommandOutput {
    let mut child =
        command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let line = format!("# {}\n", "x".repeat(1021));
        let mut left = bytes;
        // A program that refuses its input does not read the rest.
        while left > 0 && input.write_all(line.as_bytes()).is_ok() {
            left = left.saturating_sub(line.len());
        }
        let _closed = input.write_all(b"bad: true\n");
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    CommandOutput::of(&output)
}

#[test]
fn standard_input_over_the_limit_is_refused_and_not_cut() {
    let fixture = Fixture::good();
    fixture.file("rules/main.rego", "package main\n\nimport rego.v1\n\ndeny contains \"bad\" if input.bad\n");
    let rules = fixture.path("rules");
    let arguments = ["test", "--parser", "yaml", "-p", rules.as_str(), "-"];
    fed(&arguments, 1024).expect(1, "bad");
    fed(&arguments, (80 << 20) + 1024).expect(2, "more than the 83886080 bytes allowed");
    let eval = ["policy", "eval", "-I", "input.bad"];
    fed(&eval, 1024).expect(0, "true");
    fed(&eval, (64 << 20) + 1024).expect(2, "more than the 67108864 bytes allowed");
}

#[test]
fn a_package_without_rules_passes_nothing_unless_that_is_permitted() {
    let fixture = Fixture::good();
    let rules = fixture.file("rules/p.rego", "package p\n\nimport rego.v1\n\ndeny contains \"bad\" if input.bad\n");
    let none = fixture.file("none/p.rego", "package p\n\nx := 1\n");
    let file = fixture.file("in.json", "{}");
    let test = |policy: &str, more: &[&str]| assay(&[&["test", file.as_str(), "-p", policy], more].concat());
    test(rules.as_str(), &["-n", "absent"]).expect(2, "in the package `absent`; there is p");
    test(rules.as_str(), &["-n", "p", "-n", "absent"]).expect(2, "`absent`");
    test(rules.as_str(), &[]).expect(2, "in the package `main`");
    test(none.as_str(), &["-n", "p"]).expect(2, "no rules that deny or warn");
    test(none.as_str(), &["--all-namespaces"]).expect(2, "no rules that deny or warn");
    test(rules.as_str(), &["-n", "p"]).expect(0, "1 test, 1 passed");
    test(rules.as_str(), &["-n", "absent", "--allow-empty"]).expect(0, "");
    let ec = ["test", file.as_str(), "-p", rules.as_str(), "-n", "absent"];
    let output = CommandOutput::of(&ec_command(&fixture.path(""), &ec).env("EC_EXPERIMENTAL", "1").output().unwrap());
    assert_eq!(output.code, 0, "{output:?}");
}

#[test]
fn a_folder_that_is_the_working_folder_does_not_stand_in_names() {
    let fixture = Fixture::good();
    let rules =
        fixture.file("rules/main.rego", "package main\n\nimport rego.v1\n\ndeny contains \"bad\" if input.bad\n");
    fixture.file("in/c.yaml", "bad: true\n");
    fixture.file("in/sub/d.yaml", "bad: true\n");
    let run = |argument: &str| {
        let arguments = ["test", argument, "-p", rules.as_str(), "-o", "json"];
        let output = CommandOutput::of(&command(&arguments).current_dir(fixture.path("in")).output().unwrap());
        let results = output.json();
        let names = results.as_array().unwrap().iter().map(|file| file["filename"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(run("."), ["c.yaml", "sub/d.yaml"]);
    assert_eq!(run("./sub"), ["sub/d.yaml"]);
    assert_eq!(run("../in/"), ["../in/c.yaml", "../in/sub/d.yaml"]);
    assert_eq!(run("./c.yaml"), ["./c.yaml"]);
}
