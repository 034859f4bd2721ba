//! [`check_inclusion`] and [`promised`]: what a transparency log says of an entry in a bundle: that it has it, in a state that
//! it signed (C2SP `tlog-checkpoint`, RFC 6962 §2.1), and when it promised to keep it.
//!
//! `sigstore-verify` verifies a promise once for the time in it and once more with the proof. So for identities it is requested
//! to do the former alone, and the proof is verified here.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use sigstore_merkle::{hash_leaf, verify_inclusion_proof};
use sigstore_verify::{
    crypto::VerificationKey,
    types::{KindVersion, bundle::TransparencyLogEntry},
};

use super::{
    log_entry::LogEntry,
    trust_root::{Log, TrustRoot},
};
use crate::error::VerificationError;

/// Whether an entry has a time that its log promised. The second version of the log has none.
pub(super) fn has_promised_time(entry: &TransparencyLogEntry) -> bool {
    entry.kind_version != KindVersion::HashedRekordV002 && entry.inclusion_promise.is_some()
}

/// The time of a log's promise, in seconds since 1970.
pub(super) fn promised(entry: &TransparencyLogEntry, root: &TrustRoot) -> Result<i64, VerificationError> {
    let promise = entry.inclusion_promise.as_ref().map(|promise| promise.signed_entry_timestamp.as_bytes());
    let log: String = entry.log_id.key_id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let annotation = json!({
        "SignedEntryTimestamp": STANDARD.encode(promise.unwrap_or_default()),
        "Payload": {
            "body": STANDARD.encode(entry.canonicalized_body.as_bytes()),
            "integratedTime": entry.integrated_time.map_or(0, |time| time.as_second()),
            "logIndex": entry.log_index.as_i64(),
            "logID": log,
        },
    });
    Ok(LogEntry::verify(&annotation.to_string(), root)?.time)
}

/// Refuses an entry that is not proven to be in a state of the log that the log signed, and one with a promise that nobody
/// needs a time of and that the log did not sign.
pub(super) fn check_inclusion(entry: &TransparencyLogEntry, root: &TrustRoot) -> Result<(), VerificationError> {
    if entry.inclusion_promise.is_some() && (!has_promised_time(entry) || entry.integrated_time.is_none()) {
        promised(entry, root)?;
    }
    // A bundle of version 0.1 may have a promise alone.
    let Some(proof) = &entry.inclusion_proof else { return Ok(()) };
    let unsigned = |why: &dyn std::fmt::Display| {
        VerificationError::Checkpoint(format!("the state of the log (checkpoint) does not count: {why}"))
    };
    let state = proof.checkpoint.checkpoint().ok_or_else(|| unsigned(&"it cannot be read"))?;
    let (index, size) = match entry.kind_version {
        // What the second version of the log says beside the signed state is not signed.
        KindVersion::HashedRekordV002 => (entry.log_index.get(), state.tree_size()),
        _ if *state.root_hash() != proof.root_hash => return Err(unsigned(&"it is not the one of the proof")),
        _ => (proof.log_index.get(), proof.tree_size),
    };
    let leaf = hash_leaf(entry.canonicalized_body.as_bytes());
    verify_inclusion_proof(&leaf, index, size, &proof.hashes, state.root_hash())
        .map_err(|why| VerificationError::Inclusion(format!("the proof of the log entry does not count: {why}")))?;
    // A state has no time that anyone vouches for. A log that ended since still vouches for what it had; one that does not
    // count yet does not.
    let now = jiff::Timestamp::now().as_millisecond();
    let has_begun = |log: &Log| log.window.start.is_none_or(|start| start <= now);
    // Identifiers are cut to four bytes here, so that several logs may have the same.
    let is_signed = state.signatures().iter().any(|signature| {
        let hint = signature.key_id.as_bytes();
        let mut logs = root.logs.iter().filter(|log| log.id.starts_with(hint) && has_begun(log));
        logs.any(|log| {
            let key = VerificationKey::from_spki(&log.key);
            key.is_ok_and(|key| key.verify(state.signed_data(), &signature.signature).is_ok())
        })
    });
    if is_signed { Ok(()) } else { Err(unsigned(&"no known log signed it")) }
}
