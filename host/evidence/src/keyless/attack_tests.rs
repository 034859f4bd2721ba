//! Forged and malformed evidence, each refused with its code, and its good twin, which is accepted. The names begin with
//! `attack_`.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::digest::Digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::*;
use crate::{
    error::VerificationError,
    fixture::{IN_TOTO, Signer, pae, statement},
    trust::{Relocation, Trust},
};

/// A bundle of a key with one envelope, as far as a reader goes.
fn bundle() -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "k"}},
        "dsseEnvelope": {
            "payload": STANDARD.encode(b"{}"),
            "payloadType": IN_TOTO,
            "signatures": [{"sig": STANDARD.encode(b"sig"), "keyid": ""}],
        },
    })
}

fn entry(index: &str, body: &str) -> Value {
    json!({
        "logIndex": index,
        "logId": {"keyId": STANDARD.encode([1; 32])},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "1",
        "inclusionPromise": {"signedEntryTimestamp": "AAAA"},
        "inclusionProof": {"logIndex": index, "rootHash": "", "treeSize": "9", "hashes": [], "checkpoint": {"envelope": ""}},
        "canonicalizedBody": STANDARD.encode(body),
    })
}

fn code_of(bundle: &str) -> &'static str {
    bundle_format::read(bundle.as_bytes()).map_or_else(|error| error.code(), |_| "ok")
}

/// The code for a bundle that was changed.
fn changed(change: impl Fn(&mut Value)) -> &'static str {
    let mut bundle = bundle();
    change(&mut bundle);
    code_of(&bundle.to_string())
}

#[test]
fn attack_bundles_of_two_meanings_are_malformed() {
    assert_eq!(changed(|_| {}), "ok");
    let other = json!({"messageDigest": null, "signature": "AAAA"});
    assert_eq!(changed(|bundle| bundle["messageSignature"] = other.clone()), "malformed");
    let certificate = json!({"rawBytes": "AAAA"});
    assert_eq!(changed(|bundle| bundle["verificationMaterial"]["certificate"] = certificate.clone()), "malformed");
    let chain = json!({"certificates": [{"rawBytes": "AAAA"}]});
    for material in [json!({}), json!({"x509CertificateChain": chain}), Value::Null, json!([])] {
        assert_eq!(changed(|bundle| bundle["verificationMaterial"] = material.clone()), "malformed", "{material}");
    }
    assert_eq!(changed(|bundle| bundle["dsseEnvelope"] = Value::Null), "malformed");
    let signature = json!({"sig": "AAAA"});
    for signatures in [json!([]), json!([signature, signature])] {
        assert_eq!(changed(|bundle| bundle["dsseEnvelope"]["signatures"] = signatures.clone()), "malformed");
    }
}

#[test]
fn attack_fields_that_are_unknown_twice_or_in_another_case_are_malformed() {
    for place in
        ["", "/verificationMaterial", "/verificationMaterial/publicKey", "/dsseEnvelope", "/dsseEnvelope/signatures/0"]
    {
        let code = changed(|bundle| {
            bundle.pointer_mut(place).unwrap().as_object_mut().unwrap().insert("unknown".to_owned(), json!(1));
        });
        assert_eq!(code, "malformed", "{place}");
    }
    let text = bundle().to_string();
    for (from, to) in [
        ("\"mediaType\"", "\"MediaType\""),
        ("\"dsseEnvelope\"", "\"dsse_envelope\""),
        ("\"payloadType\"", "\"dsseEnvelope\":null,\"payloadType\""),
        ("\"hint\":\"k\"", "\"hint\":\"k\",\"hint\":\"k\""),
        ("\"dsseEnvelope\"", "\"dsseEnvelope\":{},\"dsseEnvelope\""),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(code_of(&changed), "malformed", "{changed}");
    }
    assert_eq!(code_of(&format!("{text}{text}")), "malformed");
    assert_eq!(code_of(&format!("\u{feff}{text}")), "malformed");
    assert_eq!(code_of(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), "malformed");
}

#[test]
fn attack_names_without_end_are_cut_in_messages() {
    let mut bundle = bundle();
    bundle["mediaType"] = json!("x".repeat(100_000));
    let error = bundle_format::read(bundle.to_string().as_bytes()).err().unwrap();
    assert!(error.to_string().len() < 1_000);
    bundle["x".repeat(100_000)] = json!(1);
    let error = bundle_format::read(bundle.to_string().as_bytes()).err().unwrap();
    assert!(error.to_string().len() < 1_000 && error.code() == "malformed");
}

#[test]
fn attack_media_types_that_are_missing_or_unknown_are_refused() {
    for (media_type, code) in [
        (Value::Null, "malformed"),
        (json!(3), "malformed"),
        (json!("application/vnd.dev.sigstore.bundle+json;version=0.4"), "unsupported"),
        (json!("application/vnd.dev.sigstore.bundle.v0.3+JSON"), "unsupported"),
        (json!("application/vnd.dev.sigstore.bundle+json;version=0.3"), "ok"),
    ] {
        assert_eq!(changed(|bundle| bundle["mediaType"] = media_type.clone()), code, "{media_type}");
    }
    assert_eq!(changed(|bundle| drop(bundle.as_object_mut().unwrap().remove("mediaType"))), "malformed");
}

#[test]
fn attack_log_entries_that_are_there_twice_or_without_proof_are_refused() {
    let with = |entries: Value| changed(|bundle| bundle["verificationMaterial"]["tlogEntries"] = entries.clone());
    let error = |entries: Value| {
        let mut bundle = bundle();
        bundle["verificationMaterial"]["tlogEntries"] = entries;
        bundle_format::read(bundle.to_string().as_bytes()).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for twice in [
        json!([entry("1", "a"), entry("1", "a")]),
        json!([entry("1", "a"), entry("1", "b")]),
        json!([entry("1", "a"), entry("2", "a")]),
    ] {
        assert!(error(twice.clone()).contains("the same log entry twice"), "{twice}");
    }
    assert!(!error(json!([entry("1", "a"), entry("2", "b")])).contains("twice"));
    let mut unproven = entry("1", "a");
    unproven["inclusionProof"] = Value::Null;
    assert_eq!(with(json!([unproven])), "inclusion");
    // Relabeled, the promise must be there, and a registry takes none of that version.
    let relabeled = |entry: &Value| {
        changed(|bundle| {
            bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1");
            bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
        })
    };
    assert_eq!(relabeled(&unproven), "ok");
    unproven["inclusionPromise"] = Value::Null;
    assert_eq!(relabeled(&unproven), "log-entry");
}

#[test]
fn attack_a_bundle_before_0_3_does_not_count_in_a_registry() {
    let mut old = bundle();
    old["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1");
    let verifier = BundleVerifier::of_key(Signer::new().public(), root(&Signer::new()), LogPolicy::Ignored);
    let error = verifier.verify_in_registry(old.to_string().as_bytes(), Artifact::Bytes(b"")).unwrap_err();
    assert_eq!(error.code(), "unsupported");
}

#[test]
fn attack_more_than_the_limits_is_refused() {
    let entries = |count: usize| -> Value { (0..count).map(|at| entry(&at.to_string(), &at.to_string())).collect() };
    let with = |count| changed(|bundle| bundle["verificationMaterial"]["tlogEntries"] = entries(count));
    assert_eq!(with(bundle_format::LOG_ENTRIES + 1), "limit");
    assert_ne!(with(bundle_format::LOG_ENTRIES), "limit");
    let with = |count: usize| {
        let timestamps: Value = (0..count).map(|_| json!({"signedTimestamp": "AAAA"})).collect();
        changed(|bundle| {
            bundle["verificationMaterial"]["timestampVerificationData"] = json!({"rfc3161Timestamps": timestamps});
        })
    };
    assert_eq!(with(bundle_format::TIMESTAMPS + 1), "limit");
    assert_eq!(with(bundle_format::TIMESTAMPS), "ok");
    let subject = json!({"digest": {"sha256": "00"}});
    let digests: serde_json::Map<String, Value> =
        (0..=bundle_format::DIGESTS).map(|at| (at.to_string(), json!(""))).collect();
    let verifier = BundleVerifier::of_key(Signer::new().public(), root(&Signer::new()), LogPolicy::Ignored);
    let code = |subjects: Value| {
        let mut bundle = bundle();
        let statement = json!({"_type": "https://in-toto.io/Statement/v1", "subject": subjects}).to_string();
        bundle["dsseEnvelope"]["payload"] = json!(STANDARD.encode(statement));
        verifier.verify(bundle.to_string().as_bytes(), Artifact::Sha256(&[0; 32])).unwrap_err().code()
    };
    assert_eq!(code((0..=bundle_format::SUBJECTS).map(|_| subject.clone()).collect()), "limit");
    assert_ne!(code((0..bundle_format::SUBJECTS).map(|_| subject.clone()).collect()), "limit");
    assert_eq!(code(json!([{"digest": digests}])), "limit");
}

#[test]
fn attack_trust_roots_that_are_not_understood_are_refused() {
    let good = sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;
    assert!(TrustRoot::from_json(good).is_ok() && TrustRoot::public_good().is_ok());
    for (from, to) in [
        ("version=0.1", "version=9.9"),
        ("\"mediaType\"", "\"mediatype\""),
        ("\"tlogs\"", "\"logs\""),
        ("\"tlogs\"", "\"ctlogs\": [], \"tlogs\""),
        ("\"keyId\": \"", "\"keyId\": \"AAAA"),
        ("\"start\"", "\"begin\""),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        assert!(TrustRoot::from_json(&changed).is_err(), "{from} {to}");
    }
}

/// A root with one transparency log.
pub(super) fn root(log: &Signer) -> Arc<TrustRoot> {
    let keys = SigstoreKeys { log: Some(log.pem()), ..SigstoreKeys::default() };
    Arc::new(TrustRoot::from_keys(&keys, None).unwrap())
}

/// A signed payload in a log.
struct Logged {
    log: Signer,
    signer: Signer,
    payload: Vec<u8>,
    signature: Vec<u8>,
    body: Value,
}

impl Logged {
    fn new() -> Self {
        let (log, signer, payload) = (Signer::new(), Signer::new(), b"payload".to_vec());
        let signature = signer.sign(&payload);
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": Digest::of(&payload).hex()}},
                "signature": {
                    "content": STANDARD.encode(&signature),
                    "publicKey": {"content": STANDARD.encode(signer.pem())},
                },
            },
        });
        Self { log, signer, payload, signature, body }
    }

    /// The entry, signed by its log.
    fn entry(&self) -> Value {
        promised(&self.log, &self.body, 1_700_000_000, 7)
    }

    fn verify(&self, entry: Option<&Value>) -> Result<LayerEvidence, VerificationError> {
        let trust = Trust::in_logged_key(self.signer.public(), &root(&self.log), Relocation::Refused);
        let content = Content::Signature { payload: &self.payload, signature: &self.signature };
        trust.verify(&content, &annotations(entry))
    }

    fn code(&self, entry: &Value) -> &'static str {
        self.verify(Some(entry)).map_or_else(|error| error.code(), |_| "ok")
    }

    /// The code for an entry with a changed body, which the log signed.
    fn code_of_body(&self, change: impl Fn(&mut Value)) -> &'static str {
        let mut body = self.body.clone();
        change(&mut body);
        self.code(&promised(&self.log, &body, 1_700_000_000, 7))
    }
}

fn annotations(entry: Option<&Value>) -> BTreeMap<String, String> {
    entry.map(|entry| ("dev.sigstore.cosign/bundle".to_owned(), entry.to_string())).into_iter().collect()
}

/// An entry that a log promised to keep.
pub(super) fn promised(log: &Signer, body: &Value, time: i64, index: i64) -> Value {
    let pem = log.pem();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let id = Digest::of(&STANDARD.decode(der).unwrap()).hex();
    let body = STANDARD.encode(body.to_string());
    let signed = format!(r#"{{"body":"{body}","integratedTime":{time},"logID":"{id}","logIndex":{index}}}"#);
    json!({
        "SignedEntryTimestamp": log.sig(signed.as_bytes()),
        "Payload": {"body": body, "integratedTime": time, "logIndex": index, "logID": id},
    })
}

#[test]
fn attack_a_signature_without_its_own_log_entry_does_not_count() {
    let logged = Logged::new();
    let evidence = logged.verify(Some(&logged.entry())).unwrap();
    assert_eq!(evidence.times, [VerifiedTime { source: TimeSource::Log, at: 1_700_000_000 }]);
    assert_eq!(logged.verify(None).unwrap_err().code(), "log-entry");
    // Of another signature over the same payload, of another payload, of another signer.
    let other = STANDARD.encode(logged.signer.sign(&logged.payload));
    assert_eq!(logged.code_of_body(|body| body["spec"]["signature"]["content"] = json!(other)), "log-entry");
    let hash = Digest::of(b"other").hex();
    assert_eq!(logged.code_of_body(|body| body["spec"]["data"]["hash"]["value"] = json!(hash)), "log-entry");
    let key = STANDARD.encode(Signer::new().pem());
    let of_key = |key: &str| logged.code_of_body(|body| body["spec"]["signature"]["publicKey"]["content"] = json!(key));
    assert_eq!(of_key(&key), "log-entry");
    let twice = STANDARD.encode(logged.signer.pem() + &Signer::new().pem());
    assert_eq!(of_key(&twice), "log-entry");
}

#[test]
fn attack_log_entries_that_their_log_did_not_sign_do_not_count() {
    let logged = Logged::new();
    assert_eq!(logged.code(&logged.entry()), "ok");
    for (place, value) in [
        ("/Payload/integratedTime", json!(1_700_000_001)),
        ("/Payload/integratedTime", json!(1_699_999_999)),
        ("/Payload/integratedTime", json!(1.7e9)),
        ("/Payload/logIndex", json!(8)),
        ("/Payload/logIndex", json!(-7)),
        ("/Payload/logID", json!("00".repeat(32))),
        ("/Payload/body", json!(STANDARD.encode("{}"))),
        ("/Payload/body", json!({})),
        ("/SignedEntryTimestamp", json!("")),
        ("/SignedEntryTimestamp", json!(logged.signer.sig(b"other"))),
    ] {
        let mut entry = logged.entry();
        *entry.pointer_mut(place).unwrap() = value.clone();
        assert_eq!(logged.code(&entry), "log-entry", "{place} {value}");
    }
    // Another log, and a rogue key under the identifier of the trusted one.
    let rogue = Signer::new();
    assert_eq!(logged.code(&promised(&rogue, &logged.body, 1_700_000_000, 7)), "log-entry");
    let mut forged = promised(&rogue, &logged.body, 1_700_000_000, 7);
    forged["Payload"]["logID"] = logged.entry()["Payload"]["logID"].clone();
    assert_eq!(logged.code(&forged), "log-entry");
    let twice = logged.entry().to_string().replacen("\"Payload\"", "\"Payload\":{},\"Payload\"", 1);
    let trust = Trust::in_logged_key(logged.signer.public(), &root(&logged.log), Relocation::Refused);
    let content = Content::Signature { payload: &logged.payload, signature: &logged.signature };
    let beside = BTreeMap::from([("dev.sigstore.cosign/bundle".to_owned(), twice)]);
    assert_eq!(trust.verify(&content, &beside).unwrap_err().code(), "log-entry");
}

#[test]
fn attack_log_entries_of_other_kinds_do_not_count() {
    let logged = Logged::new();
    for (field, value) in [("kind", "intoto"), ("kind", "dsse"), ("kind", "alpine"), ("apiVersion", "0.0.2")] {
        assert_eq!(logged.code_of_body(|body| body[field] = json!(value)), "log-entry", "{field} {value}");
    }
    let algorithm = |name: &str| logged.code_of_body(|body| body["spec"]["data"]["hash"]["algorithm"] = json!(name));
    assert_eq!((algorithm("sha256"), algorithm("sha512"), algorithm("md5")), ("ok", "log-entry", "log-entry"));
}

#[test]
fn attack_a_forged_signature_in_a_good_entry_does_not_count() {
    let mut logged = Logged::new();
    logged.payload = b"other".to_vec();
    assert_eq!(logged.code(&logged.entry()), "signature");
    let mut logged = Logged::new();
    logged.signature = Signer::new().sign(&logged.payload);
    assert_eq!(logged.code(&logged.entry()), "signature");
    for signature in [vec![], vec![0; 64], vec![0x30, 6, 2, 1, 0, 2, 1, 0]] {
        logged.signature = signature;
        assert_eq!(logged.code(&logged.entry()), "signature");
    }
}

#[test]
fn attack_envelopes_in_entries_of_other_envelopes_do_not_count() {
    let (log, signer) = (Signer::new(), Signer::new());
    let payload = statement(&Digest::of(b"image")).to_string().into_bytes();
    let envelope = signer.envelope(&payload);
    let layer = envelope.to_string().into_bytes();
    let signature = signer.sign(&pae(IN_TOTO, &payload));
    let body = |layer: &[u8], payload: &[u8], signature: &[u8], count: usize| {
        let signature = json!({"signature": STANDARD.encode(signature), "verifier": STANDARD.encode(signer.pem())});
        json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": Digest::of(layer).hex()},
            "payloadHash": {"algorithm": "sha256", "value": Digest::of(payload).hex()},
            "signatures": vec![signature; count],
        }})
    };
    let trust = Trust::in_logged_key(signer.public(), &root(&log), Relocation::Refused);
    let head = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), payload.len());
    let message: [&[u8]; 2] = [head.as_bytes(), &payload];
    let signatures = [signature.clone()];
    let content = Content::Envelope { layer: &layer, message: &message, payload: &payload, signatures: &signatures };
    let code = |body: &Value, more: Option<(&str, &str)>| {
        let mut beside = annotations(Some(&promised(&log, body, 1_700_000_000, 7)));
        beside.extend(more.map(|(key, value)| (key.to_owned(), value.to_owned())));
        trust.verify(&content, &beside).map_or_else(|error| error.code(), |_| "ok")
    };
    let good = body(&layer, &payload, &signature, 1);
    assert_eq!(code(&good, None), "ok");
    assert_eq!(code(&good, Some(("dev.cosignproject.cosign/signature", ""))), "ok");
    assert_eq!(code(&good, Some(("dev.cosignproject.cosign/signature", "AAAA"))), "malformed");
    let again = signer.sign(&pae(IN_TOTO, &payload));
    for bad in [
        body(b"other", &payload, &signature, 1),
        body(&layer, b"other", &signature, 1),
        body(&layer, &payload, &again, 1),
        body(&layer, &payload, &signature, 0),
        body(&layer, &payload, &signature, 2),
    ] {
        assert_eq!(code(&bad, None), "log-entry", "{bad}");
    }
}

#[test]
fn attack_a_signature_of_an_identity_needs_a_certificate() {
    let logged = Logged::new();
    let any = || Matcher::new("", ".*").unwrap();
    let identities = vec![Identity { subject: any(), issuer: any() }];
    let (log, certificate_log) = (LogPolicy::Required, CertificateLogPolicy::Required);
    let trust = Trust::in_identities(identities, &root(&logged.log), log, certificate_log, Relocation::Refused);
    let content = Content::Signature { payload: &logged.payload, signature: &logged.signature };
    let mut beside = annotations(Some(&logged.entry()));
    assert_eq!(trust.verify(&content, &beside).unwrap_err().code(), "certificate");
    for garbage in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        beside.insert("dev.sigstore.cosign/certificate".to_owned(), garbage.to_owned());
        assert_eq!(trust.verify(&content, &beside).unwrap_err().code(), "certificate", "{garbage}");
    }
}

#[test]
fn attack_identities_match_as_in_go_and_no_further() {
    let matches = |exact: &str, expression: &str, text: &str| Matcher::new(exact, expression).unwrap().matches(text);
    for (exact, expression, text, expected) in [
        ("https://a.test/x", "", "https://a.test/x", true),
        ("https://a.test/x", "", "https://a.test/x/y", false),
        ("https://a.test/x", "", "https://a.test/X", false),
        ("https://a.test/x", "", "https://\u{430}.test/x", false),
        ("", r"a\.test", "https://a.test/x", true),
        ("", r"^a\.test$", "https://a.test/x", false),
        ("", r"^\w+$", "abc_1", true),
        ("", r"^\w+$", "\u{430}bc", false),
        ("", r"^\d+$", "\u{661}", false),
        ("", r"^[\w-]+$", "a-b", true),
        ("", r"^[^\d]$", "\u{661}", true),
        ("", r"^[]a]$", "]", true),
        ("", r"^[a&&b]+$", "a&b", true),
        ("", r"\btest\b", "a.test/x", true),
        ("", r"^\Qa.b\E$", "a.b", true),
        ("", r"^\Qa.b\E$", "axb", false),
        ("", r"^\Qa.b", "a.b", true),
        ("", r"^\<a\>$", "<a>", true),
        ("", r"\<a", "a", false),
        ("", r"^[+--]+$", "+,-", true),
        ("", r"^(?i)A(?:b)$", "aB", true),
        ("https://a.test/x", "y", "https://a.test/x", false),
    ] {
        assert_eq!(matches(exact, expression, text), expected, "{exact} {expression} {text}");
    }
    assert!(Matcher::new("", "(").is_err() && Matcher::new("", "").is_err());
    // Flags of the library that Go does not have, and a range without content.
    assert!(["(?x) a", "(?u:a)", "[a--b]"].iter().all(|expression| Matcher::new("", expression).is_err()));
    assert!(Matcher::new("", &format!("({}){{999}}{{999}}", "a".repeat(99))).is_err());
    let unanchored = |expression: &str| Matcher::new("", expression).unwrap().unanchored().is_some();
    assert!(unanchored("a") && unanchored("^a") && unanchored("a$") && unanchored("^a|b$") && !unanchored("^a$"));
    assert!(unanchored(r"^a\$") && !unanchored(r"\Aa\z"));
}
