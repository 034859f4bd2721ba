//! [`StoredEvidence`]: the JSON of [`Evidence`], version 1. A field that is added, removed or changed makes another version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Attestation, BaseImage, Check, Evidence, Signature};
use crate::{
    digest::{Digest, DigestMismatch},
    image::PinnedImage,
    stored::{Bytes, Version},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct StoredEvidence {
    version: Version<1>,
    image: PinnedImage,
    media_type: String,
    manifest: Bytes,
    config: Option<Bytes>,
    base_image: Option<StoredBaseImage>,
    files: BTreeMap<String, Value>,
    signatures: Vec<Signature>,
    attestations: Vec<StoredAttestation>,
    checks: Vec<Check>,
    notices: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct StoredBaseImage {
    reference: String,
    config: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct StoredAttestation {
    statement: Bytes,
    digest: Digest,
    statement_type: String,
    predicate_type: String,
    build_type: Option<String>,
    signatures: Vec<Signature>,
}

/// What was stored is not what was verified.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoredEvidenceError {
    #[error("the stored manifest is not that of the image: {0}")]
    Manifest(DigestMismatch),
    #[error("a stored statement has another digest: {0}")]
    Statement(DigestMismatch),
}

impl From<Evidence> for StoredEvidence {
    fn from(evidence: Evidence) -> Self {
        let Evidence { image, media_type, manifest, config, files, .. } = evidence;
        let base_image = |BaseImage { reference, config }| StoredBaseImage { reference, config: Bytes(config) };
        Self {
            version: Version,
            image,
            media_type,
            manifest: Bytes(manifest),
            config: config.map(Bytes),
            base_image: evidence.base_image.map(base_image),
            files,
            signatures: evidence.signatures,
            attestations: evidence.attestations.into_iter().map(Into::into).collect(),
            checks: evidence.checks,
            notices: evidence.notices,
        }
    }
}

impl TryFrom<StoredEvidence> for Evidence {
    type Error = StoredEvidenceError;

    fn try_from(stored: StoredEvidence) -> Result<Self, StoredEvidenceError> {
        stored.image.digest.check(&stored.manifest.0).map_err(StoredEvidenceError::Manifest)?;
        let base_image = |StoredBaseImage { reference, config: Bytes(config) }| BaseImage { reference, config };
        Ok(Self {
            image: stored.image,
            media_type: stored.media_type,
            manifest: stored.manifest.0,
            config: stored.config.map(|config| config.0),
            base_image: stored.base_image.map(base_image),
            files: stored.files,
            signatures: stored.signatures,
            attestations: stored.attestations.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            checks: stored.checks,
            notices: stored.notices,
        })
    }
}

impl From<Attestation> for StoredAttestation {
    fn from(attestation: Attestation) -> Self {
        let Attestation { statement, digest, statement_type, predicate_type, build_type, signatures } = attestation;
        Self { statement: Bytes(statement), digest, statement_type, predicate_type, build_type, signatures }
    }
}

impl TryFrom<StoredAttestation> for Attestation {
    type Error = StoredEvidenceError;

    fn try_from(stored: StoredAttestation) -> Result<Self, StoredEvidenceError> {
        let StoredAttestation { statement: Bytes(statement), digest, .. } = stored;
        digest.check(&statement).map_err(StoredEvidenceError::Statement)?;
        Ok(Self {
            statement,
            digest,
            statement_type: stored.statement_type,
            predicate_type: stored.predicate_type,
            build_type: stored.build_type,
            signatures: stored.signatures,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::{collection, option, prelude::*};
    use serde_json::json;

    use super::*;
    use crate::evidence::CheckKind;

    /// Bytes that are text, and bytes that are not.
    fn bytes() -> impl Strategy<Value = Arc<[u8]>> {
        prop_oneof![
            "\\PC{0,9}".prop_map(|text| Arc::from(text.as_bytes())),
            collection::vec(any::<u8>(), 0..9).prop_map(Arc::from)
        ]
    }

    fn signatures() -> impl Strategy<Value = Vec<Signature>> {
        let signature = (
            "\\PC{0,4}",
            "[a-z]{0,4}",
            option::of("[a-z]{1,4}"),
            collection::vec("[a-z]{1,4}", 0..2),
            collection::btree_map("[a-z]{1,4}", "\\PC{0,4}", 0..2),
        );
        let signature = signature.prop_map(|(keyid, sig, certificate, chain, metadata)| Signature {
            keyid,
            sig,
            certificate,
            chain,
            metadata,
        });
        collection::vec(signature, 0..3)
    }

    fn attestations() -> impl Strategy<Value = Vec<Attestation>> {
        let attestation = (bytes(), "[a-z]{1,4}", "[a-z]{1,4}", option::of("[a-z]{0,4}"), signatures());
        let attestation =
            attestation.prop_map(|(statement, statement_type, predicate_type, build_type, signatures)| {
                let digest = Digest::of(&statement);
                Attestation { statement, digest, statement_type, predicate_type, build_type, signatures }
            });
        collection::vec(attestation, 0..3)
    }

    fn evidence() -> impl Strategy<Value = Evidence> {
        let kinds = vec![CheckKind::AttestationSignature, CheckKind::AttestationSyntax, CheckKind::ImageSignature];
        let check = (prop::sample::select(kinds), option::of("\\PC{0,9}"));
        let checks = collection::vec(check.prop_map(|(kind, failure)| Check { kind, failure }), 0..4);
        let numbers = prop::sample::select(vec!["1.50", "1e400", "-0", "12345678901234567890123"]);
        let value =
            numbers.prop_map(|text| json!({"b": text.parse::<serde_json::Number>().unwrap(), "a": [null, true]}));
        let files = collection::btree_map("\\PC{1,9}", value, 0..2);
        let base_image =
            option::of(("\\PC{1,9}", bytes()).prop_map(|(reference, config)| BaseImage { reference, config }));
        let notices = collection::vec("\\PC{0,9}", 0..2);
        let content = (bytes(), option::of(bytes()), base_image, files);
        (content, signatures(), attestations(), checks, notices).prop_map(
            |((manifest, config, base_image, files), signatures, attestations, checks, notices)| Evidence {
                image: PinnedImage::parse(&format!("registry.test/app@{}", Digest::of(&manifest))).unwrap(),
                media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
                manifest,
                config,
                base_image,
                files,
                signatures,
                attestations,
                checks,
                notices,
            },
        )
    }

    proptest! {
        #[test]
        fn evidence_that_was_stored_is_read_back_as_the_same(evidence in evidence()) {
            let stored = serde_json::to_string(&evidence).unwrap();
            prop_assert!(stored.starts_with("{\"version\":1,"), "{}", stored);
            prop_assert_eq!(serde_json::from_str::<Evidence>(&stored).unwrap(), evidence);
        }
    }

    fn stored() -> Value {
        json!({
            "version": 1, "image": format!("registry.test/app@{}", Digest::of(b"{}")), "mediaType": "m", "manifest": "{}",
            "config": {"base64": "/w=="}, "baseImage": null, "files": {}, "signatures": [],
            "attestations": [{
                "statement": "s", "digest": Digest::of(b"s"), "statementType": "t", "predicateType": "p",
                "buildType": null, "signatures": [],
            }],
            "checks": [{"kind": "image-signature", "failure": null}], "notices": [],
        })
    }

    fn refused(change: impl Fn(&mut Value)) -> String {
        let mut stored = stored();
        change(&mut stored);
        serde_json::from_str::<Evidence>(&stored.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn version_1_stays_readable() {
        let evidence: Evidence = serde_json::from_value(stored()).unwrap();
        assert_eq!(evidence.config.as_deref(), Some(b"\xff".as_slice()));
        assert_eq!(serde_json::to_value(&evidence).unwrap(), stored());
    }

    #[test]
    fn other_versions_and_changed_content_are_refused() {
        for (error, message) in [
            (refused(|stored| stored["version"] = json!(2)), "has version 2, and this program reads version 1"),
            (refused(|stored| stored["new"] = json!(1)), "unknown field `new`"),
            (refused(|stored| stored["manifest"] = json!("{ }")), "the stored manifest is not that of the image"),
            (refused(|stored| stored["attestations"][0]["statement"] = json!("S")), "has another digest"),
            (refused(|stored| stored["config"] = json!({"base64": "*"})), "Invalid"),
            (refused(|stored| stored["config"] = json!({"base64": "", "more": 1})), "a field beside `base64`"),
            (refused(|stored| stored["config"] = json!({"hex": ""})), "missing field `base64`"),
            (refused(|stored| stored["image"] = json!("app:v1")), "app:v1"),
        ] {
            assert!(error.contains(message), "{error} lacks {message}");
        }
        let mut without = stored();
        without.as_object_mut().unwrap().shift_remove("version");
        assert!(serde_json::from_value::<Evidence>(without).unwrap_err().to_string().contains("`version`"));
    }
}
