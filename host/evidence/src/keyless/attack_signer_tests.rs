//! What is beside a signature and seems to say who signed: certificates beside a key's signature and in a chain, names and
//! timestamps of a certificate.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    attack_bundle_tests::entry,
    attack_certificate_tests::{ISSUER, Instance, SUBJECT, extension},
    attack_identity_bundle_tests::bundle,
    *,
};
use crate::{
    fixture::Signer,
    trust::{Relocation, Trust},
};

const TIME: i64 = 1_700_000_000;

fn root_of(document: &Value) -> std::sync::Arc<TrustRoot> {
    std::sync::Arc::new(TrustRoot::from_json(&document.to_string()).unwrap())
}

#[test]
fn attack_a_certificate_beside_a_keys_signature_must_be_of_that_key() {
    let instance = Instance::new();
    let payload = b"payload";
    let signature = instance.signer.sign(payload);
    let content = Content::Signature { payload, signature: &signature };
    let trust = Trust::in_key(instance.signer.public(), Relocation::Refused);
    let code = |certificate: &str| {
        let beside = BTreeMap::from([("dev.sigstore.cosign/certificate".to_owned(), certificate.to_owned())]);
        trust.verify(&content, &beside).map_or_else(|error| error.code(), |_| "ok")
    };
    assert_eq!(code(&pem::encode(&instance.certificate())), "ok");
    assert_eq!(code(""), "ok");
    assert_eq!(code(&pem::encode(&Instance::new().certificate())), "certificate");
    assert_eq!(code("garbage"), "certificate");
}

#[test]
fn attack_an_authority_in_a_chain_beside_the_signature_is_not_trusted() {
    let mut instance = Instance::new();
    let stranger = Instance::new();
    let smuggled =
        stranger.root_document()["certificateAuthorities"][0]["certChain"]["certificates"][0]["rawBytes"].clone();
    let smuggled = pem::encode(&STANDARD.decode(smuggled.as_str().unwrap()).unwrap());
    assert_eq!(instance.code_beside(&instance.root(), &[("dev.sigstore.cosign/chain", smuggled.clone())]), "ok");
    // Of the same name as the trusted one.
    instance.issued_by = Some(stranger.authority);
    assert_eq!(instance.code_beside(&instance.root(), &[("dev.sigstore.cosign/chain", smuggled)]), "certificate");
}

#[test]
fn attack_certificates_logged_outside_the_window_of_their_log_do_not_count() {
    let instance = Instance::new();
    let code = |window: Value| {
        let mut root = instance.root_document();
        root["ctlogs"][0]["publicKey"]["validFor"] = window;
        instance.code_by(&root_of(&root))
    };
    assert_eq!(code(json!({"start": "2023-01-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"})), "ok");
    assert_eq!(code(json!({"start": "2024-01-01T00:00:00Z"})), "sct");
    assert_eq!(code(json!({"start": "2022-01-01T00:00:00Z", "end": "2023-01-01T00:00:00Z"})), "sct");
}

/// The one name of a signer as Fulcio writes what is neither an address nor a URI.
fn other_name(name: &str) -> Vec<u8> {
    let wrapped = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()][..], content].concat();
    let text = wrapped(0xa0, &wrapped(0x0c, name.as_bytes()));
    let name = wrapped(0xa0, &[b"\x06\x0a\x2b\x06\x01\x04\x01\x83\xbf\x30\x01\x07".as_slice(), &text].concat());
    wrapped(0x30, &name)
}

#[test]
fn attack_names_that_look_like_the_wanted_one_do_not_count_but_an_open_expression_lets_them_in() {
    let named = |name: &str| {
        let mut instance = Instance::new();
        instance.extensions[1] = extension("2.5.29.17", true, &other_name(name));
        instance
    };
    let (latin, cyrillic) = (named("abc"), named("\u{430}bc"));
    assert_eq!((latin.code_for(r"^\w+$"), cyrillic.code_for(r"^\w+$")), ("ok", "identity"));
    assert_eq!((latin.code_for("^abc$"), cyrillic.code_for("^abc$")), ("ok", "identity"));
    // What people write by mistake counts, as in Go: they are warned (`Matcher::unanchored`).
    let other = named("githubXcom/evil/app");
    assert_eq!((other.code_for("github.com/evil"), other.code_for(r"github\.com/evil")), ("ok", "identity"));
    assert_eq!(named("https://evil.test/?https://build.test/app").code_for("https://build.test/app"), "ok");
    assert_eq!(named("https://evil.test/?https://build.test/app").code_for("^https://build.test/app$"), "identity");
}

#[test]
fn attack_a_critical_extension_is_unknown_unless_it_has_the_names_of_the_signer() {
    let name = "some!user";
    let mut instance = Instance::new();
    instance.extensions[1] = extension("2.5.29.17", true, &other_name(name));
    assert_eq!(instance.code_at(TIME, name, ISSUER), "ok");
    assert_eq!(instance.code_at(TIME, SUBJECT, ISSUER), "identity");
    instance.extensions.push(extension("1.2.3.4", true, b"\x05\x00"));
    assert_eq!(instance.code_at(TIME, name, ISSUER), "certificate");
}

#[test]
fn attack_authorities_that_ended_before_the_signature_do_not_count() {
    let mut instance = Instance::new();
    assert_eq!(instance.code_by(&instance.root()), "ok");
    instance.root_ends = TIME;
    assert_eq!(instance.code_by(&instance.root()), "ok");
    instance.root_ends = TIME - 1;
    assert_eq!(instance.code_by(&instance.root()), "certificate-time");
}

#[test]
fn attack_bundles_with_entries_of_kinds_that_do_not_bind_the_signature_do_not_count() {
    let instance = Instance::new();
    let certificate = instance.certificate();
    let good = bundle(&instance, &certificate, &certificate);
    let verifier = BundleVerifier::of_identities(
        vec![Identity { subject: Matcher::new(SUBJECT, "").unwrap(), issuer: Matcher::new(ISSUER, "").unwrap() }],
        instance.root(),
        LogPolicy::Required,
        CertificateLogPolicy::Required,
    );
    let image = assay_model::digest::Digest::of(b"image");
    let code = |bundle: &str| {
        let verified = verifier.verify_in_registry(bundle.as_bytes(), Artifact::Sha256(image.as_bytes()));
        verified.map_or_else(|error| error.code(), |_| "ok")
    };
    assert_eq!(code(&good.to_string()), "ok");
    let with = |kind: &str, version: &str, body: Option<Value>| {
        let mut bundle = good.clone();
        if let Some(body) = body {
            bundle["verificationMaterial"]["tlogEntries"][0] = entry(&instance.log, &body);
        }
        bundle["verificationMaterial"]["tlogEntries"][0]["kindVersion"] = json!({"kind": kind, "version": version});
        code(&bundle.to_string())
    };
    assert_eq!(with("dsse", "0.0.1", None), "ok");
    // cosign's oldest entries for attestations have the hash of the envelope and no signature.
    let hash = json!({"algorithm": "sha256", "value": assay_model::digest::Digest::of(b"any").hex()});
    let oldest = json!({"apiVersion": "0.0.1", "kind": "intoto", "spec": {
        "content": {"hash": hash, "payloadHash": hash},
        "publicKey": STANDARD.encode(pem::encode(&certificate)),
    }});
    assert_eq!(with("intoto", "0.0.1", Some(oldest)), "malformed");
    assert_eq!(with("intoto", "0.0.1", None), "malformed");
    assert_eq!(with("hashedrekord", "0.0.1", None), "unsupported");
    assert_eq!(with("unknown", "0.0.1", None), "malformed");
    // Behind the document nothing may follow.
    assert_eq!(code(&format!("{good}{{}}")), "malformed");
    assert_eq!(code(&format!("{good}\0")), "malformed");
    assert_eq!(code(&format!("{good}\n")), "ok");
}

#[test]
fn attack_an_attestation_has_no_signature_beside_its_envelope_whatever_its_entry_is() {
    let signer = Signer::new();
    let (layer, payload) = (b"layer".to_vec(), b"{}".to_vec());
    let log = Signer::new();
    let message: [&[u8]; 1] = [&payload];
    let signatures = [signer.sign(&payload)];
    let hash = json!({"algorithm": "sha256", "value": assay_model::digest::Digest::of(&layer).hex()});
    let body = json!({"apiVersion": "0.0.1", "kind": "intoto", "spec": {
        "content": {"hash": hash}, "publicKey": STANDARD.encode(signer.pem()),
    }});
    let content = Content::Envelope { layer: &layer, message: &message, payload: &payload, signatures: &signatures };
    let trust = Trust::in_logged_key(signer.public(), &super::attack_tests::root(&log), Relocation::Refused);
    let code = |signature: &str| {
        let entry = super::attack_tests::promised(&log, &body, TIME, 1).to_string();
        let beside = BTreeMap::from([
            ("dev.sigstore.cosign/bundle".to_owned(), entry),
            ("dev.cosignproject.cosign/signature".to_owned(), signature.to_owned()),
        ]);
        trust.verify(&content, &beside).map_or_else(|error| error.code(), |_| "ok")
    };
    assert_eq!(code(""), "ok");
    assert_eq!(code(&STANDARD.encode(&signatures[0])), "malformed");
}
