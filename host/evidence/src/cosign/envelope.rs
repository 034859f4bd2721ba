//! [`open`]: a DSSE envelope (`in-toto/attestation` envelope, DSSE 1.0) to its payload, if a trusted signer signed it.

use std::collections::BTreeMap;

use assay_model::{
    evidence::Signature,
    strict::{StrictObject, array, long_string, string},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    error::VerificationError,
    keyless::{Annotations, Content, LayerEvidence},
    trust::Trust,
};

/// The only payload type of a statement. A parameter or any other character makes it another type.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// What stands before a statement where it is signed: type and payload with their lengths, so that neither can become the
/// other (pre-authentication encoding).
pub(crate) fn envelope_head(payload: &[u8]) -> String {
    format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len())
}

/// What was inside an envelope.
pub(super) struct OpenedEnvelope {
    /// The payload, byte for byte as it was signed.
    pub(super) payload: Vec<u8>,
    /// The signatures of the key, at least one, without those of other keys; all if no key was given.
    pub(super) signatures: Vec<Signature>,
    /// How it was verified.
    pub(super) evidence: LayerEvidence,
}

/// Opens an envelope with what is annotated beside it. The error is why it does not count.
///
/// A `keyid` is a hint of the signer and not signed, so it decides nothing.
pub(super) fn open(
    envelope: &[u8],
    trust: &Trust,
    annotations: &Annotations,
) -> Result<OpenedEnvelope, VerificationError> {
    let Sealed { payload, signatures } = read(envelope)?;
    let head = envelope_head(&payload);
    if signatures.is_empty() {
        return Err(VerificationError::Signature("no signature found"));
    }
    // What is not base64 is nobody's signature.
    let bytes: Vec<Vec<u8>> =
        signatures.iter().map(|signature| STANDARD.decode(&signature.sig).unwrap_or_default()).collect();
    let message = [head.as_bytes(), &payload];
    let content = Content::Envelope { layer: envelope, message: &message, payload: &payload, signatures: &bytes };
    let evidence = trust.verify(&content, annotations).map_err(|error| match error {
        VerificationError::Signature(_) => {
            VerificationError::Signature("accepted signatures do not match threshold, Found: 0, Expected 1")
        }
        error => error,
    })?;
    let verified = signatures.into_iter().enumerate().filter(|(at, _)| evidence.verified.contains(at));
    let signatures = verified.map(|(_, signature)| evidence.describe(signature)).collect();
    Ok(OpenedEnvelope { payload, signatures, evidence })
}

/// Opens an envelope without verifying its signatures.
pub(super) fn open_unverified(envelope: &[u8]) -> Result<OpenedEnvelope, VerificationError> {
    let Sealed { payload, signatures } = read(envelope)?;
    Ok(OpenedEnvelope { payload, signatures, evidence: LayerEvidence::default() })
}

/// An envelope whose signatures are not verified yet.
struct Sealed {
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

fn read(envelope: &[u8]) -> Result<Sealed, VerificationError> {
    let envelope = std::str::from_utf8(envelope).map_err(|_| "the envelope is not valid UTF-8".to_owned())?;
    let envelope = StrictObject::read(envelope)?;
    let payload_type = string(envelope.required("payloadType")?)?;
    if payload_type != PAYLOAD_TYPE {
        return Err(VerificationError::PayloadType(format!(
            "invalid payloadType {payload_type} on envelope. Expected {PAYLOAD_TYPE}"
        )));
    }
    let payload = long_string(envelope.required("payload")?)?;
    let payload = STANDARD.decode(payload.as_bytes()).map_err(|error| format!("the payload is not base64: {error}"))?;
    let mut signatures = Vec::new();
    for signature in array(envelope.required("signatures")?)? {
        let signature = StrictObject::read(signature)?;
        let sig = string(signature.required("sig")?)?;
        let keyid = signature.get("keyid")?.filter(|keyid| *keyid != "null").map_or(Ok(String::new()), string)?;
        signatures.push(Signature { keyid, sig, certificate: None, chain: Vec::new(), metadata: BTreeMap::new() });
    }
    Ok(Sealed { payload, signatures })
}
