//! `cargo bench --package assay-evidence`: the evidence of an image (a signature and an attestation) by a key, by an
//! identity under cosign's tags and by an identity in bundles, each beside its bare cryptography: every signature that must
//! be verified once, with keys that were read before, and the hashes by which a log's entry is bound to what was signed.
//! Of an identity, the signatures are those of the content, of the certificate by its authority, of the certificate log,
//! of the log's promise and, in a bundle, of the log's state. There are no timestamps of other authorities.
//!
//! The last lines are the ratios of the medians.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench prints its results, or says why it cannot run")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_evidence::{
    CollectOptions, EvidenceCollector, PublicKey, Relocation, Trust,
    keyless::{CertificateLogPolicy, Identity, LogPolicy, Matcher, TrustRoot},
};
use assay_model::{digest::Digest, image::PinnedImage, port::EvidenceProvider as _};
use assay_oci::test_support::{IMAGE, Layout, pinned};
use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

/// Made by the test `what_the_benches_verify_counts`.
const KEYLESS: &str = include_str!("keyless.json");
const APP: &str = "app/good";
const SIGNATURE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A signature by itself.
struct Signed {
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// What must be computed of the evidence of an image.
#[derive(Default)]
struct Bare {
    signed: Vec<Signed>,
    /// What is hashed beside what is signed.
    hashed: Vec<Vec<u8>>,
}

/// The evidence of an image, and the signatures in it.
struct Case {
    name: &'static str,
    collector: EvidenceCollector,
    image: PinnedImage,
    bare: Bare,
    /// What the verifier needs beside it; a folder that must live as long.
    _layout: Layout,
}

impl Case {
    fn new(name: &'static str, layout: Layout, trust: Trust, image: &Digest, bare: Bare) -> Self {
        let collector = EvidenceCollector::new(Arc::new(layout.store()), trust, CollectOptions::strict());
        let case =
            Self { name, collector, image: pinned(&format!("registry.test/{APP}"), image), bare, _layout: layout };
        // What is fetched is kept, so that verification alone is measured.
        case.collect();
        case
    }

    fn collect(&self) {
        let evidence = self.collector.collect(&self.image).expect("the evidence can be read");
        assert!(evidence.checks.iter().all(|check| check.failure.is_none()), "{:?}", evidence.checks);
        black_box(&evidence);
    }

    fn verify_bare(&self) {
        for Signed { key, message, signature } in &self.bare.signed {
            key.verify_sig(black_box(message), signature).expect("the signature is good");
        }
        for hashed in &self.bare.hashed {
            black_box(digest(&SHA256, black_box(hashed)));
        }
    }
}

fn of_a_key() -> Case {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a key in DER");
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()));
    let mut bare = Bare::default();
    let mut sign = |message: Vec<u8>| {
        let signature = pair.sign(&SystemRandom::new(), &message).expect("a signature").as_ref().to_vec();
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, der.as_ref()).expect("a key");
        let text = STANDARD.encode(&signature);
        bare.signed.push(Signed { key, message, signature });
        text
    };
    let mut layout = Layout::new();
    let image = layout.image(APP, "v1");
    let payload = json!({
        "critical": {
            "identity": {"docker-reference": format!("signed.test/{APP}")},
            "image": {"docker-manifest-digest": image},
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string();
    let mut layer = layout.blob(SIGNATURE, payload.as_bytes());
    layer["annotations"] = json!({"dev.cosignproject.cosign/signature": sign(payload.into_bytes())});
    layout.evidence(APP, &image, "sig", &[layer]);
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": "app", "digest": {"sha256": image.hex()}}],
        "predicate": {"builder": {"id": "https://tekton.dev/chains/v2"}, "buildType": "tekton.dev/v1beta1/PipelineRun"},
    })
    .to_string();
    let message = format!("DSSEv1 {} {IN_TOTO} {} {statement}", IN_TOTO.len(), statement.len());
    let envelope = json!({
        "payloadType": IN_TOTO,
        "payload": STANDARD.encode(&statement),
        "signatures": [{"keyid": "", "sig": sign(message.into_bytes())}],
    });
    let layer = layout.blob(ENVELOPE, envelope.to_string().as_bytes());
    layout.evidence(APP, &image, "att", &[layer]);
    let key = PublicKey::from_pem(&pem).expect("a key in PEM");
    Case::new("key", layout, Trust::in_key(key, Relocation::Refused), &image, bare)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect("the fixture has the text")
}

fn decoded(value: &Value, field: &str) -> Vec<u8> {
    STANDARD.decode(text(value, field)).expect("base64")
}

fn signed(of: &Value) -> impl Iterator<Item = Signed> {
    of["signed"].as_array().expect("the fixture has signatures").iter().map(|triple| {
        let part = |at: usize| STANDARD.decode(triple[at].as_str().expect("a text")).expect("base64");
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, part(0)).expect("a key");
        Signed { key, message: part(1), signature: part(2) }
    })
}

/// Trusts the fixture's signer.
fn trust(fixture: &Value) -> Trust {
    let root = Arc::new(TrustRoot::from_json(&fixture["root"].to_string()).expect("a trust root"));
    let exact = |field: &str| Matcher::new(text(fixture, field), "").expect("a matcher");
    let identities = vec![Identity { subject: exact("subject"), issuer: exact("issuer") }];
    let (log, certificates) = (LogPolicy::Required, CertificateLogPolicy::Required);
    Trust::in_identities(identities, &root, log, certificates, Relocation::Allowed)
}

fn under_tags(fixture: &Value) -> Case {
    let mut layout = Layout::new();
    let image = layout.image(APP, "v1");
    let mut bare = Bare::default();
    for (kind, of, media_type) in [("sig", "signature", SIGNATURE), ("att", "attestation", ENVELOPE)] {
        let mut layer = layout.blob(media_type, text(&fixture[of], "layer").as_bytes());
        layer["annotations"] = fixture[of]["annotations"].clone();
        layout.evidence(APP, &image, kind, &[layer]);
        // Of each: the signature, the log's promise, and the certificate with its timestamp.
        bare.signed.extend(signed(&fixture[of]).chain(signed(&fixture["certificate"])));
        // An entry has the hash of the layer, and of an envelope that of its payload, too.
        let layer = text(&fixture[of], "layer");
        bare.hashed.push(layer.as_bytes().to_vec());
        let envelope: Value = serde_json::from_str(layer).expect("the layer is JSON");
        bare.hashed.extend(envelope.get("payload").map(|_| decoded(&envelope, "payload")));
    }
    Case::new("identity under tags", layout, trust(fixture), &image, bare)
}

fn in_bundles(fixture: &Value) -> Case {
    let mut layout = Layout::new();
    let image = layout.image(APP, "v1");
    let mut bare = Bare::default();
    for one in fixture["bundles"].as_array().expect("the fixture has bundles") {
        let layer = layout.blob(BUNDLE, text(one, "bundle").as_bytes());
        let config = layout.blob("application/vnd.oci.empty.v1+json", b"{}");
        let document = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "artifactType": BUNDLE, "config": config, "layers": [layer],
            "subject": {"mediaType": IMAGE, "digest": image, "size": 1},
        });
        layout.manifest(APP, None, &document);
        // Of each: the signature, the log's promise and its state, and the certificate with its timestamp.
        bare.signed.extend(signed(one).chain(signed(&fixture["certificate"])));
        // An entry has the hash of the payload, and the log's state that of the entry: it is the only one there.
        let bundle: Value = serde_json::from_str(text(one, "bundle")).expect("the bundle is JSON");
        bare.hashed.push(decoded(&bundle["dsseEnvelope"], "payload"));
        bare.hashed.push(decoded(&bundle["verificationMaterial"]["tlogEntries"][0], "canonicalizedBody"));
    }
    Case::new("identity in bundles", layout, trust(fixture), &image, bare)
}

fn evidence(criterion: &mut Criterion) {
    let fixture: Value = serde_json::from_str(KEYLESS).expect("the fixture is JSON");
    let cases = [of_a_key(), under_tags(&fixture), in_bundles(&fixture)];
    for case in &cases {
        let mut group = criterion.benchmark_group(case.name);
        group.bench_function("evidence", |bencher| bencher.iter(|| case.collect()));
        group.bench_function("bare cryptography", |bencher| bencher.iter(|| case.verify_bare()));
        group.finish();
    }
    for case in &cases {
        let (evidence, bare) = medians(case);
        let ratio = evidence.as_secs_f64() / bare.as_secs_f64();
        println!(
            "{}: {evidence:?} for the evidence, {bare:?} for {} bare signatures and {} hashes: {ratio:.2}",
            case.name,
            case.bare.signed.len(),
            case.bare.hashed.len()
        );
    }
}

/// The medians of both, measured in alternation, so that other load on the machine concerns both.
fn medians(case: &Case) -> (Duration, Duration) {
    let time = |work: &dyn Fn()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    let (mut evidence, mut bare): (Vec<_>, Vec<_>) =
        (0..1001).map(|_| (time(&|| case.collect()), time(&|| case.verify_bare()))).unzip();
    evidence.sort_unstable();
    bare.sort_unstable();
    (evidence[500], bare[500])
}

criterion_group!(benches, evidence);
criterion_main!(benches);
