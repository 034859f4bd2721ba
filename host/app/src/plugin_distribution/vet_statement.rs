//! [`VetStatement`]: a team's signed word on whether a plugin may run, as an in-toto statement (in-toto attestation `v1`).
//!
//! The newest one of a vetter counts: a plugin is withdrawn by a statement that denies it, or by removing the one that
//! accepted it.

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::Attestation,
    image::PinnedImage,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::refused;

/// The predicate type of vet statements.
pub(crate) const VET: &str = "https://assay.dev/vet/v1";

/// Whether a plugin may run, as vetting decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VetVerdict {
    Accepted,
    Denied,
}

/// A verified statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VetStatement {
    /// The digest of its JSON.
    pub(crate) digest: Digest,
    pub(crate) verdict: VetVerdict,
    pub(crate) at: Timestamp,
}

#[derive(Deserialize)]
struct Document {
    predicate: Predicate,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    verdict: VetVerdict,
    vetted_on: String,
}

/// What is signed.
pub(crate) struct NewVet<'a> {
    pub(crate) verdict: VetVerdict,
    pub(crate) at: Timestamp,
    pub(crate) policy: &'a Digest,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// The codes and messages of violations.
    pub(crate) violations: Value,
}

impl NewVet<'_> {
    /// The predicate.
    pub(crate) fn predicate(&self) -> Value {
        json!({
            "verdict": self.verdict,
            "vettedOn": self.at.to_string(),
            "plugin": {"name": self.name, "version": self.version},
            "policy": {"digest": {"sha256": self.policy.hex()}},
            "violations": self.violations,
        })
    }
}

impl VetStatement {
    /// Reads a verified statement; none if it is about something else or malformed. A malformed one accepts nothing.
    fn of(attestation: &Attestation) -> Option<Self> {
        if attestation.predicate_type != VET {
            return None;
        }
        let Document { predicate } = serde_json::from_slice(&attestation.statement).ok()?;
        let at = predicate.vetted_on.parse().ok()?;
        Some(Self { digest: attestation.digest.clone(), verdict: predicate.verdict, at })
    }

    /// The statement that counts among verified ones: the newest, and of two at the same time the one that denies.
    pub(crate) fn latest(attestations: &[Attestation]) -> Option<Self> {
        attestations.iter().filter_map(Self::of).max_by_key(|one| (one.at, one.verdict == VetVerdict::Denied))
    }
}

/// The statement that accepts a plugin; `pinned` is the one that a lock file names.
///
/// # Errors
/// There is none, the newest one denies, or the pinned one is no longer there.
pub(crate) fn require_accepted(
    image: &PinnedImage,
    attestations: &[Attestation],
    pinned: Option<&Digest>,
) -> Result<VetStatement, EvaluationError> {
    let denied = |message: String| {
        refused(ErrorCode::PluginNotVetted, message).hint(format!(
            "vet it with `assay plugin vet {image} --policy DIR --sign-key KEY`, then run `assay plugin lock`"
        ))
    };
    let Some(latest) = VetStatement::latest(attestations) else {
        return Err(denied(format!("{image} is not vetted: there is no vet statement of a vetter in plugins.toml")));
    };
    if latest.verdict == VetVerdict::Denied {
        return Err(denied(format!("{image} is withdrawn: the vet statement of {} denies it", latest.at)));
    }
    if let Some(pinned) = pinned
        && !attestations.iter().any(|one| one.digest == *pinned && one.predicate_type == VET)
    {
        return Err(denied(format!("the vet statement {pinned} of {image}, which assay.lock names, is withdrawn")));
    }
    Ok(latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> PinnedImage {
        PinnedImage::parse(&format!("r.example/a@{}", Digest::of(b"image"))).unwrap()
    }

    fn attested(predicate_type: &str, predicate: &Value) -> Attestation {
        let text = json!({"predicateType": predicate_type, "predicate": predicate}).to_string();
        Attestation {
            digest: Digest::of(text.as_bytes()),
            statement: text.into_bytes().into(),
            statement_type: String::new(),
            predicate_type: predicate_type.to_owned(),
            build_type: None,
            signatures: vec![],
        }
    }

    fn vet(verdict: VetVerdict, at: &str) -> Attestation {
        let new = NewVet {
            verdict,
            at: at.parse().unwrap(),
            policy: &Digest::of(b"policy"),
            name: "a",
            version: "1.0.0",
            violations: json!([]),
        };
        attested(VET, &new.predicate())
    }

    #[test]
    fn the_newest_statement_counts_and_a_denial_withdraws() {
        use VetVerdict::{Accepted, Denied};
        let (old, new) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let accepted = |all: &[Attestation]| require_accepted(&image(), all, None);
        assert!(accepted(&[vet(Accepted, old)]).is_ok());
        assert!(accepted(&[vet(Accepted, new), vet(Denied, old)]).is_ok());
        for all in [
            vec![],
            vec![vet(Denied, old)],
            vec![vet(Denied, new), vet(Accepted, old)],
            vec![vet(Accepted, old), vet(Denied, old)],
            vec![attested("https://example.test/other", &json!({"verdict": "accepted", "vettedOn": old}))],
            vec![attested(VET, &json!({"verdict": "maybe", "vettedOn": old}))],
            vec![attested(VET, &json!({"verdict": "accepted"}))],
        ] {
            assert_eq!(accepted(&all).unwrap_err().code, ErrorCode::PluginNotVetted, "{all:?}");
        }
    }

    #[test]
    fn a_statement_that_a_lock_file_names_must_still_be_there() {
        let (one, other) =
            (vet(VetVerdict::Accepted, "2026-01-01T00:00:00Z"), vet(VetVerdict::Accepted, "2026-01-02T00:00:00Z"));
        let all = [one.clone(), other.clone()];
        assert_eq!(require_accepted(&image(), &all, Some(&one.digest)).unwrap().digest, other.digest);
        let error = require_accepted(&image(), &[other], Some(&one.digest)).unwrap_err();
        assert_eq!(error.code, ErrorCode::PluginNotVetted);
        assert!(error.message.contains("is withdrawn"), "{error}");
    }
}
