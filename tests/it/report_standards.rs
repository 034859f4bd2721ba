//! Reports as other programs read them: SARIF by its schema, JUnit from build to build, Markdown as one comment.

use assay_gocompat::json;
use serde_json::Value;

use crate::{
    fixture::{Fixture, assay},
    tidy::root,
};

/// What the documents of a run are: passed, with violations, and with a component that could not be evaluated.
fn sarif_documents(fixture: &mut Fixture) -> Vec<(String, Value)> {
    fixture.image("bad", &[("bad", "yes"), ("odd", "yes")]);
    let mut found = vec![];
    for (name, more) in [
        ("violations", &["--plugin", "examples/licenses.wasm?deny=MIT", "--show-successes"][..]),
        ("an error", &["--image", "registry.example/app/absent:1"]),
        ("skipped checks", &["--skip-image-sig-check", "--no-color"]),
    ] {
        let output = fixture.validate(&[&["--output", "sarif"], more].concat());
        found.push((name.to_owned(), output.json()));
    }
    found
}

/// What the engine's `json.match_schema` says of a document: whether it is valid, and what is wrong.
fn check(fixture: &Fixture, schema: &str, document: &Value) -> (bool, Value) {
    let data = fixture.file("schema/data.json", &format!("{{\"schema\": {schema}}}"));
    let input = fixture.file("document.json", &json::to_string(document).unwrap());
    let query = "json.match_schema(input, data.schema)";
    let output = assay(&["policy", "eval", "-d", data.as_str(), "-i", input.as_str(), query, "--format", "values"]);
    let values = output.json();
    let [valid, errors] = values[0].as_array().unwrap().as_slice() else { panic!("{output:?}") };
    (valid == true, errors.clone())
}

#[test]
fn sarif_has_what_its_specification_permits_and_nothing_else() {
    let mut fixture = Fixture::good();
    let schema = fs_err::read_to_string(root().join("tests/it/sarif.schema.json")).unwrap();
    let documents = sarif_documents(&mut fixture);
    for (name, document) in &documents {
        let (is_valid, errors) = check(&fixture, &schema, document);
        assert!(is_valid, "{name}: {errors}");
    }
    // The schema refuses what is wrong.
    let (_, mut wrong) = documents.into_iter().next().unwrap();
    wrong["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!check(&fixture, &schema, &wrong).0);
}

#[test]
#[ignore = "needs the SARIF schema"]
#[expect(clippy::disallowed_methods, reason = "names the file of the schema")]
fn sarif_is_valid_by_the_schema_of_oasis() {
    let file = std::env::var("ASSAY_SARIF_SCHEMA").expect("the file that .ci/install-sarif-schema wrote");
    let schema = fs_err::read_to_string(file).unwrap();
    let mut fixture = Fixture::good();
    for (name, document) in sarif_documents(&mut fixture) {
        let (is_valid, errors) = check(&fixture, &schema, &document);
        assert!(is_valid, "{name}: {errors}");
    }
}

/// The names of cases and suites in a JUnit report.
fn names(report: &str) -> Vec<String> {
    let starts = report.split('<').filter(|tag| tag.starts_with("testcase ") || tag.starts_with("testsuite "));
    let value = |tag: &str, key: &str| {
        tag.split(&format!(" {key}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    };
    starts.map(|tag| value(tag, "classname") + "/" + &value(tag, "name")).collect()
}

#[test]
fn junit_has_equal_names_for_two_builds_of_an_image() {
    let of_build = |build: &str| {
        let mut fixture = Fixture::empty();
        let digest = fixture.image("cart", &[("bad", "yes"), ("build", build)]);
        (digest, names(&fixture.validate(&["--output", "junit"]).out))
    };
    let ((first, names), (second, others)) = (of_build("1"), of_build("2"));
    assert_ne!(first, second);
    assert_eq!(names, others);
    assert!(
        names.iter().any(|name| name.starts_with("main/") && name.ends_with("bad")) && names.len() >= 5,
        "{names:?}"
    );
}

#[test]
fn markdown_of_a_hundred_components_is_one_comment_with_details_by_rule() {
    let mut fixture = Fixture::empty();
    for number in 0..100 {
        fixture.image(&format!("component-{number}"), &[("bad", "yes"), ("odd", "yes")]);
    }
    let text = fixture.validate(&["--output", "markdown"]).out;
    assert!(text.len() <= 65_536, "{}", text.len());
    let details = text.matches("<details>").count();
    assert!((2..10).contains(&details), "{details}");
    assert!(text.contains("main.bad") && text.contains("100 violations in 100 components"), "{text}");
}
