//! The program called through a link named `ec`: its form, its exit codes, and the safe thing where `ec` is not safe.

use assay_model::digest::Digest;
use serde_json::json;

use crate::{
    registry::{Fault, Registry},
    world::{Ran, World, component, ec_command},
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

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
fn evidence_that_cannot_be_fetched_is_a_violation_that_leniency_forgives() {
    let (mut world, registry) = (World::good(), Registry::start());
    world.image("lost", &[]);
    registry.fault("/app/lost/manifests/sha256-", Fault::Broken);
    let ran = judge(&world, &registry, &["--output", "json", "--strict=false"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let report = ran.json();
    assert_eq!(component(&report, "good")["success"], json!(true));
    let violations = component(&report, "lost")["violations"].to_string();
    assert!(violations.contains("builtin.attestation.signature_check"), "{violations}");
    assert_eq!(judge(&world, &registry, &["--output", "json"]).code, 1);
}

#[test]
fn a_manifest_of_an_index_that_is_not_there_is_a_violation_that_leniency_forgives() {
    let (mut world, registry) = (World::empty(), Registry::start());
    let one = world.image("parts", &[]);
    let gone = Digest::of(b"gone");
    let item = |digest: &Digest, architecture: &str| {
        let size = world.layout.get(digest).map_or(4, <[u8]>::len);
        let platform = json!({"os": "linux", "architecture": architecture});
        json!({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": platform})
    };
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [item(&one, ""), item(&gone, "amd64")],
    });
    let index = registry.put_manifest("app/parts:index", INDEX, index.to_string().as_bytes());
    world.components = vec![("i".to_owned(), format!("app/parts@{index}"))];
    let ran = judge(&world, &registry, &["--output", "json", "--strict=false"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let report = ran.json();
    assert_eq!(component(&report, &format!("i-{one}-noarch-0"))["success"], json!(true));
    let absent = component(&report, &format!("i-{gone}-amd64"));
    assert!(absent["violations"].to_string().contains("Image URL is not accessible"), "{absent}");
    assert!(component(&report, "i").get("error").is_none());
}

#[test]
fn called_ec_a_way_to_evidence_that_fails_is_not_in_the_report() {
    let (world, registry) = (World::good(), Registry::start());
    let whole = judge(&world, &registry, &["--output", "json", "--effective-time", "2099-01-01"]);
    registry.fault("/referrers/", Fault::Broken);
    let ran = judge(&world, &registry, &["--output", "json", "--effective-time", "2099-01-01"]);
    assert_eq!((ran.code, ran.out), (0, whole.out));
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
