//! [`EffectiveTime`]: the time of an evaluation, which dates of rules and of exclusions are compared with.
//!
//! It is the same for all components, or each component's own: the time its build ended, as its provenance says.

use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    date,
    evidence::{Attestation, Evidence},
};

/// When evidence is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectiveTime {
    /// At this time.
    At(Timestamp),
    /// When the build of the image ended; `fallback` where no provenance says.
    PerBuild {
        /// The time of an image whose provenance does not say.
        fallback: Timestamp,
    },
}

impl EffectiveTime {
    /// The time for images of which nothing is known.
    #[must_use]
    pub const fn default(self) -> Timestamp {
        match self {
            Self::At(when) | Self::PerBuild { fallback: when } => when,
        }
    }

    /// The effective time for this image.
    #[must_use]
    pub fn of(self, evidence: &Evidence) -> Timestamp {
        match self {
            Self::At(when) => when,
            Self::PerBuild { fallback } => {
                evidence.attestations.iter().filter_map(build_ended).max().unwrap_or(fallback)
            }
        }
    }
}

/// What SLSA provenance says about its build's end: `buildFinishedOn` in v0.2, `finishedOn` in v1.
#[derive(Deserialize)]
struct Statement {
    predicate: Predicate,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    metadata: Option<Metadata>,
    run_details: Option<RunDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    build_finished_on: Option<String>,
}

#[derive(Deserialize)]
struct RunDetails {
    metadata: Option<RunMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunMetadata {
    finished_on: Option<String>,
}

/// The end of the build that a statement is about, where it is provenance that says so in RFC 3339.
fn build_ended(attestation: &Attestation) -> Option<Timestamp> {
    let statement: Statement = serde_json::from_slice(&attestation.statement).ok()?;
    let old = statement.predicate.metadata.and_then(|metadata| metadata.build_finished_on);
    let new = statement.predicate.run_details.and_then(|details| details.metadata?.finished_on);
    date::parse_rfc3339(&old.or(new)?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{digest::Digest, image::PinnedImage};

    const NOW: &str = "2026-06-01T12:00:00Z";

    fn of(statements: &[Value]) -> String {
        let attestation = |statement: &Value| {
            let bytes = statement.to_string().into_bytes();
            Attestation {
                digest: Digest::of(&bytes),
                statement: bytes.into(),
                statement_type: String::new(),
                predicate_type: String::new(),
                build_type: None,
                signatures: vec![],
            }
        };
        let evidence = Evidence {
            image: PinnedImage::parse(&format!("r.example/a@{}", Digest::of(b""))).unwrap(),
            media_type: String::new(),
            manifest: (*b"{}").into(),
            config: None,
            base_image: None,
            files: std::collections::BTreeMap::new(),
            signatures: vec![],
            attestations: statements.iter().map(attestation).collect(),
            notices: vec![],
            checks: vec![],
        };
        let now = NOW.parse().unwrap();
        assert_eq!(EffectiveTime::At(now).of(&evidence), now);
        EffectiveTime::PerBuild { fallback: now }.of(&evidence).to_string()
    }

    #[test]
    fn the_last_build_in_provenance_is_the_effective_time() {
        let old = |time: &str| json!({"predicate": {"metadata": {"buildFinishedOn": time}}});
        let new = |time: &str| json!({"predicate": {"runDetails": {"metadata": {"finishedOn": time}}}});
        for (statements, want) in [
            (vec![], NOW),
            (vec![old("2021-01-01T00:00:00Z")], "2021-01-01T00:00:00Z"),
            (vec![new("2021-01-01T02:00:00+02:00")], "2021-01-01T00:00:00Z"),
            (vec![old("2023-01-01T00:00:00Z"), old("2022-01-01T00:00:00Z")], "2023-01-01T00:00:00Z"),
            (vec![old("2020-01-01"), json!({"predicate": []}), json!([])], NOW),
            (vec![old("yesterday"), new("2020-02-02T00:00:00.5Z")], "2020-02-02T00:00:00.5Z"),
        ] {
            assert_eq!(of(&statements), want, "{statements:?}");
        }
    }
}
