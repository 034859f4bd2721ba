//! Forged bundles of a key in a log of one entry: each is refused with its code, the good one accepted.

use std::sync::Arc;

use assay_model::digest::Digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{attack_tests::root, *};
use crate::fixture::{IN_TOTO, Signer, pae, statement};

const TIME: i64 = 1_700_000_000;

/// A statement about an image, signed by a key and logged.
struct Bundled {
    log: Signer,
    signer: Signer,
    image: Digest,
    bundle: Value,
}

fn key_id(log: &Signer) -> Vec<u8> {
    let der: String = log.pem().lines().filter(|line| !line.starts_with('-')).collect();
    Digest::of(&STANDARD.decode(der).unwrap()).as_bytes().to_vec()
}

/// What a log says of its state: a signed note (C2SP `tlog-checkpoint`).
fn checkpoint(log: &Signer, signer: &Signer, size: u64, root: &[u8]) -> String {
    let note = format!("log.test - 1\n{size}\n{}\n", STANDARD.encode(root));
    let mut signature = key_id(log)[..4].to_vec();
    signature.extend(signer.sign(note.as_bytes()));
    format!("{note}\n\u{2014} log.test {}\n", STANDARD.encode(signature))
}

/// An entry in a log of one.
pub(super) fn entry(log: &Signer, body: &Value) -> Value {
    let body = body.to_string();
    let mut leaf = vec![0];
    leaf.extend(body.as_bytes());
    let leaf = Digest::of(&leaf);
    let (id, text) = (key_id(log), STANDARD.encode(&body));
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let promise = format!(r#"{{"body":"{text}","integratedTime":{TIME},"logID":"{hex}","logIndex":0}}"#);
    json!({
        "logIndex": "0",
        "logId": {"keyId": STANDARD.encode(id)},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": TIME.to_string(),
        "inclusionPromise": {"signedEntryTimestamp": log.sig(promise.as_bytes())},
        "inclusionProof": {
            "logIndex": "0",
            "rootHash": STANDARD.encode(leaf.as_bytes()),
            "treeSize": "1",
            "hashes": [],
            "checkpoint": {"envelope": checkpoint(log, log, 1, leaf.as_bytes())},
        },
        "canonicalizedBody": text,
    })
}

impl Bundled {
    fn new() -> Self {
        Self::of(&statement(&Digest::of(b"image")))
    }

    fn of(statement: &Value) -> Self {
        let (log, signer, image) = (Signer::new(), Signer::new(), Digest::of(b"image"));
        let payload = statement.to_string().into_bytes();
        let signature = signer.sig(&pae(IN_TOTO, &payload));
        let envelope = json!({
            "payload": STANDARD.encode(&payload),
            "payloadType": IN_TOTO,
            "signatures": [{"sig": signature, "keyid": ""}],
        });
        let body = Self::body(&signer, &envelope, &payload, &signature);
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "k"}, "tlogEntries": [entry(&log, &body)]},
            "dsseEnvelope": envelope,
        });
        Self { log, signer, image, bundle }
    }

    fn body(signer: &Signer, envelope: &Value, payload: &[u8], signature: &str) -> Value {
        json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": Digest::of(envelope.to_string().as_bytes()).hex()},
            "payloadHash": {"algorithm": "sha256", "value": Digest::of(payload).hex()},
            "signatures": [{"signature": signature, "verifier": STANDARD.encode(signer.pem())}],
        }})
    }

    fn verifier(&self) -> BundleVerifier {
        BundleVerifier::of_key(self.signer.public(), root(&self.log), LogPolicy::Required)
    }

    fn code(&self) -> &'static str {
        self.code_of(&self.bundle)
    }

    fn code_of(&self, bundle: &Value) -> &'static str {
        let artifact = Artifact::Sha256(self.image.as_bytes());
        let verified = self.verifier().verify_in_registry(bundle.to_string().as_bytes(), artifact);
        verified.map_or_else(|error| error.code(), |_| "ok")
    }

    /// The code after something was replaced.
    fn with(&self, place: &str, value: Value) -> &'static str {
        let mut bundle = self.bundle.clone();
        *bundle.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
        self.code_of(&bundle)
    }
}

const ENTRY: &str = "/verificationMaterial/tlogEntries/0";

#[test]
fn attack_a_good_bundle_counts_and_says_when_it_was_logged() {
    let bundled = Bundled::new();
    let artifact = Artifact::Sha256(bundled.image.as_bytes());
    let verified = bundled.verifier().verify(bundled.bundle.to_string().as_bytes(), artifact).unwrap();
    assert_eq!(verified.log().map(|(_, index)| index), Some(0));
    assert!(verified.statement.is_some() && verified.identity().is_none());
}

#[test]
fn attack_entries_without_proof_promise_or_place_do_not_count() {
    let bundled = Bundled::new();
    assert_eq!(bundled.code(), "ok");
    let at = |field: &str, value: Value| bundled.with(&format!("{ENTRY}/{field}"), value);
    assert_eq!(bundled.with("/verificationMaterial/tlogEntries", json!([])), "log-entry");
    assert_eq!(at("inclusionProof", Value::Null), "inclusion");
    assert_eq!(at("inclusionPromise/signedEntryTimestamp", json!(bundled.log.sig(b"other"))), "log-entry");
    for time in [TIME + 1, TIME - 1] {
        assert_eq!(at("integratedTime", json!(time.to_string())), "log-entry", "{time}");
    }
    for (field, value) in [
        ("inclusionProof/hashes", json!([STANDARD.encode([0; 32])])),
        ("inclusionProof/rootHash", json!(STANDARD.encode([0; 32]))),
        ("inclusionProof/treeSize", json!("2")),
        ("inclusionProof/logIndex", json!("1")),
        ("inclusionProof/logIndex", json!("-1")),
        ("inclusionProof/treeSize", json!("0")),
    ] {
        let code = at(field, value.clone());
        assert!(["inclusion", "malformed", "checkpoint"].contains(&code), "{field} {value}: {code}");
    }
    let unknown = STANDARD.encode([1; 32]);
    assert_eq!(at("logId/keyId", json!(unknown)), "log-entry");
}

#[test]
fn attack_states_that_the_log_did_not_sign_do_not_count() {
    let bundled = Bundled::new();
    let place = format!("{ENTRY}/inclusionProof/checkpoint/envelope");
    let root = STANDARD
        .decode(
            bundled.bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["rootHash"].as_str().unwrap(),
        )
        .unwrap();
    let good = checkpoint(&bundled.log, &bundled.log, 1, &root);
    assert_eq!(bundled.with(&place, json!(good)), "ok");
    let rogue = Signer::new();
    for bad in [
        checkpoint(&bundled.log, &rogue, 1, &root),
        checkpoint(&rogue, &rogue, 1, &root),
        good.replace("log.test - 1\n", "other.test - 1\n"),
    ] {
        assert_eq!(bundled.with(&place, json!(bad)), "checkpoint", "{bad}");
    }
    let other_root = checkpoint(&bundled.log, &bundled.log, 1, &[0; 32]);
    assert!(["malformed", "checkpoint"].contains(&bundled.with(&place, json!(other_root))));
}

#[test]
fn attack_entries_of_other_statements_signatures_and_keys_do_not_count() {
    let bundled = Bundled::new();
    let payload = statement(&bundled.image).to_string().into_bytes();
    let envelope = &bundled.bundle["dsseEnvelope"];
    let signature = envelope["signatures"][0]["sig"].as_str().unwrap();
    let again = bundled.signer.sig(&pae(IN_TOTO, &payload));
    for body in [
        Bundled::body(&bundled.signer, envelope, b"other", signature),
        Bundled::body(&bundled.signer, envelope, &payload, &again),
        Bundled::body(&Signer::new(), envelope, &payload, signature),
    ] {
        assert_eq!(bundled.with(ENTRY, entry(&bundled.log, &body)), "log-entry", "{body}");
    }
    let good = Bundled::body(&bundled.signer, envelope, &payload, signature);
    assert_eq!(bundled.with(ENTRY, entry(&bundled.log, &good)), "ok");
    assert_eq!(bundled.with(ENTRY, entry(&Signer::new(), &good)), "checkpoint");
    // A second entry that is forged fails the whole.
    let both = json!([entry(&bundled.log, &good), entry(&Signer::new(), &good)]);
    assert_eq!(bundled.with("/verificationMaterial/tlogEntries", both), "checkpoint");
}

#[test]
fn attack_changed_statements_and_other_subjects_do_not_count() {
    let bundled = Bundled::new();
    let other = STANDARD.encode(statement(&Digest::of(b"other")).to_string());
    assert_eq!(bundled.with("/dsseEnvelope/payload", json!(other)), "signature");
    assert_eq!(bundled.with("/dsseEnvelope/payloadType", json!("text/plain")), "unsupported");
    let sig = bundled.signer.sig(b"not the envelope");
    assert_eq!(bundled.with("/dsseEnvelope/signatures/0/sig", json!(sig)), "signature");
    assert_eq!(Bundled::of(&statement(&Digest::of(b"other"))).code(), "subject");
    let mut twice = Bundled::new();
    let text = statement(&twice.image).to_string().replacen("{", "{\"predicateType\":\"x\",", 1);
    twice.bundle["dsseEnvelope"]["payload"] = json!(STANDARD.encode(text));
    assert_eq!(twice.code(), "malformed");
}

#[test]
fn attack_a_key_does_not_stand_for_an_identity_nor_for_another_key() {
    let bundled = Bundled::new();
    let artifact = Artifact::Sha256(bundled.image.as_bytes());
    let text = bundled.bundle.to_string();
    let any = || Matcher::new("", ".*").unwrap();
    let identities = vec![Identity { subject: any(), issuer: any() }];
    let (log, root) = (LogPolicy::Required, root(&bundled.log));
    let of_identities =
        BundleVerifier::of_identities(identities, Arc::clone(&root), log, CertificateLogPolicy::Required);
    assert_eq!(of_identities.verify(text.as_bytes(), artifact).unwrap_err().code(), "certificate");
    let of_another = BundleVerifier::of_key(Signer::new().public(), root, log);
    assert_eq!(of_another.verify(text.as_bytes(), artifact).unwrap_err().code(), "signature");
}

#[test]
fn attack_a_key_with_an_end_signs_nothing_after_it() {
    let bundled = Bundled::new();
    let keys = SigstoreKeys { log: Some(bundled.log.pem()), ..SigstoreKeys::default() };
    let root = TrustRoot::text_from_keys(&keys, None).unwrap();
    let read = |path: &str| match path {
        "bundle" => Ok(bundled.bundle.to_string().into_bytes()),
        "root" => Ok(root.clone().into_bytes()),
        "key" => Ok(bundled.signer.pem().into_bytes()),
        _ => Err(format!("no {path}")),
    };
    // The log took the entry on 14 November 2023 at 22:13:20. A key has an end in tables of verdicts alone: no flag gives it one.
    for (window, code) in [
        ("", "ok"),
        (" valid 2023-11-14T22:00:00Z..23:00:00Z", "ok"),
        (" valid 2023-11-14T22:13:20Z..22:13:20Z", "ok"),
        (" valid 2023-11-14T22:00:00Z..22:13:19Z", "certificate-time"),
        (" valid 2023-11-14T22:13:21Z..2024-01-01T00:00:00Z", "certificate-time"),
    ] {
        let verdict = if code == "ok" { "accept" } else { "reject" };
        let row = format!("bundle\troot\t{}\tkey key{window}\t{verdict}\tnote", bundled.image);
        let rows = verdicts::run(&format!("head\n{row}\n"), &read).unwrap();
        assert_eq!((rows[0].code.as_str(), rows[0].is_right), (code, true), "{window}: {}", rows[0].reason);
    }
}
