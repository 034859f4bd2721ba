//! [`Layout`] and [`Signer`]: OCI layouts and keys made on the spot, for the tests of this crate.

use std::path::{Path, PathBuf};

use assay_model::{
    digest::Digest,
    image::{ImageRef, PinnedImage},
};
use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ContentStore, PublicKey};

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const SIGNATURE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
pub(crate) const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
pub(crate) const IN_TOTO: &str = "application/vnd.in-toto+json";
pub(crate) const SLSA: &str = "https://slsa.dev/provenance/v0.2";

/// A key pair that lives as long as a test.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    /// The public key as other tools write it.
    pub(crate) fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        let base64 = STANDARD.encode(der.as_ref());
        let (first, second) = base64.split_at(64);
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n")
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_pem(&self.pem()).unwrap()
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), bytes).unwrap().as_ref().to_vec()
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

/// An OCI image layout under construction.
pub(crate) struct Layout {
    dir: TempDir,
    entries: Vec<Value>,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let layout = Self { dir: TempDir::new().unwrap(), entries: Vec::new() };
        fs_err::create_dir_all(layout.path().join("blobs/sha256")).unwrap();
        fs_err::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        layout
    }

    /// Another layout with the same content.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { entries: self.entries.clone(), ..Self::new() };
        for file in fs_err::read_dir(self.path().join("blobs/sha256")).unwrap() {
            let file = file.unwrap();
            fs_err::copy(file.path(), copy.path().join("blobs/sha256").join(file.file_name())).unwrap();
        }
        copy.save();
        copy
    }

    /// Takes a name out of the index.
    pub(crate) fn forget(&mut self, name: &str) {
        self.entries.retain(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] != name);
        self.save();
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("layout")
    }

    pub(crate) fn file(&self, digest: &Digest) -> PathBuf {
        self.path().join("blobs/sha256").join(digest.hex())
    }

    /// Stores a blob and describes it.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        fs_err::write(self.file(&digest), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Adds an entry to the index.
    pub(crate) fn name(&mut self, name: &str, descriptor: &Value) {
        let mut entry = descriptor.clone();
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        self.entries.push(entry);
    }

    /// Stores a manifest, names it by digest and by tag, and writes the index.
    pub(crate) fn manifest(&mut self, repository: &str, tag: Option<&str>, document: &Value) -> Digest {
        let media_type = document["mediaType"].as_str().unwrap_or(IMAGE).to_owned();
        let descriptor = self.blob(&media_type, document.to_string().as_bytes());
        let digest: Digest = descriptor["digest"].as_str().unwrap().parse().unwrap();
        self.name(&format!("{repository}@{digest}"), &descriptor);
        if let Some(tag) = tag {
            self.name(&format!("{repository}:{tag}"), &descriptor);
        }
        self.save();
        digest
    }

    pub(crate) fn save(&self) {
        let index = json!({"schemaVersion": 2, "manifests": self.entries});
        fs_err::write(self.path().join("index.json"), index.to_string()).unwrap();
    }

    /// An image with a config that no other has.
    pub(crate) fn image(&mut self, repository: &str, tag: &str) -> Digest {
        self.image_with(repository, tag, &json!({}))
    }

    pub(crate) fn image_with(&mut self, repository: &str, tag: &str, annotations: &Value) -> Digest {
        let config = json!({"architecture": "amd64", "config": {"Labels": {"name": format!("{repository}:{tag}")}}});
        let config = self.blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar+gzip", b"layer");
        let document = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [layer], "annotations": annotations,
        });
        self.manifest(repository, Some(tag), &document)
    }

    /// The layers under an image's tag of this kind (`sig` or `att`).
    pub(crate) fn evidence(&mut self, repository: &str, image: &Digest, kind: &str, layers: &[Value]) {
        let config = self.blob("application/vnd.oci.image.config.v1+json", b"{}");
        let document = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers});
        self.manifest(repository, Some(&format!("sha256-{}.{kind}", image.hex())), &document);
    }

    /// A signature layer.
    pub(crate) fn signature(&self, payload: &[u8], sig: &str) -> Value {
        let mut layer = self.blob(SIGNATURE, payload);
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": sig});
        layer
    }

    /// An attestation layer.
    pub(crate) fn attestation(&self, envelope: &Value) -> Value {
        self.blob(ENVELOPE, envelope.to_string().as_bytes())
    }

    /// An image with one good signature and one good provenance.
    pub(crate) fn signed(&mut self, repository: &str, tag: &str, signer: &Signer) -> Digest {
        let image = self.image(repository, tag);
        let payload = payload(repository, &image).to_string();
        let signature = self.signature(payload.as_bytes(), &signer.sig(payload.as_bytes()));
        self.evidence(repository, &image, "sig", &[signature]);
        let attestation = self.attestation(&signer.envelope(statement(&image).to_string().as_bytes()));
        self.evidence(repository, &image, "att", &[attestation]);
        image
    }

    pub(crate) fn store(&self) -> ContentStore {
        ContentStore::open_layout(&self.path()).unwrap()
    }

    /// The layout as one tar file, its names beginning with `prefix`.
    pub(crate) fn tar(&self, prefix: &str) -> PathBuf {
        let to = self.dir.path().join("layout.tar");
        let mut tar = tar::Builder::new(fs_err::File::create(&to).unwrap().into_parts().0);
        tar.append_dir_all(if prefix.is_empty() { "." } else { prefix }, self.path()).unwrap();
        tar.finish().unwrap();
        to
    }
}

/// An image of a registry that is never accessed.
pub(crate) fn pinned(repository: &str, digest: &Digest) -> PinnedImage {
    PinnedImage::parse(&format!("{repository}@{digest}")).unwrap()
}

pub(crate) fn reference(text: &str) -> ImageRef {
    text.parse().unwrap()
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

/// A file's bytes.
pub(crate) fn content(path: &Path) -> Vec<u8> {
    fs_err::read(path).unwrap()
}
