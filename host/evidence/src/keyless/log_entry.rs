//! [`LogEntry`]: an entry of Rekor 1 beside a layer (cosign `specs/SIGNATURE_SPEC.md`, Rekor `pkg/types`), which the log
//! promised to keep, and whether it is about that layer.

use assay_model::{
    memory::Memory,
    strict::{self, Shape, StrictObject, array, string},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigstore_verify::{
    crypto::{VerificationKey, sha256},
    types::SignatureBytes,
};

use super::{layer_content::Content, pem, trust_root::TrustRoot};
use crate::{
    error::{VerificationError, shown},
    key::PublicKey,
};

/// The size of an entry: one of kind `intoto` has the whole statement in it.
pub(super) const ENTRY_BYTES: usize = 16 << 20;
pub(super) const MEMORY: u64 = 256 << 20;

pub(super) fn refused(why: impl std::fmt::Display) -> VerificationError {
    VerificationError::LogEntry(format!("the log entry does not count: {why}"))
}

/// An entry that the log signed.
pub(super) struct LogEntry {
    body: Vec<u8>,
    /// When the log took it, in seconds since 1970.
    pub(super) time: i64,
    /// Its place in the log.
    pub(super) index: i64,
    /// The log's identifier, in hex.
    pub(super) log: String,
}

impl LogEntry {
    /// Reads the annotation of a layer and verifies the log's promise.
    pub(super) fn verify(annotation: &str, root: &TrustRoot) -> Result<Self, VerificationError> {
        if annotation.len() > ENTRY_BYTES {
            return Err(VerificationError::Limit(format!("the log entry has more than {ENTRY_BYTES} bytes")));
        }
        let text = strict::check(annotation.as_bytes(), &Shape::Any, &Memory::of(MEMORY)).map_err(refused)?;
        let fields = StrictObject::read(text).map_err(refused)?;
        let promise = text_field(&fields, "SignedEntryTimestamp")?;
        let promise = STANDARD.decode(promise).map_err(refused)?;
        let payload = StrictObject::read(fields.required("Payload").map_err(refused)?).map_err(refused)?;
        let body = text_field(&payload, "body")?;
        let decoded = STANDARD.decode(&body).map_err(refused)?;
        let time = number(&payload, "integratedTime")?;
        let index = number(&payload, "logIndex")?;
        let log = text_field(&payload, "logID")?;
        let id = hex(&log).ok_or_else(|| refused("its log has no identifier"))?;
        let known = root.logs.iter().find(|log| log.id == id).ok_or_else(|| refused("its log is not known"))?;
        if !known.window.contains(time.saturating_mul(1000)) {
            return Err(refused(format_args!("its log is not trusted at {time} (seconds since 1970)")));
        }
        // Canonical JSON (RFC 8785): sorted, and nothing in it needs an escape, as the body is base64 and the rest checked.
        let signed = format!(r#"{{"body":"{body}","integratedTime":{time},"logID":"{log}","logIndex":{index}}}"#);
        VerificationKey::from_spki(&known.key)
            .and_then(|key| key.verify(signed.as_bytes(), &SignatureBytes::new(promise)))
            .map_err(|_| refused("its promise (SET) is not signed by the log"))?;
        Ok(Self { body: decoded, time, index, log })
    }

    /// Refuses an entry of another layer, another signature or another signer.
    pub(super) fn check_is_about(
        &self,
        content: &Content<'_>,
        verified: &[usize],
        signer: &EntrySigner<'_>,
    ) -> Result<(), VerificationError> {
        let body = strict::check(&self.body, &Shape::Any, &Memory::of(MEMORY)).map_err(refused)?;
        let body = StrictObject::read(body).map_err(refused)?;
        let (kind, version) = (text_field(&body, "kind")?, text_field(&body, "apiVersion")?);
        let spec = body.required("spec").map_err(refused)?;
        match (content, kind.as_str(), version.as_str()) {
            (Content::Signature { payload, signature }, "hashedrekord" | "rekord", "0.0.1") => {
                if kind == "rekord" && text_at(spec, &["signature", "format"])? != "x509" {
                    return Err(refused("its signature is not of an X.509 key"));
                }
                check_hash(&at(spec, &["data", "hash"])?, payload)?;
                let logged = STANDARD.decode(text_at(spec, &["signature", "content"])?).map_err(refused)?;
                if logged != *signature {
                    return Err(refused("it is of another signature"));
                }
                signer.check(&text_at(spec, &["signature", "publicKey", "content"])?)
            }
            (Content::Envelope { layer, payload, signatures, .. }, "dsse", "0.0.1") => {
                check_hash(&at(spec, &["envelopeHash"])?, layer)?;
                check_hash(&at(spec, &["payloadHash"])?, payload)?;
                let logged = at(spec, &["signatures"])?;
                let logged = array(&logged).map_err(refused)?;
                let [logged] = logged.as_slice() else {
                    return Err(refused(format_args!("it has {} signatures, not one", logged.len())));
                };
                let signature = STANDARD.decode(text_at(logged, &["signature"])?).map_err(refused)?;
                if !verified.iter().filter_map(|at| signatures.get(*at)).any(|verified| *verified == signature) {
                    return Err(refused("it is of another signature"));
                }
                signer.check(&text_at(logged, &["verifier"])?)
            }
            (Content::Envelope { layer, .. }, "intoto", "0.0.1") => {
                check_hash(&at(spec, &["content", "hash"])?, layer)?;
                signer.check(&text_at(spec, &["publicKey"])?)
            }
            (Content::Envelope { layer, .. }, "intoto", "0.0.2") => {
                check_hash(&at(spec, &["content", "hash"])?, layer)?;
                let logged = at(spec, &["content", "envelope", "signatures"])?;
                let logged = array(&logged).map_err(refused)?;
                let [logged] = logged.as_slice() else {
                    return Err(refused(format_args!("it has {} signatures, not one", logged.len())));
                };
                signer.check(&text_at(logged, &["publicKey"])?)
            }
            _ => {
                Err(refused(format_args!("its kind `{}` {} is not one for this layer", shown(&kind), shown(&version))))
            }
        }
    }
}

/// Who must be named in an entry.
pub(super) enum EntrySigner<'a> {
    /// A certificate in DER.
    Certificate(&'a [u8]),
    /// A key in canonical PEM.
    Key(&'a str),
}

impl EntrySigner<'_> {
    /// Compares it with the base64 of PEM in an entry.
    pub(super) fn check(&self, logged: &str) -> Result<(), VerificationError> {
        let logged = STANDARD.decode(logged).map_err(refused)?;
        let logged = String::from_utf8(logged).map_err(refused)?;
        let is_same = match self {
            Self::Certificate(der) => pem::certificate(&logged).map_err(refused)? == *der,
            Self::Key(key) => PublicKey::from_pem(&logged).map_err(refused)?.to_pem() == *key,
        };
        if is_same { Ok(()) } else { Err(refused("it is of another signer")) }
    }
}

fn check_hash(hash: &str, bytes: &[u8]) -> Result<(), VerificationError> {
    let algorithm = text_at(hash, &["algorithm"])?;
    if algorithm != "sha256" {
        return Err(refused(format_args!("its hash is `{}`, not `sha256`", shown(&algorithm))));
    }
    match text_at(hash, &["value"])? == sha256(bytes).to_hex() {
        true => Ok(()),
        false => Err(refused("it is of another content")),
    }
}

/// The JSON at a path of fields.
fn at(json: &str, path: &[&str]) -> Result<String, VerificationError> {
    let mut json = json.to_owned();
    for field in path {
        json =
            StrictObject::read(&json).and_then(|fields| fields.required(field).map(str::to_owned)).map_err(refused)?;
    }
    Ok(json)
}

pub(super) fn text_at(json: &str, path: &[&str]) -> Result<String, VerificationError> {
    string(&at(json, path)?).map_err(refused)
}

pub(super) fn text_field(fields: &StrictObject<'_>, name: &str) -> Result<String, VerificationError> {
    fields.required(name).and_then(string).map_err(refused)
}

fn number(fields: &StrictObject<'_>, name: &str) -> Result<i64, VerificationError> {
    let text = fields.required(name).map_err(refused)?;
    // Digits alone: what was signed is written again from the number.
    let number: Option<i64> = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| refused(format_args!("`{name}` is not a whole number")))
}

/// The bytes of 32 lowercase pairs of hex digits.
fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || text.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()).collect()
}
