//! [`Members`]: the files of an archive in their order, each with its header and the bytes that are not content.
//!
//! The writer and the check both go by this, so an archive has one form only.

use std::collections::BTreeMap;

use assay_model::digest::Digest;
use serde_json::{Value, json};

use super::{
    EVIDENCE_TYPE,
    record::{ArchivedContent, EvidenceRecord},
};
use crate::store::OCI_MANIFEST;

/// The size of a block of a tar file.
pub(super) const BLOCK: usize = 512;
/// The blocks of zeros at the end of a tar file.
pub(super) const END: usize = 2 * BLOCK;
/// The version of image layouts.
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// The empty config of OCI (image-spec `manifest.md`) is not used: the record is the config.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The name of the record's manifest in the index.
const EVIDENCE_NAME: &str = "evidence";

/// The files of an archive.
pub(super) struct Members {
    /// The contents that are not held here, with their sizes.
    contents: BTreeMap<Digest, u64>,
    /// Blobs that are: the record and its manifest.
    own: BTreeMap<Digest, Vec<u8>>,
    index: Vec<u8>,
}

/// The bytes of a file.
pub(super) enum Body<'a> {
    Bytes(&'a [u8]),
    Content(&'a Digest, u64),
}

impl Members {
    /// The files for a record, whose bytes are given. The error is what is wrong with it.
    pub(super) fn of(record: &EvidenceRecord, bytes: Vec<u8>) -> Result<Self, String> {
        let contents = record.contents()?;
        let about = ArchivedContent { digest: Digest::of(&bytes), size: length(&bytes) };
        let manifest = manifest(record, &about);
        let about_manifest = ArchivedContent { digest: Digest::of(&manifest), size: length(&manifest) };
        let index = index(record, &about_manifest);
        let own = [(about.digest, bytes), (about_manifest.digest, manifest)].into();
        Ok(Self { contents, own, index })
    }

    /// The files by their names, sorted.
    pub(super) fn in_order(&self) -> BTreeMap<String, Body<'_>> {
        let blob = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
        let contents = self.contents.iter().map(|(digest, size)| (blob(digest), Body::Content(digest, *size)));
        let own = self.own.iter().map(|(digest, bytes)| (blob(digest), Body::Bytes(bytes)));
        let fixed = [
            ("index.json".to_owned(), Body::Bytes(self.index.as_slice())),
            ("oci-layout".to_owned(), Body::Bytes(LAYOUT)),
        ];
        contents.chain(own).chain(fixed).collect()
    }
}

impl Body<'_> {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => length(bytes),
            Self::Content(_, size) => *size,
        }
    }
}

/// The header of a file: no owner, no time.
pub(super) fn header(name: &str, size: u64) -> std::io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

/// The zeros between the end of a file and that of its block.
pub(super) fn padding(size: u64) -> usize {
    let block = BLOCK as u64;
    usize::try_from((block - size % block) % block).unwrap_or_default()
}

/// The manifest that names the record and what stands for itself.
fn manifest(record: &EvidenceRecord, about: &ArchivedContent) -> Vec<u8> {
    let layers = record.documents().into_iter().map(|(media_type, title, content)| {
        json!({
            "mediaType": media_type,
            "digest": content.digest,
            "size": content.size,
            "annotations": {"org.opencontainers.image.title": title},
        })
    });
    let document = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": EVIDENCE_TYPE,
        "config": {"mediaType": EVIDENCE_TYPE, "digest": about.digest, "size": about.size},
        "layers": layers.collect::<Vec<Value>>(),
    });
    document.to_string().into_bytes()
}

/// The index: manifests by tag, those without one by digest, and last the record's.
fn index(record: &EvidenceRecord, about: &ArchivedContent) -> Vec<u8> {
    let mut entries = Vec::new();
    for (repository, answers) in &record.repositories {
        let entry = |name: String, digest: &Digest| {
            let manifest = answers.manifests.get(digest).and_then(|answer| answer.found())?;
            Some(json!({
                "mediaType": manifest.media_type,
                "digest": digest,
                "size": manifest.size,
                "annotations": {REF_NAME: name},
            }))
        };
        let tagged = |digest: &Digest| answers.tags.values().any(|answer| answer.found() == Some(digest));
        entries.extend(answers.tags.iter().filter_map(|(tag, answer)| {
            answer.found().and_then(|digest| entry(format!("{repository}:{tag}"), digest))
        }));
        let untagged = answers.manifests.keys().filter(|digest| !tagged(digest));
        entries.extend(untagged.filter_map(|digest| entry(format!("{repository}@{digest}"), digest)));
    }
    entries.push(json!({
        "mediaType": OCI_MANIFEST,
        "artifactType": EVIDENCE_TYPE,
        "digest": about.digest,
        "size": about.size,
        "annotations": {REF_NAME: EVIDENCE_NAME},
    }));
    json!({"schemaVersion": 2, "manifests": entries}).to_string().into_bytes()
}

pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
