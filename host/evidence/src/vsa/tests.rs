//! Statements in files, signed and forged.

use serde_json::{Value, json};

use super::*;
use crate::fixture::{Signer, pae};

fn statement() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://conforma.dev/verification_summary/v1",
        "subject": [{"name": "r.example/a", "digest": {"sha256": "ab".repeat(32)}}],
        "predicate": {"status": "passed"},
    })
}

fn open(signer: &Signer, statement: &Value) -> Result<SignedStatement, &'static str> {
    let envelope = signer.envelope(statement.to_string().as_bytes()).to_string();
    open_statement(envelope.as_bytes(), Some(&signer.public())).map_err(|error| error.code())
}

#[test]
fn attack_a_statement_in_a_file_counts_only_as_it_was_signed() {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let envelope = signer.envelope(statement().to_string().as_bytes());
    let open = |envelope: &Value| open_statement(envelope.to_string().as_bytes(), Some(&signer.public()));
    assert!(open(&envelope).is_ok());
    let foreign = stranger.envelope(statement().to_string().as_bytes());
    assert_eq!(open(&foreign).unwrap_err().code(), "signature");
    let mut changed = envelope.clone();
    changed["payload"] = foreign["payload"].as_str().unwrap().replacen('e', "f", 1).into();
    assert_eq!(open(&changed).unwrap_err().code(), "signature");
    let mut unsigned = envelope.clone();
    unsigned["signatures"] = json!([]);
    assert_eq!(open(&unsigned).unwrap_err().code(), "signature");
    // A signature over the payload alone, and one for another type.
    let payload = statement().to_string();
    for signed in [payload.as_bytes().to_vec(), pae("text/plain", payload.as_bytes())] {
        let mut other = envelope.clone();
        other["signatures"] = json!([{"keyid": "", "sig": signer.sig(&signed)}]);
        assert_eq!(open(&other).unwrap_err().code(), "signature");
    }
    let mut other = envelope.clone();
    other["payloadType"] = json!("text/plain");
    assert_eq!(open(&other).unwrap_err().code(), "unsupported");
    // Without a key, the signature is not verified.
    assert!(open_statement(foreign.to_string().as_bytes(), None).is_ok());
}

#[test]
fn attack_statements_that_can_be_read_in_two_ways_or_without_a_subject_are_refused() {
    let signer = Signer::new();
    let with = |name: &str, value: Value| {
        let mut statement = statement();
        statement[name] = value;
        open(&signer, &statement)
    };
    assert_eq!(with("_type", json!("https://in-toto.io/Statement/v1")).unwrap().subjects.len(), 1);
    assert_eq!(with("_type", json!("https://in-toto.io/Statement/v2")).unwrap_err(), "unsupported");
    assert_eq!(with("predicate", json!([])).unwrap_err(), "malformed");
    assert_eq!(with("predicate", json!(null)).unwrap_err(), "malformed");
    assert_eq!(with("subject", json!({})).unwrap_err(), "malformed");
    // Digests that are none name nothing.
    for digest in [json!(null), json!({}), json!({"sha512": "ab".repeat(64)}), json!({"sha256": "AB".repeat(32)})] {
        assert!(with("subject", json!([{"digest": digest}])).unwrap().subjects.is_empty());
    }
    let many = |count: usize| with("subject", json!(vec![json!({"name": "a"}); count]));
    assert!(many(SUBJECTS).is_ok());
    assert_eq!(many(SUBJECTS + 1).unwrap_err(), "malformed");
    let twice = statement().to_string().replace(r#""predicate":"#, r#""predicate":{"status":"failed"},"predicate":"#);
    let envelope = signer.envelope(twice.as_bytes()).to_string();
    assert_eq!(open_statement(envelope.as_bytes(), Some(&signer.public())).unwrap_err().code(), "malformed");
}
