//! What the benches verify: evidence of an instance of the tests, in a file, as the crate's users see nothing of that
//! instance. Where the file is missing, it is made anew.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use assay_model::port::EvidenceProvider as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    attack_certificate_tests::{ISSUER, Instance, SUBJECT},
    attack_identity_bundle_tests::bundle_about,
    attack_tests::promised,
    *,
};
use crate::{
    CollectOptions, EvidenceCollector,
    fixture::{Layout, pae, payload, pinned, signed_since, statement},
    trust::{Relocation, Trust},
};

const TIME: i64 = 1_700_000_000;
const APP: &str = "app/good";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// What was signed, as keys, messages and signatures in base64.
fn triples() -> Value {
    let triple = |(pem, message, signature): (String, Vec<u8>, Vec<u8>)| {
        let key: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        json!([key, STANDARD.encode(message), STANDARD.encode(signature)])
    };
    signed_since().into_iter().map(triple).collect()
}

fn beside(instance: &Instance, certificate: &[u8], body: &Value) -> BTreeMap<&'static str, String> {
    let entry = promised(&instance.log, body, TIME, 1).to_string();
    BTreeMap::from([
        ("dev.sigstore.cosign/certificate", pem::encode(certificate)),
        ("dev.sigstore.cosign/bundle", entry),
    ])
}

/// A signature and an attestation under tags, and the same statement and a signature in bundles.
fn make() -> Value {
    let instance = Instance::new();
    let image = Layout::new().image(APP, "v1");
    let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": assay_model::digest::Digest::of(bytes).hex()});
    signed_since();
    let certificate = instance.certificate();
    let of_certificate = triples();
    let verifier = STANDARD.encode(pem::encode(&certificate));
    let payload = payload(APP, &image).to_string();
    let signature = instance.signer.sig(payload.as_bytes());
    let body = json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": hash(payload.as_bytes())},
        "signature": {"content": signature, "publicKey": {"content": verifier}},
    }});
    let mut annotations = beside(&instance, &certificate, &body);
    annotations.insert("dev.cosignproject.cosign/signature", signature);
    let signature = json!({"layer": payload, "annotations": annotations, "signed": triples()});
    let statement = statement(&image).to_string();
    let envelope = instance.signer.envelope(statement.as_bytes());
    let layer = envelope.to_string();
    let body = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "envelopeHash": hash(layer.as_bytes()),
        "payloadHash": hash(statement.as_bytes()),
        "signatures": [{"signature": envelope["signatures"][0]["sig"], "verifier": verifier}],
    }});
    let annotations = beside(&instance, &certificate, &body);
    let attestation = json!({"layer": layer, "annotations": annotations, "signed": triples()});
    let bundles = ["https://sigstore.dev/cosign/sign/v1", crate::fixture::SLSA].map(|predicate_type| {
        let bundle = bundle_about(&instance, &image, predicate_type, &certificate, &certificate);
        json!({"bundle": bundle.to_string(), "signed": triples()})
    });
    json!({
        "root": instance.root_document(), "image": image, "subject": SUBJECT, "issuer": ISSUER,
        "certificate": {"signed": of_certificate}, "signature": signature, "attestation": attestation, "bundles": bundles,
    })
}

#[test]
fn what_the_benches_verify_counts() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/keyless.json");
    let text = fs_err::read_to_string(&path).unwrap_or_else(|_| {
        let text = serde_json::to_string_pretty(&make()).unwrap() + "\n";
        fs_err::write(&path, &text).unwrap();
        text
    });
    let fixture: Value = serde_json::from_str(&text).unwrap();
    let root = Arc::new(TrustRoot::from_json(&fixture["root"].to_string()).unwrap());
    let exact = |field: &str| Matcher::new(fixture[field].as_str().unwrap(), "").unwrap();
    let identities = vec![Identity { subject: exact("subject"), issuer: exact("issuer") }];
    let (log, certificates) = (LogPolicy::Required, CertificateLogPolicy::Required);
    let trust = || Trust::in_identities(identities.clone(), &root, log, certificates, Relocation::Allowed);
    let collect = |layout: &Layout, image| {
        let collector = EvidenceCollector::new(Arc::new(layout.store()), trust(), CollectOptions::strict());
        let evidence = collector.collect(&pinned(&format!("registry.test/{APP}"), image)).unwrap();
        assert!(evidence.checks.iter().all(|check| check.failure.is_none()), "{:?}", evidence.checks);
        assert_eq!((evidence.signatures.len(), evidence.attestations.len()), (1, 1));
    };
    let mut layout = Layout::new();
    let image = layout.image(APP, "v1");
    assert_eq!(fixture["image"], json!(image), "delete {} to make it anew", path.display());
    let mut in_bundles = layout.copy();
    for (kind, of, media_type) in
        [("sig", "signature", crate::fixture::SIGNATURE), ("att", "attestation", crate::fixture::ENVELOPE)]
    {
        let mut layer = layout.blob(media_type, fixture[of]["layer"].as_str().unwrap().as_bytes());
        layer["annotations"] = fixture[of]["annotations"].clone();
        layout.evidence(APP, &image, kind, &[layer]);
    }
    collect(&layout, &image);
    for one in fixture["bundles"].as_array().unwrap() {
        let layer = in_bundles.blob(BUNDLE, one["bundle"].as_str().unwrap().as_bytes());
        let config = in_bundles.blob("application/vnd.oci.empty.v1+json", b"{}");
        let document = json!({
            "schemaVersion": 2, "mediaType": crate::fixture::IMAGE, "artifactType": BUNDLE, "config": config,
            "layers": [layer], "subject": {"mediaType": crate::fixture::IMAGE, "digest": image, "size": 1},
        });
        in_bundles.manifest(APP, None, &document);
    }
    collect(&in_bundles, &image);
    // The bare signatures are those of the evidence: over the payload and over the envelope's encoding.
    let statement = STANDARD.encode(pae(crate::fixture::IN_TOTO, statement(&image).to_string().as_bytes()));
    assert_eq!(fixture["attestation"]["signed"][0][1], json!(statement));
    let counts = |of: &Value| of["signed"].as_array().unwrap().len();
    assert_eq!(
        (counts(&fixture["certificate"]), counts(&fixture["signature"]), counts(&fixture["attestation"])),
        (2, 2, 2)
    );
    assert!(fixture["bundles"].as_array().unwrap().iter().all(|bundle| counts(bundle) == 3));
}
