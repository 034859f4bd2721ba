//! What was validated is attested (`validate image --vsa`), and stands for an evaluation later (`validate vsa`), under both
//! names of the program.

use assay_model::digest::Digest;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use xtask::sign::Key;

use crate::fixture::{CommandOutput, Fixture, HOST, RULES, command, ec_command, provenance};

const PASSWORD: &str = "a password";

/// A world with images, and a key that signs attestations.
struct World {
    fixture: Fixture,
    key: Key,
}

impl World {
    fn new(images: &[(&str, &[(&str, &str)])]) -> Self {
        let mut fixture = Fixture::empty();
        for (name, labels) in images {
            fixture.image(name, labels);
        }
        fixture.layout.write(&fixture.path("oci")).unwrap();
        let key = Key::generate().unwrap();
        fixture.file("vsa.key", &key.encrypted_pem(PASSWORD).unwrap());
        fixture.file("vsa.pub", &key.public_pem().unwrap());
        Self { fixture, key }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        self.fixture.path(name)
    }

    /// The image of a component.
    fn image(&self, name: &str) -> String {
        let (_, image) = self.fixture.components.iter().find(|(component, _)| component == name).unwrap();
        format!("{HOST}/{image}")
    }

    /// `validate image`, as assay or as `ec`.
    fn validate(&self, is_ec: bool, more: &[&str]) -> CommandOutput {
        let fixture = &self.fixture;
        let (snapshot, policy) = (fixture.snapshot(HOST), fixture.policy());
        let (key, layout) = (fixture.path("key.pub"), fixture.path("oci"));
        let fixed = [
            "validate",
            "image",
            "--images",
            &snapshot,
            "--policy",
            &policy,
            "--public-key",
            key.as_str(),
            "--ignore-rekor",
            "--evidence",
            layout.as_str(),
        ];
        self.run(is_ec, &[&fixed[..], more].concat())
    }

    fn run(&self, is_ec: bool, arguments: &[&str]) -> CommandOutput {
        let mut command = if is_ec { ec_command(&self.path(""), arguments) } else { command(arguments) };
        CommandOutput::of(&command.env("COSIGN_PASSWORD", PASSWORD).output().unwrap())
    }

    /// Attests what is validated, and keeps it in the folder `vsas`.
    fn attest(&self, more: &[&str]) -> CommandOutput {
        let (key, upload) = (self.path("vsa.key"), format!("local@{}", self.path("vsas")));
        let fixed = ["--vsa", "--vsa-signing-key", key.as_str(), "--vsa-upload", &upload];
        self.validate(false, &[&fixed[..], more].concat())
    }

    /// `validate vsa` about what the folder `vsas` has.
    fn vsa(&self, is_ec: bool, more: &[&str]) -> CommandOutput {
        let key = self.path("vsa.pub");
        let given = |flag: &str| more.iter().any(|text| text.split('=').next() == Some(flag));
        let mut arguments = vec!["validate", "vsa", "--vsa-retrieval"];
        let places = format!("local@{}", self.path("vsas"));
        arguments.push(&places);
        let (policy, signer) = (self.fixture.policy(), self.path("key.pub"));
        for (flag, value) in [("--policy", policy.as_str()), ("--vsa-public-key", key.as_str())] {
            if !given(flag) {
                arguments.extend([flag, value]);
            }
        }
        let signer_flag = if is_ec { "--fallback-public-key" } else { "--public-key" };
        if !given(signer_flag) {
            arguments.extend([signer_flag, signer.as_str()]);
        }
        if is_ec && !given("--no-fallback") {
            arguments.push("--no-fallback");
        }
        arguments.extend(more);
        self.run(is_ec, &arguments)
    }
}

fn files(folder: &Utf8Path) -> Vec<String> {
    let mut names: Vec<String> =
        folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
    names.sort();
    names
}

fn code(output: &CommandOutput) -> String {
    output.json()["details"][0]["refused"]["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_was_validated_is_attested_and_stands_for_an_evaluation() {
    let world = World::new(&[("good", &[]), ("bad", &[("bad", "yes")])]);
    let folder = world.path("out");
    let attested = world.attest(&["--attestation-output-dir", folder.as_str()]);
    attested.expect(1, "note: what came of 2 images is attested in");
    let want = ["bad", "good"].map(|name| [format!("vsa-{name}.json"), format!("vsa-{name}.json.intoto.jsonl")]);
    let snapshot = ["application-snapshot-vsa.json", "application-snapshot-vsa.json.intoto.jsonl"].map(str::to_owned);
    assert_eq!(files(&folder), [&snapshot[..], &want.concat()].concat());
    assert_eq!(files(&world.path("vsas")).len(), 3);

    let read = |name: &str| fs_err::read_to_string(folder.join(name)).unwrap();
    let predicate: Value = serde_json::from_str(&read("vsa-good.json")).unwrap();
    assert_eq!((predicate["status"].as_str(), predicate["verifier"].as_str()), (Some("passed"), Some("assay")));
    assert_eq!(predicate["policySource"], json!(world.fixture.policy()));
    assert_eq!(predicate["publicKey"], json!(world.fixture.key.public_pem().unwrap()));
    let predicate: Value = serde_json::from_str(&read("vsa-bad.json")).unwrap();
    assert_eq!((predicate["status"].as_str(), &predicate["summary"]["violations"]), (Some("failed"), &json!(1)));

    for is_ec in [false, true] {
        let passed = world.vsa(is_ec, &[&world.image("good"), "--output", "status"]);
        passed.expect(0, r#"{"result":"SUCCESS"}"#);
        let failed = world.vsa(is_ec, &[&world.image("bad")]);
        failed.expect(1, "the VSA has the status `failed`, not `passed`");
        // Each image must pass.
        let snapshot = world.fixture.snapshot(HOST);
        world.vsa(is_ec, &["--images", &snapshot]).expect(1, "VSA=PASSED");
        world.vsa(is_ec, &["--images", &snapshot, "--strict=false"]).expect(0, "FAILED(reason=predicate failed)");
    }
    // The file that was written beside the predicate.
    let envelope = folder.join("vsa-good.json.intoto.jsonl");
    world.vsa(false, &[envelope.as_str(), "--image", &world.image("good")]).expect(0, "Overall: ✅ PASSED");
    world.vsa(false, &[envelope.as_str()]).expect(2, "nothing says which image the VSA must be about");
    let alone = |about: &str| {
        let arguments = [
            "validate",
            "vsa",
            envelope.as_str(),
            "--image",
            about,
            "--policy",
            &world.fixture.policy(),
            "--public-key",
            world.path("key.pub").as_str(),
            "--vsa-public-key",
            world.path("vsa.pub").as_str(),
            "--output",
            "json",
        ]
        .map(str::to_owned);
        world.run(false, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!(code(&alone(&world.image("bad"))), "subject_mismatch");
    assert_eq!(alone(&world.image("good")).code, 0);
}

#[test]
fn attack_a_vsa_that_is_expired_foreign_or_about_something_else_is_refused_with_a_sentence() {
    let world = World::new(&[("good", &[]), ("other", &[])]);
    world.attest(&[]).expect(0, "");
    let image = world.image("good");
    let json = |more: &[&str]| world.vsa(false, &[&[image.as_str(), "--output", "json"], more].concat());
    let refused = |more: &[&str], want: &str, says: &str| {
        let output = json(more);
        assert_eq!((output.code, code(&output).as_str()), (1, want), "{more:?}: {output:#?}");
        let reason = output.json()["details"][0]["refused"]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(says), "{more:?}: {reason}");
        assert!(output.err.contains(says), "{more:?}: {}", output.err);
    };
    assert_eq!(json(&[]).code, 0);
    refused(&["--vsa-expiration", "1ns"], "expired", "the VSA has expired");
    // The key of the images, not of the VSA.
    let stranger = world.path("key.pub");
    let output = json(&["--vsa-public-key", stranger.as_str()]);
    assert_eq!((output.code, code(&output).as_str()), (1, "no_vsa"), "{output:#?}");
    assert!(output.err.contains("Found: 0, Expected 1"), "{}", output.err);
    // Another policy: more sources, other data, other criteria.
    world.fixture.file("more/main.rego", RULES);
    let sources = |group: Value| json!({"sources": [group]}).to_string();
    let policy = world.path("policy");
    for group in [
        json!({"policy": [policy, world.path("more")]}),
        json!({"policy": [policy], "ruleData": {"a": 1}}),
        json!({"policy": [policy], "config": {"exclude": ["main.bad"]}}),
        json!({"policy": [world.path("more")]}),
    ] {
        refused(&["--policy", &sources(group)], "policy_mismatch", "the VSA is about another policy");
    }
    refused(&["--extra-rule-data", "a=1"], "policy_mismatch", "ruleData a");
    // Verified with another key.
    refused(&["--public-key", world.path("vsa.pub").as_str()], "signer_mismatch", "with another public key");
    let identity = ["--public-key=", "--certificate-identity=me", "--certificate-oidc-issuer=https://i.example"];
    refused(&identity, "signer_mismatch", "with a public key, not with the identity");
    // Another image, which nobody attested.
    let unknown = image.replace(image.rsplit(':').next().unwrap(), &"0".repeat(64));
    let output = world.vsa(false, &[&unknown, "--output", "json"]);
    assert_eq!((output.code, code(&output).as_str()), (1, "no_vsa"), "{output:#?}");
    // What says nothing of its signer counts only where that is wanted, and the report says so.
    let unsigned = json(&["--vsa-public-key=", "--ignore-signature-verification"]);
    assert_eq!(unsigned.code, 0, "{unsigned:#?}");
    assert_eq!(unsigned.json()["vsa_summary"]["signature"], "NOT VERIFIED");
    // Checks that were skipped do not count.
    let world = World::new(&[("good", &[])]);
    world.attest(&["--skip-image-sig-check"]).expect(0, "");
    let output = world.vsa(false, &[&world.image("good"), "--output", "json"]);
    assert_eq!((output.code, code(&output).as_str()), (1, "signer_mismatch"), "{output:#?}");
}

#[test]
fn attack_a_statement_of_the_key_that_is_no_vsa_or_says_nothing_is_refused() {
    let world = World::new(&[("good", &[])]);
    let image = world.image("good");
    // The policy as it is pinned.
    let folder = world.path("out");
    world.attest(&["--attestation-output-dir", folder.as_str()]).expect(0, "");
    let attested = fs_err::read_to_string(folder.join("vsa-good.json")).unwrap();
    let policy = serde_json::from_str::<Value>(&attested).unwrap()["policy"].clone();
    let digest: Digest = image.split('@').next_back().unwrap().parse().unwrap();
    let store = |statement: &Value| {
        let folder = world.path("vsas");
        if folder.exists() {
            fs_err::remove_dir_all(&folder).unwrap();
        }
        let envelope = xtask::sign::Envelope::of(&world.key, statement.to_string().as_bytes()).unwrap();
        world.fixture.file("vsas/vsa.json", std::str::from_utf8(&envelope.bytes).unwrap());
        world.vsa(false, &[&image, "--output", "json"])
    };
    let output = store(&provenance("good", &digest));
    assert_eq!((output.code, code(&output).as_str()), (1, "predicate-type"), "{output:#?}");
    let mut statement = provenance("good", &digest);
    statement["predicateType"] = json!("https://conforma.dev/verification_summary/v1");
    let output = store(&statement);
    assert_eq!((output.code, code(&output).as_str()), (1, "malformed"), "{output:#?}");
    let mut predicate = json!({
        "policy": policy, "imageRefs": [image], "status": "passed",
        "timestamp": jiff::Timestamp::now().to_string(), "summary": {"violations": 0},
        "publicKey": world.fixture.key.public_pem().unwrap(),
    });
    let mut with = |name: &str, value: Value| {
        predicate[name] = value;
        statement["predicate"] = predicate.clone();
        store(&statement)
    };
    assert_eq!(with("verifier", json!("conforma")).code, 0);
    // `ec` takes no status for a pass.
    let output = with("status", json!(""));
    assert_eq!((output.code, code(&output).as_str()), (1, "predicate_failed"), "{output:#?}");
    with("status", json!("passed"));
    let output = with("timestamp", json!("2999-01-01T00:00:00Z"));
    assert_eq!((output.code, code(&output).as_str()), (1, "expired"), "{output:#?}");
}

#[test]
fn what_cannot_be_attested_or_looked_up_is_an_error_before_any_work() {
    let world = World::new(&[("good", &[])]);
    let key = world.path("vsa.key");
    let out = world.path("out");
    let dsse = ["--vsa", "--vsa-signing-key", key.as_str(), "--attestation-output-dir", out.as_str()];
    for is_ec in [false, true] {
        let usage = if is_ec { 1 } else { 2 };
        let image = |more: &[&str]| world.validate(is_ec, &[&dsse[..], more].concat());
        let rekor = ["--vsa-upload", "rekor@https://rekor.example", "--vsa-expiration=0"];
        image(&rekor).expect(usage, "attestations in Rekor are not supported");
        image(&["--vsa-upload", "s3@x", "--vsa-expiration=0"]).expect(usage, "unsupported backend 's3'");
        image(&["--attestation-format", "pdf"])
            .expect(usage, "invalid --attestation-format: pdf (valid: dsse, predicate)");
        world.vsa(is_ec, &[&world.image("good"), "--vsa-retrieval", "rekor"]).expect(usage, "Rekor are not supported");
        world.vsa(is_ec, &[&world.image("good"), "--vsa-expiration", "soon"]).expect(usage, "--vsa-expiration");
        world.vsa(is_ec, &[&world.image("good"), "--vsa-public-key="]).expect(usage, "--vsa-public-key is required");
    }
    let arguments = ["validate", "vsa", &world.image("good"), "--policy", &world.fixture.policy(), "--public-key"];
    let more = [world.path("key.pub"), "--vsa-public-key".into(), world.path("vsa.pub")];
    let arguments: Vec<&str> = arguments.into_iter().chain(more.iter().map(|text| text.as_str())).collect();
    world.run(false, &arguments).expect(2, "no place with VSAs is named, and VSAs in Rekor are not supported");
    world.vsa(false, &[]).expect(2, "nothing says which image the VSA must be about");
    world.vsa(false, &[&world.image("good"), "--public-key="]).expect(2, "no public key and no identity");
    // The password.
    let fixed = ["validate", "image", "--image", "r.example/a", "--no-policy", "--public-key"];
    let public = world.path("key.pub");
    let arguments: Vec<&str> = fixed.into_iter().chain([public.as_str(), "--ignore-rekor"]).chain(dsse).collect();
    let wrong = CommandOutput::of(&command(&arguments).env("COSIGN_PASSWORD", "other").output().unwrap());
    wrong.expect(2, "cannot be decrypted: the password is wrong");
    wrong.expect(2, "COSIGN_PASSWORD");
    CommandOutput::of(&command(&arguments).output().unwrap()).expect(2, "the password is wrong");
    assert!(!out.exists(), "something was written");
    // A public key, and one that is not encrypted.
    let plain = world.fixture.file("plain.key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n");
    for (file, says) in [(plain, "is not encrypted"), (world.path("vsa.pub"), "is a public key, not a private one")] {
        world.validate(false, &["--vsa", "--vsa-signing-key", file.as_str(), "--vsa-upload=local@x"]).expect(2, says);
    }
}

#[test]
fn called_ec_the_task_of_konflux_attests_as_there() {
    let world = World::new(&[("good", &[])]);
    let (key, out) = (world.path("vsa.key"), world.path("out"));
    let out_flag = format!("--attestation-output-dir={out}");
    // What `verify-conforma-konflux-ta` passes for either format.
    let predicate = ["--vsa=true", "--attestation-format=predicate", &out_flag];
    world.validate(true, &predicate).expect(0, "");
    assert_eq!(files(&out), ["vsa-good.json"]);
    let text = fs_err::read_to_string(out.join("vsa-good.json")).unwrap();
    assert!(text.starts_with("{\n  \"policy\": {\n    \"sources\": [\n"), "{text}");
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((read["status"].as_str(), read["verifier"].as_str()), (Some("passed"), Some("conforma")));
    let names: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
    let of_ec = ["policy", "policySource", "imageRefs", "timestamp", "status", "verifier", "summary", "publicKey"];
    assert_eq!(names, [&of_ec[..], &["effectiveTime"]].concat());

    let (key_flag, upload) = (format!("--vsa-signing-key={key}"), format!("--vsa-upload=local@{}", world.path("vsas")));
    let dsse = ["--vsa=true", "--attestation-format=dsse", &key_flag, &upload, "--vsa-expiration=0", &out_flag];
    let output = world.validate(true, &dsse);
    output.expect(0, "");
    assert_eq!(files(&out).len(), 4, "{:?}", files(&out));
    let kept = files(&world.path("vsas"));
    assert_eq!(kept.len(), 2, "{kept:?}");
    // `ec` names them by time and content.
    assert!(
        kept.iter().all(|name| name.starts_with("vsa-20")
            && name.len() == "vsa-2026-01-01T00-00-00.000000000-0123456789abcdef.json".len()),
        "{kept:?}"
    );
    let envelope = fs_err::read_to_string(out.join("vsa-good.json.intoto.jsonl")).unwrap();
    let envelope: Value = serde_json::from_str(&envelope).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    assert_eq!(envelope["signatures"][0]["keyid"], "");
    // A folder that is not below /tmp or the working directory is refused, as there.
    let elsewhere = ["--vsa=true", "--attestation-format=predicate", "--attestation-output-dir=/var/lib/vsa"];
    world.validate(true, &elsewhere).expect(1, "must be under /tmp or current working directory");
}

#[test]
fn what_has_no_vsa_that_counts_is_evaluated_if_that_is_wanted() {
    let world = World::new(&[("good", &[]), ("bad", &[("bad", "yes")])]);
    fs_err::create_dir(world.path("vsas")).unwrap();
    let layout = world.path("oci");
    let evaluated = |is_ec: bool, image: &str, more: &[&str]| {
        let fixed = [image, "--ignore-rekor", "--evidence", layout.as_str(), "--output", "json"];
        let flag: &[&str] = if is_ec { &["--no-fallback=false"] } else { &["--fallback"] };
        world.vsa(is_ec, &[&fixed[..], flag, more].concat())
    };
    let good = evaluated(false, &world.image("good"), &[]);
    assert_eq!(good.code, 0, "{good:#?}");
    assert_eq!(good.json()["result"]["fallback"], "used for all images");
    assert_eq!(good.json()["fallback"]["success"], true);
    let bad = evaluated(false, &world.image("bad"), &[]);
    bad.expect(1, "it was evaluated and has violations");
    assert_eq!(bad.json()["result"]["overall"], "❌ FAILED");
    // One that passes is not enough, as it is in `ec`.
    let both = evaluated(false, "", &["--images", &world.fixture.snapshot(HOST)]);
    assert_eq!((both.code, &both.json()["result"]["overall"]), (1, &json!("❌ FAILED")), "{both:#?}");
    let as_ec = evaluated(true, &world.image("good"), &[]);
    assert!(
        as_ec.code == 0 && as_ec.out.contains("[INFO] Validating VSA: ") && as_ec.out.contains("Fallback=PASSED"),
        "{as_ec:#?}"
    );
    // What cannot be evaluated is an error.
    let unknown = format!("{HOST}/app/none@sha256:{}", "0".repeat(64));
    assert_eq!(evaluated(false, &unknown, &[]).code, 3);
}
