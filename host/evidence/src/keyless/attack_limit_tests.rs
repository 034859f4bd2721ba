//! Limits of what is read beside signatures: each thing at its limit is read, and beyond it refused with the code `limit`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{attack_certificate_tests::Instance, certificate::SigningCertificate, *};

#[test]
fn attack_certificates_with_too_many_timestamps_do_not_count() {
    let with = |copies: usize| {
        let mut instance = Instance::new();
        instance.copies = copies;
        instance.code_by(&instance.root())
    };
    assert_eq!((with(certificate_timestamp::LIMIT), with(certificate_timestamp::LIMIT + 1)), ("ok", "limit"));
}

#[test]
fn attack_log_entries_that_are_too_long_do_not_count() {
    let instance = Instance::new();
    let with = |length: usize| {
        let beside = [("dev.sigstore.cosign/bundle", " ".repeat(length))];
        instance.code_beside(&instance.root(), &beside)
    };
    assert_eq!((with(log_entry::ENTRY_BYTES), with(log_entry::ENTRY_BYTES + 1)), ("log-entry", "limit"));
}

#[test]
fn attack_certificates_that_are_too_long_or_too_many_do_not_count() {
    let code = |length: usize| SigningCertificate::read(vec![0x30; length]).unwrap_err().code();
    assert_eq!(
        (code(certificate::CERTIFICATE_BYTES), code(certificate::CERTIFICATE_BYTES + 1)),
        ("certificate", "limit")
    );
    let certificate = Instance::new().certificate();
    let text = |count: usize| pem::encode(&certificate).repeat(count);
    assert_eq!(pem::certificates(&text(pem::CERTIFICATES)).unwrap().len(), pem::CERTIFICATES);
    assert!(pem::certificates(&text(pem::CERTIFICATES + 1)).is_err());
    let chain = |count: usize| {
        let certificates: Value = (0..count).map(|_| json!({"rawBytes": STANDARD.encode(&certificate)})).collect();
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
            "verificationMaterial": {"x509CertificateChain": {"certificates": certificates}},
            "messageSignature": {"messageDigest": null, "signature": "AAAA"},
        });
        bundle_format::read(bundle.to_string().as_bytes()).map_or_else(|error| error.code(), |_| "ok")
    };
    assert_eq!((chain(bundle_format::CERTIFICATES), chain(bundle_format::CERTIFICATES + 1)), ("ok", "limit"));
}
