//! [`Signer`]: keys made on the spot, and what cosign would attach to the images of a [`Layout`].

use std::cell::RefCell;

use assay_model::digest::Digest;
pub(crate) use assay_oci::test_support::{
    IMAGE, INDEX, Layout, Reply, TestRegistry, content, gzip, pinned, reference, tar,
};
use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::key::PublicKey;

pub(crate) const SIGNATURE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
pub(crate) const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
pub(crate) const IN_TOTO: &str = "application/vnd.in-toto+json";
pub(crate) const SLSA: &str = "https://slsa.dev/provenance/v0.2";

/// Key, message and signature.
type Signed = (String, Vec<u8>, Vec<u8>);

thread_local! {
    /// What this thread signed.
    static SIGNED: RefCell<Vec<Signed>> = const { RefCell::new(Vec::new()) };
}

/// What this thread signed since the last call: key, message and signature.
pub(crate) fn signed_since() -> Vec<Signed> {
    SIGNED.take()
}

/// A key pair that lives as long as a test.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        Self::on(&ECDSA_P256_SHA256_ASN1_SIGNING)
    }

    /// A key on another curve.
    pub(crate) fn on(curve: &'static EcdsaSigningAlgorithm) -> Self {
        Self(EcdsaKeyPair::generate(curve).unwrap())
    }

    /// The public key as other tools write it.
    pub(crate) fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        let base64 = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_pem(&self.pem()).unwrap()
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature = self.0.sign(&SystemRandom::new(), bytes).unwrap().as_ref().to_vec();
        SIGNED.with_borrow_mut(|signed| signed.push((self.pem(), bytes.to_vec(), signature.clone())));
        signature
    }

    /// The base64 of a signature over these bytes.
    pub(crate) fn sig(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.sign(bytes))
    }

    /// A DSSE envelope around this payload.
    pub(crate) fn envelope(&self, payload: &[u8]) -> Value {
        let sig = self.sig(&pae(IN_TOTO, payload));
        json!({
            "payloadType": IN_TOTO,
            "payload": STANDARD.encode(payload),
            "signatures": [{"keyid": "SHA256:any", "sig": sig}],
        })
    }
}

/// DSSE's pre-authentication encoding.
pub(crate) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// What cosign attaches to an image.
pub(crate) trait Attach {
    /// A signature layer.
    fn signature(&self, payload: &[u8], sig: &str) -> Value;
    /// An attestation layer.
    fn attestation(&self, envelope: &Value) -> Value;
    /// An image with one good signature and one good provenance.
    fn signed(&mut self, repository: &str, tag: &str, signer: &Signer) -> Digest;
}

impl Attach for Layout {
    fn signature(&self, payload: &[u8], sig: &str) -> Value {
        let mut layer = self.blob(SIGNATURE, payload);
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": sig});
        layer
    }

    fn attestation(&self, envelope: &Value) -> Value {
        self.blob(ENVELOPE, envelope.to_string().as_bytes())
    }

    fn signed(&mut self, repository: &str, tag: &str, signer: &Signer) -> Digest {
        let image = self.image(repository, tag);
        let payload = payload(repository, &image).to_string();
        let signature = self.signature(payload.as_bytes(), &signer.sig(payload.as_bytes()));
        self.evidence(repository, &image, "sig", &[signature]);
        let attestation = self.attestation(&signer.envelope(statement(&image).to_string().as_bytes()));
        self.evidence(repository, &image, "att", &[attestation]);
        image
    }
}

/// What cosign signs of an image.
pub(crate) fn payload(repository: &str, image: &Digest) -> Value {
    json!({
        "critical": {
            "identity": {"docker-reference": format!("signed.test/{repository}")},
            "image": {"docker-manifest-digest": image},
            "type": "cosign container image signature",
        },
        "optional": null,
    })
}

/// A small provenance of an image.
pub(crate) fn statement(image: &Digest) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": SLSA,
        "subject": [{"name": "app", "digest": {"sha256": image.hex()}}],
        "predicate": {"builder": {"id": "https://tekton.dev/chains/v2"}, "buildType": "tekton.dev/v1beta1/PipelineRun"},
    })
}
