//! Bundles of an identity by the authority of the tests: what they show, and forged ones that are refused.

use std::collections::BTreeMap;

use assay_model::{digest::Digest, evidence::Signature};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    attack_bundle_tests::entry,
    attack_certificate_tests::{ISSUER, Instance, SUBJECT},
    *,
};
use crate::{
    fixture::{IN_TOTO, pae, statement},
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
