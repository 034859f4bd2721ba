//! Times of timestamp authorities (RFC 3161) and signatures without any: an authority of the test makes tokens, so that each
//! forged one has a good twin.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::digest::Digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use x509_cert::der::Encode as _;

use super::{
    attack_bundle_tests::entry,
    attack_certificate_tests::{ISSUER, Instance, SUBJECT, content, extension, purpose, sign},
    attack_identity_bundle_tests::bundle,
    *,
};
use crate::{
    fixture::{IN_TOTO, Signer, pae, statement},
    trust::{Relocation, Trust},
};

const TIME: i64 = 1_700_000_000;
/// The same as a `GeneralizedTime`, and an hour later, when the signer's certificate is over.
pub(super) const NOW: &str = "20231114221320Z";
const LATER: &str = "20231114231320Z";

const STAMPING: &[u8] = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x08";
const SHA256: &[u8] = b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const ECDSA_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
const TST_INFO: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04";
const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const CONTENT_TYPE: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03";
const MESSAGE_DIGEST: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
const ONE: &[u8] = b"\x02\x01\x01";
const THREE: &[u8] = b"\x02\x01\x03";

/// A value of DER around these parts.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length = match length {
        [0, short @ 0..0x80] => vec![short],
        [0, long] => vec![0x81, long],
        [high, low] => vec![0x82, high, low],
    };
    [&[tag][..], &length, &content].concat()
}

/// An authority with a root of its own.
pub(super) struct Authority {
    root: Signer,
    key: Signer,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self { root: Signer::new(), key: Signer::new() }
    }

    /// Leaf and root in PEM.
    fn chain(&self) -> String {
        let window = (TIME - 1_000_000, TIME + 1_000_000);
        let is_authority = extension("2.5.29.19", true, b"\x30\x03\x01\x01\xff");
        let root = sign(content("CN=clocks", "CN=clocks", &self.root, window, vec![is_authority]), &self.root);
        let mut for_time = purpose(STAMPING);
        for_time.critical = true;
        let leaf = sign(content("CN=clock", "CN=clocks", &self.key, window, vec![for_time]), &self.root);
        pem::encode(&leaf) + &pem::encode(&root)
    }

    /// A response with a token that says when these bytes were there.
    pub(super) fn token(&self, bytes: &[u8], at: &str) -> Vec<u8> {
        let imprint = der(0x30, &[SHA256, &der(0x04, &[Digest::of(bytes).as_bytes()])]);
        let policy = b"\x06\x03\x2a\x03\x04";
        let info = der(0x30, &[ONE, policy, &imprint, ONE, &der(0x18, &[at.as_bytes()])]);
        let kind = der(0x30, &[CONTENT_TYPE, &der(0x31, &[TST_INFO])]);
        let digest = der(0x04, &[Digest::of(&info).as_bytes()]);
        let digest = der(0x30, &[MESSAGE_DIGEST, &der(0x31, &[&digest])]);
        let signature = self.key.sign(&der(0x31, &[&kind, &digest]));
        let name = content("CN=clocks", "CN=clocks", &self.key, (0, 0), Vec::new()).issuer.to_der().unwrap();
        let signer = der(
            0x30,
            &[
                ONE,
                &der(0x30, &[&name, b"\x02\x01\x07"]),
                SHA256,
                &der(0xa0, &[&kind, &digest]),
                ECDSA_SHA256,
                &der(0x04, &[&signature]),
            ],
        );
        let holds = der(0x30, &[TST_INFO, &der(0xa0, &[&der(0x04, &[&info])])]);
        let signed = der(0x30, &[THREE, &der(0x31, &[SHA256]), &holds, &der(0x31, &[&signer])]);
        let token = der(0x30, &[SIGNED_DATA, &der(0xa0, &[&signed])]);
        der(0x30, &[&der(0x30, &[b"\x02\x01\x00"]), &token])
    }

    /// The instance's root, which has this authority as well.
    pub(super) fn beside(&self, instance: &Instance) -> Arc<TrustRoot> {
        Arc::new(TrustRoot::from_json(&self.document_beside(instance).to_string()).unwrap())
    }

    /// The same as a document that can be changed.
    pub(super) fn document_beside(&self, instance: &Instance) -> Value {
        let keys = SigstoreKeys { timestamp_authority: Some(self.chain()), ..SigstoreKeys::default() };
        let base = instance.root_document().to_string();
        serde_json::from_str(&TrustRoot::text_from_keys(&keys, Some(&base)).unwrap()).unwrap()
    }
}

fn trust(root: &Arc<TrustRoot>, log: LogPolicy) -> Trust {
    let exact = |text: &str| Matcher::new(text, "").unwrap();
    let identities = vec![Identity { subject: exact(SUBJECT), issuer: exact(ISSUER) }];
    Trust::in_identities(identities, root, log, CertificateLogPolicy::Required, Relocation::Refused)
}

#[test]
fn attack_a_keyless_signature_without_a_log_needs_a_timestamp_of_a_known_authority() {
    let (instance, authority) = (Instance::new(), Authority::new());
    let payload = b"payload";
    let signature = instance.signer.sign(payload);
    let code = |root: &Arc<TrustRoot>, token: Option<Vec<u8>>| {
        let annotation = |token| json!({"SignedRFC3161Timestamp": STANDARD.encode(token)}).to_string();
        let mut beside =
            BTreeMap::from([("dev.sigstore.cosign/certificate".to_owned(), pem::encode(&instance.certificate()))]);
        beside.extend(token.map(|token| ("dev.sigstore.cosign/rfc3161timestamp".to_owned(), annotation(token))));
        let content = Content::Signature { payload, signature: &signature };
        let verified = trust(root, LogPolicy::Ignored).verify(&content, &beside);
        verified.map_or_else(
            |error| error.code(),
            |evidence| {
                assert_eq!(evidence.times, [VerifiedTime { source: TimeSource::TimestampAuthority, at: TIME }]);
                "ok"
            },
        )
    };
    let root = authority.beside(&instance);
    assert_eq!(code(&root, Some(authority.token(&signature, NOW))), "ok");
    // The present time is no verified time, even if the certificate were valid now.
    assert_eq!(code(&root, None), "timestamp");
    assert_eq!(code(&root, Some(authority.token(b"other", NOW))), "timestamp");
    assert_eq!(code(&root, Some(Authority::new().token(&signature, NOW))), "timestamp");
    assert_eq!(code(&root, Some(Vec::new())), "timestamp");
    assert_eq!(code(&root, Some(authority.token(&signature, LATER))), "certificate-time");
    assert_eq!(code(&instance.root(), Some(authority.token(&signature, NOW))), "timestamp");
}

#[test]
fn attack_a_timestamp_beside_an_entry_must_verify_as_well() {
    let (instance, authority) = (Instance::new(), Authority::new());
    let root = authority.beside(&instance);
    let with = |token: &[u8]| {
        let annotation = json!({"SignedRFC3161Timestamp": STANDARD.encode(token)}).to_string();
        instance.code_beside(&root, &[("dev.sigstore.cosign/rfc3161timestamp", annotation)])
    };
    assert_eq!(instance.code_beside(&root, &[]), "ok");
    assert_eq!(with(&authority.token(b"other", NOW)), "timestamp");
}

/// The token over a bundle's signature.
pub(super) fn stamp(bundle: &mut Value, authority: &Authority, at: &str) {
    let signature = STANDARD.decode(bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    let token = STANDARD.encode(authority.token(&signature, at));
    bundle["verificationMaterial"]["timestampVerificationData"] =
        json!({"rfc3161Timestamps": [{"signedTimestamp": token}]});
}

/// An entry as the second version of the log has it: without a promise and a time.
pub(super) fn without_time(bundle: &mut Value) {
    let entry = bundle.pointer_mut("/verificationMaterial/tlogEntries/0").unwrap().as_object_mut().unwrap();
    entry.remove("inclusionPromise");
    entry.remove("integratedTime");
}

pub(super) fn code(root: &Arc<TrustRoot>, bundle: &Value) -> &'static str {
    let trust = trust(root, LogPolicy::Required);
    let image = Digest::of(b"image");
    let verified =
        trust.bundles().unwrap().verify_in_registry(bundle.to_string().as_bytes(), Artifact::Sha256(image.as_bytes()));
    verified.map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn attack_entries_of_a_log_without_times_need_a_timestamp() {
    let (instance, authority) = (Instance::new(), Authority::new());
    let root = authority.beside(&instance);
    let certificate = instance.certificate();
    let mut bundle = bundle(&instance, &certificate, &certificate);
    assert_eq!(code(&root, &bundle), "ok");
    without_time(&mut bundle);
    assert_eq!(code(&root, &bundle), "timestamp");
    stamp(&mut bundle, &authority, NOW);
    assert_eq!(code(&root, &bundle), "ok");
    // The same in the log's second version, whose entries have no other time.
    let envelope = &bundle["dsseEnvelope"];
    let payload = statement(&Digest::of(b"image")).to_string().into_bytes();
    let body = json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
        "data": {"algorithm": "SHA2_256", "digest": STANDARD.encode(Digest::of(&pae(IN_TOTO, &payload)).as_bytes())},
        "signature": {
            "content": envelope["signatures"][0]["sig"],
            "verifier": {
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "x509Certificate": {"rawBytes": STANDARD.encode(&certificate)},
            },
        },
    }}});
    let mut second = bundle.clone();
    second["verificationMaterial"]["tlogEntries"][0] = entry(&instance.log, &body);
    second["verificationMaterial"]["tlogEntries"][0]["kindVersion"] =
        json!({"kind": "hashedrekord", "version": "0.0.2"});
    without_time(&mut second);
    assert_eq!(code(&root, &second), "ok");
    second["verificationMaterial"]["timestampVerificationData"] = Value::Null;
    assert_eq!(code(&root, &second), "timestamp");
}

#[test]
fn attack_timestamps_in_a_bundle_must_each_be_of_its_signature_and_of_a_known_authority() {
    let (instance, authority) = (Instance::new(), Authority::new());
    let root = authority.beside(&instance);
    let certificate = instance.certificate();
    let mut bundle = bundle(&instance, &certificate, &certificate);
    stamp(&mut bundle, &authority, NOW);
    assert_eq!(code(&root, &bundle), "ok");
    // Beside an entry with a good time, one that does not verify fails the whole.
    let good = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0].clone();
    let with = |tokens: &[Vec<u8>]| {
        let tokens = tokens.iter().map(|token| json!({"signedTimestamp": STANDARD.encode(token)}));
        let mut bundle = bundle.clone();
        bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] =
            std::iter::once(good.clone()).chain(tokens).collect();
        code(&root, &bundle)
    };
    assert_eq!(with(&[authority.token(b"other", NOW)]), "timestamp");
    assert_eq!(with(&[Authority::new().token(b"other", NOW)]), "timestamp");
    assert_eq!(with(&[b"garbage".to_vec()]), "timestamp");
    assert_eq!(with(&[Vec::new()]), "timestamp");
    stamp(&mut bundle, &authority, LATER);
    assert_eq!(code(&root, &bundle), "certificate-time");
    stamp(&mut bundle, &Authority::new(), NOW);
    assert_eq!(code(&root, &bundle), "timestamp");
}
