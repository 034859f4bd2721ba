//! Bundles of keys and identities on P-384 and P-521, whose entries have longer hashes: forged ones are refused with their
//! codes, the good ones accepted.

use std::sync::Arc;

use assay_model::digest::Digest;
use aws_lc_rs::{
    digest::{Algorithm, SHA256, SHA384, SHA512, digest},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
        EcdsaSigningAlgorithm,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    attack_bundle_tests::entry,
    attack_certificate_tests::{ISSUER, Instance, SUBJECT},
    attack_identity_bundle_tests::bundle,
    attack_tests::root,
    attack_time_tests::{Authority, NOW},
    *,
};
use crate::fixture::{IN_TOTO, Signer, pae, statement};

const FILE: &[u8] = b"file";
const ENTRY: &str = "/verificationMaterial/tlogEntries/0";

fn hex(hash: &'static Algorithm, bytes: &[u8]) -> String {
    digest(hash, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file signed by a key and logged with the hash of its curve.
struct Signed {
    log: Signer,
    signer: Signer,
    bundle: Value,
    hash: (&'static str, &'static Algorithm),
}

impl Signed {
    fn new(curve: &'static EcdsaSigningAlgorithm, hash: (&'static str, &'static Algorithm)) -> Self {
        let (log, signer) = (Signer::new(), Signer::on(curve));
        let signature = signer.sig(FILE);
        let body = body(hash, FILE, &signature, &signer);
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "k"}, "tlogEntries": [logged(&log, &body)]},
            "messageSignature": {"messageDigest": null, "signature": signature},
        });
        Self { log, signer, bundle, hash }
    }

    fn code_of(&self, bundle: &Value, artifact: Artifact<'_>) -> &'static str {
        let verifier = BundleVerifier::of_key(self.signer.public(), root(&self.log), LogPolicy::Required);
        verifier.verify(bundle.to_string().as_bytes(), artifact).map_or_else(
            |error| error.code(),
            |verified| {
                assert_eq!(verified.times().len(), 1);
                "ok"
            },
        )
    }

    fn with(&self, place: &str, value: Value) -> &'static str {
        let mut bundle = self.bundle.clone();
        *bundle.pointer_mut(place).unwrap() = value;
        self.code_of(&bundle, Artifact::Bytes(FILE))
    }

    /// The code for an entry with another body.
    fn with_body(&self, file: &[u8], signature: &str, signer: &Signer) -> &'static str {
        self.with(ENTRY, logged(&self.log, &body(self.hash, file, signature, signer)))
    }
}

fn body((name, hash): (&str, &'static Algorithm), file: &[u8], signature: &str, signer: &Signer) -> Value {
    json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": name, "value": hex(hash, file)}},
        "signature": {"content": signature, "publicKey": {"content": STANDARD.encode(signer.pem())}},
    }})
}

fn logged(log: &Signer, body: &Value) -> Value {
    let mut entry = entry(log, body);
    entry["kindVersion"] = json!({"kind": body["kind"], "version": body["apiVersion"]});
    entry
}

fn each() -> [Signed; 2] {
    [
        Signed::new(&ECDSA_P384_SHA384_ASN1_SIGNING, ("sha384", &SHA384)),
        Signed::new(&ECDSA_P521_SHA512_ASN1_SIGNING, ("sha512", &SHA512)),
    ]
}

#[test]
fn attack_files_signed_on_large_curves_count_with_their_own_entry_alone() {
    for signed in each() {
        let whole = Artifact::Bytes(FILE);
        assert_eq!(signed.code_of(&signed.bundle, whole), "ok");
        assert_eq!(signed.code_of(&signed.bundle, Artifact::Bytes(b"other")), "signature");
        let signature = signed.bundle["messageSignature"]["signature"].as_str().unwrap();
        assert_eq!(signed.with_body(FILE, signature, &signed.signer), "ok");
        assert_eq!(signed.with_body(b"other", signature, &signed.signer), "log-entry");
        assert_eq!(signed.with_body(FILE, &signed.signer.sig(FILE), &signed.signer), "log-entry");
        assert_eq!(signed.with_body(FILE, signature, &Signer::new()), "log-entry");
        let stranger = Signer::on(&ECDSA_P521_SHA512_ASN1_SIGNING);
        assert_eq!(signed.with("/messageSignature/signature", json!(stranger.sig(FILE))), "signature");
        let claim = |file: &[u8]| json!({"algorithm": "SHA2_256", "digest": STANDARD.encode(digest(&SHA256, file))});
        assert_eq!(signed.with("/messageSignature/messageDigest", claim(FILE)), "ok");
        assert_eq!(signed.with("/messageSignature/messageDigest", claim(b"other")), "subject");
        let unknown = body(("md5", &SHA256), FILE, signature, &signed.signer);
        assert_eq!(signed.with(ENTRY, logged(&signed.log, &unknown)), "log-entry");
        assert_eq!(signed.code_of(&signed.bundle, Artifact::Sha256(Digest::of(FILE).as_bytes())), "unsupported");
    }
    let [_, p521] = each();
    let sha512 = digest(&SHA512, FILE).as_ref().try_into().unwrap();
    assert_eq!(p521.code_of(&p521.bundle, Artifact::Sha512(&sha512)), "ok");
}

#[test]
fn attack_entries_of_large_curves_must_be_promised_and_proven_by_a_known_log() {
    for signed in each() {
        let at = |field: &str, value: Value| signed.with(&format!("{ENTRY}/{field}"), value);
        let other = Signer::new();
        assert_eq!(at("inclusionPromise/signedEntryTimestamp", json!(other.sig(b"other"))), "log-entry");
        assert_eq!(at("integratedTime", json!("1700000001")), "log-entry");
        assert_eq!(at("inclusionProof/hashes", json!([STANDARD.encode([0; 32])])), "inclusion");
        assert_eq!(at("inclusionProof/treeSize", json!("2")), "inclusion");
        assert_eq!(at("inclusionProof/rootHash", json!(STANDARD.encode([0; 32]))), "checkpoint");
        let good =
            signed.bundle.pointer(&format!("{ENTRY}/inclusionProof/checkpoint/envelope")).unwrap().as_str().unwrap();
        let moved = good.replace("log.test - 1\n", "other.test - 1\n");
        assert_eq!(at("inclusionProof/checkpoint/envelope", json!(moved)), "checkpoint");
        let signature = signed.bundle["messageSignature"]["signature"].as_str().unwrap();
        let rogue = logged(&other, &body(signed.hash, FILE, signature, &signed.signer));
        assert_eq!(signed.with(ENTRY, rogue), "log-entry");
        assert_eq!(at("kindVersion", json!({"kind": "dsse", "version": "0.0.1"})), "log-entry");
    }
}

#[test]
fn attack_certificates_in_bundles_are_verified_whatever_curve_their_key_is_on() {
    for curve in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING] {
        let with = |change: &dyn Fn(&mut Instance)| {
            let mut instance = Instance::new();
            instance.signer = Signer::on(curve);
            change(&mut instance);
            let certificate = instance.certificate();
            code(&instance.root(), &bundle(&instance, &certificate, &certificate))
        };
        assert_eq!(with(&|_| {}), "ok", "{curve:?}");
        assert_eq!(with(&|instance| instance.issued_by = Some(Signer::new())), "certificate", "{curve:?}");
        assert_eq!(with(&|instance| instance.logged_by = Some(Signer::new())), "sct", "{curve:?}");
        assert_eq!(with(&|instance| instance.copies = 0), "sct", "{curve:?}");
        assert_eq!(with(&|instance| instance.copies = 2), "ok", "{curve:?}");
        let over = (1_600_000_000, 1_600_000_600);
        assert_eq!(with(&|instance| instance.window = over), "certificate-time", "{curve:?}");
        assert_eq!(with(&|instance| instance.root_ends = over.1), "certificate-time", "{curve:?}");
        // The first extension is the purpose, the second the name.
        assert_eq!(with(&|instance| drop(instance.extensions.remove(0))), "certificate", "{curve:?}");
        assert_eq!(with(&|instance| drop(instance.extensions.remove(1))), "identity", "{curve:?}");
    }
    let instance = Instance::new();
    let (first, again) = (instance.certificate(), instance.certificate());
    assert_eq!(code(&instance.root(), &bundle(&instance, &first, &again)), "log-entry");
}

fn code(root: &Arc<TrustRoot>, bundle: &Value) -> &'static str {
    let exact = |text: &str| Matcher::new(text, "").unwrap();
    let identities = vec![Identity { subject: exact(SUBJECT), issuer: exact(ISSUER) }];
    let (log, certificates) = (LogPolicy::Required, CertificateLogPolicy::Required);
    let verifier = BundleVerifier::of_identities(identities, Arc::clone(root), log, certificates);
    let image = Digest::of(b"image");
    let verified = verifier.verify_in_registry(bundle.to_string().as_bytes(), Artifact::Sha256(image.as_bytes()));
    verified.map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn attack_entries_of_large_curves_in_the_second_version_of_the_log_need_a_timestamp() {
    let authority = Authority::new();
    for (curve, name, hash) in
        [(&ECDSA_P384_SHA384_ASN1_SIGNING, "SHA2_384", &SHA384), (&ECDSA_P521_SHA512_ASN1_SIGNING, "SHA2_512", &SHA512)]
    {
        let mut instance = Instance::new();
        instance.signer = Signer::on(curve);
        let root = authority.beside(&instance);
        let certificate = instance.certificate();
        let mut bundle = bundle(&instance, &certificate, &certificate);
        let message = pae(IN_TOTO, statement(&Digest::of(b"image")).to_string().as_bytes());
        let signature = bundle["dsseEnvelope"]["signatures"][0]["sig"].clone();
        let body = |message: &[u8], certificate: &[u8]| {
            json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
                "data": {"algorithm": name, "digest": STANDARD.encode(digest(hash, message))},
                "signature": {
                    "content": signature,
                    "verifier": {"keyDetails": "", "x509Certificate": {"rawBytes": STANDARD.encode(certificate)}},
                },
            }}})
        };
        let mut with = |message: &[u8], certificate: &[u8], token: Option<&[u8]>| {
            let mut entry = logged(&instance.log, &body(message, certificate));
            for field in ["inclusionPromise", "integratedTime"] {
                entry.as_object_mut().unwrap().remove(field);
            }
            bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
            let stamps = token.map(|token| json!({"rfc3161Timestamps": [{"signedTimestamp": STANDARD.encode(token)}]}));
            bundle["verificationMaterial"]["timestampVerificationData"] = stamps.unwrap_or_default();
            code(&root, &bundle)
        };
        let token = authority.token(&STANDARD.decode(signature.as_str().unwrap()).unwrap(), NOW);
        assert_eq!(with(&message, &certificate, Some(&token)), "ok", "{name}");
        assert_eq!(with(&message, &certificate, None), "timestamp", "{name}");
        assert_eq!(with(&message, &certificate, Some(&authority.token(b"other", NOW))), "timestamp", "{name}");
        assert_eq!(with(b"other", &certificate, Some(&token)), "log-entry", "{name}");
        assert_eq!(with(&message, &instance.certificate(), Some(&token)), "log-entry", "{name}");
    }
}
