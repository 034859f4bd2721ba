//! [`read`]: the strict reader of Sigstore bundles (sigstore protobuf-specs `sigstore_bundle.proto`), before anything in
//! one is verified.
//!
//! `sigstore-verify` takes a document for a bundle that other verifiers refuse or take for another one. So here: no field
//! that is not known, none twice, none in another case; a media type that is known; one content and one signer; what
//! the version must have; no entry twice; nobody who could issue certificates among those of the signer; limits.

use assay_model::{
    limits,
    memory::Memory,
    strict::{self, Shape},
};
use serde_json::Value;
use sigstore_verify::types::Bundle;
use x509_cert::{Certificate, der::Decode as _, ext::pkix::BasicConstraints};

use crate::error::{VerificationError, shown};

/// Entries of transparency logs in one bundle (sigstore-go's limit): each costs a signature and a proof.
pub(super) const LOG_ENTRIES: usize = 32;
/// RFC 3161 timestamps in one bundle (sigstore-go's limit).
pub(super) const TIMESTAMPS: usize = 32;
/// Certificates of a signer: Fulcio's chains have one to three.
pub(super) const CERTIFICATES: usize = 10;
/// Subjects of a statement (sigstore-go's limit).
pub(super) const SUBJECTS: usize = 1024;
/// Digests of one subject (sigstore-go's limit).
pub(super) const DIGESTS: usize = 32;

/// The version of a bundle, by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V01,
    V02,
    V03,
}

const MEDIA_TYPES: [(&str, Version); 4] = [
    ("application/vnd.dev.sigstore.bundle+json;version=0.1", Version::V01),
    ("application/vnd.dev.sigstore.bundle+json;version=0.2", Version::V02),
    ("application/vnd.dev.sigstore.bundle+json;version=0.3", Version::V03),
    ("application/vnd.dev.sigstore.bundle.v0.3+json", Version::V03),
];

/// What is known of the fields of a document: every other one is refused.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// A string, a number or a boolean. Readers check which.
    Scalar,
    /// An object with these fields.
    Object(&'static [(&'static str, Self)]),
    /// A list of them.
    List(&'static Self),
}

impl Known {
    /// Refuses what is not known in a parsed document. `null` stands for an absent field, as in protobuf's JSON.
    pub(super) fn check(&self, value: &Value, place: &str) -> Result<(), String> {
        match (self, value) {
            (_, Value::Null) | (Self::Scalar, Value::String(_) | Value::Number(_) | Value::Bool(_)) => Ok(()),
            (Self::Object(known), Value::Object(fields)) => {
                for (key, value) in fields {
                    let Some((name, inner)) = known.iter().find(|(name, _)| name == key) else {
                        return Err(format!("the {place} has an unknown field `{}`", shown(key)));
                    };
                    inner.check(value, name)?;
                }
                Ok(())
            }
            (Self::List(inner), Value::Array(items)) => items.iter().try_for_each(|item| inner.check(item, place)),
            (Self::Scalar, _) => Err(format!("`{place}` is not a plain value")),
            (Self::Object(_), _) => Err(format!("`{place}` is not an object")),
            (Self::List(_), _) => Err(format!("`{place}` is not a list")),
        }
    }
}

const RAW: Known = Known::Object(&[("rawBytes", Known::Scalar)]);
const PROOF: Known = Known::Object(&[
    ("logIndex", Known::Scalar),
    ("rootHash", Known::Scalar),
    ("treeSize", Known::Scalar),
    ("hashes", Known::List(&Known::Scalar)),
    ("checkpoint", Known::Object(&[("envelope", Known::Scalar)])),
]);
const ENTRY: Known = Known::Object(&[
    ("logIndex", Known::Scalar),
    ("logId", Known::Object(&[("keyId", Known::Scalar)])),
    ("kindVersion", Known::Object(&[("kind", Known::Scalar), ("version", Known::Scalar)])),
    ("integratedTime", Known::Scalar),
    ("inclusionPromise", Known::Object(&[("signedEntryTimestamp", Known::Scalar)])),
    ("inclusionProof", PROOF),
    ("canonicalizedBody", Known::Scalar),
]);
const MATERIAL: Known = Known::Object(&[
    ("publicKey", Known::Object(&[("hint", Known::Scalar)])),
    ("certificate", RAW),
    ("x509CertificateChain", Known::Object(&[("certificates", Known::List(&RAW))])),
    ("tlogEntries", Known::List(&ENTRY)),
    (
        "timestampVerificationData",
        Known::Object(&[("rfc3161Timestamps", Known::List(&Known::Object(&[("signedTimestamp", Known::Scalar)])))]),
    ),
]);
const BUNDLE: Known = Known::Object(&[
    ("mediaType", Known::Scalar),
    ("verificationMaterial", MATERIAL),
    (
        "messageSignature",
        Known::Object(&[
            ("messageDigest", Known::Object(&[("algorithm", Known::Scalar), ("digest", Known::Scalar)])),
            ("signature", Known::Scalar),
        ]),
    ),
    (
        "dsseEnvelope",
        Known::Object(&[
            ("payload", Known::Scalar),
            ("payloadType", Known::Scalar),
            ("signatures", Known::List(&Known::Object(&[("sig", Known::Scalar), ("keyid", Known::Scalar)]))),
        ]),
    ),
]);

/// A bundle of one meaning. Nothing of it is verified.
pub(super) struct StrictBundle {
    pub(super) bundle: Bundle,
    pub(super) version: Version,
    /// The certificate of the signer, if it is not a key.
    pub(super) certificate: Option<Vec<u8>>,
}

fn malformed(why: impl Into<String>) -> VerificationError {
    VerificationError::Malformed(format!("the bundle is malformed: {}", why.into()))
}

fn present<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    object.get(field).filter(|value| !value.is_null())
}

fn items<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Reads a bundle.
pub(super) fn read(bytes: &[u8]) -> Result<StrictBundle, VerificationError> {
    let text = strict::check(bytes, &Shape::Any, &Memory::of(limits::STATEMENT_MEMORY)).map_err(malformed)?;
    let value: Value = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    BUNDLE.check(&value, "bundle").map_err(malformed)?;
    let version = version(&value)?;
    let material = present(&value, "verificationMaterial").ok_or_else(|| malformed("it has no signer"))?;
    check_content(&value)?;
    check_limits(material)?;
    check_entries(material, version)?;
    let signers = ["publicKey", "certificate", "x509CertificateChain"];
    let signers: Vec<&str> = signers.into_iter().filter(|signer| present(material, signer).is_some()).collect();
    match (signers.as_slice(), version) {
        (["x509CertificateChain"], Version::V03) => {
            return Err(malformed("version 0.3 has one certificate in place of a chain"));
        }
        ([_], _) => {}
        ([], _) => return Err(malformed("it has neither a certificate nor a key")),
        _ => return Err(malformed(format!("it has several signers: `{}`", signers.join("`, `")))),
    }
    let bundle = Bundle::from_json(text).map_err(|error| malformed(error.to_string()))?;
    let certificate = bundle.signing_certificate().map(|der| der.as_bytes().to_vec());
    if certificate.is_none() && signers != ["publicKey"] {
        return Err(malformed("its chain has no certificate"));
    }
    // The first clients wrote the whole chain; since version 0.2 it ends below the trust root. Either way only the trust
    // root's own certificates make a chain.
    if version > Version::V01 {
        check_chain(&bundle)?;
    }
    Ok(StrictBundle { bundle, version, certificate })
}

fn version(bundle: &Value) -> Result<Version, VerificationError> {
    let media_type = match bundle.get("mediaType") {
        Some(Value::String(media_type)) => media_type.as_str(),
        _ => return Err(malformed("it has no media type")),
    };
    MEDIA_TYPES.iter().find(|(known, _)| *known == media_type).map(|(_, version)| *version).ok_or_else(|| {
        VerificationError::Unsupported(format!(
            "the bundle's media type `{}` is not a known version",
            shown(media_type)
        ))
    })
}

fn check_content(bundle: &Value) -> Result<(), VerificationError> {
    match (present(bundle, "messageSignature"), present(bundle, "dsseEnvelope")) {
        (Some(_), None) => Ok(()),
        (None, Some(envelope)) => match items(envelope, "signatures").len() {
            1 => Ok(()),
            count => Err(malformed(format!("its envelope has {count} signatures, not one"))),
        },
        (Some(_), Some(_)) => Err(malformed("it has both a signature and an envelope")),
        (None, None) => Err(malformed("it has neither a signature nor an envelope")),
    }
}

fn check_limits(material: &Value) -> Result<(), VerificationError> {
    let timestamps =
        present(material, "timestampVerificationData").map_or(0, |data| items(data, "rfc3161Timestamps").len());
    let chain = present(material, "x509CertificateChain").map_or(0, |chain| items(chain, "certificates").len());
    for (count, limit, what) in [
        (items(material, "tlogEntries").len(), LOG_ENTRIES, "log entries"),
        (timestamps, TIMESTAMPS, "timestamps"),
        (chain, CERTIFICATES, "certificates"),
    ] {
        if count > limit {
            return Err(VerificationError::Limit(format!("the bundle has {count} {what}, over the limit of {limit}")));
        }
    }
    Ok(())
}

fn check_entries(material: &Value, version: Version) -> Result<(), VerificationError> {
    let entries = items(material, "tlogEntries");
    for (at, entry) in entries.iter().enumerate() {
        if entry.is_null() {
            return Err(malformed("a log entry is null"));
        }
        // Entries are the same by their place in a log, and by what is logged, whatever else is said of them.
        let same = |other: &&Value| {
            let is_equal = |field: &str| entry.get(field) == other.get(field);
            is_equal("logId") && (is_equal("logIndex") || is_equal("canonicalizedBody"))
        };
        if entries.iter().take(at).any(|other| same(&other)) {
            return Err(malformed("it has the same log entry twice"));
        }
        // Version 0.1 may have a promise alone; later versions must prove the entry.
        if version > Version::V01 && present(entry, "inclusionProof").is_none() {
            return Err(VerificationError::Inclusion("a log entry of the bundle has no inclusion proof".to_owned()));
        }
        if version == Version::V01 && present(entry, "inclusionPromise").is_none() {
            return Err(VerificationError::LogEntry("a log entry of the bundle has no inclusion promise".to_owned()));
        }
    }
    Ok(())
}

/// Refuses certificates that could issue the signer's: those must come from the trust root.
fn check_chain(bundle: &Bundle) -> Result<(), VerificationError> {
    let sigstore_verify::types::bundle::VerificationMaterialContent::X509CertificateChain { certificates } =
        &bundle.verification_material.content
    else {
        return Ok(());
    };
    for certificate in certificates.iter().skip(1) {
        let parsed = Certificate::from_der(certificate.raw_bytes.as_bytes())
            .map_err(|error| VerificationError::Certificate(format!("a certificate cannot be read: {error}")))?
            .tbs_certificate;
        let is_authority =
            parsed.get::<BasicConstraints>().is_ok_and(|found| found.is_none_or(|(_, constraints)| constraints.ca));
        if parsed.issuer == parsed.subject || is_authority {
            return Err(malformed(
                "its chain has the certificate of an authority, which must come from the trust root",
            ));
        }
    }
    Ok(())
}
