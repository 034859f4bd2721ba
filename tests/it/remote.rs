//! Images on a registry: the same results as from a layout, each object requested once, and registries that fail.

use std::{
    io::Read as _,
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fixture::{CommandOutput, Fixture, HOST, command, component},
    registry::{Fault, Registry},
};

/// No wait that anyone would notice.
const HASTY: [&str; 2] = ["--retry-duration=1ms", "--retry-max-wait=5ms"];

fn pushed(fixture: &Fixture) -> Registry {
    let registry = Registry::start();
    fixture.layout.write(&fixture.path("oci")).unwrap();
    registry.push_layout(fixture.path("oci").as_std_path());
    registry
}

#[test]
fn the_same_snapshot_on_a_registry_gives_the_same_json() {
    let mut fixture = Fixture::good();
    fixture.image("bad", &[("bad", "yes")]);
    let unsigned = fixture.unsigned_image("unsigned", &[]);
    assert!(unsigned.to_string().starts_with("sha256:"));
    let registry = pushed(&fixture);
    let more = ["--effective-time", "2030-01-01", "--show-successes", "--output", "json"];
    let (local, remote) = (fixture.validate(&more), fixture.validate_on(&registry.host(), &more));
    assert_eq!((local.code, remote.code), (1, 1), "{remote:?}");
    assert_eq!(remote.out.replace(&registry.host(), HOST), local.out);
}

#[test]
fn each_object_is_requested_once_however_many_components_need_it() {
    let mut fixture = Fixture::good();
    let (_, image) = fixture.components.first().unwrap().clone();
    for number in 0..10 {
        fixture.components.push((format!("again{number}"), image.clone()));
    }
    let registry = pushed(&fixture);
    fixture.validate_on(&registry.host(), &["--workers", "8"]).expect(0, " passed: 0 violations");
    let requests = registry.requests();
    let mut once = requests.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), requests.len(), "requested twice: {requests:?}");
}

#[test]
fn registries_that_fail_are_errors_with_a_reason() {
    for (path, fault, code) in [
        ("/app/it/manifests/sha256:", Fault::Broken, "registry-error"),
        ("/app/it/manifests/sha256:", Fault::Corrupt, "digest-mismatch"),
        ("/app/it/blobs/", Fault::Broken, "registry-error"),
        ("/app/it/blobs/", Fault::Corrupt, "digest-mismatch"),
        ("/app/it/manifests/sha256-", Fault::Broken, "registry-error"),
    ] {
        let mut fixture = Fixture::good();
        fixture.image("it", &[]);
        let registry = pushed(&fixture);
        registry.fault(path, fault);
        let output =
            fixture.validate_on(&registry.host(), &[&["--output", "json", "--output", "text"], &HASTY[..]].concat());
        output.expect(3, code);
        output.expect(3, "1 of 2 components could not be evaluated");
        let report: Value = serde_json::Deserializer::from_str(&output.out).into_iter().next().unwrap().unwrap();
        let good = component(&report, "good");
        assert_eq!(good["success"], json!(true));
    }
}

#[test]
fn a_way_to_evidence_that_fails_is_named_and_costs_no_verdict() {
    let fixture = Fixture::good();
    let registry = pushed(&fixture);
    registry.fault("/referrers/", Fault::Broken);
    let output =
        fixture.validate_on(&registry.host(), &[&["--output", "json", "--output", "text"], &HASTY[..]].concat());
    output.expect(0, "note on good: not all evidence could be read: ");
    output.expect(0, "\"notices\":[\"not all evidence could be read: ");
}

#[test]
fn what_points_at_an_image_that_is_not_there_is_nothing() {
    let fixture = Fixture::good();
    let registry = pushed(&fixture);
    let rules = "package p\n\nimport rego.v1\n\n# METADATA\n# title: T\n# custom:\n#   short_name: t\n\
                 deny contains result if {\n\
                 \tabsent := sprintf(\"%s@sha256:%s\", [split(input.image.ref, \"@\")[0], sprintf(\"%064d\", [0])])\n\
                 \tnot nothing(absent)\n\tresult := {\"code\": \"p.t\", \"msg\": \"m\"}\n}\n\n\
                 nothing(ref) if {\n\tec.oci.image_referrers(ref) == []\n\tec.oci.image_tag_refs(ref) == []\n}\n";
    fixture.file("calls/p.rego", rules);
    let policy = json!({"sources": [{"policy": [fixture.path("calls")]}]}).to_string();
    fixture.run_with_env(&registry.host(), &policy, &HASTY, &[]).expect(0, " passed: 0 violations");
}

#[test]
fn a_body_that_ends_early_is_an_error() {
    let mut fixture = Fixture::good();
    fixture.image("it", &[]);
    let registry = pushed(&fixture);
    registry.fault("/app/it/blobs/", Fault::Truncate);
    let output = fixture.validate_on(&registry.host(), &[]);
    output.expect(3, "1 of 2 components could not be evaluated");
}

#[test]
fn a_registry_that_is_not_there_is_an_error() {
    let fixture = Fixture::good();
    // A port that was just free: nobody listens on it.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = fixture.validate_on(&format!("127.0.0.1:{port}"), &[]);
    output.expect(3, "registry-unreachable");
}

#[test]
fn a_registry_that_hangs_is_an_error_at_the_deadline_and_the_others_are_evaluated() {
    let mut fixture = Fixture::good();
    fixture.image("slow", &[]);
    let registry = pushed(&fixture);
    registry.fault("/app/slow/blobs/", Fault::Hang);
    let started = Instant::now();
    let output = fixture.validate_on(&registry.host(), &["--timeout", "4s"]);
    assert!(started.elapsed() < Duration::from_secs(60));
    output.expect(3, "deadline");
    output.expect(3, "1 of 2 components could not be evaluated");
    output.expect(3, "time limit");
}

#[test]
fn a_registry_that_returns_429_is_retried() {
    let mut fixture = Fixture::good();
    fixture.image("it", &[]);
    let registry = pushed(&fixture);
    registry.fault("/app/it/", Fault::Later);
    fixture.validate_on(&registry.host(), &["--retry-duration", "10ms"]).expect(0, " passed: 0 violations");
    let once = pushed(&fixture);
    once.fault("/app/it/", Fault::Later);
    fixture.validate_on(&once.host(), &["--retry-max-retry", "0"]).expect(3, "429");
}

#[test]
fn the_users_credentials_are_found_and_shown() {
    let fixture = Fixture::good();
    let registry = pushed(&fixture);
    registry.want("dXNlcjpzZWNyZXQ=");
    let validate =
        |variables: &[(&str, &str)]| fixture.run_with_env(&registry.host(), &fixture.policy(), &[], variables);
    validate(&[]).expect(3, "registry-denied");
    let config = json!({"auths": {registry.host(): {"auth": "dXNlcjpzZWNyZXQ="}}}).to_string();
    let file = fixture.file("docker/config.json", &config);
    validate(&[("DOCKER_CONFIG", file.parent().unwrap().as_str())]).expect(0, " passed: 0 violations");
    validate(&[("REGISTRY_AUTH_FILE", file.as_str())]).expect(0, " passed: 0 violations");
    let broken = fixture.file("broken.json", "{");
    validate(&[("REGISTRY_AUTH_FILE", broken.as_str())]).expect(2, "broken.json");
}

#[test]
fn a_built_in_whose_registry_fails_is_an_error_whatever_the_policy_returns() {
    let fixture = Fixture::good();
    let registry = pushed(&fixture);
    registry.fault("/manifests/away", Fault::Broken);
    let rules = "package p\n\nimport rego.v1\n\n# METADATA\n# title: T\n# custom:\n#   short_name: t\n\
                 deny contains result if {\n\
                 \tnot ec.oci.image_manifest(sprintf(\"%s:away\", [split(input.image.ref, \"@\")[0]]))\n\
                 \tfalse\n\tresult := {\"code\": \"p.t\", \"msg\": \"m\"}\n}\n";
    fixture.file("calls/p.rego", rules);
    let policy = json!({"sources": [{"policy": [fixture.path("calls")]}]}).to_string();
    fixture.run_with_env(&registry.host(), &policy, &HASTY, &[]).expect(3, "builtin-failed");
}

#[cfg(unix)]
#[test]
fn an_interruption_writes_an_honest_partial_report() {
    for signal in ["INT", "TERM"] {
        let mut fixture = Fixture::good();
        fixture.image("slow", &[]);
        let registry = pushed(&fixture);
        registry.fault("/app/slow/blobs/", Fault::Hang);
        let (snapshot, policy, key) = (fixture.snapshot(&registry.host()), fixture.policy(), fixture.path("key.pub"));
        let report = fixture.path("report.json");
        let output = format!("json={report}");
        let arguments = [
            "validate",
            "image",
            "--images",
            &snapshot,
            "--policy",
            &policy,
            "--public-key",
            key.as_str(),
            "--ignore-rekor",
            "--output",
            &output,
        ];
        let mut child = command(&arguments).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Interrupted once the hanging request is on its way and the other image is done.
        let wanted = |registry: &Registry| {
            let requests = registry.requests();
            let requested = |part: &str| requests.iter().any(|request| request.contains(part));
            requested("/app/slow/blobs/") && requested("/app/good/manifests/sha256-") && requested("/app/good/blobs/")
        };
        wait_for(|| wanted(&registry));
        std::thread::park_timeout(Duration::from_millis(500));
        let killed =
            std::process::Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let mut out = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
        let output = CommandOutput::of(&child.wait_with_output().unwrap());
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.err.contains("interrupted"), "{output:?}");
        let report: Value = serde_json::from_slice(&fs_err::read(&report).unwrap()).unwrap();
        assert_eq!(report["stopped"], json!("interrupted"));
        let error = |name: &str| component(&report, name)["error"]["code"].clone();
        assert_eq!((error("good"), error("slow")), (Value::Null, json!("interrupted")));
    }
}

/// Waits for something that will come, and fails when it does not.
fn wait_for(is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
