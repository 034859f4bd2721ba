//! [`EvidenceView`]: the evidence that one call may read.
//!
//! Evidence of other images is denied, even of the same Snapshot: each image is evaluated by a call of its own. The view
//! contains nothing unverified.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    digest::Digest,
    error::EvaluationError,
    evidence::{Evidence, Signature},
    limits::BLOB_BYTES,
    port::Blobs,
};
use serde::Deserialize;

use super::snapshot::part;
use crate::{limits, text};

/// An error that the guest receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccessError {
    NotFound,
    Denied(String),
    TooLarge(u64),
    Unavailable(String),
}

/// Why evidence cannot be read.
#[derive(Debug)]
pub(crate) enum EvidenceError {
    /// Returned to the guest.
    Access(AccessError),
    /// Ends the call.
    Evaluation(EvaluationError),
}

impl From<AccessError> for EvidenceError {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

/// Bytes of a list item besides its strings.
const ITEM_BYTES: usize = 64;

/// The signer of an image or an attestation.
pub(crate) struct Signer {
    pub(crate) key_id: Option<String>,
    pub(crate) identity: Option<String>,
    pub(crate) issuer: Option<String>,
}

/// One attestation.
pub(crate) struct Statement {
    pub(crate) predicate_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) signers: Vec<Signer>,
}

/// One layer of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// The evidence of the images of one call, or none.
pub(crate) struct EvidenceView {
    /// By image; all others are denied.
    subjects: Result<BTreeMap<String, Subject>, Missing>,
}

/// Why a call has no evidence at all.
#[derive(Clone, Copy, Debug)]
enum Missing {
    /// The manifest does not request it.
    Permission,
    /// The caller has none.
    Evidence,
}

struct Subject {
    /// The image by digest; all others are denied.
    image: String,
    evidence: Evidence,
    blobs: Arc<dyn Blobs>,
    /// The last blob, as guests read blobs in parts.
    last: Option<(Digest, Arc<[u8]>)>,
    /// The parsed manifest, once it was needed.
    named: Option<Result<Arc<Manifest>, AccessError>>,
    /// Bytes read or hashed for the guest and not yet charged.
    work: usize,
}

/// The descriptors of the image's manifest (image-spec, `manifest.md`).
#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: Digest,
    media_type: String,
    size: u64,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl EvidenceView {
    /// For a call without the permission `evidence`.
    pub(crate) const fn none() -> Self {
        Self { subjects: Err(Missing::Permission) }
    }

    /// For a call of which nobody has collected evidence.
    pub(crate) const fn uncollected() -> Self {
        Self { subjects: Err(Missing::Evidence) }
    }

    /// What would give a call evidence that has none.
    pub(crate) const fn hint(&self) -> Option<&'static str> {
        match &self.subjects {
            Ok(_) => None,
            Err(Missing::Permission) => Some("add the permission `evidence` to its manifest"),
            Err(Missing::Evidence) => {
                Some("`assay run` and `assay plugin run` collect it with `--public-key` or an identity")
            }
        }
    }

    pub(crate) fn of(evidence: Vec<Evidence>, blobs: &Arc<dyn Blobs>) -> Self {
        let subject = |evidence: Evidence| {
            let (image, blobs) = (evidence.image.to_string(), Arc::clone(blobs));
            (image.clone(), Subject { image, evidence, blobs, last: None, named: None, work: 0 })
        };
        Self { subjects: Ok(evidence.into_iter().map(subject).collect()) }
    }

    /// Takes the number of bytes that were read or hashed for the guest since the last call.
    pub(crate) fn take_work(&mut self) -> usize {
        let done = self.subjects.iter_mut().flat_map(BTreeMap::values_mut);
        done.map(|subject| std::mem::take(&mut subject.work)).sum()
    }

    pub(crate) fn manifest(&self, image: &str) -> Result<Vec<u8>, EvidenceError> {
        Ok(self.subject(image)?.evidence.manifest.to_vec())
    }

    pub(crate) fn config(&self, image: &str) -> Result<Vec<u8>, EvidenceError> {
        let config = &self.subject(image)?.evidence.config;
        Ok(config.as_deref().ok_or(AccessError::NotFound)?.to_vec())
    }

    /// An index has no layers of its own.
    pub(crate) fn layers(&mut self, image: &str) -> Result<Vec<Layer>, EvidenceError> {
        let named = self.subject_mut(image)?.named()?;
        let layers = named.layers.as_ref().ok_or(AccessError::NotFound)?;
        let layer = |layer: Descriptor| Layer {
            digest: layer.digest.to_string(),
            media_type: layer.media_type,
            size: layer.size,
            annotations: layer.annotations.unwrap_or_default(),
        };
        Ok(layers.iter().cloned().map(layer).collect())
    }

    pub(crate) fn signatures(&self, image: &str) -> Result<Vec<Signer>, EvidenceError> {
        Ok(self.subject(image)?.evidence.signatures.iter().map(Signer::new).collect())
    }

    pub(crate) fn attestations(&self, image: &str) -> Result<Vec<Statement>, EvidenceError> {
        let statement = |attestation: &assay_model::evidence::Attestation| Statement {
            predicate_type: attestation.predicate_type.clone(),
            digest: attestation.digest.to_string(),
            size: attestation.statement.len() as u64,
            signers: attestation.signatures.iter().map(Signer::new).collect(),
        };
        Ok(self.subject(image)?.evidence.attestations.iter().map(statement).collect())
    }

    /// Bytes of a statement or of a blob in the manifest, from `offset` on: at most `length`, at most
    /// [`limits::READ_BYTES`], fewer at the end, none past it.
    pub(crate) fn read(&mut self, image: &str, blob: &str, offset: u64, length: u32) -> Result<Vec<u8>, EvidenceError> {
        let blob: Digest = blob.parse().map_err(|_| AccessError::NotFound)?;
        let bytes = self.subject_mut(image)?.bytes(blob)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(limits::READ_BYTES);
        Ok(part(&bytes, usize::try_from(offset).unwrap_or(usize::MAX), length).to_vec())
    }

    fn subject(&self, image: &str) -> Result<&Subject, AccessError> {
        let found = self.subjects.as_ref().ok().and_then(|subjects| subjects.get(image));
        found.ok_or_else(|| self.denied(image))
    }

    fn subject_mut(&mut self, image: &str) -> Result<&mut Subject, AccessError> {
        self.subject(image)?;
        self.subjects.as_mut().ok().and_then(|subjects| subjects.get_mut(image)).ok_or(AccessError::NotFound)
    }

    /// Why the evidence of this image is denied.
    fn denied(&self, image: &str) -> AccessError {
        let other = text::one_line(image, 300);
        AccessError::Denied(match &self.subjects {
            Err(Missing::Permission) => {
                "the manifest of the plugin does not request the permission `evidence`".to_owned()
            }
            Err(Missing::Evidence) => "no evidence was collected for this call".to_owned(),
            Ok(subjects) => match subjects.keys().next() {
                Some(own) if subjects.len() == 1 => {
                    format!("this call may read the evidence of {own}, not of `{other}`")
                }
                _ => format!("this call may not read the evidence of `{other}`, which is not in the Snapshot"),
            },
        })
    }
}

impl Subject {
    /// The descriptors of the manifest, which is parsed once.
    fn named(&mut self) -> Result<Arc<Manifest>, AccessError> {
        if let Some(named) = &self.named {
            return named.clone();
        }
        self.work = self.work.saturating_add(self.evidence.manifest.len());
        let named = serde_json::from_slice(&self.evidence.manifest).map(Arc::new).map_err(|error| {
            AccessError::Unavailable(format!("the manifest of {} is not an image manifest: {error}", self.image))
        });
        self.named.insert(named).clone()
    }

    fn bytes(&mut self, blob: Digest) -> Result<Arc<[u8]>, EvidenceError> {
        self.work = self.work.saturating_add(self.evidence.attestations.len());
        if let Some(statement) = self.evidence.attestations.iter().find(|attestation| attestation.digest == blob) {
            return Ok(Arc::clone(&statement.statement));
        }
        if let Some((last, bytes)) = &self.last
            && *last == blob
        {
            return Ok(Arc::clone(bytes));
        }
        let named = self.named()?;
        let Manifest { config, layers } = &*named;
        if config.as_ref().is_some_and(|config| config.digest == blob)
            && let Some(bytes) = &self.evidence.config
        {
            return Ok(Arc::clone(bytes));
        }
        self.work = self.work.saturating_add(layers.as_ref().map_or(0, Vec::len));
        let named = config.iter().chain(layers.iter().flatten()).find(|named| named.digest == blob);
        let size = named.ok_or(AccessError::NotFound)?.size;
        if size > BLOB_BYTES {
            return Err(AccessError::TooLarge(size).into());
        }
        let bytes = self.blobs.blob(&self.evidence.image.repository, &blob).map_err(EvidenceError::Evaluation)?;
        // It was fetched and hashed; a guest that alternates between two blobs causes this each time.
        self.work = self.work.saturating_add(bytes.len());
        self.last = Some((blob, Arc::clone(&bytes)));
        Ok(bytes)
    }
}

impl Statement {
    /// Its approximate size in the guest.
    pub(crate) fn size(&self) -> usize {
        let signers: usize = self.signers.iter().map(Signer::size).sum();
        ITEM_BYTES + self.predicate_type.len() + self.digest.len() + signers
    }
}

impl Layer {
    /// Its approximate size in the guest.
    pub(crate) fn size(&self) -> usize {
        let annotations: usize = self.annotations.iter().map(|(key, value)| ITEM_BYTES + key.len() + value.len()).sum();
        ITEM_BYTES + self.digest.len() + self.media_type.len() + annotations
    }
}

impl Signer {
    /// Its approximate size in the guest.
    pub(crate) fn size(&self) -> usize {
        let texts = [&self.key_id, &self.identity, &self.issuer];
        ITEM_BYTES + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }

    /// The keys of a certificate's metadata are those of `ec`'s reports.
    fn new(signature: &Signature) -> Self {
        let metadata = |names: &[&str]| names.iter().find_map(|name| signature.metadata.get(*name)).cloned();
        Self {
            key_id: Some(signature.keyid.clone()).filter(|keyid| !keyid.is_empty()),
            identity: metadata(&["Subject Alternative Name"]),
            issuer: metadata(&["Fulcio Issuer (V2)", "Fulcio Issuer"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_model::image::{PinnedImage, Repository};

    use super::*;

    struct NoBlobs;

    impl Blobs for NoBlobs {
        fn blob(&self, _: &Repository, _: &Digest) -> Result<Arc<[u8]>, EvaluationError> {
            unreachable!("nothing names a blob")
        }
    }

    fn view(manifest: &str) -> (String, EvidenceView) {
        let image = format!("r.example/a@{}", Digest::of(manifest.as_bytes()));
        let evidence = Evidence {
            image: PinnedImage::parse(&image).unwrap(),
            media_type: String::new(),
            manifest: Arc::from(manifest.as_bytes()),
            config: None,
            base_image: None,
            files: std::collections::BTreeMap::new(),
            signatures: Vec::new(),
            attestations: Vec::new(),
            notices: vec![],
            checks: Vec::new(),
        };
        (image, EvidenceView::of(vec![evidence], &(Arc::new(NoBlobs) as Arc<dyn Blobs>)))
    }

    #[test]
    fn without_the_permission_evidence_is_denied() {
        let (image, _) = view("{}");
        let mut none = EvidenceView::none();
        assert!(none.hint().unwrap().contains("to its manifest"));
        assert!(EvidenceView::uncollected().hint().unwrap().contains("--public-key"));
        let denied =
            |result: Result<(), EvidenceError>| matches!(result, Err(EvidenceError::Access(AccessError::Denied(_))));
        assert!(denied(none.manifest(&image).map(drop)) && denied(none.config(&image).map(drop)));
        assert!(denied(none.layers(&image).map(drop)) && denied(none.signatures(&image).map(drop)));
        assert!(denied(none.attestations(&image).map(drop)));
        assert!(denied(none.read(&image, &Digest::of(b"").to_string(), 0, 1).map(drop)));
    }

    #[test]
    fn an_index_has_neither_config_nor_layers() {
        let (image, mut view) = view(r#"{"manifests": []}"#);
        let absent =
            |result: Result<(), EvidenceError>| matches!(result, Err(EvidenceError::Access(AccessError::NotFound)));
        assert!(absent(view.config(&image).map(drop)) && absent(view.layers(&image).map(drop)));
        assert!(absent(view.read(&image, &Digest::of(b"").to_string(), 0, 1).map(drop)));
    }

    #[test]
    fn layers_of_an_invalid_manifest_are_unavailable() {
        for odd in ["", "[]", r#"{"layers": [{"digest": "md5:0", "mediaType": "m", "size": 1}]}"#] {
            let (image, mut view) = view(odd);
            assert!(matches!(view.layers(&image), Err(EvidenceError::Access(AccessError::Unavailable(_)))), "{odd}");
        }
    }

    #[test]
    fn bytes_read_and_hashed_for_a_guest_are_counted_and_a_manifest_is_parsed_once() {
        struct Blob;
        impl Blobs for Blob {
            fn blob(&self, _: &Repository, _: &Digest) -> Result<Arc<[u8]>, EvaluationError> {
                Ok(Arc::from([0_u8; 1_000].as_slice()))
            }
        }
        let digests = [Digest::of(b"a"), Digest::of(b"b")];
        let layer = |digest: &Digest| format!(r#"{{"digest": "{digest}", "mediaType": "m", "size": 1000}}"#);
        let manifest = format!(r#"{{"layers": [{}, {}]}}"#, layer(&digests[0]), layer(&digests[1]));
        let (image, mut view) = view(&manifest);
        view.subjects.as_mut().unwrap().values_mut().next().unwrap().blobs = Arc::new(Blob);
        assert!(view.layers(&image).is_ok() && view.layers(&image).is_ok());
        assert_eq!((view.take_work(), view.take_work()), (manifest.len(), 0));
        for turn in 0..10 {
            view.read(&image, &digests[turn % 2].to_string(), 0, 1).unwrap();
        }
        assert!((10_000..10_100).contains(&view.take_work()));
        for _ in 0..10 {
            view.read(&image, &digests[1].to_string(), 0, 1).unwrap();
        }
        assert!(view.take_work() < 100, "the last blob is kept");
    }

    #[test]
    fn a_signer_has_the_identity_and_issuer_of_its_certificate() {
        let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let signature = Signature {
            keyid: String::new(),
            sig: String::new(),
            certificate: None,
            chain: Vec::new(),
            metadata: [entry("Subject Alternative Name", "URIs:w"), entry("Fulcio Issuer", "i")].into(),
        };
        let signer = Signer::new(&signature);
        assert_eq!(
            (signer.key_id, signer.identity.as_deref(), signer.issuer.as_deref()),
            (None, Some("URIs:w"), Some("i"))
        );
    }
}
