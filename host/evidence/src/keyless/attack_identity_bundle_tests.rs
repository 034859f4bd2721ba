//! Bundles of an identity by the authority of the tests: what they show, and forged ones that are refused.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{digest::Digest, evidence::Signature};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    attack_bundle_tests::entry,
    attack_certificate_tests::{ISSUER, Instance, SUBJECT},
    attack_time_tests::{self, Authority, NOW, stamp, without_time},
    *,
};
use crate::{
    fixture::{IN_TOTO, Signer, pae, statement},
    trust::{Relocation, SignerReports, Trust},
};

fn image() -> Digest {
    Digest::of(b"image")
}

/// A bundle of one certificate, logged with another, or the same.
pub(super) fn bundle(instance: &Instance, certificate: &[u8], logged: &[u8]) -> Value {
    bundle_about(instance, &image(), crate::fixture::SLSA, certificate, logged)
}

/// The same about an image, with a statement of this type.
pub(super) fn bundle_about(
    instance: &Instance,
    image: &Digest,
    predicate_type: &str,
    certificate: &[u8],
    logged: &[u8],
) -> Value {
    let mut statement = statement(image);
    statement["predicateType"] = json!(predicate_type);
    let payload = statement.to_string().into_bytes();
    let signature = instance.signer.sig(&pae(IN_TOTO, &payload));
    let envelope = json!({
        "payload": STANDARD.encode(&payload),
        "payloadType": IN_TOTO,
        "signatures": [{"sig": signature, "keyid": ""}],
    });
    let body = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "envelopeHash": {"algorithm": "sha256", "value": Digest::of(envelope.to_string().as_bytes()).hex()},
        "payloadHash": {"algorithm": "sha256", "value": Digest::of(&payload).hex()},
        "signatures": [{"signature": signature, "verifier": STANDARD.encode(pem::encode(logged))}],
    }});
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": STANDARD.encode(certificate)},
            "tlogEntries": [entry(&instance.log, &body)],
        },
        "dsseEnvelope": envelope,
    })
}

fn trust(instance: &Instance) -> Trust {
    let exact = |text: &str| Matcher::new(text, "").unwrap();
    let identities = vec![Identity { subject: exact(SUBJECT), issuer: exact(ISSUER) }];
    let (log, certificates) = (LogPolicy::Required, CertificateLogPolicy::Required);
    Trust::in_identities(identities, &instance.root(), log, certificates, Relocation::Refused)
}

fn verify(instance: &Instance, bundle: &Value) -> Result<VerifiedBundle, crate::VerificationError> {
    let verifier = trust(instance);
    let verifier = verifier.bundles().unwrap();
    verifier.verify_in_registry(bundle.to_string().as_bytes(), Artifact::Sha256(image().as_bytes()))
}

fn code(instance: &Instance, bundle: &Value) -> &'static str {
    verify(instance, bundle).map_or_else(|error| error.code(), |_| "ok")
}

/// The code by another root.
fn code_by(root: &Arc<TrustRoot>, bundle: &Value) -> &'static str {
    attack_time_tests::code(root, bundle)
}

#[test]
fn a_bundle_of_an_identity_shows_its_certificate_unless_called_ec() {
    let instance = Instance::new();
    let certificate = instance.certificate();
    let verified = verify(&instance, &bundle(&instance, &certificate, &certificate)).unwrap();
    assert_eq!(verified.identity(), Some((SUBJECT, ISSUER)));
    let bare = || Signature {
        keyid: String::new(),
        sig: verified.signature_text(),
        certificate: None,
        chain: Vec::new(),
        metadata: BTreeMap::new(),
    };
    let trust = trust(&instance);
    let shown = trust.describe_bundle(&verified.evidence, bare());
    assert_eq!(shown.certificate, Some(pem::encode(&certificate)));
    assert_eq!(shown.metadata.get("Fulcio Issuer (V2)").map(String::as_str), Some(ISSUER));
    assert_eq!(shown.chain.len(), 1);
    assert_eq!(trust.with_reports(SignerReports::AsEc).describe_bundle(&verified.evidence, bare()), bare());
}

#[test]
fn attack_bundles_with_a_certificate_that_was_not_logged_with_them_do_not_count() {
    let instance = Instance::new();
    let certificate = instance.certificate();
    assert_eq!(code(&instance, &bundle(&instance, &certificate, &certificate)), "ok");
    // The same identity and key, certified once more.
    let again = instance.certificate();
    assert_ne!(again, certificate);
    assert_eq!(code(&instance, &bundle(&instance, &certificate, &again)), "log-entry");
    // Of a stranger's authority.
    let stranger = Instance::new().certificate();
    assert_eq!(code(&instance, &bundle(&instance, &stranger, &stranger)), "certificate");
}

#[test]
fn attack_entries_of_identities_must_be_promised_and_proven_by_a_known_log() {
    const ENTRY: &str = "/verificationMaterial/tlogEntries/0/";
    let instance = Instance::new();
    let certificate = instance.certificate();
    let good = bundle(&instance, &certificate, &certificate);
    let with = |field: &str, value: Value| {
        let mut bundle = good.clone();
        *bundle.pointer_mut(&format!("{ENTRY}{field}")).unwrap() = value;
        code(&instance, &bundle)
    };
    let stranger = Signer::new();
    assert_eq!(with("inclusionPromise/signedEntryTimestamp", json!(stranger.sig(b"other"))), "log-entry");
    assert_eq!(with("integratedTime", json!("1700000001")), "log-entry");
    assert_eq!(with("inclusionProof/hashes", json!([STANDARD.encode([0; 32])])), "inclusion");
    assert_eq!(with("inclusionProof/treeSize", json!("2")), "inclusion");
    let state = good.pointer(&format!("{ENTRY}inclusionProof/checkpoint/envelope")).unwrap().as_str().unwrap();
    let moved = state.replace("log.test - 1\n", "other.test - 1\n");
    assert_eq!(with("inclusionProof/checkpoint/envelope", json!(moved)), "checkpoint");
    assert_eq!(with("inclusionProof", Value::Null), "inclusion");
    // In a log of a stranger, with everything else as it should be.
    let body = good.pointer(&format!("{ENTRY}canonicalizedBody")).unwrap().as_str().unwrap();
    let body: Value = serde_json::from_slice(&STANDARD.decode(body).unwrap()).unwrap();
    let mut elsewhere = good.clone();
    elsewhere["verificationMaterial"]["tlogEntries"] = json!([entry(&stranger, &body)]);
    assert_eq!(code(&instance, &elsewhere), "log-entry");
    // A state of a stranger beside the promise of the log.
    let state = entry(&stranger, &body)["inclusionProof"]["checkpoint"]["envelope"].clone();
    assert_eq!(with("inclusionProof/checkpoint/envelope", state), "checkpoint");
    // A second entry that does not verify fails the whole.
    let mut both = good.clone();
    let first = both["verificationMaterial"]["tlogEntries"][0].clone();
    both["verificationMaterial"]["tlogEntries"] = json!([first, entry(&stranger, &body)]);
    assert_eq!(code(&instance, &both), "log-entry");
}

#[test]
fn attack_a_state_of_a_log_that_does_not_count_yet_is_refused_and_one_that_ended_is_not() {
    let (instance, authority) = (Instance::new(), Authority::new());
    let certificate = instance.certificate();
    let mut bundle = bundle(&instance, &certificate, &certificate);
    // Without a promise, whose time would be compared with the window.
    stamp(&mut bundle, &authority, NOW);
    without_time(&mut bundle);
    let with = |window: Value| {
        let mut root: Value = authority.document_beside(&instance);
        root["tlogs"][0]["publicKey"]["validFor"] = window;
        let root = Arc::new(TrustRoot::from_json(&root.to_string()).unwrap());
        code_by(&root, &bundle)
    };
    assert_eq!(with(Value::Null), "ok");
    assert_eq!(with(json!({"start": "2022-01-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"})), "ok");
    assert_eq!(with(json!({"start": "2999-01-01T00:00:00Z"})), "checkpoint");
}

#[test]
fn attack_a_promise_beside_an_entry_without_times_must_be_the_logs() {
    let (instance, authority) = (Instance::new(), Authority::new());
    let certificate = instance.certificate();
    let mut bundle = bundle(&instance, &certificate, &certificate);
    stamp(&mut bundle, &authority, NOW);
    let root = Arc::new(TrustRoot::from_json(&authority.document_beside(&instance).to_string()).unwrap());
    let mut entry = bundle["verificationMaterial"]["tlogEntries"][0].clone();
    entry["inclusionPromise"]["signedEntryTimestamp"] = json!(Signer::new().sig(b"other"));
    entry.as_object_mut().unwrap().remove("integratedTime");
    bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
    assert_eq!(code_by(&root, &bundle), "log-entry");
}
