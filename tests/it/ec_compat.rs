//! The program called through a link named `ec`: its form, its exit codes, and the safe thing where `ec` is not safe.

use assay_model::digest::Digest;
use serde_json::json;

use crate::{
    fixture::{CommandOutput, Fixture, component, ec_command},
    registry::{Fault, Registry},
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Validates a fixture's Snapshot on a registry, invoked as `ec`.
fn validate(fixture: &Fixture, registry: &Registry, more: &[&str]) -> CommandOutput {
    validate_with_policy(fixture, registry, &fixture.policy(), more)
}

fn validate_with_policy(fixture: &Fixture, registry: &Registry, policy: &str, more: &[&str]) -> CommandOutput {
    fixture.layout.write(&fixture.path("oci")).unwrap();
    registry.push_layout(fixture.path("oci").as_std_path());
    let (snapshot, key) = (fixture.snapshot(&registry.host()), fixture.path("key.pub"));
    let fixed = ["validate", "image", "--images", &snapshot, "--policy", policy, "--public-key", key.as_str()];
    let arguments = [&fixed[..], &["--ignore-rekor", "--retry-max-retry=0"], more].concat();
    CommandOutput::of(&ec_command(&fixture.path(""), &arguments).output().unwrap())
}

#[test]
fn a_denial_is_an_error_in_the_words_of_ec() {
    let (mut fixture, registry) = (Fixture::good(), Registry::start());
    fixture.image("bad", &[("bad", "yes")]);
    let output = validate(&fixture, &registry, &["--output", "json"]);
    assert_eq!((output.code, output.err.as_str()), (1, "Error: success criteria not met\n"));
    assert_eq!(output.json()["success"], json!(false));
    let lenient = validate(&fixture, &registry, &["--strict=false"]);
    assert_eq!((lenient.code, lenient.err.as_str()), (0, ""));
}

#[test]
fn nested_packages_are_left_out_beside_others_and_that_is_reported() {
    let (fixture, registry) = (Fixture::good(), Registry::start());
    let rules = |package: &str| format!("package {package}\n\nimport rego.v1\n\ndeny contains \"{package} denies\"\n");
    fixture.file("nested/flat.rego", &rules("flat"));
    fixture.file("nested/deep.rego", &rules("deep.er"));
    let policy =
        |include: &[&str]| json!({"sources": [{"policy": [fixture.path("nested")], "config": {"include": include}}]});
    let validate = |include: &[&str]| {
        validate_with_policy(&fixture, &registry, &policy(include).to_string(), &["--output", "json"])
    };
    let output = validate(&["*"]);
    assert!(output.out.contains("flat denies") && !output.out.contains("deep.er denies"), "{output:?}");
    let says = "as in ec, rules of nested packages are not evaluated along with those of their parents: `deep.er`";
    assert!(output.err.contains(&format!(" level=warning msg=\"{says}\"")), "{output:?}");
    // If nothing else is selected, everything is evaluated.
    assert!(validate(&["nothing"]).out.contains("deep.er denies"));
}

#[test]
fn a_policy_that_does_not_compile_is_reported_in_the_words_of_ec() {
    let (fixture, registry) = (Fixture::good(), Registry::start());
    let wrong = "package wrong\n\nf(x) := x\n\ndeny contains \"no\" if not f == 1\n";
    fixture.file("wrong/wrong.rego", wrong);
    fixture.file("in.json", "{}");
    let policy = json!({"sources": [{"policy": [fixture.path("wrong")]}]}).to_string();
    let details = "Details:\n  load: loading policies: get compiler: 2 errors occurred:\n\
                   wrong.rego:5: rego_type_error: match error\n\tleft  : (any) => any\n\tright : number\n\
                   wrong.rego:5: rego_type_error: function data.wrong.f used as reference, not called\n\
                   \tdata.wrong.f\n\t^^^^^^^^^^^^\n\thave: (any) => any\n";
    let explained =
        "policy compilation error: the policy references Rego built-in functions not available in this version";
    let input = fixture.path("in.json");
    let arguments = ["validate", "input", "--file", input.as_str(), "--policy", &policy];
    let output = CommandOutput::of(&ec_command(&fixture.path(""), &arguments).output().unwrap());
    assert_eq!((output.code, output.out.as_str()), (1, ""), "{output:?}");
    let begins = format!("Error: error validating file {input}: evaluating policy: {explained}");
    assert!(output.err.starts_with(&begins) && output.err.ends_with(details), "{output:?}");
    let output = validate_with_policy(&fixture, &registry, &policy, &[]);
    assert_eq!((output.code, output.out.as_str()), (1, ""), "{output:?}");
    let component = format!(" of component good: {explained}");
    assert!(output.err.contains(&component) && output.err.ends_with(details), "{output:?}");
}

#[test]
fn a_bad_request_ends_with_one() {
    let fixture = Fixture::good();
    for (arguments, says) in [
        (&["validate", "image", "--ignore-rekor", "--image", "a"][..], "Error: no public key"),
        (&["validate", "image", "--nonsense"], "Error: unexpected argument '--nonsense'"),
        (
            &["validate", "image", "--image", "a", "--info", "true", "--ignore-rekor"],
            "Error: unexpected argument 'true'",
        ),
        (&["validate", "image", "--image", "a", "--strict=maybe"], "Error: `maybe`"),
    ] {
        let output = CommandOutput::of(&ec_command(&fixture.path(""), arguments).output().unwrap());
        assert!(output.code == 1 && output.err.starts_with(says) && output.out.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn an_error_of_one_image_does_not_affect_the_others() {
    let (mut fixture, registry) = (Fixture::good(), Registry::start());
    fixture.image("odd", &[]);
    fixture.components.push(("broken".to_owned(), "Not An Image".to_owned()));
    let output = validate(&fixture, &registry, &["--output", "json", "--strict=false"]);
    assert_eq!(output.code, 1, "{output:?}");
    let begins = format!("Error: error validating image {}/Not An Image of component broken: ", registry.host());
    assert!(output.err.starts_with(&begins), "{output:?}");
    let report = output.json();
    assert_eq!(component(&report, "good")["success"], json!(true));
    assert_eq!(component(&report, "broken")["success"], json!(false));
}

#[test]
fn without_any_verdict_there_is_no_report() {
    let (fixture, registry) = (Fixture::good(), Registry::start());
    let policy =
        json!({"sources": [{"policy": [fixture.path("policy")], "config": {"include": ["typo"]}}]}).to_string();
    let output = validate_with_policy(&fixture, &registry, &policy, &["--output", "json"]);
    assert!(output.code == 1 && output.out.is_empty(), "{output:?}");
    assert!(output.err.contains("no successes, warnings or failures"), "{output:?}");
}

#[test]
fn evidence_that_cannot_be_fetched_is_a_violation_that_leniency_forgives() {
    let (mut fixture, registry) = (Fixture::good(), Registry::start());
    fixture.image("lost", &[]);
    registry.fault("/app/lost/manifests/sha256-", Fault::Broken);
    let output = validate(&fixture, &registry, &["--output", "json", "--strict=false"]);
    assert_eq!((output.code, output.err.as_str()), (0, ""), "{output:?}");
    let report = output.json();
    assert_eq!(component(&report, "good")["success"], json!(true));
    let violations = component(&report, "lost")["violations"].to_string();
    assert!(violations.contains("builtin.attestation.signature_check"), "{violations}");
    assert_eq!(validate(&fixture, &registry, &["--output", "json"]).code, 1);
}

#[test]
fn a_manifest_of_an_index_that_is_not_there_is_a_violation_that_leniency_forgives() {
    let (mut fixture, registry) = (Fixture::empty(), Registry::start());
    let one = fixture.image("parts", &[]);
    let gone = Digest::of(b"gone");
    let item = |digest: &Digest, architecture: &str| {
        let size = fixture.layout.get(digest).map_or(4, <[u8]>::len);
        let platform = json!({"os": "linux", "architecture": architecture});
        json!({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": platform})
    };
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [item(&one, ""), item(&gone, "amd64")],
    });
    let index = registry.put_manifest("app/parts:index", INDEX, index.to_string().as_bytes());
    fixture.components = vec![("i".to_owned(), format!("app/parts@{index}"))];
    let output = validate(&fixture, &registry, &["--output", "json", "--strict=false"]);
    assert_eq!((output.code, output.err.as_str()), (0, ""), "{output:?}");
    let report = output.json();
    assert_eq!(component(&report, &format!("i-{one}-noarch-0"))["success"], json!(true));
    let absent = component(&report, &format!("i-{gone}-amd64"));
    assert!(absent["violations"].to_string().contains("Image URL is not accessible"), "{absent}");
    assert!(component(&report, "i").get("error").is_none());
}

#[test]
fn called_ec_a_way_to_evidence_that_fails_is_not_in_the_report() {
    let (fixture, registry) = (Fixture::good(), Registry::start());
    let whole = validate(&fixture, &registry, &["--output", "json", "--effective-time", "2099-01-01"]);
    registry.fault("/referrers/", Fault::Broken);
    let output = validate(&fixture, &registry, &["--output", "json", "--effective-time", "2099-01-01"]);
    assert_eq!((output.code, output.out), (0, whole.out));
}

#[test]
fn content_with_another_digest_is_an_error_not_a_violation() {
    let (mut fixture, registry) = (Fixture::good(), Registry::start());
    let digest = fixture.image("lies", &[]);
    registry.fault(&digest.to_string(), Fault::Corrupt);
    let output = validate(&fixture, &registry, &["--output", "json", "--strict=false"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert_eq!(component(&output.json(), "lies")["error"]["code"], json!("digest-mismatch"));
}

#[test]
fn two_components_of_one_digest_are_both_reported_and_an_empty_snapshot_does_not_pass() {
    let (mut fixture, registry) = (Fixture::good(), Registry::start());
    let image = fixture.components.first().unwrap().1.clone();
    fixture.components.push(("twin".to_owned(), image));
    let report = validate(&fixture, &registry, &["--output", "json"]).json();
    assert_eq!(report["components"].as_array().unwrap().len(), 2);
    let key = fixture.path("key.pub");
    let arguments = ["validate", "image", "--images", "{}", "--public-key", key.as_str(), "--ignore-rekor"];
    let output = CommandOutput::of(&ec_command(&fixture.path(""), &arguments).output().unwrap());
    assert!(output.code == 1 && output.out.is_empty() && output.err.contains("no components"), "{output:?}");
}
