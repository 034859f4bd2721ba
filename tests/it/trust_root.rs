//! `sigstore initialize` and who uses what it stored, with a small instance of the test as a mirror in a folder and on the web.

use assay_model::digest::Digest;
use serde_json::{Value, json};
use xtask::sign::Key;

use crate::fixture::{CommandOutput, Fixture, command, ec_command};

/// A time that no test sees.
const LATER: &str = "2999-01-01T00:00:00Z";
const BEFORE: &str = "2001-01-01T00:00:00Z";

/// Canonical JSON as the metadata is signed: sorted, and only quotes and backslashes escaped.
fn canonical(value: &Value) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            let fields: Vec<_> =
                fields.iter().map(|(key, value)| format!("{}:{}", quoted(key), canonical(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

fn signed(key: &Key, role: &Value) -> String {
    let signature = key.sign(canonical(role).as_bytes()).unwrap();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"signed": role, "signatures": [{"keyid": "key", "sig": hex}]}).to_string()
}

/// Writes the mirror of an instance and gives its root.
fn mirror(fixture: &Fixture, version: u64, expires: &str, trusted_root: &str) -> String {
    let role = |kind: &str, expires: &str, more: Value| {
        let mut role = json!({"_type": kind, "spec_version": "1.0", "version": version, "expires": expires});
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        role
    };
    let keys = json!({"keyids": ["key"], "threshold": 1});
    let public = fixture.key.public_pem().unwrap();
    let key = json!({"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": public}});
    let mut root = role(
        "root",
        LATER,
        json!({
            "consistent_snapshot": false, "keys": {"key": key},
            "roles": {"root": keys, "timestamp": keys, "snapshot": keys, "targets": keys},
        }),
    );
    root["version"] = json!(1);
    let digest = Digest::of(trusted_root.as_bytes()).hex().to_owned();
    let target = json!({"length": trusted_root.len(), "hashes": {"sha256": digest}});
    let write = |name: &str, role: &Value| drop(fixture.file(&format!("mirror/{name}"), &signed(&fixture.key, role)));
    write("targets.json", &role("targets", LATER, json!({"targets": {"trusted_root.json": target}})));
    write("snapshot.json", &role("snapshot", LATER, json!({"meta": {"targets.json": {"version": version}}})));
    write("timestamp.json", &role("timestamp", expires, json!({"meta": {"snapshot.json": {"version": version}}})));
    fixture.file("mirror/targets/trusted_root.json", trusted_root);
    fixture.file("root.json", &signed(&fixture.key, &root)).to_string()
}

fn run(fixture: &Fixture, arguments: &[&str]) -> CommandOutput {
    CommandOutput::of(&command(arguments).env("TUF_ROOT", fixture.path("tuf")).output().unwrap())
}

fn initialize(fixture: &Fixture, root: &str) -> CommandOutput {
    let mirror = fixture.path("mirror");
    run(fixture, &["sigstore", "initialize", "--mirror", mirror.as_str(), "--root", root])
}

/// A root with nothing but a log, which no signature is in.
fn trusted_root(log: &str) -> String {
    let base64: String = log.lines().filter(|line| !line.starts_with('-')).collect();
    json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [{
            "baseUrl": "https://log.test", "hashAlgorithm": "SHA2_256",
            "publicKey": {"rawBytes": base64, "keyDetails": "PKIX_ECDSA_P256_SHA_256"},
            "logId": {"keyId": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        }],
    })
    .to_string()
}

#[test]
fn a_trust_root_is_stored_as_cosign_does_and_used_until_it_expires() {
    let mut fixture = Fixture::good();
    let image = fixture.unsigned_image("bare", &[]);
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let text = trusted_root(&fixture.key.public_pem().unwrap());
    let root = mirror(&fixture, 2, LATER, &text);
    let done = initialize(&fixture, &root);
    assert_eq!(done.code, 0, "{} {}", done.out, done.err);
    let remote: Value = serde_json::from_slice(&fs_err::read(fixture.path("tuf/remote.json")).unwrap()).unwrap();
    assert_eq!(remote["mirror"], fixture.path("mirror").as_str());
    let place = fixture.path("mirror").as_str().replace(['/', ':'], "-").to_lowercase();
    assert_eq!(fs_err::read_to_string(fixture.path(&format!("tuf/{place}/targets/trusted_root.json"))).unwrap(), text);
    // It is read where a log is needed.
    let (layout, key) = (fixture.path("oci"), fixture.path("key.pub"));
    let image = format!("h.test/app/bare@{image}");
    let verify = |more: &[&str]| {
        let fixed = ["verify", "image", &image, "--evidence", layout.as_str(), "--key", key.as_str()];
        run(&fixture, &[&fixed[..], more].concat())
    };
    assert_eq!(verify(&[]).code, 1);
    // What is stored is verified again each time.
    fixture.file(&format!("tuf/{place}/targets/trusted_root.json"), &text.replace("log.test", "bad.test"));
    let changed = verify(&[]);
    assert_eq!((changed.code, verify(&["--ignore-rekor"]).code), (2, 1), "{}", changed.err);
    assert!(changed.err.contains("another length or digest"), "{}", changed.err);
    // An older state of the mirror is refused, and so is one that expired.
    let older = mirror(&fixture, 1, LATER, &text);
    let refused = initialize(&fixture, &older);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("is older than the version 2 that is stored"), "{}", refused.err);
    let expired = mirror(&fixture, 3, BEFORE, &text);
    let refused = initialize(&fixture, &expired);
    assert!(refused.code == 2 && refused.err.contains(BEFORE), "{}", refused.err);
}

#[test]
fn a_stored_trust_root_that_expired_is_an_error_with_its_date_and_the_command() {
    let fixture = Fixture::good();
    let text = trusted_root(&fixture.key.public_pem().unwrap());
    mirror(&fixture, 2, BEFORE, &text);
    let place = fixture.path("mirror").as_str().replace(['/', ':'], "-").to_lowercase();
    for name in ["timestamp.json", "snapshot.json", "targets.json", "targets/trusted_root.json"] {
        let bytes = fs_err::read_to_string(fixture.path(&format!("mirror/{name}"))).unwrap();
        fixture.file(&format!("tuf/{place}/{name}"), &bytes);
    }
    let root = fs_err::read_to_string(fixture.path("root.json")).unwrap();
    fixture.file(&format!("tuf/{place}/root.json"), &root);
    fixture.file("tuf/remote.json", &json!({"mirror": fixture.path("mirror")}).to_string());
    let key = fixture.path("key.pub");
    let output = run(&fixture, &["verify", "image", "h.test/a@sha256:00", "--key", key.as_str()]);
    assert_eq!(output.code, 2, "{}", output.err);
    assert!(output.err.contains(BEFORE) && output.err.contains("assay sigstore initialize --mirror"), "{}", output.err);
}

#[test]
fn a_mirror_that_cannot_be_read_is_not_an_invalid_request() {
    let fixture = Fixture::good();
    let root = mirror(&fixture, 2, LATER, "{}");
    let web = |root: &str| {
        let mirror = "http://127.0.0.1:9";
        run(&fixture, &["sigstore", "initialize", "--mirror", mirror, "--root", root, "--retry-max-retry", "0"])
    };
    assert_eq!((web(&root).code, web("http://127.0.0.1:9/root.json").code, web("none.json").code), (3, 3, 2));
    // What nobody could verify with is not stored.
    let refused = initialize(&fixture, &root);
    assert!(refused.code == 2 && refused.err.contains("media type"), "{}", refused.err);
    assert!(!fixture.path("tuf/remote.json").exists());
    let as_ec = ec_command(&fixture.path(""), &["sigstore", "initialize", "--mirror", "mirror", "--root", "none.json"]);
    let mut as_ec = as_ec;
    let output = CommandOutput::of(&as_ec.env("TUF_ROOT", fixture.path("tuf")).output().unwrap());
    assert!(output.code == 1 && output.err.starts_with("Error: "), "{}", output.err);
}
