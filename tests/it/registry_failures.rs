//! What registries do to their clients: each failure has its sentence, no credential leaves its host, and memory stays small.

use std::{process::Stdio, thread, time::Duration};

use serde_json::json;
use xtask::{layer::Layer, layout::ImageSpec};

use crate::{
    fixture::{CommandOutput, Fixture, command, component, provenance},
    registry::{Fault, Registry},
};

/// No wait that anyone would notice.
const HASTY: [&str; 2] = ["--retry-duration=1ms", "--retry-max-wait=5ms"];

/// What a process may hold in memory whatever a registry sends.
const MEMORY_KIB: u64 = 200 << 10;

fn pushed(fixture: &Fixture) -> Registry {
    let registry = Registry::start();
    fixture.layout.write(&fixture.path("oci")).unwrap();
    registry.push_layout(fixture.path("oci").as_std_path());
    registry
}

/// Runs a command, and gives the most memory that it held, in KiB: 0 if it ended before it was looked at, which takes a few
/// milliseconds, more on a busy machine.
pub(crate) fn measured(mut command: std::process::Command) -> (CommandOutput, u64) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    // The file has no such line any more when the process has ended.
    let look = move || fs_err::read_to_string(&status).ok().as_deref().and_then(high_water);
    // A short process may have ended when a thread begins on a busy machine.
    let first = look();
    let watch = thread::spawn(move || {
        let mut most = first.unwrap_or_default();
        while let Some(now) = look() {
            most = now;
            thread::park_timeout(Duration::from_millis(2));
        }
        most
    });
    let output = CommandOutput::of(&child.wait_with_output().unwrap());
    (output, watch.join().unwrap())
}

fn high_water(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

fn validate(fixture: &Fixture, registry: &Registry, policy: &str, more: &[&str]) -> (CommandOutput, u64) {
    let (snapshot, key) = (fixture.snapshot(&registry.host()), fixture.path("key.pub"));
    let fixed = ["validate", "image", "--images", &snapshot, "--policy", policy, "--public-key", key.as_str()];
    measured(command(&[&fixed[..], &["--ignore-rekor", "--output", "json"], &HASTY[..], more].concat()))
}

#[test]
fn each_way_in_which_a_registry_fails_has_its_sentence() {
    for (path, fault, code, says) in [
        ("/app/it/blobs/", Fault::Truncate, "registry-error", "is invalid: "),
        ("/app/it/manifests/sha256:", Fault::Truncate, "registry-error", "is invalid: "),
        ("/app/it/blobs/", Fault::Hang, "deadline", "the time limit of 3s passed"),
        ("/app/it/blobs/", Fault::Throttled, "registry-error", "returned the status 429"),
        ("/app/it/blobs/", Fault::Short, "digest-mismatch", "not the announced"),
        ("/app/it/blobs/", Fault::Corrupt, "digest-mismatch", "has the digest"),
        ("/app/it/blobs/", Fault::Endless, "digest-mismatch", "is longer, not the announced"),
        ("/app/it/manifests/sha256:", Fault::Endless, "too-large", "over the limit of"),
        ("/app/it/referrers/", Fault::Endless, "too-large", "is longer than"),
    ] {
        let mut fixture = Fixture::good();
        fixture.image("it", &[]);
        let registry = pushed(&fixture);
        registry.fault(path, fault);
        let more: &[&str] = if fault == Fault::Hang { &["--timeout", "3s"] } else { &[] };
        let (output, memory) = validate(&fixture, &registry, &fixture.policy(), more);
        let report = output.json();
        let it = component(&report, "it");
        output.expect(3, "1 of 2 components could not be evaluated");
        assert_eq!(it["error"]["code"], json!(code), "{path} {fault:?}: {it}");
        assert!(it["error"].to_string().contains(says), "{path} {fault:?}: {it} lacks {says}");
        assert_eq!(component(&report, "good")["success"], json!(true), "{path} {fault:?}");
        assert!(memory < MEMORY_KIB, "{path} {fault:?}: {memory} KiB");
        // The one that hangs is looked at.
        assert!(memory > 0 || fault != Fault::Hang, "{path}");
    }
}

#[test]
fn a_redirect_of_a_registry_carries_no_credential_to_another_host() {
    let mut fixture = Fixture::good();
    fixture.image("it", &[]);
    let (own, elsewhere) = (pushed(&fixture), pushed(&fixture));
    own.want("dTpw");
    own.redirect("/blobs/", &elsewhere.host());
    let credentials = json!({"auths": {own.host(): {"auth": "dTpw"}}}).to_string();
    let file = fixture.file("auth.json", &credentials);
    let variables = [("REGISTRY_AUTH_FILE", file.as_str())];
    fixture.run_with_env(&own.host(), &fixture.policy(), &HASTY, &variables).expect(0, "passed");
    assert!(own.authorizations().iter().any(|shown| shown.as_deref() == Some("Basic dTpw")));
    assert!(!elsewhere.requests().is_empty());
    assert_eq!(elsewhere.authorizations().iter().flatten().count(), 0, "{:?}", elsewhere.authorizations());
    // Nor when that host requires one.
    elsewhere.want("eDp5");
    fixture.run_with_env(&own.host(), &fixture.policy(), &HASTY, &variables).expect(3, "requires credentials");
    assert_eq!(elsewhere.authorizations().iter().flatten().count(), 0, "{:?}", elsewhere.authorizations());
}

#[test]
fn a_bomb_in_a_layer_of_a_registry_is_an_error_within_the_memory() {
    let mut fixture = Fixture::empty();
    let spaces = " ".repeat(192 << 20);
    let spec = ImageSpec { layers: vec![Layer::of(&[("manifests/a.yaml", &spaces)]).unwrap()], ..ImageSpec::default() };
    drop(spaces);
    let digest = fixture.layout.image("app/bomb", Some("latest"), &spec);
    fixture.components.push(("bomb".to_owned(), format!("app/bomb@{digest}")));
    fixture.layout.sign(&fixture.key, "app/bomb", &digest).unwrap();
    let statement = provenance("bomb", &digest).to_string().into_bytes();
    fixture.layout.attest(&fixture.key, "app/bomb", &digest, &[statement]).unwrap();
    let registry = pushed(&fixture);
    let rules = "package p\n\nimport rego.v1\n\n# METADATA\n# title: T\n# custom:\n#   short_name: t\n\
                 deny contains result if {\n\tcount(ec.oci.image_files(input.image.ref, [\"manifests\"])) == 0\n\
                 \tresult := {\"code\": \"p.t\", \"msg\": \"m\"}\n}\n";
    fixture.file("files/p.rego", rules);
    let policy = json!({"sources": [{"policy": [fixture.path("files")]}]}).to_string();
    let (output, memory) = validate(&fixture, &registry, &policy, &[]);
    output.expect(3, "could not be evaluated");
    let error = component(&output.json(), "bomb")["error"].clone();
    assert_eq!(error["code"], json!("builtin-failed"), "{error}");
    assert!(error.to_string().contains("has more than 16777216 bytes"), "{error}");
    assert!(memory > 0 && memory < MEMORY_KIB, "{memory} KiB");
}

#[test]
fn a_mirror_of_a_registry_serves_and_a_blocked_one_is_not_contacted() {
    let fixture = Fixture::good();
    let (own, mirror) = (pushed(&fixture), pushed(&fixture));
    let with = |text: &str| {
        let file = fixture.file("registries.conf", text);
        fixture.run_with_env(&own.host(), &fixture.policy(), &HASTY, &[("CONTAINERS_REGISTRIES_CONF", file.as_str())])
    };
    let host = own.host();
    let mirrored =
        format!("[[registry]]\nlocation = \"{host}\"\n[[registry.mirror]]\nlocation = \"{}\"\n", mirror.host());
    with(&mirrored).expect(0, "passed");
    assert!(!mirror.requests().is_empty());
    assert!(!own.requests().iter().any(|path| path.contains("/blobs/")), "{:?}", own.requests());
    let before = own.requests().len();
    with(&format!("[[registry]]\nprefix = \"{host}/app\"\nlocation = \"{host}/app\"\nblocked = true\n"))
        .expect(3, "is blocked");
    assert_eq!(own.requests().len(), before);
    with("[[registry]]\nlocation = 1\n").expect(2, "CONTAINERS_REGISTRIES_CONF");
}

#[test]
fn what_was_read_from_a_registry_is_kept_on_disk_for_the_next_run() {
    let fixture = Fixture::good();
    let registry = pushed(&fixture);
    let cache = fixture.path("cache");
    let blobs = || registry.requests().iter().filter(|path| path.contains("/blobs/")).count();
    let run = || fixture.validate_on(&registry.host(), &["--cache-dir", cache.as_str()]).expect(0, "passed");
    run();
    let first = blobs();
    assert!(first > 0);
    run();
    assert_eq!(blobs(), first, "{:?}", registry.requests());
    // Two processes at a time, with entries that somebody changed.
    for entry in fs_err::read_dir(cache.join("images")).unwrap() {
        fs_err::write(entry.unwrap().path(), "other").unwrap();
    }
    thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(run))));
    run();
    assert!(blobs() > first);
}
