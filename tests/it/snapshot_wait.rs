//! `assay snapshot wait`: a signature that is late, never comes, or is another one.

use std::{process::Stdio, time::Duration};

use assay_model::digest::Digest;
use xtask::sign::Key;

use crate::fixture::{CommandOutput, Fixture, HOST, command, provenance};

fn arguments(fixture: &Fixture, limit: &str) -> Vec<String> {
    let (snapshot, key, oci) = (fixture.snapshot(HOST), fixture.path("key.pub"), fixture.path("oci"));
    let fixed = ["snapshot", "wait", "--images", &snapshot, "--key", key.as_str(), "--ignore-rekor", "--evidence"];
    let more = [oci.as_str(), "--interval", "50ms", "--limit", limit, "--output", "json"];
    fixed.iter().chain(&more).map(|text| (*text).to_owned()).collect()
}

fn wait(fixture: &Fixture, limit: &str) -> CommandOutput {
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let arguments = arguments(fixture, limit);
    CommandOutput::of(&command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap())
}

fn sign(fixture: &mut Fixture, key: &Key, digest: &Digest) {
    fixture.layout.sign(key, "app/it", digest).unwrap();
    let statement = provenance("it", digest).to_string().into_bytes();
    fixture.layout.attest(key, "app/it", digest, &[statement]).unwrap();
}

/// P15, B4: there is one that counts, there is none, there is one that does not count.
#[test]
fn a_signature_is_there_or_missing_or_another_one() {
    let mut good = Fixture::good();
    let output = wait(&good, "1m");
    assert_eq!((output.code, output.json()["state"].as_str()), (0, Some("signed")), "{output:?}");
    good.unsigned_image("late", &[]);
    let output = wait(&good, "300ms");
    assert_eq!(output.code, 3, "{output:?}");
    let report = output.json();
    assert_eq!(report["state"], "waiting");
    assert!(report["looks"].as_u64().unwrap() > 1 && report["waited_ms"].as_u64().unwrap() >= 300, "{report}");
    assert!(report["summary"].as_str().unwrap().contains("1 of 2 components are signed and attested"), "{report}");
    assert_eq!(report["components"][1]["signature"]["message"], "there is none yet");
    output.expect(3, "the limit of 0 s is over");
    let mut fixture = Fixture::empty();
    let digest = fixture.unsigned_image("it", &[]);
    sign(&mut fixture, &Key::generate().unwrap(), &digest);
    let output = wait(&fixture, "10m");
    assert_eq!((output.code, output.json()["state"].as_str()), (1, Some("invalid")), "{output:?}");
}

#[test]
fn a_signature_that_is_late_is_found_by_itself() {
    let mut fixture = Fixture::empty();
    let digest = fixture.unsigned_image("it", &[]);
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let arguments = arguments(&fixture, "5m");
    let mut process = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Long enough for a look; what comes of it does not depend on it.
    std::thread::park_timeout(Duration::from_millis(300));
    assert!(process.try_wait().unwrap().is_none(), "it waits");
    let key = Key::generate().unwrap();
    let key = std::mem::replace(&mut fixture.key, key);
    sign(&mut fixture, &key, &digest);
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let output = CommandOutput::of(&process.wait_with_output().unwrap());
    assert_eq!((output.code, output.json()["state"].as_str()), (0, Some("signed")), "{output:?}");
}
