//! [`Evidence`]: what was fetched about one image and verified, as every evaluator sees it.
//!
//! It can be stored and read back: its JSON has a `version`.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{digest::Digest, image::PinnedImage};

mod stored;

/// One image with everything that is known of it. Unverified attestations never get in here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "stored::StoredEvidence", try_from = "stored::StoredEvidence")]
pub struct Evidence {
    /// The evaluated image.
    pub image: PinnedImage,
    /// The media type of [`manifest`](Self::manifest).
    pub media_type: String,
    /// The bytes of the image's manifest or index; their digest is the image's.
    pub manifest: Arc<[u8]>,
    /// The bytes of the config blob; of an index, that of its image for linux/amd64, if it has one.
    pub config: Option<Arc<[u8]>>,
    /// The image this one is built on, where its annotations name one that can be read.
    pub base_image: Option<BaseImage>,
    /// The manifests of an operator's bundle image, by their paths; see [`OPERATOR_MANIFESTS`].
    pub files: BTreeMap<String, Value>,
    /// Verified image signatures, in the order of their layers.
    pub signatures: Vec<Signature>,
    /// Verified attestations about this image, in the order of their layers.
    pub attestations: Vec<Attestation>,
    /// The results of verification. A check that was not requested is absent.
    pub checks: Vec<Check>,
    /// What could not be read though enough else was found, each one sentence for the report.
    pub notices: Vec<String>,
}

impl Evidence {
    /// False when there are no attestations or they could not be verified: the policy is then not evaluated, as its
    /// result would rest on nothing.
    #[must_use]
    pub fn is_evaluable(&self) -> bool {
        !self.attestations.is_empty() && !self.is_unattested()
    }

    /// Whether the attestations could not be verified.
    #[must_use]
    pub fn is_unattested(&self) -> bool {
        self.checks.iter().any(|check| check.kind == CheckKind::AttestationSignature && check.failure.is_some())
    }
}

/// The label of an image that names the folder of an operator's manifests (operator-framework, "bundle format").
pub const OPERATOR_MANIFESTS: &str = "operators.operatorframework.io.bundle.manifests.v1";

/// The base image named by `org.opencontainers.image.base.name` and `.digest` (image-spec annotations).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseImage {
    /// The reference, as annotated, with its digest.
    pub reference: String,
    /// The bytes of its config blob.
    pub config: Arc<[u8]>,
}

/// A verified signature, in the words of `ec`'s reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What the envelope calls its key; not trusted, only shown.
    pub keyid: String,
    /// The signature, base64.
    pub sig: String,
    /// The signer's certificate in PEM, for keyless signatures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The certificate's chain in PEM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// What the certificate says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// A verified in-toto statement about the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The statement's JSON, byte for byte as it was signed.
    pub statement: Arc<[u8]>,
    /// The digest of [`statement`](Self::statement), by which plugins read it.
    pub digest: Digest,
    /// The statement's `_type`, such as `https://in-toto.io/Statement/v0.1`.
    pub statement_type: String,
    /// The statement's `predicateType`.
    pub predicate_type: String,
    /// The provenance's build type, where the predicate is one.
    pub build_type: Option<String>,
    /// The verified signatures of its envelope.
    pub signatures: Vec<Signature>,
}

/// What reports show of an attestation, without its statement: reports of many components must not hold them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationSummary {
    /// The statement's `_type`.
    pub statement_type: String,
    /// The statement's `predicateType`.
    pub predicate_type: String,
    /// The provenance's build type, where the predicate is one.
    pub build_type: Option<String>,
    /// Who built the image, where the predicate is provenance that names its builder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// The bytes of the statement.
    #[serde(default)]
    pub size: u64,
    /// The verified signatures of its envelope.
    pub signatures: Vec<Signature>,
}

impl From<Attestation> for AttestationSummary {
    fn from(attestation: Attestation) -> Self {
        let Attestation { statement, statement_type, predicate_type, build_type, signatures, .. } = attestation;
        // Only provenance has a builder, and other statements, such as SBOMs, are large.
        let builder = build_type.as_ref().and_then(|_| builder(&statement));
        Self { statement_type, predicate_type, build_type, builder, size: statement.len() as u64, signatures }
    }
}

/// The id of the builder: `predicate.builder.id` in SLSA 0.2, `predicate.runDetails.builder.id` since 1.0.
fn builder(statement: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Statement {
        predicate: Predicate,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Predicate {
        builder: Option<Builder>,
        run_details: Option<RunDetails>,
    }
    #[derive(Deserialize)]
    struct RunDetails {
        builder: Option<Builder>,
    }
    #[derive(Deserialize)]
    struct Builder {
        id: Option<String>,
    }
    // What does not fit the schema of provenance fails a check of its own, and has no builder here.
    let Predicate { builder, run_details } = serde_json::from_slice::<Statement>(statement).ok()?.predicate;
    builder.or_else(|| run_details?.builder)?.id
}

/// One of the checks that no policy can exclude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// At least one attestation is signed by the expected key.
    AttestationSignature,
    /// Every provenance follows its schema.
    AttestationSyntax,
    /// The image is signed by the expected key.
    ImageSignature,
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Which check.
    pub kind: CheckKind,
    /// Why it failed, as shown to people; none when it passed.
    pub failure: Option<String>,
}

impl CheckKind {
    /// The code in reports.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AttestationSignature => "builtin.attestation.signature_check",
            Self::AttestationSyntax => "builtin.attestation.syntax_check",
            Self::ImageSignature => "builtin.image.signature_check",
        }
    }

    /// The title, as `ec` words it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::AttestationSignature => "Attestation signature check passed",
            Self::AttestationSyntax => "Attestation syntax check passed",
            Self::ImageSignature => "Image signature check passed",
        }
    }

    /// The description, as `ec` words it.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::AttestationSignature => "The attestation signature matches available signing materials.",
            Self::AttestationSyntax => "The attestation has correct syntax.",
            Self::ImageSignature => "The image signature matches available signing materials.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_show_the_builder_of_provenance_and_the_size_of_every_statement() {
        let summary = |statement: &str, build_type: Option<&str>| {
            AttestationSummary::from(Attestation {
                statement: statement.as_bytes().into(),
                digest: Digest::of(statement.as_bytes()),
                statement_type: "t".to_owned(),
                predicate_type: "p".to_owned(),
                build_type: build_type.map(str::to_owned),
                signatures: vec![],
            })
        };
        for (statement, builder) in [
            (r#"{"predicate": {"builder": {"id": "a"}, "buildType": "x"}}"#, Some("a")),
            (r#"{"predicate": {"runDetails": {"builder": {"id": "b"}}}}"#, Some("b")),
            (r#"{"predicate": {"builder": {"id": 1}}}"#, None),
            (r#"{"predicate": {}}"#, None),
            ("[]", None),
        ] {
            let shown = summary(statement, Some("x"));
            assert_eq!((shown.builder.as_deref(), shown.size), (builder, statement.len() as u64), "{statement}");
            // What is no provenance is not read again.
            assert_eq!(summary(statement, None).builder, None);
        }
    }
}
