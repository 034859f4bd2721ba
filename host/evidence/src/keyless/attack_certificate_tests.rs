//! Keyless signatures under cosign's tags by a small authority of the test: each forged one is refused with its code, the
//! good one accepted.

use std::{collections::BTreeMap, str::FromStr as _, sync::Arc, time::Duration};

use assay_model::digest::Digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use x509_cert::{
    Certificate, TbsCertificate, Version,
    der::{
        Decode as _, Encode as _,
        asn1::{BitString, ObjectIdentifier, OctetString, UtcTime, Utf8StringRef},
    },
    ext::Extension,
    name::Name,
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
    time::{Time, Validity},
};

use super::{attack_tests::promised, *};
use crate::{
    fixture::Signer,
    trust::{Relocation, Trust},
};

const TIME: i64 = 1_700_000_000;
pub(super) const SUBJECT: &str = "https://build.test/app";
pub(super) const ISSUER: &str = "https://issuer.test";
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

fn der_of(key: &Signer) -> Vec<u8> {
    let base64: String = key.pem().lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(base64).unwrap()
}

pub(super) fn extension(id: &str, critical: bool, value: &[u8]) -> Extension {
    let extn_value = OctetString::new(value.to_vec()).unwrap();
    Extension { extn_id: ObjectIdentifier::new_unwrap(id), critical, extn_value }
}

fn time(seconds: i64) -> Time {
    Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(seconds.try_into().unwrap())).unwrap())
}

/// What a certificate has inside, before anyone signs it.
pub(super) fn content(
    subject: &str,
    issuer: &str,
    key: &Signer,
    window: (i64, i64),
    extensions: Vec<Extension>,
) -> TbsCertificate {
    TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&[7]).unwrap(),
        signature: AlgorithmIdentifierOwned { oid: ECDSA_SHA256, parameters: None },
        issuer: Name::from_str(issuer).unwrap(),
        validity: Validity { not_before: time(window.0), not_after: time(window.1) },
        subject: Name::from_str(subject).unwrap(),
        subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(&der_of(key)).unwrap(),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    }
}

pub(super) fn sign(content: TbsCertificate, authority: &Signer) -> Vec<u8> {
    let signature = authority.sign(&content.to_der().unwrap());
    let certificate = Certificate {
        signature_algorithm: content.signature.clone(),
        tbs_certificate: content,
        signature: BitString::from_bytes(&signature).unwrap(),
    };
    certificate.to_der().unwrap()
}

/// One Sigstore instance, and a signer that changes what it is given.
pub(super) struct Instance {
    pub(super) authority: Signer,
    pub(super) log: Signer,
    pub(super) certificate_log: Signer,
    pub(super) signer: Signer,
    /// The last second at which the root is valid.
    pub(super) root_ends: i64,
    /// The signer's certificate.
    pub(super) window: (i64, i64),
    pub(super) extensions: Vec<Extension>,
    /// Who signs the certificate and its timestamp.
    pub(super) issued_by: Option<Signer>,
    pub(super) logged_by: Option<Signer>,
    has_timestamp: bool,
    /// How often the timestamp is there.
    pub(super) copies: usize,
}

fn exact(subject: &str, issuer: &str) -> Identity {
    let matcher = |text| Matcher::new(text, "").unwrap();
    Identity { subject: matcher(subject), issuer: matcher(issuer) }
}

pub(super) fn names(uri: &str) -> Vec<u8> {
    let mut der = vec![0x30, u8::try_from(uri.len() + 2).unwrap(), 0x86, u8::try_from(uri.len()).unwrap()];
    der.extend(uri.as_bytes());
    der
}

const CODE_SIGNING: &[u8] = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03";
const SERVER: &[u8] = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";

pub(super) fn purpose(value: &[u8]) -> Extension {
    extension("2.5.29.37", false, value)
}

fn issuer_v2(issuer: &str) -> Extension {
    extension("1.3.6.1.4.1.57264.1.8", false, &Utf8StringRef::new(issuer).unwrap().to_der().unwrap())
}

impl Instance {
    pub(super) fn new() -> Self {
        Self {
            authority: Signer::new(),
            log: Signer::new(),
            certificate_log: Signer::new(),
            signer: Signer::new(),
            root_ends: TIME + 1_000_000,
            window: (TIME - 60, TIME + 540),
            extensions: vec![
                purpose(CODE_SIGNING),
                extension("2.5.29.17", true, &names(SUBJECT)),
                extension("1.3.6.1.4.1.57264.1.1", false, ISSUER.as_bytes()),
                issuer_v2(ISSUER),
            ],
            issued_by: None,
            logged_by: None,
            has_timestamp: true,
            copies: 1,
        }
    }

    pub(super) fn root(&self) -> Arc<TrustRoot> {
        Arc::new(TrustRoot::from_json(&self.root_text()).unwrap())
    }

    /// The root as a document that can be changed.
    pub(super) fn root_document(&self) -> serde_json::Value {
        serde_json::from_str(&self.root_text()).unwrap()
    }

    /// One more name in the certificate.
    pub(super) fn add_name(&mut self, uri: &str) {
        let names: Vec<u8> = [SUBJECT, uri].iter().flat_map(|uri| names(uri).split_off(2)).collect();
        let der = [&[0x30, u8::try_from(names.len()).unwrap()][..], &names].concat();
        self.extensions[1] = extension("2.5.29.17", true, &der);
    }

    fn root_text(&self) -> String {
        let is_authority = extension("2.5.29.19", true, b"\x30\x03\x01\x01\xff");
        let window = (TIME - 1_000_000, self.root_ends);
        let root = sign(content("CN=root", "CN=root", &self.authority, window, vec![is_authority]), &self.authority);
        let keys = SigstoreKeys {
            authority: Some(pem::encode(&root)),
            log: Some(self.log.pem()),
            certificate_log: Some(self.certificate_log.pem()),
            timestamp_authority: None,
        };
        TrustRoot::text_from_keys(&keys, None).unwrap()
    }

    pub(super) fn certificate(&self) -> Vec<u8> {
        let mut content = content("CN=leaf", "CN=root", &self.signer, self.window, self.extensions.clone());
        if self.has_timestamp {
            let timestamp = self.timestamp(&content.to_der().unwrap());
            content.extensions.as_mut().unwrap().push(extension("1.3.6.1.4.1.11129.2.4.2", false, &timestamp));
        }
        sign(content, self.issued_by.as_ref().unwrap_or(&self.authority))
    }

    /// A list with one timestamp of the certificate log (RFC 6962).
    fn timestamp(&self, logged: &[u8]) -> Vec<u8> {
        let milliseconds = (TIME as u64 * 1000).to_be_bytes();
        let mut signed = vec![0, 0];
        signed.extend(milliseconds);
        signed.extend([0, 1]);
        signed.extend(Digest::of(&der_of(&self.authority)).as_bytes());
        signed.extend(&u32::try_from(logged.len()).unwrap().to_be_bytes()[1..]);
        signed.extend(logged);
        signed.extend([0, 0]);
        let signature = self.logged_by.as_ref().unwrap_or(&self.certificate_log).sign(&signed);
        let short = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
        let mut one = vec![0];
        one.extend(Digest::of(&der_of(&self.certificate_log)).as_bytes());
        one.extend(milliseconds);
        one.extend([0, 0, 4, 3]);
        one.extend(short(&signature));
        OctetString::new(short(&short(&one).repeat(self.copies))).unwrap().to_der().unwrap()
    }

    fn code(&self) -> &'static str {
        self.code_at(TIME, SUBJECT, ISSUER)
    }

    pub(super) fn code_at(&self, time: i64, subject: &str, issuer: &str) -> &'static str {
        let certificate = self.certificate();
        self.code_with(&certificate, &certificate, time, (subject, issuer))
    }

    /// The code for signers whose name an expression matches.
    pub(super) fn code_for(&self, expression: &str) -> &'static str {
        let certificate = self.certificate();
        let identity = Identity { subject: Matcher::new("", expression).unwrap(), ..exact(SUBJECT, ISSUER) };
        self.code_in(&self.root(), (&certificate, &certificate), TIME, identity, &[])
    }

    /// The code by another root.
    pub(super) fn code_by(&self, root: &Arc<TrustRoot>) -> &'static str {
        self.code_beside(root, &[])
    }

    /// The code with more annotations.
    pub(super) fn code_beside(&self, root: &Arc<TrustRoot>, more: &[(&str, String)]) -> &'static str {
        let certificate = self.certificate();
        self.code_in(root, (&certificate, &certificate), TIME, exact(SUBJECT, ISSUER), more)
    }

    /// The code for a signature with one certificate beside it and one in its log entry.
    fn code_with(&self, beside: &[u8], logged: &[u8], time: i64, identity: (&str, &str)) -> &'static str {
        self.code_in(&self.root(), (beside, logged), time, exact(identity.0, identity.1), &[])
    }

    fn code_in(
        &self,
        root: &Arc<TrustRoot>,
        (beside, logged): (&[u8], &[u8]),
        time: i64,
        identity: Identity,
        more: &[(&str, String)],
    ) -> &'static str {
        let payload = b"payload";
        let signature = self.signer.sign(payload);
        let body = json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": Digest::of(payload).hex()}},
            "signature": {
                "content": STANDARD.encode(&signature),
                "publicKey": {"content": STANDARD.encode(pem::encode(logged))},
            },
        }});
        let mut annotations = BTreeMap::from([
            ("dev.sigstore.cosign/certificate".to_owned(), pem::encode(beside)),
            ("dev.sigstore.cosign/bundle".to_owned(), promised(&self.log, &body, time, 1).to_string()),
        ]);
        annotations.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let (log, certificate_log) = (LogPolicy::Required, CertificateLogPolicy::Required);
        let trust = Trust::in_identities(vec![identity], root, log, certificate_log, Relocation::Refused);
        let content = Content::Signature { payload, signature: &signature };
        trust.verify(&content, &annotations).map_or_else(|error| error.code(), |_| "ok")
    }

    fn with(change: impl Fn(&mut Self)) -> &'static str {
        let mut instance = Self::new();
        change(&mut instance);
        instance.code()
    }
}

#[test]
fn attack_a_good_keyless_signature_counts_for_its_identity_alone() {
    let instance = Instance::new();
    assert_eq!(instance.code(), "ok");
    for (subject, issuer, code) in [
        ("https://build.test/other", ISSUER, "identity"),
        ("https://build.test/ap", ISSUER, "identity"),
        ("https://build.test/App", ISSUER, "identity"),
        (SUBJECT, "https://issuer.test/", "issuer"),
        (SUBJECT, "https://other.test", "issuer"),
    ] {
        assert_eq!(instance.code_at(TIME, subject, issuer), code, "{subject} {issuer}");
    }
}

#[test]
fn attack_a_certificate_counts_only_while_it_and_its_authority_are_valid() {
    let instance = Instance::new();
    let at = |time| instance.code_at(time, SUBJECT, ISSUER);
    assert_eq!((at(TIME - 60), at(TIME + 540)), ("ok", "ok"));
    assert_eq!((at(TIME - 61), at(TIME + 541)), ("certificate-time", "certificate-time"));
    assert_eq!(Instance::with(|instance| instance.root_ends = TIME - 1), "certificate-time");
}

#[test]
fn attack_certificates_of_another_authority_purpose_or_kind_do_not_count() {
    assert_eq!(Instance::with(|instance| instance.issued_by = Some(Signer::new())), "certificate");
    assert_eq!(Instance::with(|instance| instance.extensions[0] = purpose(SERVER)), "certificate");
    assert_eq!(Instance::with(|instance| drop(instance.extensions.remove(0))), "certificate");
    let authority = extension("2.5.29.19", true, b"\x30\x03\x01\x01\xff");
    assert_eq!(Instance::with(|instance| instance.extensions.push(authority.clone())), "certificate");
    let unknown = extension("1.2.3.4", true, b"\x05\x00");
    assert_eq!(Instance::with(|instance| instance.extensions.push(unknown.clone())), "certificate");
}

#[test]
fn attack_certificates_that_no_trusted_log_has_seen_do_not_count() {
    assert_eq!(Instance::with(|instance| instance.has_timestamp = false), "sct");
    assert_eq!(Instance::with(|instance| instance.logged_by = Some(Signer::new())), "sct");
    // The timestamp of another certificate.
    let timestamp = Instance::new().timestamp(b"other");
    let code = Instance::with(|instance| {
        instance.has_timestamp = false;
        instance.extensions.push(extension("1.3.6.1.4.1.11129.2.4.2", false, &timestamp));
    });
    assert_eq!(code, "sct");
}

#[test]
fn attack_two_issuers_and_none_do_not_count() {
    assert_eq!(Instance::with(|instance| instance.extensions[3] = issuer_v2("https://other.test")), "issuer");
    assert_eq!(Instance::with(|instance| instance.extensions.truncate(2)), "issuer");
    // One of the two ways to write it suffices.
    assert_eq!(Instance::with(|instance| instance.extensions.truncate(3)), "ok");
    assert_eq!(Instance::with(|instance| drop(instance.extensions.remove(2))), "ok");
    assert_eq!(Instance::with(|instance| drop(instance.extensions.remove(1))), "identity");
}

#[test]
fn attack_another_certificate_of_the_same_identity_does_not_count() {
    let instance = Instance::new();
    // Of the same key, logged for another signature, and of another key.
    let logged = instance.certificate();
    let mut other = Instance::new();
    assert_eq!(instance.code_with(&logged, &logged, TIME, (SUBJECT, ISSUER)), "ok");
    assert_eq!(instance.code_with(&logged, &other.certificate(), TIME, (SUBJECT, ISSUER)), "log-entry");
    other.window = instance.window;
    assert_eq!(instance.code_with(&other.certificate(), &logged, TIME, (SUBJECT, ISSUER)), "signature");
}
