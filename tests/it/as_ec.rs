//! The program called through a link named `ec`: its form, its exit codes, and the safe thing where `ec` is not safe.

use serde_json::json;

use crate::{
    registry::{Fault, Registry},
    world::{Ran, World, component, ec_command},
};

/// Judges a world's Snapshot on a registry, called `ec`.
fn judge(world: &World, registry: &Registry, more: &[&str]) -> Ran {
    judge_by(world, registry, &world.policy(), more)
}

fn judge_by(world: &World, registry: &Registry, policy: &str, more: &[&str]) -> Ran {
    world.layout.write(&world.path("oci")).unwrap();
    registry.push_layout(world.path("oci").as_std_path());
    let (snapshot, key) = (world.snapshot(&registry.host()), world.path("key.pub"));
    let fixed = ["validate", "image", "--images", &snapshot, "--policy", policy, "--public-key", key.as_str()];
    let arguments = [&fixed[..], &["--ignore-rekor", "--retry-max-retry=0"], more].concat();
    Ran::of(&ec_command(&world.path(""), &arguments).output().unwrap())
}

#[test]
fn a_denial_is_an_error_in_the_words_of_ec() {
    let (mut world, registry) = (World::good(), Registry::start());
    world.image("bad", &[("bad", "yes")]);
    let ran = judge(&world, &registry, &["--output", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, "Error: success criteria not met\n"));
    assert_eq!(ran.json()["success"], json!(false));
    let lenient = judge(&world, &registry, &["--strict=false"]);
    assert_eq!((lenient.code, lenient.err.as_str()), (0, ""));
}

#[test]
fn nested_packages_are_left_out_beside_others_and_that_is_told() {
    let (world, registry) = (World::good(), Registry::start());
    let rules = |package: &str| format!("package {package}\n\nimport rego.v1\n\ndeny contains \"{package} denies\"\n");
    world.file("nested/flat.rego", &rules("flat"));
    world.file("nested/deep.rego", &rules("deep.er"));
    let policy =
        |include: &[&str]| json!({"sources": [{"policy": [world.path("nested")], "config": {"include": include}}]});
    let judged = |include: &[&str]| judge_by(&world, &registry, &policy(include).to_string(), &["--output", "json"]);
    let ran = judged(&["*"]);
    assert!(ran.out.contains("flat denies") && !ran.out.contains("deep.er denies"), "{ran:?}");
    let says = "as in ec, rules of nested packages are not asked beside others: `deep.er`";
    assert!(ran.err.contains(&format!(" level=warning msg=\"{says}\"")), "{ran:?}");
    // Where nothing else is chosen, everything is asked.
    assert!(judged(&["nothing"]).out.contains("deep.er denies"));
}

#[test]
fn a_bad_request_ends_with_one() {
    let world = World::good();
    for (arguments, says) in [
        (&["validate", "image", "--ignore-rekor", "--image", "a"][..], "Error: no public key"),
        (&["validate", "image", "--nonsense"], "Error: unexpected argument '--nonsense'"),
        (
            &["validate", "image", "--image", "a", "--info", "true", "--ignore-rekor"],
            "Error: unexpected argument 'true'",
        ),
        (&["validate", "image", "--image", "a", "--strict=maybe"], "Error: `maybe`"),
    ] {
        let ran = Ran::of(&ec_command(&world.path(""), arguments).output().unwrap());
        assert!(ran.code == 1 && ran.err.starts_with(says) && ran.out.is_empty(), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn an_image_without_an_answer_costs_the_others_nothing() {
    let (mut world, registry) = (World::good(), Registry::start());
    world.image("odd", &[]);
    world.components.push(("broken".to_owned(), "Not An Image".to_owned()));
    let ran = judge(&world, &registry, &["--output", "json", "--strict=false"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let begins = format!("Error: error validating image {}/Not An Image of component broken: ", registry.host());
    assert!(ran.err.starts_with(&begins), "{ran:?}");
    let report = ran.json();
    assert_eq!(component(&report, "good")["success"], json!(true));
    assert_eq!(component(&report, "broken")["success"], json!(false));
}

#[test]
fn without_any_verdict_there_is_no_report() {
    let (world, registry) = (World::good(), Registry::start());
    let policy = json!({"sources": [{"policy": [world.path("policy")], "config": {"include": ["typo"]}}]}).to_string();
    let ran = judge_by(&world, &registry, &policy, &["--output", "json"]);
    assert!(ran.code == 1 && ran.out.is_empty(), "{ran:?}");
    assert!(ran.err.contains("no successes, warnings or failures"), "{ran:?}");
}

#[test]
fn content_that_lies_is_no_violation_but_no_answer() {
    let (mut world, registry) = (World::good(), Registry::start());
    let digest = world.image("lies", &[]);
    registry.fault(&digest.to_string(), Fault::Lie);
    let ran = judge(&world, &registry, &["--output", "json", "--strict=false"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(component(&ran.json(), "lies")["error"]["code"], json!("digest-mismatch"));
}

#[test]
fn two_components_of_one_digest_are_both_reported_and_an_empty_snapshot_does_not_pass() {
    let (mut world, registry) = (World::good(), Registry::start());
    let image = world.components.first().unwrap().1.clone();
    world.components.push(("twin".to_owned(), image));
    let report = judge(&world, &registry, &["--output", "json"]).json();
    assert_eq!(report["components"].as_array().unwrap().len(), 2);
    let key = world.path("key.pub");
    let arguments = ["validate", "image", "--images", "{}", "--public-key", key.as_str(), "--ignore-rekor"];
    let ran = Ran::of(&ec_command(&world.path(""), &arguments).output().unwrap());
    assert!(ran.code == 1 && ran.out.is_empty() && ran.err.contains("no components"), "{ran:?}");
}
