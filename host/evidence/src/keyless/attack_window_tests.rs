//! Logs and authorities of a trust root with windows, several of them, and the places where evidence of others may stand:
//! each forged one is refused with its code, its good twin accepted.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::digest::Digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    attack_certificate_tests::{ISSUER, Instance, SUBJECT},
    attack_tests::promised,
    *,
};
use crate::{
    fixture::{IN_TOTO, Signer, pae},
    trust::{Relocation, Trust},
};

const TIME: i64 = 1_700_000_000;
/// Days on both sides of that time, which is on 14 November 2023.
const EARLY: &str = "2023-01-01T00:00:00Z";
const LATE: &str = "2024-01-01T00:00:00Z";

/// The text of a root of these logs, as a document that can be changed.
fn root_of(logs: &[&Signer]) -> Value {
    let text = |log: &Signer| {
        let keys = SigstoreKeys { log: Some(log.pem()), ..SigstoreKeys::default() };
        serde_json::from_str::<Value>(&TrustRoot::text_from_keys(&keys, None).unwrap()).unwrap()
    };
    let mut root = text(logs[0]);
    root["tlogs"] = logs.iter().map(|log| text(log)["tlogs"][0].clone()).collect();
    root
}

fn parsed(root: &Value) -> Result<Arc<TrustRoot>, TrustRootError> {
    TrustRoot::from_json(&root.to_string()).map(Arc::new)
}

/// The code for a payload that a key signed and a log has.
fn logged(root: &Value, log: &Signer) -> &'static str {
    let signer = Signer::new();
    let payload = b"payload";
    let signature = signer.sign(payload);
    let body = json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": Digest::of(payload).hex()}},
        "signature": {
            "content": STANDARD.encode(&signature),
            "publicKey": {"content": STANDARD.encode(signer.pem())},
        },
    }});
    let beside = BTreeMap::from([("dev.sigstore.cosign/bundle".to_owned(), promised(log, &body, TIME, 7).to_string())]);
    let trust = Trust::in_logged_key(signer.public(), &parsed(root).unwrap(), Relocation::Refused);
    let content = Content::Signature { payload, signature: &signature };
    trust.verify(&content, &beside).map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn attack_entries_outside_the_window_of_their_log_do_not_count() {
    let log = Signer::new();
    let with = |window: Value| {
        let mut root = root_of(&[&log]);
        root["tlogs"][0]["publicKey"]["validFor"] = window;
        logged(&root, &log)
    };
    assert_eq!(with(Value::Null), "ok");
    assert_eq!(with(json!({"start": EARLY})), "ok");
    assert_eq!(with(json!({"start": EARLY, "end": LATE})), "ok");
    assert_eq!(with(json!({"start": LATE})), "log-entry");
    assert_eq!(with(json!({"start": "2022-01-01T00:00:00Z", "end": EARLY})), "log-entry");
}

#[test]
fn attack_of_two_logs_each_counts_and_one_that_is_there_twice_is_no_root() {
    let (first, second) = (Signer::new(), Signer::new());
    let both = root_of(&[&first, &second]);
    assert_eq!((logged(&both, &first), logged(&both, &second)), ("ok", "ok"));
    assert_eq!(logged(&root_of(&[&first]), &second), "log-entry");
    assert!(parsed(&root_of(&[&first, &first])).is_err());
    // A second key under the identifier of the first.
    let mut forged = both;
    forged["tlogs"][1]["logId"] = forged["tlogs"][0]["logId"].clone();
    assert!(parsed(&forged).is_err());
}

#[test]
fn attack_a_given_key_of_a_log_stands_for_the_logs_of_the_root() {
    let (known, given) = (Signer::new(), Signer::new());
    let base = root_of(&[&known]);
    let keys = SigstoreKeys { log: Some(given.pem()), ..SigstoreKeys::default() };
    let both = TrustRoot::text_from_keys(&keys, Some(&base.to_string())).unwrap();
    let both: Value = serde_json::from_str(&both).unwrap();
    assert_eq!((logged(&base, &known), logged(&base, &given)), ("ok", "log-entry"));
    assert_eq!((logged(&both, &known), logged(&both, &given)), ("log-entry", "ok"));
}

#[test]
fn attack_an_authority_outside_its_window_does_not_count_nor_does_anothers_window_help() {
    let instance = Instance::new();
    let code = |root: &Value| instance.code_by(&parsed(root).unwrap());
    let good = instance.root_document();
    assert_eq!(code(&good), "ok");
    let mut ended = good.clone();
    ended["certificateAuthorities"][0]["validFor"] = json!({"start": "2022-01-01T00:00:00Z", "end": EARLY});
    assert_eq!(code(&ended), "certificate-time");
    let mut other = Instance::new().root_document()["certificateAuthorities"][0].clone();
    other["validFor"] = json!({"start": EARLY});
    ended["certificateAuthorities"].as_array_mut().unwrap().push(other);
    assert_eq!(code(&ended), "certificate");
    let mut open = good.clone();
    open["certificateAuthorities"][0]["validFor"] = json!({"start": EARLY, "end": LATE});
    assert_eq!(code(&open), "ok");
}

#[test]
fn attack_any_name_of_a_certificate_counts_and_a_text_and_an_expression_must_both_match() {
    let second = "https://build.test/second";
    let mut instance = Instance::new();
    instance.add_name(second);
    assert_eq!(instance.code_at(TIME, second, ISSUER), "ok");
    assert_eq!(instance.code_at(TIME, SUBJECT, ISSUER), "ok");
    assert_eq!(instance.code_at(TIME, "https://build.test/third", ISSUER), "identity");
    let both = |expression: &str| Matcher::new(SUBJECT, expression).unwrap().matches(SUBJECT);
    assert!(both("^https://build") && !both("^https://other"));
}

#[test]
fn attack_of_several_signatures_in_an_envelope_one_suffices_under_a_tag_whatever_its_key_is_called() {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let payload = b"{}".to_vec();
    let message = pae(IN_TOTO, &payload);
    let (good, forged) = (signer.sign(&message), stranger.sign(&message));
    let trust = Trust::in_key(signer.public(), Relocation::Refused);
    let parts: [&[u8]; 1] = [&message];
    let verified = |signatures: &[Vec<u8>]| {
        let content = Content::Envelope { layer: b"", message: &parts, payload: &payload, signatures };
        trust
            .verify(&content, &BTreeMap::new())
            .map_or_else(|error| Err(error.code()), |evidence| Ok(evidence.verified))
    };
    assert_eq!(verified(&[forged.clone(), good.clone()]), Ok(vec![1]));
    assert_eq!(verified(&[forged.clone(), forged]), Err("signature"));
    // Over the payload as it is, without its type.
    assert_eq!(verified(&[signer.sign(&payload)]), Err("signature"));
}

#[test]
fn attack_timestamps_that_are_empty_garbage_or_too_long_do_not_count() {
    let instance = Instance::new();
    let with = |timestamp: &str| {
        let more = [("dev.sigstore.cosign/rfc3161timestamp", timestamp.to_owned())];
        instance.code_beside(&instance.root(), &more)
    };
    assert_eq!(instance.code_beside(&instance.root(), &[]), "ok");
    for timestamp in ["", "{}", r#"{"SignedRFC3161Timestamp":""}"#, r#"{"SignedRFC3161Timestamp":"AAAA"}"#, "null"] {
        assert_eq!(with(timestamp), "timestamp", "{timestamp}");
    }
    assert_eq!(with(&" ".repeat(legacy::TIMESTAMP_BYTES + 1)), "limit");
}
