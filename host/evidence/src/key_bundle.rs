//! [`KeyBundle`]: a Sigstore bundle v0.3 (sigstore protobuf-specs `sigstore_bundle.proto`) that a key signed, as cosign 3 writes
//! it without a log: what a registry keeps beside an image as its signature, or as a statement about it.

use assay_model::{digest::Digest, image::PinnedImage};
use aws_lc_rs::digest::{SHA256, digest as hash};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    cosign::SIGNS_IMAGE,
    signing_key::{SigningKey, SigningKeyError},
};

/// The media type of bundles.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The type of statements (in-toto attestation framework v1).
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// A statement about an image, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBundle {
    /// The bundle, JSON on one line.
    pub text: String,
    /// What the statement says about the image.
    pub predicate_type: String,
    /// The digest of the statement's JSON.
    pub statement: Digest,
}

impl KeyBundle {
    /// Signs an image.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn of_image(key: &SigningKey, image: &PinnedImage) -> Result<Self, SigningKeyError> {
        Self::of_statement(key, image, SIGNS_IMAGE, &json!({}))
    }

    /// Signs a statement about an image.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn of_statement(
        key: &SigningKey,
        image: &PinnedImage,
        predicate_type: &str,
        predicate: &Value,
    ) -> Result<Self, SigningKeyError> {
        let statement = json!({
            "_type": STATEMENT,
            "subject": [{"name": image.repository.to_string(), "digest": {"sha256": image.digest.hex()}}],
            "predicateType": predicate_type,
            "predicate": predicate,
        });
        let statement = statement.to_string();
        let envelope: Value =
            serde_json::from_str(&key.sign_statement(statement.as_bytes())?).map_err(|_| SigningKeyError::Failed)?;
        let hint = STANDARD.encode(hash(&SHA256, &key.public_key().to_der()).as_ref());
        let bundle = json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {"publicKey": {"hint": hint}},
            "dsseEnvelope": {
                "payload": envelope["payload"],
                "payloadType": envelope["payloadType"],
                "signatures": [{"sig": envelope["signatures"][0]["sig"]}],
            },
        });
        Ok(Self {
            text: bundle.to_string(),
            predicate_type: predicate_type.to_owned(),
            statement: Digest::of(statement.as_bytes()),
        })
    }
}
