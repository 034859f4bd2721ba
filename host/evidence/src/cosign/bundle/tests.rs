//! Bundles signed by the key, by other keys, and ambiguous ones.

use assay_model::{
    digest::Digest,
    evidence::{CheckKind, Evidence},
    port::EvidenceProvider as _,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    CollectOptions, EvidenceCollector, Verification,
    fixture::{Attach as _, Layout, Signer, pinned, statement},
};

const APP: &str = "app/good";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

struct Case {
    layout: Layout,
    signer: Signer,
    image: Digest,
}

impl Case {
    /// An image that nobody signed.
    fn unsigned() -> Self {
        let mut layout = Layout::new();
        let image = layout.image(APP, "v1");
        Self { layout, signer: Signer::new(), image }
    }

    /// An image signed under the old tags.
    fn signed() -> Self {
        let (mut layout, signer) = (Layout::new(), Signer::new());
        let image = layout.signed(APP, "v1", &signer);
        Self { layout, signer, image }
    }

    fn signature(&self) -> Value {
        let mut statement = statement(&self.image);
        statement["predicateType"] = json!(SIGNS_IMAGE);
        statement["predicate"] = json!({});
        // As cosign writes it, without a name.
        statement["subject"] = json!([{"digest": {"sha256": self.image.hex()}}]);
        statement
    }

    fn refer(&mut self, signer: &Signer, statement: &Value) {
        let bundle = bundle(signer, statement).to_string();
        self.refer_to(&bundle, &self.image.clone());
    }

    fn refer_to(&mut self, bundle: &str, subject: &Digest) {
        let config = self.layout.blob(EMPTY, b"{}");
        let layer = self.layout.blob(VERSIONS[0], bundle.as_bytes());
        let document = json!({
            "schemaVersion": 2, "mediaType": crate::fixture::IMAGE, "artifactType": VERSIONS[0], "config": config,
            "layers": [layer], "subject": {"mediaType": crate::fixture::IMAGE, "digest": subject, "size": 1},
        });
        self.layout.manifest(APP, None, &document);
    }

    fn collect_with(&self, options: CollectOptions) -> Evidence {
        let trust = Trust::in_key(self.signer.public(), Relocation::Refused);
        let collector = EvidenceCollector::new(Arc::new(self.layout.store()), trust, options);
        collector.collect(&pinned(&format!("registry.test/{APP}"), &self.image)).unwrap()
    }

    /// Why the image's signature and its attestations do not count.
    fn failures(&self) -> [Option<String>; 2] {
        let evidence = self.collect_with(CollectOptions::strict());
        [CheckKind::ImageSignature, CheckKind::AttestationSignature]
            .map(|kind| evidence.checks.iter().find(|check| check.kind == kind).and_then(|check| check.failure.clone()))
    }
}

fn bundle(signer: &Signer, statement: &Value) -> Value {
    json!({
        "mediaType": VERSIONS[0],
        "verificationMaterial": {"publicKey": {"hint": "any"}, "tlogEntries": [], "timestampVerificationData": null},
        "dsseEnvelope": signer.envelope(statement.to_string().as_bytes()),
    })
}

#[test]
fn bundles_alone_carry_signature_and_attestation() {
    let mut case = Case::unsigned();
    let signer = Signer::new();
    let (signature, provenance) = (case.signature(), statement(&case.image));
    case.refer(&signer, &signature);
    case.refer(&signer, &provenance);
    case.signer = signer;
    assert_eq!(case.failures(), [None, None]);
    let evidence = case.collect_with(CollectOptions::strict());
    assert_eq!((evidence.signatures.len(), evidence.attestations.len()), (1, 1));
    assert_eq!(evidence.attestations[0].predicate_type, crate::fixture::SLSA);
    assert!(!evidence.signatures[0].sig.is_empty());
    assert!(evidence.attestations[0].build_type.is_some());
    let ec_compat = CollectOptions { bundles_have_build_type: false, ..CollectOptions::strict() };
    assert_eq!(case.collect_with(ec_compat).attestations[0].build_type, None);
}

#[test]
fn attack_provenance_alone_signs_no_image() {
    let mut case = Case::unsigned();
    let (signer, provenance) = (Signer::new(), statement(&case.image));
    case.refer(&signer, &provenance);
    case.signer = signer;
    assert_eq!(case.failures(), [Some("Image signature check failed: no signatures found".to_owned()), None]);
}

#[test]
fn attack_a_strangers_bundle_neither_passes_nor_blocks() {
    let mut case = Case::signed();
    let stranger = Signer::new();
    let (signature, provenance) = (case.signature(), statement(&case.image));
    case.refer(&stranger, &signature);
    case.refer(&stranger, &provenance);
    case.refer_to("no bundle at all", &case.image.clone());
    assert_eq!(case.failures(), [None, None]);
    case.signer = Signer::new();
    let [signature, attestation] = case.failures();
    // Bundles come in the order of their digests, so any reason may be the first.
    for (reason, what) in [(signature.unwrap(), "signatures"), (attestation.unwrap(), "attestations")] {
        assert!(reason.contains(&format!("no matching {what}: ")), "{reason}");
        assert!(reason.contains("accepted signatures do not match threshold"), "{reason}");
    }
}

#[test]
fn attack_a_bundle_about_another_image_does_not_count() {
    let mut case = Case::unsigned();
    let other = Digest::of(b"other");
    let signer = Signer::new();
    // Its subject is this image, its statement is about another.
    let mut moved = case.signature();
    moved["subject"] = json!([{"name": "app", "digest": {"sha256": other.hex()}}]);
    case.refer(&signer, &moved);
    case.signer = signer;
    let [signature, _] = case.failures();
    assert!(signature.unwrap().contains("no matching subject digest found"));
}

#[test]
fn bundles_that_could_be_read_two_ways_are_refused() {
    let (signer, image) = (Signer::new(), Digest::of(b"image"));
    let good = bundle(&signer, &statement(&image));
    let whole = good.to_string();
    assert!(enveloped(whole.as_bytes()).is_ok());
    let check = |bundle: String, message: &str| {
        let error = enveloped(bundle.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(message), "{error} lacks {message}");
    };
    let with = |at: &str, key: &str, value: Value| {
        let mut bundle = good.clone();
        bundle.pointer_mut(at).unwrap()[key] = value;
        bundle.to_string()
    };
    check(with("", "messageSignature", json!({})), "exactly one statement");
    check(with("", "unknown", json!(1)), "unknown field");
    check(with("", "mediaType", json!("application/vnd.dev.sigstore.bundle+json;version=0.1")), "version=0.1");
    check(with("/verificationMaterial", "certificate", json!({"rawBytes": ""})), "certificate");
    check(with("/verificationMaterial", "x509CertificateChain", json!({})), "certificate");
    check(with("/verificationMaterial", "publicKey", json!(null)), "does not state that it was signed with a key");
    check(with("/verificationMaterial", "more", json!(1)), "unknown field");
    check(with("/verificationMaterial", "tlogEntries", json!(vec![json!({}); 33])), "more than 32");
    check(with("/dsseEnvelope", "extra", json!(1)), "unknown field");
    check(with("/dsseEnvelope", "signatures", json!([])), "0 signatures");
    check(with("/dsseEnvelope", "signatures", json!([{}, {}])), "2 signatures");
    check(with("", "dsseEnvelope", json!(null)), "exactly one statement");
    let envelope = good["dsseEnvelope"].to_string();
    check(whole.replacen('{', &format!("{{\"dsseEnvelope\":{envelope},"), 1), "duplicate field");
    check(whole.replacen("\"mediaType\"", "\"mediatype\"", 1), "unknown field");
    check(format!("{whole} x"), "trailing");
}

#[test]
fn skipped_checks_are_absent_and_attestations_of_anyone_are_taken() {
    let mut case = Case::signed();
    case.signer = Signer::new();
    let provenance = statement(&case.image);
    case.refer(&Signer::new(), &provenance);
    let kinds = |evidence: &Evidence| evidence.checks.iter().map(|check| check.kind).collect::<Vec<_>>();
    let options = CollectOptions { attestations: Verification::Skipped, ..CollectOptions::strict() };
    let evidence = case.collect_with(options);
    assert_eq!(kinds(&evidence), [CheckKind::AttestationSyntax, CheckKind::ImageSignature]);
    assert_eq!((evidence.attestations.len(), evidence.is_evaluable()), (2, true));
    let evidence = case.collect_with(CollectOptions { signatures: Verification::Skipped, ..options });
    assert_eq!(kinds(&evidence), [CheckKind::AttestationSyntax]);
    let options = CollectOptions { signatures: Verification::Skipped, ..CollectOptions::strict() };
    let evidence = case.collect_with(options);
    assert_eq!(kinds(&evidence), [CheckKind::AttestationSignature]);
    assert!(!evidence.is_evaluable() && evidence.attestations.is_empty());
}
