//! [`EvidenceRecord`]: which request had which answer when an archive was made.

use std::collections::BTreeMap;

use assay_model::{
    digest::Digest,
    error::EvaluationError,
    limits,
    memory::Memory,
    strict::{self, Shape},
};
use serde::{Deserialize, Serialize};

use super::RECORD_MEMORY;
use crate::store::{Descriptor, Referrer};

/// The version of the document.
const VERSION: u32 = 1;

/// The answers of registries, repositories, servers and clusters, by what was requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EvidenceRecord {
    schema_version: u32,
    /// What registries answered, by repository with its registry.
    #[serde(default)]
    pub repositories: BTreeMap<String, RepositoryAnswers>,
    /// Commits of git repositories by address and reference; an empty reference is the repository's default.
    #[serde(default)]
    pub git: BTreeMap<String, BTreeMap<String, GitAnswer>>,
    /// Files of web servers by their addresses.
    #[serde(default)]
    pub files: BTreeMap<String, ArchivedContent>,
    /// Objects of a cluster by kind and name.
    #[serde(default)]
    pub cluster: BTreeMap<String, ArchivedContent>,
    /// Plugins by the names of their files.
    #[serde(default)]
    pub plugins: BTreeMap<String, ArchivedContent>,
    /// The trust root of keyless signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_root: Option<ArchivedContent>,
}

/// What a registry answered about one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepositoryAnswers {
    /// The digest of each tag.
    #[serde(default)]
    pub tags: BTreeMap<String, Answer<Digest>>,
    /// Manifests by digest.
    #[serde(default)]
    pub manifests: BTreeMap<Digest, Answer<ManifestAnswer>>,
    /// The sizes of blobs by digest.
    #[serde(default)]
    pub blobs: BTreeMap<Digest, Answer<u64>>,
    /// What refers to an image; absent where the registry makes no such lists.
    #[serde(default)]
    pub referrers: BTreeMap<Digest, Answer<Vec<ReferrerAnswer>>>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer<T> {
    /// It was there.
    Found(T),
    /// There was no such thing.
    Absent,
    /// It could not be had.
    Failed(EvaluationError),
}

/// A manifest that was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestAnswer {
    /// Its media type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
}

/// A manifest that refers to an image, as a registry listed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReferrerAnswer {
    artifact_type: String,
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Content of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArchivedContent {
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// The commit that a reference named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitAnswer {
    /// The commit.
    pub commit: String,
    /// The pack with all of its files.
    pub pack: ArchivedContent,
}

impl Default for EvidenceRecord {
    fn default() -> Self {
        Self {
            schema_version: VERSION,
            repositories: BTreeMap::new(),
            git: BTreeMap::new(),
            files: BTreeMap::new(),
            cluster: BTreeMap::new(),
            plugins: BTreeMap::new(),
            trust_root: None,
        }
    }
}

impl EvidenceRecord {
    /// Reads a record. The error is what is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = strict::check(bytes, &Shape::Any, &Memory::of(RECORD_MEMORY))?;
        let record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if record.schema_version != VERSION {
            return Err(format!("its version is {}, not {VERSION}", record.schema_version));
        }
        let count = record.contents()?.len();
        if count > limits::LAYOUT_ENTRIES {
            return Err(format!("it names {count} contents, over the limit of {}", limits::LAYOUT_ENTRIES));
        }
        Ok(record)
    }

    /// How many contents it names, and their bytes.
    #[must_use]
    pub fn totals(&self) -> (usize, u64) {
        let contents = self.contents().unwrap_or_default();
        (contents.len(), contents.values().fold(0, |all, size| all.saturating_add(*size)))
    }

    /// The bytes of the document.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Only maps with keys of another kind than text could fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The contents that stand for themselves, each with its media type and title.
    pub(super) fn documents(&self) -> Vec<(&'static str, String, &ArchivedContent)> {
        let mut documents = Vec::new();
        for (address, references) in &self.git {
            for (reference, answer) in references {
                let title = if reference.is_empty() { address.clone() } else { format!("{address}?ref={reference}") };
                documents.push(("application/x-git-packed-objects", title, &answer.pack));
            }
        }
        let others = [
            ("application/octet-stream", &self.files),
            ("application/json", &self.cluster),
            ("application/wasm", &self.plugins),
        ];
        for (media_type, contents) in others {
            documents.extend(contents.iter().map(|(title, content)| (media_type, title.clone(), content)));
        }
        if let Some(root) = &self.trust_root {
            documents.push(("application/vnd.dev.sigstore.trustedroot+json", "trusted root".to_owned(), root));
        }
        documents
    }

    /// Every content with its size. The error names one that has two sizes.
    pub(super) fn contents(&self) -> Result<BTreeMap<Digest, u64>, String> {
        let mut contents = BTreeMap::new();
        let mut add = |digest: &Digest, size: u64| match contents.insert(digest.clone(), size) {
            Some(other) if other != size => Err(format!("it gives {digest} {other} and {size} bytes")),
            _ => Ok(()),
        };
        for answers in self.repositories.values() {
            for (digest, answer) in &answers.manifests {
                answer.found().map_or(Ok(()), |manifest| add(digest, manifest.size))?;
            }
            for (digest, answer) in &answers.blobs {
                answer.found().map_or(Ok(()), |size| add(digest, *size))?;
            }
            for (tag, answer) in &answers.tags {
                let is_there = |digest| answers.manifests.get(digest).is_some_and(|answer| answer.found().is_some());
                if answer.found().is_some_and(|digest| !is_there(digest)) {
                    return Err(format!("it lacks the manifest of the tag `{tag}`"));
                }
            }
        }
        self.documents().into_iter().try_for_each(|(_, _, content)| add(&content.digest, content.size))?;
        Ok(contents)
    }
}

impl<T> Answer<T> {
    /// What was there.
    pub const fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Absent | Self::Failed(_) => None,
        }
    }

    /// The later answer of two: what was there once stays.
    pub(super) fn merge(&mut self, later: Self) {
        if !matches!(self, Self::Found(_)) {
            *self = later;
        }
    }
}

impl From<&Referrer> for ReferrerAnswer {
    fn from(Referrer { descriptor, artifact_type }: &Referrer) -> Self {
        let Descriptor { media_type, digest, size, annotations } = descriptor.clone();
        Self { artifact_type: artifact_type.clone(), media_type, digest, size, annotations }
    }
}

impl From<ReferrerAnswer> for Referrer {
    fn from(answer: ReferrerAnswer) -> Self {
        let ReferrerAnswer { artifact_type, media_type, digest, size, annotations } = answer;
        Self { descriptor: Descriptor { media_type, digest, size, annotations }, artifact_type }
    }
}
