//! [`TrustRoot`]: the authorities and logs whose word counts, from a `trusted_root.json` (sigstore protobuf-specs
//! `sigstore_trustroot.proto`), from key files, or from the copy of the public good instance that `sigstore-verify` has.
//!
//! It reads text that it is given: neither files nor the environment.

use std::fmt;

use assay_model::{
    memory::Memory,
    strict::{self, Shape},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls_pki_types::{CertificateDer, TrustAnchor};
use serde_json::{Value, json};
use sigstore_verify::{
    Verifier,
    crypto::{VerificationKey, sha256},
    trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot},
    types::{DerPublicKey, TsaAuthority},
};
use x509_cert::{Certificate, der::Decode as _};

use super::{
    bundle_format::Known,
    pem,
    verified_time::{TimeSource, VerifiedTime},
};

/// The versions that are understood, in both spellings.
const VERSIONS: [&str; 4] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/// The root of the public good instance, as it was when `sigstore-verify` was released.
pub const PUBLIC_GOOD: &str = SIGSTORE_PRODUCTION_TRUSTED_ROOT;
/// When that was, by the day of the crate's release.
pub const PUBLIC_GOOD_DATE: &str = "2026-10-23";

/// What a root may take in memory: the largest known one, GitHub's, has 30 kB.
const MEMORY: u64 = 16 << 20;

const WINDOW: Known = Known::Object(&[("start", Known::Scalar), ("end", Known::Scalar)]);
const ID: Known = Known::Object(&[("keyId", Known::Scalar)]);
const KEY: Known = Known::Object(&[("rawBytes", Known::Scalar), ("keyDetails", Known::Scalar), ("validFor", WINDOW)]);
const CHAIN: Known = Known::Object(&[("certificates", Known::List(&Known::Object(&[("rawBytes", Known::Scalar)])))]);
const SUBJECT: Known = Known::Object(&[("organization", Known::Scalar), ("commonName", Known::Scalar)]);
const LOG: Known = Known::Object(&[
    ("baseUrl", Known::Scalar),
    ("hashAlgorithm", Known::Scalar),
    ("publicKey", KEY),
    ("logId", ID),
    ("checkpointKeyId", ID),
    ("operator", Known::Scalar),
]);
const AUTHORITY: Known = Known::Object(&[
    ("subject", SUBJECT),
    ("uri", Known::Scalar),
    ("certChain", CHAIN),
    ("validFor", WINDOW),
    ("operator", Known::Scalar),
]);
const ROOT: Known = Known::Object(&[
    ("mediaType", Known::Scalar),
    ("tlogs", Known::List(&LOG)),
    ("certificateAuthorities", Known::List(&AUTHORITY)),
    ("ctlogs", Known::List(&LOG)),
    ("timestampAuthorities", Known::List(&AUTHORITY)),
]);

/// The text is not a trust root. Its message says what is wrong; its place is known to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TrustRootError(pub(super) String);

impl TrustRootError {
    /// What a person can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        "pass the `trusted_root.json` of the Sigstore instance that signed, or its key files in PEM"
    }
}

/// The texts of the files that cosign's `SIGSTORE_…` variables name; each given one stands for what the base root has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigstoreKeys {
    /// `SIGSTORE_ROOT_FILE`: certificates of the authority, its intermediates and its root, in PEM.
    pub authority: Option<String>,
    /// `SIGSTORE_REKOR_PUBLIC_KEY`: the key of the transparency log in PEM.
    pub log: Option<String>,
    /// `SIGSTORE_CT_LOG_PUBLIC_KEY_FILE`: the key of the certificate transparency log in PEM.
    pub certificate_log: Option<String>,
    /// `SIGSTORE_TSA_CERTIFICATE_FILE`: the chain of the timestamp authority in PEM, from its leaf to its root.
    pub timestamp_authority: Option<String>,
}

/// The authorities and logs whose word counts.
pub struct TrustRoot {
    pub(super) verifier: Verifier,
    pub(super) authorities: Vec<Authority>,
    pub(super) logs: Vec<Log>,
    pub(super) certificate_logs: Vec<Log>,
    pub(super) timestamp_authorities: Vec<TsaAuthority>,
    /// The addresses of the timestamp authorities, in their order.
    timestamp_addresses: Vec<String>,
}

/// A certificate authority: its roots, its own intermediates and no others, and when it may be believed.
pub(super) struct Authority {
    pub(super) roots: Vec<Root>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    /// All of them in DER.
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) window: Window,
}

/// A root certificate, and when it is valid itself.
pub(super) struct Root {
    pub(super) anchor: TrustAnchor<'static>,
    pub(super) window: Window,
}

/// A log's key.
pub(super) struct Log {
    pub(super) id: Vec<u8>,
    pub(super) key: DerPublicKey,
    pub(super) window: Window,
    /// Where it is, if the root says so.
    pub(super) address: String,
}

/// When something may be believed: milliseconds since 1970, both ends included.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
}

impl Window {
    pub(super) fn contains(self, milliseconds: i64) -> bool {
        self.start.is_none_or(|start| start <= milliseconds) && self.end.is_none_or(|end| milliseconds <= end)
    }
}

impl TrustRoot {
    /// Reads the text of a `trusted_root.json`.
    ///
    /// # Errors
    /// The text is ambiguous, has fields that are not known, is of an unknown version, or has a key, a certificate or a
    /// window that cannot be used.
    pub fn from_json(text: &str) -> Result<Self, TrustRootError> {
        let invalid = |why: &dyn fmt::Display| TrustRootError(format!("the trusted root is invalid: {why}"));
        strict::check(text.as_bytes(), &Shape::Any, &Memory::of(MEMORY)).map_err(|why| invalid(&why))?;
        let value: Value = serde_json::from_str(text).map_err(|why| invalid(&why))?;
        ROOT.check(&value, "trusted root").map_err(|why| invalid(&why))?;
        let version = value.get("mediaType").and_then(Value::as_str).unwrap_or_default();
        if !VERSIONS.contains(&version) {
            return Err(invalid(&format_args!("its media type is `{version}`, not `{}`", VERSIONS.join("` or `"))));
        }
        let root = TrustedRoot::from_json(text).map_err(|why| invalid(&why))?;
        let verifier = Verifier::new(&root).map_err(|why| invalid(&why))?;
        let window = |range: Option<sigstore_verify::types::TimeRange>| {
            range.map_or_else(Window::default, |range| Window {
                start: Some(range.start.as_millisecond()),
                end: range.end.map(|end| end.as_millisecond()),
            })
        };
        let mut authorities = Vec::new();
        for authority in &root.certificate_authorities {
            let chain = authority.cert_chain.certificates.iter().map(|entry| entry.raw_bytes.as_bytes().to_vec());
            authorities.push(Authority::of(chain.collect(), window(authority.valid_for)).map_err(|why| invalid(&why))?);
        }
        let logs = root.tlogs.iter().map(|log| Log {
            id: log.log_id.key_id.as_bytes().to_vec(),
            key: log.public_key.raw_bytes.clone(),
            window: window(log.public_key.valid_for),
            address: log.base_url.clone(),
        });
        let certificate_logs = root.ctlogs.iter().map(|log| Log {
            id: log.log_id.key_id.as_bytes().to_vec(),
            key: log.public_key.raw_bytes.clone(),
            window: window(log.public_key.valid_for),
            address: log.base_url.clone(),
        });
        Ok(Self {
            authorities,
            logs: logs.collect(),
            certificate_logs: certificate_logs.collect(),
            timestamp_authorities: root.tsa_authorities(),
            timestamp_addresses: root
                .timestamp_authorities
                .iter()
                .map(|one| one.uri.clone().unwrap_or_default())
                .collect(),
            verifier,
        })
    }

    /// Who vouches for a verified time: the address of the log with this identifier, or of the timestamp authority; none
    /// where the root does not say it, or several authorities of it could have.
    pub(crate) fn authority_of(&self, time: &VerifiedTime, log: Option<&str>) -> Option<String> {
        let known = |address: &str| (!address.is_empty()).then(|| address.to_owned());
        match time.source {
            TimeSource::Log => {
                let is_it =
                    |id: &[u8]| log.is_some_and(|log| id.iter().map(|byte| format!("{byte:02x}")).eq(pairs(log)));
                self.logs.iter().find(|log| is_it(&log.id)).and_then(|log| known(&log.address))
            }
            TimeSource::TimestampAuthority => {
                let is_valid = |authority: &&TsaAuthority| {
                    authority.valid_for.is_none_or(|window| {
                        window.start.as_second() <= time.at && window.end.is_none_or(|end| time.at <= end.as_second())
                    })
                };
                let mut authorities = self.timestamp_authorities.iter().zip(&self.timestamp_addresses);
                let first = authorities.by_ref().find(|(authority, _)| is_valid(authority))?;
                let is_alone = !authorities.any(|(authority, _)| is_valid(&authority));
                is_alone.then(|| known(first.1)).flatten()
            }
        }
    }

    /// The root of the public good instance, as it was when `sigstore-verify` was released.
    ///
    /// # Errors
    /// None in practice; a test reads it.
    pub fn public_good() -> Result<Self, TrustRootError> {
        Self::from_json(PUBLIC_GOOD)
    }

    /// A root in which key files stand for parts of the one in `base`, or of the public good one.
    ///
    /// Key files have no windows, so what they name is believed at any time, as in cosign.
    ///
    /// # Errors
    /// The base or a file cannot be read.
    pub fn from_keys(keys: &SigstoreKeys, base: Option<&str>) -> Result<Self, TrustRootError> {
        Self::from_json(&Self::text_from_keys(keys, base)?)
    }

    /// The text of the same root as a `trusted_root.json`.
    ///
    /// # Errors
    /// The base or a file cannot be read.
    pub fn text_from_keys(keys: &SigstoreKeys, base: Option<&str>) -> Result<String, TrustRootError> {
        let base = base.unwrap_or(PUBLIC_GOOD);
        strict::check(base.as_bytes(), &Shape::Any, &Memory::of(MEMORY)).map_err(TrustRootError)?;
        let mut root: Value = serde_json::from_str(base).map_err(|error| TrustRootError(error.to_string()))?;
        let Some(parts) = root.as_object_mut() else {
            return Err(TrustRootError("the trusted root is not an object".to_owned()));
        };
        let chain = |text: &str, variable: &str| {
            let found = pem::certificates(text).map_err(|why| TrustRootError(format!("`{variable}`: {why}")))?;
            if found.is_empty() {
                return Err(TrustRootError(format!("`{variable}`: there is no certificate")));
            }
            let found: Vec<Value> = found.iter().map(|der| json!({"rawBytes": STANDARD.encode(der)})).collect();
            Ok(json!([{"uri": "", "certChain": {"certificates": found}}]))
        };
        let log = |text: &str, variable: &str| {
            let wrong = |why: &dyn fmt::Display| TrustRootError(format!("`{variable}`: {why}"));
            let key = DerPublicKey::from_pem(text).map_err(|why| wrong(&why))?;
            VerificationKey::from_spki(&key).map_err(|why| wrong(&why))?;
            let id = STANDARD.encode(sha256(key.as_bytes()).as_bytes());
            Ok(json!([{
                "baseUrl": "",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": STANDARD.encode(key.as_bytes()), "keyDetails": ""},
                "logId": {"keyId": id},
            }]))
        };
        if let Some(text) = &keys.authority {
            parts.insert("certificateAuthorities".to_owned(), chain(text, "SIGSTORE_ROOT_FILE")?);
        }
        if let Some(text) = &keys.log {
            parts.insert("tlogs".to_owned(), log(text, "SIGSTORE_REKOR_PUBLIC_KEY")?);
        }
        if let Some(text) = &keys.certificate_log {
            parts.insert("ctlogs".to_owned(), log(text, "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE")?);
        }
        if let Some(text) = &keys.timestamp_authority {
            parts.insert("timestampAuthorities".to_owned(), chain(text, "SIGSTORE_TSA_CERTIFICATE_FILE")?);
        }
        Ok(root.to_string())
    }
}

/// The pairs of characters of a text in hex.
fn pairs(hex: &str) -> impl Iterator<Item = String> {
    (0..hex.len() / 2).map(|at| hex.get(2 * at..2 * at + 2).unwrap_or_default().to_owned())
}

impl Authority {
    /// Splits a chain into roots, which signed themselves, and intermediates. Where none did, the last one is the root.
    fn of(chain: Vec<Vec<u8>>, window: Window) -> Result<Self, String> {
        let (count, certificates) = (chain.len(), chain.clone());
        let mut parsed = Vec::new();
        for der in chain {
            let certificate =
                Certificate::from_der(&der).map_err(|error| format!("a certificate cannot be read: {error}"))?;
            parsed.push((CertificateDer::from(der), certificate.tbs_certificate));
        }
        let is_root = |certificate: &x509_cert::TbsCertificate| certificate.issuer == certificate.subject;
        let has_root = parsed.iter().any(|(_, certificate)| is_root(certificate));
        let (mut roots, mut intermediates) = (Vec::new(), Vec::new());
        for (at, (der, certificate)) in parsed.into_iter().enumerate() {
            if (has_root && is_root(&certificate)) || (!has_root && at + 1 == count) {
                let anchor = webpki::anchor_from_trusted_cert(&der)
                    .map_err(|error| format!("a root certificate cannot be used: {error}"))?
                    .to_owned();
                let milliseconds = |time: x509_cert::time::Time| {
                    i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX)
                };
                let window = Window {
                    start: Some(milliseconds(certificate.validity.not_before)),
                    end: Some(milliseconds(certificate.validity.not_after)),
                };
                roots.push(Root { anchor, window });
            } else {
                intermediates.push(der);
            }
        }
        Ok(Self { roots, intermediates, certificates, window })
    }
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("TrustRoot")
            .field("authorities", &self.authorities.len())
            .field("logs", &self.logs.len())
            .field("certificate_logs", &self.certificate_logs.len())
            .field("timestamp_authorities", &self.timestamp_authorities.len())
            .finish_non_exhaustive()
    }
}
